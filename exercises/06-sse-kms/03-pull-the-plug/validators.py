"""What 6.3 checks: the order of requests in the log, and the key's state now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lab.exercise.api import Event, Verdict, World, not_yet, passed


@dataclass(frozen=True)
class Request:
    """One S3 request of the learner's, with its answer."""

    seq: int
    operation: str
    key: str
    status: int
    code: str


def refused(world: World) -> Verdict:
    """While the key was disabled, a GET of kms.txt and a PUT of new.txt were refused with KMS.DisabledException."""
    log = world.events()
    spans = _disabled_spans(log, world.name("key.main"))
    if not spans:
        if any(event.data["operation"] == "ScheduleKeyDeletion" for event in _key_calls(log)):
            return not_yet("scheduled-deletion")
        return not_yet("not-disabled")
    requests = _requests(log)
    inside = [request for request in requests if _within(request.seq, spans)]
    if not any(request.operation == "GetObject" and request.key == "kms.txt" for request in inside):
        return not_yet(_missing(requests, "GetObject", "kms.txt", "get-not-tried"), when=_when(spans))
    writes = [request for request in inside if request.operation == "PutObject" and request.key == "new.txt"]
    if not writes:
        return not_yet(_missing(requests, "PutObject", "new.txt", "put-not-tried"), when=_when(spans))
    if not any(request.code == "KMS.DisabledException" for request in writes):
        return not_yet("put-not-under-key", status=writes[-1].status, code=writes[-1].code or "none")
    reads = [request for request in inside if request.operation == "GetObject" and request.key == "kms.txt"]
    if not any(request.code == "KMS.DisabledException" for request in reads):
        return not_yet("unknown-state", get_status=reads[-1].status, get_code=reads[-1].code)
    return passed()


def _missing(requests: Sequence[Request], operation: str, key: str, code: str) -> str:
    tried = any(request.operation == operation and request.key == key for request in requests)
    return "tried-too-early" if tried else code


def _when(spans: Sequence[tuple[int, int | None]]) -> str:
    return "now" if spans[-1][1] is None else "while it was disabled"


def unaffected(world: World) -> Verdict:
    """While the key was disabled, a GET of s3.txt succeeded."""
    log = world.events()
    spans = _disabled_spans(log, world.name("key.main"))
    reads = [request for request in _requests(log) if (request.operation, request.key) == ("GetObject", "s3.txt")]
    inside = [request for request in reads if _within(request.seq, spans)]
    if any(request.status == 200 for request in inside):
        return passed()
    if inside:
        return not_yet("unknown-state", status=inside[-1].status, code=inside[-1].code)
    return not_yet("s3-too-early" if reads else "s3-not-tried")


def restored(world: World) -> Verdict:
    """The key is enabled, and kms.txt was read after it was enabled."""
    state = world.clients().kms.describe_key(KeyId=world.name("key.main"))["KeyMetadata"].get("KeyState", "")
    log = world.events()
    if state == "PendingDeletion":
        return not_yet("pending-deletion")
    if state != "Enabled":
        cancelled = any(event.data["operation"] == "CancelKeyDeletion" for event in _key_calls(log))
        return not_yet("cancelled-only" if cancelled else "still-disabled", state=state)
    enabled = [event.seq for event in _key_calls(log) if event.data["operation"] == "EnableKey"]
    if not enabled:
        return not_yet("not-disabled")
    reads = [request for request in _requests(log) if (request.operation, request.key) == ("GetObject", "kms.txt")]
    if not any(request.status == 200 and request.seq > enabled[-1] for request in reads):
        return not_yet("not-read-again")
    return passed()


def answer_get_kms(events: Sequence[Event]) -> str | None:
    """What the first GET of kms.txt with the key disabled gave."""
    return _first_answer(events, "GetObject", "kms.txt")


def answer_get_s3(events: Sequence[Event]) -> str | None:
    """What the first GET of s3.txt with the key disabled gave."""
    return _first_answer(events, "GetObject", "s3.txt")


def answer_put_new(events: Sequence[Event]) -> str | None:
    """What the first PUT of new.txt with the key disabled gave."""
    return _first_answer(events, "PutObject", "new.txt")


def _first_answer(events: Sequence[Event], operation: str, key: str) -> str | None:
    spans = _disabled_spans(events, None)
    for request in _requests(events):
        if (request.operation, request.key) == (operation, key) and _within(request.seq, spans):
            return str(request.status)
    return None


def figures(world: World) -> Mapping[str, str]:
    """How many calls KMS refused for the key's state."""
    calls = [event for event in world.events(step="kms") if event.data["outcome"] == "DisabledException"]
    return {"refused_calls": str(len(calls))}


def _key_calls(events: Sequence[Event]) -> list[Event]:
    return [
        event for event in events if event.step == "kms" and event.data["via"] is None and event.data["outcome"] == "ok"
    ]


def _disabled_spans(events: Sequence[Event], key_arn: str | None) -> list[tuple[int, int | None]]:
    """From each DisableKey to the EnableKey after it, in sequence numbers; None for a span that is still open."""
    spans: list[tuple[int, int | None]] = []
    for event in _key_calls(events):
        if key_arn is not None and event.data["key_arn"] != key_arn:
            continue
        is_open = bool(spans) and spans[-1][1] is None
        if event.data["operation"] == "DisableKey" and not is_open:
            spans.append((event.seq, None))
        elif event.data["operation"] in ("EnableKey", "ScheduleKeyDeletion") and is_open:
            spans[-1] = (spans[-1][0], event.seq)
    return spans


def _within(seq: int, spans: Sequence[tuple[int, int | None]]) -> bool:
    return any(start < seq and (end is None or seq < end) for start, end in spans)


def _requests(events: Sequence[Event]) -> list[Request]:
    answers = {event.data["request_id"]: event for event in events if event.step == "answer"}
    found = []
    for event in events:
        if event.step != "request" or event.data["service"] != "s3":
            continue
        answer = answers.get(event.data["request_id"])
        if answer is None:
            continue
        found.append(
            Request(
                seq=event.seq,
                operation=event.data["operation"],
                key=event.data["key"] or "",
                status=int(answer.data["status"]),
                code=answer.data["code"] or "",
            )
        )
    return found
