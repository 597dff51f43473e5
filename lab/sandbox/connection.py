"""One connection from accept to close: handshake, requests one after another by h11, answers, clean ends.

h11 knows the protocol and no sockets, so that bytes pass the tap before it and TLS lies beneath it. A client may be
slow, silent, garbled or gone; none of that may hold a thread for long, leave a half-sent answer that looks whole, or be
answered in anything but the service's own form.
"""

from __future__ import annotations

import contextlib
import http
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

import h11

from lab.sandbox.announcements import Announcements
from lab.sandbox.body import RequestBody
from lab.sandbox.clock import Clock
from lab.sandbox.exchange import Connection, Headers, Request, ServiceError
from lab.sandbox.faults import record_fault
from lab.sandbox.log import EventLog
from lab.sandbox.pipeline import Outcome, Pipeline, new_request_id
from lab.sandbox.refusals import (
    LARGEST_HEADERS,
    headers_too_large,
    incomplete_body,
    malformed,
    not_http,
    too_slow,
    wrong_length,
)
from lab.sandbox.tap import Tap
from lab.sandbox.tls import RECEIVE, PlainTransport, TlsTransport, reason

HEAD_RECEIVE: Final = 64 << 10
LARGEST_HEAD: Final = 64 << 10
JOINED: Final = 64 << 10
DRAINED: Final = 64 << 10


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a client may take, in seconds.

    Attributes:
        handshake: For the TLS handshake.
        first: For the first byte before the connection is noted as one without a request.
        idle: Between requests.
        head: For a request's head, from its first byte on.
        transfer: Without a single byte of a body moving, either way.
        linger: For a client to read a refusal while it is still sending.
    """

    handshake: float = 15.0
    first: float = 1.0
    idle: float = 120.0
    head: float = 20.0
    transfer: float = 20.0
    linger: float = 10.0


class _BrokenOffError(Exception):
    """The client went away, or nothing more can be said to it."""


class HttpConnection:
    """Serves one accepted socket; :meth:`run` returns when the connection is over.

    Args:
        endpoint: The accepted socket.
        connection: What requests know of it.
        tls: The context for HTTPS, None for plain HTTP.
    """

    def __init__(
        self,
        endpoint: socket.socket,
        connection: Connection,
        tls: ssl.SSLContext | None,
        *,
        pipeline: Pipeline,
        log: EventLog,
        tap: Tap,
        clock: Clock,
        limits: Limits,
    ) -> None:
        self._connection = connection
        self._pipeline = pipeline
        self._clock = clock
        self._limits = limits
        at = clock.now()
        self._capture = tap.open(connection.number, connection.scheme, connection.port, at)
        self._announce = Announcements(log, tap, self._capture, connection)
        self._announce.add("connection", {"scheme": connection.scheme, "port": connection.port, "opened_at": at})
        self._transport = (
            PlainTransport(endpoint, self._capture) if tls is None else TlsTransport(endpoint, self._capture, tls)
        )
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=LARGEST_HEAD)
        self._first = True
        self._length: int | None = 0

    def run(self) -> None:
        """Serve until the client or we are done."""
        try:
            if isinstance(self._transport, TlsTransport) and not self._handshake(self._transport):
                return
            while self._serve_one():
                self._http.start_next_cycle()
        except (OSError, ssl.SSLError, _BrokenOffError):
            pass  # the client is gone or has stalled: there is nobody to tell
        except Exception as error:  # noqa: BLE001 - a thread has nobody above it
            record_fault("a connection", error)
        finally:
            self._announce.of_nobody()
            self._transport.close()

    def _handshake(self, transport: TlsTransport) -> bool:
        transport.set_timeout(self._limits.handshake)
        error: str | None = None
        try:
            transport.handshake()
        except ssl.SSLError as failure:
            error = reason(failure)
        except TimeoutError:
            error = "TIMEOUT"
        except OSError:
            error = "CONNECTION_LOST"
        connection, capture = self._connection, self._capture
        connection.tls_version = capture.tls_version = None if error else transport.version
        connection.cipher = None if error else transport.cipher
        connection.sni = capture.sni = transport.sni
        self._announce.add(
            "tls",
            {"version": connection.tls_version, "cipher": connection.cipher, "sni": connection.sni, "error": error},
        )
        return error is None

    # ---- requests ----------------------------------------------------------------------------------------------------

    def _serve_one(self) -> bool:
        """Serve the next request; False when there is none or the connection must end."""
        try:
            event = self._read_head()
        except h11.RemoteProtocolError as error:
            self._refuse(malformed(error))
            return False
        except TimeoutError:
            self._refuse(too_slow())
            return False
        if event is None:
            return False
        if _has_two_lengths(event):
            self._refuse(not_http(), event)
            return False
        if _header_size(event) > LARGEST_HEADERS:
            self._refuse(headers_too_large(), event)
            return False
        self._length = _content_length(event)
        request = self._build(event, self._pieces())
        outcome = self._pipeline.run(request, self._announce.of)
        try:
            return self._send(request, outcome)
        finally:
            if outcome.answer.close is not None:
                outcome.answer.close()

    def _read_head(self) -> h11.Request | None:
        """The next request's head; None when the client is done or has been silent for too long.

        Raises:
            TimeoutError: It began and did not come to an end.
        """
        begun: float | None = time.monotonic() if self._http.trailing_data[0] else None
        while True:
            event = self._http.next_event()
            if isinstance(event, h11.Request):
                return event
            if event is not h11.NEED_DATA:
                return None
            data = self._receive_head(begun)
            if data is None or (not data and begun is None):
                return None
            if data and begun is None:
                begun = time.monotonic()
            self._http.receive_data(data)

    def _receive_head(self, begun: float | None) -> bytes | None:
        transport, limits = self._transport, self._limits
        if begun is not None:
            transport.set_timeout(max(0.05, limits.head - (time.monotonic() - begun)))
            return transport.receive(HEAD_RECEIVE)
        with contextlib.suppress(TimeoutError):
            transport.set_timeout(limits.first if self._first else limits.idle)
            data = transport.receive(HEAD_RECEIVE)
            self._first = False
            return data
        if not self._first:
            return None
        self._first = False
        self._announce.of_nobody()
        return self._receive_head(begun)

    def _build(self, event: h11.Request, pieces: Iterator[bytes]) -> Request:
        target = event.target.decode("latin-1")
        path, _, query = target.partition("?")
        if "://" in path[:8]:  # absolute form, as sent to proxies
            path = "/" + path.partition("://")[2].partition("/")[2]
        headers = Headers((name.decode("latin-1"), value.decode("latin-1")) for name, value in event.headers)
        return Request(
            connection=self._connection,
            request_id=new_request_id(),
            at=self._clock.now(),
            method=event.method.decode("latin-1"),
            target=target,
            path=path,
            query=tuple(parse_qsl(query, keep_blank_values=True)) if query else (),
            headers=headers,
            body=RequestBody(headers, pieces),
        )

    def _pieces(self) -> Iterator[bytes]:
        """The body's bytes as they arrive, without HTTP's framing.

        Raises:
            ServiceError: The client stopped in the middle, or broke the framing.
        """
        received = 0
        self._transport.set_timeout(self._limits.transfer)
        try:
            if self._http.they_are_waiting_for_100_continue:
                self._write(h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue"))
            while True:
                event = self._http.next_event()
                if event is h11.NEED_DATA:
                    self._http.receive_data(self._transport.receive(RECEIVE))
                elif isinstance(event, h11.Data):
                    received += len(event.data)
                    yield bytes(event.data)
                else:
                    return
        except TimeoutError:
            raise too_slow() from None
        except (h11.RemoteProtocolError, OSError, ssl.SSLError):
            error = incomplete_body() if self._length is None else wrong_length(self._length, received)
            raise error from None

    # ---- answers -----------------------------------------------------------------------------------------------------

    def _refuse(self, error: ServiceError, event: h11.Request | None = None) -> None:
        """Answer what never became a request, and end."""
        event = event or h11.Request(method="GET", target="/", headers=[("Host", "localhost")])
        request = self._build(event, iter(()))
        outcome = self._pipeline.refuse(request, error)
        outcome.answer.headers.append(("Connection", "close"))
        self._announce.of_nobody()
        self._send(request, outcome)

    def _send(self, request: Request, outcome: Outcome) -> bool:
        """Send the answer; True if the connection can carry another request."""
        answer = outcome.answer
        self._transport.set_timeout(self._limits.transfer)
        bodiless = request.method == "HEAD" or answer.status in {204, 304}
        present = {name.lower() for name, _ in answer.headers}
        if "connection" not in present and not self._worth_draining():
            answer.headers.append(("Connection", "close"))
        if "content-length" not in present and not bodiless:
            length = len(answer.body) if isinstance(answer.body, bytes) else answer.length
            if length is not None:
                answer.headers.append(("Content-Length", str(length)))
        head = self._http.send(
            h11.Response(
                status_code=answer.status,
                headers=[(name.encode(), _header_bytes(value)) for name, value in answer.headers],
                reason=_reason_phrase(answer.status),
            )
        )
        if bodiless or isinstance(answer.body, bytes):
            self._send_whole(outcome, head or b"", b"" if bodiless else answer.body)
        else:
            self._send_stream(outcome, head or b"", answer.body)
        return self._finish_request()

    def _send_whole(self, outcome: Outcome, head: bytes, body: Any) -> None:
        parts = [head]
        if body:
            parts += self._http.send_with_data_passthrough(h11.Data(data=body)) or []
        self._pipeline.answered(outcome, len(body))
        parts.append(self._http.send(h11.EndOfMessage()) or b"")
        if len(body) <= JOINED:
            self._transport.send(b"".join(parts))
        else:
            for part in parts:
                if part:
                    self._transport.send(part)

    def _send_stream(self, outcome: Outcome, head: bytes, body: Iterator[bytes]) -> None:
        sent = 0
        told = False
        try:
            piece = next(body, None)
            while piece is not None:
                following = next(body, None)
                if following is None:
                    told = True
                    self._pipeline.answered(outcome, sent + len(piece))
                parts = self._http.send_with_data_passthrough(h11.Data(data=piece)) or []
                if head and len(piece) <= JOINED:
                    parts, head = [b"".join((head, *parts))], b""
                elif head:
                    parts, head = [head, *parts], b""
                for part in parts:
                    self._transport.send(part)
                sent += len(piece)
                piece = following
            if not told:
                told = True
                self._pipeline.answered(outcome, sent)
            tail = head + (self._http.send(h11.EndOfMessage()) or b"")
            if tail:
                self._transport.send(tail)
        except (OSError, ssl.SSLError):
            raise
        except Exception as error:  # noqa: BLE001
            # The head has gone out: breaking off is the only way left to say that this is not the whole.
            record_fault("streaming an answer", error)
            raise _BrokenOffError from None
        finally:
            if not told:
                self._pipeline.answered(outcome, sent, complete=False)

    def _worth_draining(self) -> bool:
        """Whether what the client has yet to send is little enough to wait for."""
        http = self._http
        if http.their_state is h11.DONE:
            return True
        if http.their_state is not h11.SEND_BODY or http.they_are_waiting_for_100_continue:
            return False
        return self._length is not None and self._length <= DRAINED

    def _finish_request(self) -> bool:
        http = self._http
        if http.their_state is h11.SEND_BODY:
            if http.our_state is h11.MUST_CLOSE or http.our_state is h11.CLOSED:
                self._linger()
                return False
            with contextlib.suppress(ServiceError):
                for _ in self._pieces():
                    pass
        if http.our_state is h11.DONE and http.their_state is h11.DONE:
            return True
        if http.our_state is h11.MUST_CLOSE or http.our_state is h11.ERROR or http.their_state is h11.ERROR:
            self._linger()
        return False

    def _linger(self) -> None:
        """Let the client read its answer: closing while it still sends would reset the connection under it."""
        self._transport.end_sending()
        deadline = time.monotonic() + self._limits.linger
        with contextlib.suppress(OSError):
            while (left := deadline - time.monotonic()) > 0:
                self._transport.set_timeout(left)
                if not self._transport.discard():
                    return

    def _write(self, event: h11.Event) -> None:
        data = self._http.send(event)
        if data:
            self._transport.send(data)


def _content_length(event: h11.Request) -> int | None:
    """The announced length, 0 where there is no body, None for chunks."""
    for name, value in event.headers:
        if name == b"content-length":
            return int(value)
        if name == b"transfer-encoding":
            return None
    return 0


def _has_two_lengths(event: h11.Request) -> bool:
    """Whether the body's length is told in both ways, on which two readers may differ (RFC 9112, section 6.1)."""
    return {b"content-length", b"transfer-encoding"} <= {name for name, _ in event.headers}


def _header_size(event: h11.Request) -> int:
    return sum(len(name) + len(value) + 4 for name, value in event.headers)


def _header_bytes(value: str) -> bytes:
    """A header value as bytes; what no header can hold, line breaks before all, becomes a space."""
    try:
        raw = value.encode("latin-1")
    except UnicodeEncodeError:
        raw = value.encode("utf-8")
    return raw.translate(_NO_CONTROLS).strip()


_NO_CONTROLS: Final = bytes(32 if byte in {0, 10, 11, 12, 13} else byte for byte in range(256))


def _reason_phrase(status: int) -> bytes:
    try:
        return http.HTTPStatus(status).phrase.encode()
    except ValueError:
        return b""
