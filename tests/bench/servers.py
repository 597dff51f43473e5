"""The sandbox beside plain moto_server: start, first request, requests per second, large bodies."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.bench.measure import Row, absolute, compared, interleaved, progress, seconds

BUCKET = "bench-bucket"
KILOBYTE, MEGABYTE = 1024, 1 << 20


@dataclass
class Server:
    """A running server and credentials for it."""

    url: str
    credentials: Credentials
    process: subprocess.Popen[str]

    def stop(self) -> None:
        """End it and wait."""
        self.process.terminate()
        self.process.wait(20)
        if self.process.stdout is not None:
            self.process.stdout.close()


def start_sandbox() -> Server:
    """Exec to ready, on a private state directory."""
    process = subprocess.Popen(
        [sys.executable, "-m", "lab.sandbox", "--serve", "--json"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    ready = json.loads(process.stdout.readline())
    return Server(ready["http"], Credentials(ready["access_key_id"], ready["secret_access_key"]), process)


def start_moto() -> Server:
    """Exec to listening, on a port chosen by the system."""
    port = _free_port()
    process = subprocess.Popen(
        [Path(sys.executable).with_name("moto_server"), "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/moto-api/")
            connection.getresponse().read()
            break
        except OSError:
            time.sleep(0.002)
        finally:
            connection.close()
    return Server(f"http://127.0.0.1:{port}", Credentials("AKIAIOSFODNN7EXAMPLE", "secret"), process)


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Signed:
    """A request that is ready to be sent."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


def sign(server: Server, method: str, path: str, body: bytes = b"") -> Signed:
    """Sign outside of what is timed: the client's work is the same for both servers, and not of interest."""
    request = AWSRequest(method, server.url + path, data=body)
    S3SigV4Auth(server.credentials, "s3", "us-east-1").add_auth(request)
    headers: dict[str, Any] = dict(request.headers.items())
    return Signed(method, path, {name: str(value) for name, value in headers.items()}, body)


class Client:
    """One connection, kept alive where the server lets it."""

    def __init__(self, server: Server) -> None:
        parts = urllib.parse.urlsplit(server.url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)

    def send(self, request: Signed) -> bytes:
        """Send one request and read its whole answer.

        Raises:
            RuntimeError: The server refused it.
        """
        self._connection.request(request.method, request.target, request.body or None, request.headers)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{request.method} {request.target}: {answer.status} {body[:200]!r}")
        return body

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


@contextmanager
def both() -> Iterator[tuple[Server, Server]]:
    """The sandbox and moto_server, each with the bucket made."""
    servers = (start_sandbox(), start_moto())
    try:
        for server in servers:
            client = Client(server)
            client.send(sign(server, "PUT", f"/{BUCKET}"))
            client.close()
        yield servers
    finally:
        for server in servers:
            server.stop()


def first_put(start: Callable[[], Server]) -> float:
    """Exec to the answer of the first PutObject, in seconds."""
    began = time.perf_counter()
    server = start()
    client = Client(server)
    client.send(sign(server, "PUT", f"/{BUCKET}"))
    client.send(sign(server, "PUT", f"/{BUCKET}/first", b"x" * KILOBYTE))
    taken = time.perf_counter() - began
    client.close()
    server.stop()
    return taken


def rate(server: Server, method: str, size: int, count: int) -> float:
    """Requests per second over one connection."""
    body = os.urandom(size)
    client = Client(server)
    for number in range(count):
        client.send(sign(server, "PUT", f"/{BUCKET}/{method}-{size}-{number}", body))
    requests = [
        sign(server, method, f"/{BUCKET}/{method}-{size}-{number}", body if method == "PUT" else b"")
        for number in range(count)
    ]
    taken = seconds(lambda: [client.send(request) for request in requests])
    client.close()
    return count / taken


def large(server: Server, method: str, size: int) -> float:
    """Megabytes per second for one large body, unsigned payload so that the client does not hash it."""
    body = b"\0" * size if method == "PUT" else b""
    request = AWSRequest(method, f"{server.url}/{BUCKET}/large", data=body)
    request.headers["X-Amz-Content-SHA256"] = "UNSIGNED-PAYLOAD"
    request.context["payload_signing_enabled"] = False
    S3SigV4Auth(server.credentials, "s3", "us-east-1").add_auth(request)
    signed = Signed(method, f"/{BUCKET}/large", {k: str(v) for k, v in request.headers.items()}, body)
    client = Client(server)
    taken = seconds(lambda: client.send(signed))
    client.close()
    return size / MEGABYTE / taken


def rows() -> list[Row]:
    """All comparisons with moto_server."""
    found: list[Row] = []
    with progress("exec to first PutObject"):
        ours, theirs = interleaved(lambda: first_put(start_sandbox), lambda: first_put(start_moto))
        found.append(
            compared("exec → first PutObject (moto_server)", ours, theirs, "s", goal=1.3, more_is_better=False)
        )
    with both() as (sandbox, moto):
        for size, name, count, goal in ((KILOBYTE, "1 KB", 200, 1.5), (MEGABYTE, "1 MB", 20, None)):
            for method in ("PUT", "GET"):
                with progress(f"{method} {name}"):
                    ours, theirs = interleaved(
                        lambda m=method, s=size, c=count: rate(sandbox, m, s, c),  # type: ignore[misc]
                        lambda m=method, s=size, c=count: rate(moto, m, s, c),  # type: ignore[misc]
                    )
                    found.append(
                        compared(f"{method} {name} (moto_server)", ours, theirs, "/s", goal=goal, more_is_better=True)
                    )
        for method in ("PUT", "GET"):
            with progress(f"{method} 64 MB"):
                speeds = sorted(large(sandbox, method, 64 * MEGABYTE) for _ in range(7))
                found.append(absolute(f"{method} 64 MB over HTTP", speeds[3], "MB/s", goal=200, more_is_better=True))
    return found
