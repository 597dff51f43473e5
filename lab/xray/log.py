"""Events put together again: one record per request with everything that happened in its course."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from lab.events import Event


@dataclass(slots=True)
class Exchange:
    """One request and what it led to.

    Attributes:
        request: The ``request`` event.
        decisions: Policy decisions on the way.
        sse: Which encryption was chosen, for writes.
        kms: Calls to KMS, by the client or by S3 in its name.
        cached: Uses of a cached bucket-level key.
        stored: What was sealed.
        answer: None while it has not been sent.
    """

    request: Event
    decisions: list[Event] = field(default_factory=list)
    sse: list[Event] = field(default_factory=list)
    kms: list[Event] = field(default_factory=list)
    cached: list[Event] = field(default_factory=list)
    stored: list[Event] = field(default_factory=list)
    answer: Event | None = None

    @property
    def operation(self) -> str:
        """Name of the operation; '' where it was not recognized."""
        return str(self.request.data["operation"])

    @property
    def status(self) -> int:
        """HTTP status, 0 while unanswered."""
        return int(self.answer.data["status"]) if self.answer is not None else 0

    @property
    def code(self) -> str:
        """Error code, '' for none."""
        return str(self.answer.data["code"] or "") if self.answer is not None else ""

    @property
    def message(self) -> str:
        """Error message, '' for none."""
        return str(self.answer.data["message"] or "") if self.answer is not None else ""


def exchanges(events: Iterable[Event], origin: str | None = "learner") -> list[Exchange]:
    """Group events by request, in the order of the requests.

    Args:
        events: Oldest first.
        origin: Whose requests; None for everybody's.
    """
    found: dict[str, Exchange] = {}
    early: dict[str, list[Event]] = {}
    for event in events:
        request_id = event.data.get("request_id")
        if request_id is None or (origin is not None and event.origin != origin):
            continue
        if event.step == "request":
            found[request_id] = Exchange(event)
            for earlier in early.pop(request_id, []):
                _file(found[request_id], earlier)
        elif request_id in found:
            _file(found[request_id], event)
        else:
            early.setdefault(request_id, []).append(event)
    return list(found.values())


def _file(exchange: Exchange, event: Event) -> None:
    if event.step == "answer":
        exchange.answer = event
        return
    lists = {
        "decision": exchange.decisions,
        "sse": exchange.sse,
        "kms": exchange.kms,
        "bucket_key": exchange.cached,
        "stored": exchange.stored,
    }
    if event.step in lists:
        lists[event.step].append(event)


def principal_name(arn: str) -> str:
    """A short name for an ARN: the user's, or the role's of an assumed-role session."""
    if ":assumed-role/" in arn:
        return arn.split("/")[1]
    return arn.rsplit("/", 1)[-1] if "/" in arn else arn.rsplit(":", 1)[-1]


def key_name(arn: str | None) -> str:
    """A short name for a KMS key: the first eight digits of its id."""
    if not arn:
        return "no key"
    return "key " + arn.rsplit("/", 1)[-1][:8]
