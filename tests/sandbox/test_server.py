"""Connections as clients make them, well behaved or not: each is answered in the service's form or ends cleanly."""

from __future__ import annotations

import contextlib
import errno
import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from lab.sandbox import render
from lab.sandbox import server as server_module
from lab.sandbox.clock import Clock
from lab.sandbox.connection import HttpConnection, Limits
from lab.sandbox.core import Sandbox
from lab.sandbox.exchange import Answer, Connection, Exchange, Request, ServiceError
from lab.sandbox.identity import ANONYMOUS
from lab.sandbox.log import EventLog
from lab.sandbox.pipeline import Outcome, Pipeline
from lab.sandbox.realm import Realm
from lab.sandbox.server import Listener, PortTakenError, Scheme, Server, listen
from lab.sandbox.tap import Tap
from lab.sandbox.tls import Authority
from tests.sandbox.harness import wait_until

LIMITS = Limits(handshake=2.0, first=0.3, idle=3.0, head=1.0, transfer=1.0, linger=2.0)
BIG = 4 << 20


class StubPipeline(Pipeline):
    """The steps replaced by a table of paths, so that only the transport is under test."""

    def __init__(self, log: EventLog) -> None:
        self.log = log
        self.requests: list[Request] = []
        self.errors: list[ServiceError] = []
        self.closed = 0

    def run(self, request: Request, attribute: Callable[[Exchange], None]) -> Outcome:
        self.requests.append(request)
        request.service = "s3"
        exchange = Exchange(cast("Sandbox", self), request, ANONYMOUS, Realm(id="r", exercise="ex"))
        attribute(exchange)
        try:
            return Outcome(exchange, self._by_path(request))
        except ServiceError as error:
            self.errors.append(error)
            return Outcome(exchange, render.render_error(request, error), error.code, error.message)

    def refuse(self, request: Request, error: ServiceError) -> Outcome:
        self.errors.append(error)
        exchange = Exchange(cast("Sandbox", self), request, ANONYMOUS, Realm(id="", exercise=""))
        return Outcome(exchange, render.render_error(request, error), error.code, error.message)

    def _by_path(self, request: Request) -> Answer:
        match request.path:
            case "/length":
                return Answer(200, body=str(sum(len(piece) for piece in request.body.chunks())).encode())
            case "/unread":
                raise ServiceError(403, "AccessDenied", "Access Denied")
            case "/stream":
                pieces = (b"s" * (1 << 20) for _ in range(BIG >> 20))
                return Answer(200, body=pieces, length=BIG, close=self._close)
            case "/endless":
                return Answer(200, body=iter([b"a", b"b"]), close=self._close)
            case "/breaks":
                return Answer(200, body=self._breaking(), length=10, close=self._close)
            case "/nothing":
                return Answer(204)
            case "/bad-header":
                return Answer(200, [("x-note", "one\r\nSet-Cookie: two")], b"ok")
            case _:
                return Answer(200, [("Content-Type", "text/plain")], f"{request.method} {request.target}".encode())

    def _breaking(self) -> Iterator[bytes]:
        yield b"123"
        yield b"45"
        raise ValueError("a fault of ours")

    def _close(self) -> None:
        self.closed += 1


@dataclass
class Bench:
    """A server on both schemes with its parts in reach."""

    pipeline: StubPipeline
    log: EventLog
    tap: Tap
    server: Server
    https_port: int
    http_port: int
    bundle: Path
    numbers: list[int] = field(default_factory=list)

    @contextlib.contextmanager
    def connect(self, host: str = "127.0.0.1", *, port: int | None = None) -> Iterator[socket.socket]:
        with socket.create_connection((host, port or self.http_port), timeout=10) as connection:
            yield connection

    @contextlib.contextmanager
    def secure(self, host: str = "localhost", context: ssl.SSLContext | None = None) -> Iterator[ssl.SSLSocket]:
        context = context or ssl.create_default_context(cafile=str(self.bundle))
        address = "::1" if host == "::1" else "127.0.0.1"
        with (
            socket.create_connection((address, self.https_port), timeout=10) as raw,
            context.wrap_socket(raw, server_hostname=host) as wrapped,
        ):
            yield wrapped

    def ask(self, method: str, target: str, body: bytes | None = None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=10)
        try:
            connection.request(method, target, body=body)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    clock = Clock()
    log, tap = EventLog(clock), Tap()
    pipeline = StubPipeline(log)
    authority = Authority(tmp_path / "ca")
    tls = authority.server_context()
    listeners = (listen("https"), listen("http"))
    numbers: list[int] = []

    def serve(endpoint: socket.socket, scheme: Scheme, port: int) -> None:
        numbers.append(len(numbers) + 1)
        HttpConnection(
            endpoint,
            Connection(numbers[-1], scheme, port),
            tls if scheme == "https" else None,
            pipeline=pipeline,
            log=log,
            tap=tap,
            clock=clock,
            limits=LIMITS,
        ).run()

    server = Server(listeners, serve)
    server.start()
    yield Bench(pipeline, log, tap, server, listeners[0].port, listeners[1].port, authority.bundle, numbers)
    server.stop()
    left = [thread.name for thread in threading.enumerate() if thread.name.startswith(("accept", "connection-"))]
    assert left == []


def receive_all(connection: socket.socket) -> bytes:
    parts: list[bytes] = []
    with contextlib.suppress(ConnectionResetError):
        while part := connection.recv(1 << 16):
            parts.append(part)
    return b"".join(parts)


def receive_answer(connection: socket.socket) -> tuple[bytes, bytes]:
    """Head and body of one answer with a content length."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(1 << 16)
        assert part, f"the connection ended after {data!r}"
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
    )
    while len(body) < length:
        body += connection.recv(1 << 16)
    return head, body


def test_a_kept_alive_connection_carries_many_requests(bench: Bench) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", bench.http_port, timeout=10)
    for number in range(5):
        connection.request("PUT", "/length", body=b"x" * number * 1000)
        assert connection.getresponse().read() == str(number * 1000).encode()
    connection.close()
    assert {request.connection.number for request in bench.pipeline.requests} == {1}


def test_a_request_arrives_as_it_was_sent(bench: Bench) -> None:
    with bench.connect() as connection:
        connection.sendall(
            b"GET /b/a%20b?versionId=1%2F2&acl&x=a+b HTTP/1.1\r\nHost: h:1\r\nX-Twice: a\r\nx-twice: b\r\n\r\n"
        )
        assert receive_answer(connection)[1] == b"GET /b/a%20b?versionId=1%2F2&acl&x=a+b"
    (request,) = bench.pipeline.requests
    assert (request.path, request.query) == ("/b/a%20b", (("versionId", "1/2"), ("acl", ""), ("x", "a b")))
    assert request.headers.all("x-twice") == ["a", "b"]
    assert (request.secure, request.connection.port) == (False, bench.http_port)


def test_a_target_in_absolute_form_has_a_path(bench: Bench) -> None:
    with bench.connect() as connection:
        connection.sendall(b"GET http://localhost/b/k?x=1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        receive_answer(connection)
    assert bench.pipeline.requests[0].path == "/b/k"


def test_pipelined_requests_are_answered_in_order(bench: Bench) -> None:
    one = b"PUT /length HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
    two = b"GET /second HTTP/1.1\r\nHost: h\r\n\r\n"
    with bench.connect() as connection:
        connection.sendall(one + two + one)
        received = b""
        while received.count(b"HTTP/1.1 200") < 3 or not received.endswith(b"3"):
            received += connection.recv(1 << 16)
    assert received.index(b"\r\n\r\n3HTTP") < received.index(b"GET /second")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_both_loopback_addresses_are_served(bench: Bench, host: str) -> None:
    with bench.connect(host) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        assert receive_answer(connection)[0].startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_the_certificate_names_every_way_to_come(bench: Bench, host: str) -> None:
    with bench.secure(host) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        assert receive_answer(connection)[0].startswith(b"HTTP/1.1 200")
    assert bench.pipeline.requests[0].secure


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_handshake_is_told_and_its_records_are_seen(bench: Bench, version: ssl.TLSVersion) -> None:
    context = ssl.create_default_context(cafile=str(bench.bundle))
    context.minimum_version = context.maximum_version = version
    with bench.secure(context=context) as connection:
        expected = (connection.version(), (connection.cipher() or ("",))[0])
        connection.sendall(b"GET /marker-in-the-path HTTP/1.1\r\nHost: h\r\n\r\n")
        receive_answer(connection)
    opened, tls = bench.log.events()[:2]
    assert (opened["step"], opened["data"]["scheme"], opened["exercise"]) == ("connection", "https", "ex")
    assert tls["data"] == {"version": expected[0], "cipher": expected[1], "sni": "localhost", "error": None}
    (shown,) = bench.tap.connections("ex")
    assert (shown["tls_version"], shown["sni"]) == (expected[0], "localhost")
    assert {(r["direction"], r["type"]) for r in shown["records"]} >= {
        ("in", "handshake"), ("out", "handshake"), ("in", "application_data"), ("out", "application_data"),
    }  # fmt: skip
    raw = bench.tap.raw(1, "in") + bench.tap.raw(1, "out")
    assert b"marker-in-the-path" not in raw
    assert b"localhost" in raw


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_older_versions_are_refused_and_that_is_told(bench: Bench) -> None:
    context = ssl.create_default_context(cafile=str(bench.bundle))
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError), bench.secure(context=context):
        pass
    wait_until(lambda: len(bench.log.events()) == 2)
    event = bench.log.events()[1]
    assert (event["step"], event["data"]["version"]) == ("tls", None)
    assert event["data"]["error"] == "UNSUPPORTED_PROTOCOL"
    assert (event["origin"], event["exercise"]) == ("learner", "")


def test_a_connection_without_a_request_is_told_too(bench: Bench) -> None:
    with bench.secure():
        wait_until(lambda: len(bench.log.events()) == 2)
        assert bench.log.events()[1]["data"]["error"] is None


def test_plain_http_is_kept_readable(bench: Bench) -> None:
    assert bench.ask("GET", "/marker-in-the-path")[0] == 200
    assert b"marker-in-the-path" in bench.tap.raw(1, "in")
    assert bench.tap.connections("ex")[0]["records"] == []


def test_http_on_the_https_port_is_not_answered(bench: Bench) -> None:
    with bench.connect(port=bench.https_port) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        assert b"HTTP/" not in receive_all(connection)
    wait_until(lambda: len(bench.log.events()) == 2)
    assert bench.log.events()[1]["data"]["error"] == "HTTP_REQUEST"


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 200,
        b"\xff" * 3000,
        b"hello\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: h\r\nbroken header\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET /\xc3\xa4 HTTP/1.1\r\nHost: h\r\n\r\n",
        b"PUT /length HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n",
        b"PUT /length HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    ],
)
def test_garbage_is_answered_in_xml_and_ends_the_connection(bench: Bench, data: bytes) -> None:
    with bench.connect() as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        answer = receive_all(connection)
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"<Code>BadRequest</Code><Message>An error occurred when parsing the HTTP request.</Message>" in answer
    assert b"html" not in answer.lower()
    assert bench.pipeline.requests == []


def test_garbage_on_the_https_port_ends_the_connection(bench: Bench) -> None:
    with bench.connect(port=bench.https_port) as connection:
        connection.sendall(b"\xff" * 3000)
        receive_all(connection)
    wait_until(lambda: bench.server.connections == 0)


def test_another_transfer_encoding_is_not_implemented(bench: Bench) -> None:
    with bench.connect() as connection:
        connection.sendall(b"PUT /length HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n")
        answer = receive_all(connection)
    assert answer.startswith(b"HTTP/1.1 501 ")
    assert b"<Header>Transfer-Encoding</Header>" in answer


@pytest.mark.parametrize("size", [8300, 60_000, 300_000])
def test_huge_headers_are_refused_as_s3_does(bench: Bench, size: int) -> None:
    with bench.connect() as connection:
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            connection.sendall(b"GET / HTTP/1.1\r\nHost: h\r\nx-large: " + b"a" * size + b"\r\n\r\n")
        answer = receive_all(connection)
    assert b"<Code>RequestHeaderSectionTooLarge</Code>" in answer
    assert b"<MaxSizeAllowed>8192</MaxSizeAllowed>" in answer


def test_a_client_that_asks_first_is_told_to_go_on(bench: Bench) -> None:
    with bench.connect() as connection:
        connection.sendall(b"PUT /length HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"abc")
        assert receive_answer(connection)[1] == b"3"
        connection.sendall(b"GET /again HTTP/1.1\r\nHost: h\r\n\r\n")
        assert receive_answer(connection)[1] == b"GET /again"


def test_a_client_that_asks_first_and_is_refused_keeps_its_body(bench: Bench) -> None:
    with bench.connect() as connection:
        connection.sendall(b"PUT /unread HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        answer = receive_all(connection)
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert b"connection: close" in answer.lower()


def test_a_small_body_that_nobody_wanted_does_not_cost_the_connection(bench: Bench) -> None:
    with bench.connect() as connection:
        connection.sendall(b"PUT /unread HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc")
        assert receive_answer(connection)[0].startswith(b"HTTP/1.1 403 ")
        connection.sendall(b"GET /again HTTP/1.1\r\nHost: h\r\n\r\n")
        assert receive_answer(connection)[1] == b"GET /again"


def test_a_large_body_that_nobody_wanted_does_not_hide_the_answer(bench: Bench) -> None:
    status, body = bench.ask("PUT", "/unread", body=b"x" * (32 << 20))
    assert status == 403
    assert b"<Code>AccessDenied</Code>" in body


def test_chunked_bodies_come_through(bench: Bench) -> None:
    with bench.connect() as connection:
        connection.sendall(
            b"PUT /length HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
        )
        assert receive_answer(connection)[1] == b"3"
    assert bench.pipeline.requests[0].body.length is None


@pytest.mark.parametrize("secure", [False, True])
def test_large_bodies_stream_both_ways(bench: Bench, secure: bool) -> None:
    head = b"PUT /length HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % BIG
    with bench.secure() if secure else bench.connect() as connection:
        connection.sendall(head + b"x" * BIG)
        assert receive_answer(connection)[1] == str(BIG).encode()
        connection.sendall(b"GET /stream HTTP/1.1\r\nHost: h\r\n\r\n")
        assert receive_answer(connection)[1] == b"s" * BIG
    assert bench.pipeline.closed == 1


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_client_that_vanishes_in_the_middle_of_an_upload_ends_cleanly(bench: Bench, scheme: str) -> None:
    with bench.secure() if scheme == "https" else bench.connect() as connection:
        connection.sendall(b"PUT /length HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1000)
    wait_until(lambda: bool(bench.pipeline.errors))
    assert bench.pipeline.errors[0].code == "IncompleteBody"
    wait_until(lambda: bench.server.connections == 0)


def test_a_truncated_upload_is_told_what_was_missing(bench: Bench) -> None:
    with bench.connect() as connection:
        connection.sendall(b"PUT /length HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc")
        connection.shutdown(socket.SHUT_WR)
        answer = receive_all(connection)
    assert b"<NumberBytesExpected>10</NumberBytesExpected><NumberBytesProvided>3</NumberBytesProvided>" in answer


def test_a_client_that_stops_reading_or_leaves_releases_the_answer(bench: Bench) -> None:
    with bench.connect() as connection:
        connection.sendall(b"GET /stream HTTP/1.1\r\nHost: h\r\n\r\n")
        connection.recv(10)
    wait_until(lambda: bench.pipeline.closed == 1)
    wait_until(lambda: bench.server.connections == 0)


def test_slow_clients_are_told_and_let_go(bench: Bench) -> None:
    with bench.connect() as head, bench.connect() as body, bench.connect() as silent:
        head.sendall(b"GET / HTTP/1.1\r\nHo")
        body.sendall(b"PUT /length HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc")
        for connection in (head, body):
            assert b"<Code>RequestTimeout</Code>" in receive_all(connection)
        assert receive_all(silent) == b""


def test_a_silent_handshake_ends(bench: Bench) -> None:
    with bench.connect(port=bench.https_port) as connection:
        connection.sendall(b"\x16\x03\x01")
        assert receive_all(connection) == b""
    assert bench.log.events()[1]["data"]["error"] == "TIMEOUT"


def test_a_stream_that_breaks_never_looks_whole(bench: Bench) -> None:
    with bench.connect() as connection:
        connection.sendall(b"GET /breaks HTTP/1.1\r\nHost: h\r\n\r\n")
        answer = receive_all(connection)
    assert b"Content-Length: 10" in answer
    assert answer.endswith(b"123")
    assert bench.pipeline.closed == 1
    assert bench.log.events()[-1]["data"]["complete"] is False


def test_answers_without_a_body(bench: Bench) -> None:
    with bench.connect() as connection:
        for request in (b"HEAD /length HTTP/1.1", b"GET /nothing HTTP/1.1", b"HEAD /stream HTTP/1.1"):
            connection.sendall(request + b"\r\nHost: h\r\n\r\n")
        connection.sendall(b"GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        answers = receive_all(connection)
    assert answers.count(b"HTTP/1.1 ") == 4
    assert answers.endswith(b"\r\n\r\nGET /last")


def test_a_stream_of_unknown_length_is_chunked(bench: Bench) -> None:
    assert bench.ask("GET", "/endless") == (200, b"ab")


def test_a_header_value_cannot_add_headers(bench: Bench) -> None:
    with bench.connect() as connection:
        connection.sendall(b"GET /bad-header HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        assert b"\r\nSet-Cookie" not in receive_all(connection)


def test_the_answer_event_is_there_before_the_answer(bench: Bench) -> None:
    for path in ("/small", "/stream", "/nothing"):
        bench.ask("GET", path)
        assert bench.log.events()[-1]["step"] == "answer"
    sizes = [event["data"]["bytes_sent"] for event in bench.log.events() if event["step"] == "answer"]
    assert sizes == [len("GET /small"), BIG, 0]


def test_sixty_four_connections_at_once(bench: Bench) -> None:
    connections = [socket.create_connection(("127.0.0.1", bench.http_port), timeout=10) for _ in range(64)]
    try:
        for number, connection in enumerate(connections):
            connection.sendall(b"GET /%d HTTP/1.1\r\nHost: h\r\n\r\n" % number)
        for number, connection in enumerate(connections):
            assert receive_answer(connection)[1] == b"GET /%d" % number
        assert bench.server.connections == 64
    finally:
        for connection in connections:
            connection.close()
    wait_until(lambda: bench.server.connections == 0)


def test_stopping_ends_open_connections(bench: Bench) -> None:
    with bench.connect() as idle, bench.secure() as secure:
        idle.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        receive_answer(idle)
        bench.server.stop()
        assert receive_all(idle) == b""
        with contextlib.suppress(ssl.SSLError):
            assert receive_all(secure) == b""
    bench.server.start = lambda: None  # type: ignore[method-assign]
    bench.server.stop = lambda *_: None  # type: ignore[method-assign]


def close(listener: Listener) -> None:
    listener.close()


def test_a_required_port_that_is_taken_is_named() -> None:
    first = listen("http")
    first.sockets[0].listen()
    try:
        with pytest.raises(PortTakenError, match=f"Port {first.port} on localhost cannot be used"):
            listen("http", first.port)
        other = listen("http", preferred=first.port)
        assert other.port != first.port
        close(other)
    finally:
        close(first)


def test_a_port_taken_on_ipv6_alone_is_taken() -> None:
    with socket.socket(socket.AF_INET6) as six:
        six.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        six.bind(("::1", 0))
        six.listen()
        with pytest.raises(PortTakenError):
            listen("http", six.getsockname()[1])


def test_a_free_port_can_be_asked_for() -> None:
    found = listen("http")
    close(found)
    again = listen("https", found.port)
    assert again.port == found.port
    close(again)
    preferred = listen("https", preferred=found.port)
    assert preferred.port == found.port
    close(preferred)


@pytest.mark.parametrize("port", [-1, 70_000])
def test_what_is_no_port_is_refused(port: int) -> None:
    with pytest.raises(PortTakenError):
        listen("http", port)


def test_without_ipv6_ipv4_has_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    real = server_module._socket

    def no_ipv6(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address")
        return real(family, address, port)

    monkeypatch.setattr(server_module, "_socket", no_ipv6)
    found = listen("http")
    assert len(found.sockets) == 1
    close(found)
