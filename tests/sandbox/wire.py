"""Requests as real clients send them: what boto3 would put on the wire becomes a Request."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qsl, urlencode, urlsplit

import boto3
from botocore.awsrequest import AWSPreparedRequest
from botocore.config import Config

from lab.sandbox.body import RequestBody
from lab.sandbox.clock import Clock
from lab.sandbox.core import Sandbox
from lab.sandbox.exchange import Connection, Exchange, Headers, Request
from lab.sandbox.identity import ANONYMOUS, Credential, Identity
from lab.sandbox.realm import Realm

KEY_ID = "AKIALABEXAMPLE000001"
SECRET = "labsecret/with+signs=and0123456789abcdef"
SESSION_KEY_ID = "ASIALABEXAMPLE000001"
TOKEN = "a-session-token/with+signs=="

ALICE = Identity("user", "111122223333", "arn:aws:iam::111122223333:user/alice", "arn:aws:iam::111122223333:user/alice",
                 "AIDAALICE", "alice", KEY_ID)  # fmt: skip


@dataclass(slots=True)
class FakeRealms:
    """Credentials and buckets by name; the rest of the protocol is not asked here."""

    realm: Realm = field(default_factory=lambda: Realm("ex", "ex"))
    credentials: dict[str, Credential] = field(default_factory=dict)
    buckets: set[str] = field(default_factory=lambda: {"public"})

    def credential(self, access_key_id: str) -> tuple[Credential, Realm] | None:
        found = self.credentials.get(access_key_id)
        return None if found is None else (found, self.realm)

    def of_bucket(self, bucket: str) -> Realm | None:
        return self.realm if bucket in self.buckets else None


def credentials() -> dict[str, Credential]:
    """A user's key and a session's."""
    return {
        KEY_ID: Credential(KEY_ID, SECRET, None, ALICE, "ex"),
        SESSION_KEY_ID: Credential(SESSION_KEY_ID, SECRET, TOKEN, ALICE, "ex", expires_at=time.time() + 3600),
    }


def sandbox(realms: FakeRealms | None = None) -> Sandbox:
    """A sandbox of which only clock and realms are used."""
    nothing = cast("Any", None)
    return Sandbox(
        state_dir=Path("/nonexistent"),
        persistent=False,
        clock=Clock(),
        log=nothing,
        realms=cast("Any", realms or FakeRealms(credentials=credentials())),
        kms=nothing,
        blobs=nothing,
    )


def exchange(request: Request, world: Sandbox | None = None) -> Exchange:
    return Exchange(world or sandbox(), request, ANONYMOUS, Realm("", ""))


def client(service: str, *, endpoint: str = "https://localhost:4566", session: bool = False, **config: Any) -> Any:
    """A boto3 client with the lab's credentials that can only be captured from."""
    return boto3.client(
        service,  # type: ignore[call-overload]  # any service
        region_name="us-east-1",
        endpoint_url=endpoint,
        aws_access_key_id=SESSION_KEY_ID if session else KEY_ID,
        aws_secret_access_key=SECRET,
        aws_session_token=TOKEN if session else None,
        config=Config(retries={"total_max_attempts": 1}, **config),
    )


class Captured(Exception):  # noqa: N818 - nothing went wrong
    def __init__(self, prepared: AWSPreparedRequest) -> None:
        super().__init__("captured")
        self.prepared = prepared


def capture(boto_client: Any, operation: str, **parameters: Any) -> Request:
    """The request that this call would send."""

    def stop(request: AWSPreparedRequest, **_: Any) -> None:
        raise Captured(request)

    boto_client.meta.events.register_first("before-send.*.*", stop)
    try:
        getattr(boto_client, operation)(**parameters)
    except Captured as captured:
        return from_prepared(captured.prepared)
    raise AssertionError("nothing was sent")


def from_prepared(prepared: AWSPreparedRequest) -> Request:
    headers = [(name, _text(value)) for name, value in prepared.headers.items()]
    body: Any = prepared.body
    if hasattr(body, "read"):
        body = body.read()
    return build(prepared.method, prepared.url, headers, body or b"")


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def build(method: str, url: str, headers: list[tuple[str, str]] | None = None, body: bytes | str = b"") -> Request:
    """A request as the listener builds it; Host is added where it is missing."""
    split = urlsplit(url)
    target = (split.path or "/") + (f"?{split.query}" if split.query else "")
    items = list(headers or [])
    if not any(name.lower() == "host" for name, _ in items):
        items.insert(0, ("Host", split.netloc))
    return from_target(method, target, items, body.encode() if isinstance(body, str) else body, split.scheme or "http")


def from_target(
    method: str, target: str, headers: list[tuple[str, str]], body: bytes = b"", scheme: str = "http"
) -> Request:
    path, _, query = target.partition("?")
    kept = Headers(headers)
    secure = scheme == "https"
    return Request(
        connection=Connection(1, "https" if secure else "http", 1, "TLSv1.3" if secure else None),
        request_id="0123456789ABCDEF",
        at=time.time(),
        method=method,
        target=target,
        path=path,
        query=tuple(parse_qsl(query, keep_blank_values=True)),
        headers=kept,
        body=RequestBody(kept, pieces(body)),
    )


def pieces(body: bytes, size: int = 1000) -> Iterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


def changed(request: Request, change: Callable[[list[tuple[str, str]]], None], body: bytes = b"") -> Request:
    """A copy with other headers."""
    items = list(request.headers.items)
    change(items)
    return from_target(request.method, request.target, items, body, request.connection.scheme)


def encode(fields: dict[str, Any]) -> str:
    """Query text or a form, as botocore writes it."""
    pairs: list[tuple[str, str]] = []
    for name, value in fields.items():
        values = value if isinstance(value, list) else [value]
        pairs += [(name, str(item).lower() if isinstance(item, bool) else str(item)) for item in values]
    return urlencode(pairs)
