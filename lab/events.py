"""What can happen in the sandbox, as the rest of the lab reads it: one event type and the data of each step.

The sandbox emits these as JSON lines over its control socket and never imports this module; a contract test
compares what it sends with what stands here. Nothing in an event is secret: keys appear as lengths and MD5s,
bodies as sizes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Literal

Origin = Literal["learner", "world", "validator"]

Step = Literal[
    "connection",  # a TCP connection was accepted
    "tls",  # a handshake ended, well or badly
    "request",  # a request was read and recognized
    "decision",  # policies were evaluated for one action
    "sse",  # which encryption applies to a write, and who decided it
    "kms",  # one call to KMS, by a client or by S3 in a client's name
    "bucket_key",  # S3 used a cached bucket-level key and KMS was not called
    "stored",  # an object version or part was sealed and stored
    "answer",  # the response was sent
]

STEPS: Final[tuple[str, ...]] = (
    "connection",
    "tls",
    "request",
    "decision",
    "sse",
    "kms",
    "bucket_key",
    "stored",
    "answer",
)

#: The members that ``data`` always has, by step; more may follow, none of these goes away.
DATA_MEMBERS: Final[dict[str, frozenset[str]]] = {
    "connection": frozenset({"scheme", "port"}),
    "tls": frozenset({"version", "cipher", "sni", "error"}),
    "request": frozenset(
        {
            "request_id", "service", "operation", "method", "target", "host", "bucket", "key", "version_id",
            "headers", "scheme", "tls_version", "signature", "access_key_id", "content_length", "customer_key",
        }
    ),
    "decision": frozenset({"request_id", "action", "resource", "allowed", "reason", "denied_by", "trace"}),
    "sse": frozenset(
        {"request_id", "operation", "bucket", "key", "decided_by", "requested", "bucket_default", "algorithm",
         "kms_key_arn", "bucket_key_enabled", "context"}
    ),
    "kms": frozenset(
        {"request_id", "operation", "key_arn", "key_state", "via", "context", "caller", "outcome", "message"}
    ),
    "bucket_key": frozenset({"request_id", "use", "key_arn", "bucket", "caller"}),
    "stored": frozenset({"request_id", "bucket", "key", "version_id", "part_number", "size", "etag", "envelope"}),
    "answer": frozenset({"request_id", "status", "code", "message", "headers", "bytes_sent", "milliseconds"}),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened in the sandbox.

    Attributes:
        seq: Rises by one per event over the sandbox's whole life; order is by this, never by time.
        at: Seconds since the epoch on the sandbox's clock.
        origin: Whose credentials were used. Only ``learner`` events trigger checks or are counted.
        exercise: Stable id of the exercise whose world this happened in; empty before a request is attributed.
        principal: ARN of the caller; empty where there is none yet.
        connection: Number of the TCP connection, 0 where there is none.
        step: What kind of thing happened.
        data: The facts, with at least ``DATA_MEMBERS[step]``.
    """

    seq: int
    at: float
    origin: Origin
    exercise: str
    principal: str
    connection: int
    step: str
    data: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, line: dict[str, Any]) -> Event:
        """Build an event from one decoded JSON line of the control socket; unknown members are ignored."""
        return cls(
            seq=int(line["seq"]),
            at=float(line["at"]),
            origin=line["origin"],
            exercise=str(line["exercise"]),
            principal=str(line["principal"]),
            connection=int(line["connection"]),
            step=str(line["step"]),
            data=dict(line["data"]),
        )
