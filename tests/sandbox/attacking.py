"""A client that sends what no SDK would: any bytes, rightly signed, through the real connection code, and looks twice.

No process and no port: the connection runs in the test's own thread on one end of a socket pair, to its end.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, quote_from_bytes, unquote_to_bytes
from xml.etree import ElementTree as ET

from lab.sandbox.assembly import Assembly
from lab.sandbox.connection import HttpConnection, Limits
from lab.sandbox.exchange import Connection
from lab.sandbox.identity import Credential
from lab.sandbox.pipeline import Pipeline
from lab.sandbox.principals import PrincipalRequest
from lab.sandbox.tap import Tap
from tests.sandbox.judging import EXERCISE

Pairs = Iterable[tuple[str, str]]

HOST = "localhost:4566"
UNSIGNED = "UNSIGNED-PAYLOAD"
#: Long enough for any answer, short enough to notice that none comes.
LIMITS = Limits(handshake=2, first=2, idle=2, head=2, transfer=2, linger=2)
_OWN = frozenset({"content-length", "transfer-encoding", "authorization"})


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer, taken apart."""

    status: int
    headers: dict[str, str]
    body: bytes
    rest: bytes = field(repr=False)

    @property
    def code(self) -> str:
        """The error's code, in whichever protocol."""
        found = re.search(rb"<Code>([^<]*)</Code>", self.body) or re.search(rb'"__type":"([^"]*)"', self.body)
        return found[1].decode() if found else ""


class Door:
    """The sandbox behind its connection code, and the signatures of its principals."""

    def __init__(self, state_dir: Path, principals: list[PrincipalRequest]) -> None:
        self.assembly = Assembly(state_dir, persistent=False)
        self.world = self.assembly.worlds.create(EXERCISE, ["home", "other"], principals)
        self._pipeline = Pipeline(self.assembly.sandbox)
        self._tap = Tap()
        self._number = 0

    def close(self) -> None:
        self.assembly.close()

    def account(self, name: str = "home") -> str:
        return next(one.id for one in self.world.realm.accounts.values() if one.name == name)

    def credential(self, who: str) -> Credential:
        key = next(one.access_key_id for one in self.world.handed if (one.what, one.name) == ("principal", who))
        return self.world.realm.credentials[key]

    def send(self, data: bytes) -> bytes:
        """All that comes back for these bytes and the end of the connection after them."""
        self._number += 1
        client, server = socket.socketpair()
        with client, server:
            for end in (client, server):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
            client.settimeout(5)
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            HttpConnection(
                server,
                Connection(self._number, "https", 1, "TLSv1.3"),
                None,
                pipeline=self._pipeline,
                log=self.assembly.log,
                tap=self._tap,
                clock=self.assembly.clock,
                limits=LIMITS,
            ).run()
            server.close()
            parts = []
            while part := client.recv(1 << 16):
                parts.append(part)
        return b"".join(parts)

    def ask(
        self,
        method: str,
        path: str,
        query: str = "",
        headers: Pairs = (),
        body: bytes = b"",
        *,
        who: str = "default",
        **how: str,
    ) -> Reply:
        """The answer to a signed request, which must be one that a client of AWS can read."""
        return read(self.send(self.signed(method, path, query, headers, body, who=who, **how)), method)

    def form(
        self, body: str, query: str = "", method: str = "POST", who: str = "default", service: str = "iam"
    ) -> Reply:
        """The answer to a form, as IAM and STS take them."""
        kind = [("content-type", "application/x-www-form-urlencoded")]
        return self.ask(method, "/", query, kind, body.encode("utf-8", "surrogatepass"), who=who, service=service)

    def kms(self, operation: str, body: object, who: str = "default") -> Reply:
        """The answer of KMS; what is not bytes is sent as JSON."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        kind = [("x-amz-target", f"TrentService.{operation}"), ("content-type", "application/x-amz-json-1.1")]
        return self.ask("POST", "/", "", kind, raw, who=who, service="kms")

    def signed(
        self,
        method: str,
        path: str,
        query: str = "",
        headers: Pairs = (),
        body: bytes = b"",
        *,
        who: str = "default",
        service: str = "s3",
        payload: str = "",
    ) -> bytes:
        """The bytes of a request with a signature in its header that covers all other headers."""
        credential = self.credential(who)
        stamp = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%SZ")
        digest = payload or hashlib.sha256(body).hexdigest()
        sent = [("host", HOST), ("x-amz-date", stamp)]
        if service == "s3":
            sent.append(("x-amz-content-sha256", digest))
        if credential.session_token is not None:
            sent.append(("x-amz-security-token", credential.session_token))
        given = [(name.lower(), value) for name, value in headers]
        sent = [pair for pair in sent if pair[0] not in {name for name, _ in given}] + given
        names = sorted({name for name, _ in sent} - _OWN)
        lines = "".join(f"{name}:{','.join(_one_line(v) for n, v in sent if n == name)}\n" for name in names)
        canonical = "\n".join((method, _path(path, service), _query(query), lines, ";".join(names), digest))
        scope, signature = _sign(credential.secret_access_key, service, stamp, canonical.encode("latin-1"))
        claim = f"Credential={credential.access_key_id}/{scope}, SignedHeaders={';'.join(names)}, Signature={signature}"
        sent.append(("authorization", f"AWS4-HMAC-SHA256 {claim}"))
        if not _OWN & {name for name, _ in given} and (body or method in {"PUT", "POST"}):
            sent.append(("content-length", str(len(body))))
        return _request(method, f"{path}?{query}" if query else path, sent, body)

    def presigned(self, method: str, path: str, parameters: Pairs = (), who: str = "default") -> str:
        """The target of a presigned URL with these parameters in it."""
        credential = self.credential(who)
        stamp = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%SZ")
        scope = f"{stamp[:8]}/us-east-1/s3/aws4_request"
        pairs = [
            ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"), ("X-Amz-Credential", f"{credential.access_key_id}/{scope}"),
            ("X-Amz-Date", stamp), ("X-Amz-Expires", "60"), ("X-Amz-SignedHeaders", "host"), *parameters,
        ]  # fmt: skip
        query = "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in pairs)
        canonical = "\n".join((method, _path(path, "s3"), _query(query), f"host:{HOST}\n", "host", UNSIGNED))
        _, signature = _sign(credential.secret_access_key, "s3", stamp, canonical.encode("latin-1"))
        return f"{path}?{query}&X-Amz-Signature={signature}"

    def bare(self, method: str, target: str, headers: Pairs = (), body: bytes = b"") -> Reply:
        """The answer to a request as it stands, without a signature of its own."""
        length = [("content-length", str(len(body)))] if body or method == "PUT" else []
        return read(self.send(_request(method, target, [("host", HOST), *headers, *length], body)), method)


def read(answer: bytes, method: str = "GET") -> Reply:
    """Take the first answer apart and hold it to what every answer must be: HTTP, no fault, no HTML, well-formed."""
    head, end, rest = answer.partition(b"\r\n\r\n")
    assert end, f"no answer: {answer[:200]!r}"
    first, *lines = head.decode("latin-1").split("\r\n")
    assert re.fullmatch(r"HTTP/1\.1 \d{3} [A-Za-z -]*", first), first
    status = int(first[9:12])
    assert status < 500 or status == 501, answer
    pairs = [line.partition(":") for line in lines]
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    length = 0 if method == "HEAD" or status in {204, 304} else int(headers["content-length"])
    body, rest = rest[:length], rest[length:]
    assert len(body) == length
    assert b"<html" not in body.lower()[:1000]
    if headers.get("content-type") in {"application/xml", "text/xml"} and body:
        ET.fromstring(body)  # noqa: S314 - written by this process
    if headers.get("content-type") == "application/x-amz-json-1.1" and body:
        json.loads(body)
    if status >= 400 and body:
        assert headers["content-type"] in {"application/xml", "text/xml", "application/x-amz-json-1.1"}
    return Reply(status, headers, body, rest)


def _request(method: str, target: str, headers: Pairs, body: bytes) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"{method} {target} HTTP/1.1\r\n{lines}\r\n".encode("latin-1") + body


def _sign(secret: str, service: str, stamp: str, canonical: bytes) -> tuple[str, str]:
    scope = f"{stamp[:8]}/us-east-1/{service}/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical).hexdigest()}"
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return scope, hmac.digest(key, text.encode(), "sha256").hex()


def _one_line(value: str) -> str:
    return re.sub("[ \t]+", " ", value.strip(" \t"))


def _path(path: str, service: str) -> str:
    once = quote_from_bytes(unquote_to_bytes(path), safe="/-_.~")
    return once if service == "s3" else quote(once, safe="/-_.~")


def _query(query: str) -> str:
    pairs = []
    for item in filter(None, query.split("&")):
        name, _, value = (
            quote_from_bytes(unquote_to_bytes(x), safe="-_.~") for x in item.replace("+", " ").partition("=")
        )
        pairs.append(f"{name}={value}")
    return "&".join(sorted(pairs, key=lambda pair: tuple(pair.split("=", 1))))
