"""A sandbox as its users have it: a process of its own, reached over HTTP(S) and its control socket."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

READY_SECONDS = 60.0


class ControlRefusedError(Exception):
    """The control socket answered ``ok: false``."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class Control:
    """One connection to a control socket."""

    def __init__(self, path: Path, seconds: float = 20.0) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(seconds)
        self._socket.connect(str(path))
        self._lines = self._socket.makefile("rb")
        self._number = 0

    def send(self, line: bytes) -> Any:
        """Send raw bytes and return what comes back, decoded."""
        self._socket.sendall(line)
        return self.read()

    def read(self) -> Any:
        """The next line, decoded; None at the end."""
        line = self._lines.readline()
        return json.loads(line) if line else None

    def call(self, operation: str, **parameters: Any) -> Any:
        """The result of an operation."""
        self._number += 1
        answer = self.send(json.dumps({"id": self._number, "op": operation, **parameters}).encode() + b"\n")
        assert answer["id"] == self._number
        if not answer["ok"]:
            raise ControlRefusedError(answer["error"]["code"], answer["error"]["message"])
        return answer["result"]

    def close(self) -> None:
        self._lines.close()
        self._socket.close()


@dataclass
class RunningSandbox:
    """A sandbox process and how to reach it; credentials are those of the bare realm's administrator."""

    process: subprocess.Popen[bytes]
    https: str
    http: str
    ca_bundle: Path
    region: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    control: Path
    _clients: list[Any] = field(default_factory=list)
    _controls: list[Control] = field(default_factory=list)

    def client(
        self,
        service: str,
        *,
        http: bool = False,
        access_key_id: str | None = None,
        secret_access_key: str | None = None,
        session_token: str | None = None,
        **config: Any,
    ) -> Any:
        """A boto3 client without retries; keyword arguments beyond these are botocore's ``Config``."""
        import boto3
        from botocore.config import Config

        settings: dict[str, Any] = {"retries": {"max_attempts": 0, "mode": "standard"}, **config}
        if service == "s3":
            settings.setdefault("s3", {"addressing_style": "path"})
        session = boto3.session.Session(
            aws_access_key_id=access_key_id or self.access_key_id,
            aws_secret_access_key=secret_access_key or self.secret_access_key,
            aws_session_token=session_token,
            region_name=self.region,
        )
        made: Any = session.client(
            service,  # type: ignore[call-overload]
            endpoint_url=self.http if http else self.https,
            verify=None if http else str(self.ca_bundle),
            config=Config(**settings),
        )
        self._clients.append(made)
        return made

    def connect(self) -> Control:
        """A new control connection, closed with the sandbox."""
        made = Control(self.control)
        self._controls.append(made)
        return made

    def call(self, operation: str, **parameters: Any) -> Any:
        """One control operation on a connection of its own."""
        with contextlib.closing(Control(self.control)) as control:
            return control.call(operation, **parameters)

    def create_world(self, exercise: str, **members: Any) -> dict[str, Any]:
        """A world with an administrator named ``default`` unless stated otherwise."""
        default = {"name": "default", "kind": "user", "account": "home", "policies": {}, "administrator": True}
        asked = {"accounts": ["home"], "principals": [default], **members}
        result: dict[str, Any] = self.call("world.create", exercise=exercise, **asked)
        return result

    def client_of(self, credential: dict[str, Any], service: str, **options: Any) -> Any:
        """A client with credentials as ``world.create`` hands them out."""
        return self.client(
            service,
            access_key_id=credential["access_key_id"],
            secret_access_key=credential["secret_access_key"],
            session_token=credential["session_token"],
            **options,
        )

    @property
    def https_port(self) -> int:
        return int(self.https.rpartition(":")[2])

    @property
    def http_port(self) -> int:
        return int(self.http.rpartition(":")[2])

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it and return its exit status."""
        for client in self._clients:
            client.close()
        for control in self._controls:
            control.close()
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            for stream in (self.process.stdout, self.process.stderr):
                if stream is not None:
                    stream.close()


def launch(*arguments: str, environment: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
    """Start the process and do not wait for anything."""
    return subprocess.Popen(
        [sys.executable, "-m", "lab.sandbox", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **(environment or {})},
    )


def start(*arguments: str, environment: dict[str, str] | None = None) -> RunningSandbox:
    """Start a sandbox and wait until it says that it is ready."""
    process = launch("--json", *arguments, environment=environment)
    watchdog = threading.Timer(READY_SECONDS, process.kill)
    watchdog.start()
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
    finally:
        watchdog.cancel()
        watchdog.join()
    if not line:
        _, said = process.communicate()
        raise AssertionError(f"the sandbox did not start: {said.decode()}")
    ready = json.loads(line)
    ready["ca_bundle"], ready["control"] = Path(ready["ca_bundle"]), Path(ready["control"])
    return RunningSandbox(process, **ready)


@contextlib.contextmanager
def short_directory() -> Iterator[Path]:
    """A directory whose path is short enough for a Unix socket, which pytest's are not on every machine."""
    path = Path(tempfile.mkdtemp(prefix="s3lab-test-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def wait_until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait for a condition with a deadline."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(0.01)
