"""The sandbox's process from first to last: what it is made of, what it offers on its control socket, how it ends."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import shutil
import socket
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lab import __version__
from lab.sandbox.assembly import Assembly
from lab.sandbox.connection import HttpConnection, Limits
from lab.sandbox.control import ControlError, ControlServer, Operation, integer, optional_text, text
from lab.sandbox.counters import Counter
from lab.sandbox.exchange import Connection
from lab.sandbox.faults import close_log, open_log
from lab.sandbox.identity import Credential
from lab.sandbox.pipeline import Pipeline
from lab.sandbox.realm import REGION
from lab.sandbox.server import Listener, Scheme, Server, listen
from lab.sandbox.tap import CaptureGoneError, Tap
from lab.sandbox.tls import Authority

WATCH_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Settings:
    """What the command line says.

    Attributes:
        state: Where everything is kept; None for a private directory that is deleted at the end.
        runtime: Directory of the control socket; None for a private one.
        https_port: A port that must be taken; 0 for the last one or any.
        http_port: Likewise.
        linger: Seconds after the last client; None for a sandbox that only ends when told to.
    """

    state: Path | None = None
    runtime: Path | None = None
    https_port: int = 0
    http_port: int = 0
    linger: float | None = 900.0


class StartError(Exception):
    """The sandbox cannot start; says why in one sentence."""


class SandboxProcess:
    """Everything that runs in the process; :meth:`start`, then :meth:`wait`, then :meth:`close`.

    Raises:
        StartError: A directory cannot be used.
        PortTakenError: A required port is not free.
        SocketError: The control socket cannot be opened.
    """

    def __init__(self, settings: Settings, limits: Limits | None = None) -> None:
        self._settings = settings
        self._limits = limits or Limits()
        self._stop = threading.Event()
        self._cleanup = contextlib.ExitStack()
        try:
            self._assemble()
        except BaseException:
            self._cleanup.close()
            raise

    def _assemble(self) -> None:
        settings = self._settings
        self.state_dir = self._directory(settings.state, "s3lab-state-")
        lock = self._lock()
        runtime = self._directory(settings.runtime, "s3lab-run-")
        open_log(self.state_dir)
        self._cleanup.callback(close_log)

        ports = _last_ports(self.state_dir)
        self._listeners = (
            self._bind("https", settings.https_port, ports.get("https", 0)),
            self._bind("http", settings.http_port, ports.get("http", 0)),
        )
        _write_json(self.state_dir / "ports.json", {listener.scheme: listener.port for listener in self._listeners})

        kept = settings.state is not None
        self._authority = Authority(self.state_dir / "ca")
        self._tls = self._authority.server_context()
        self._connection_numbers = Counter(self.state_dir / "connections.json" if kept else None)
        self._cleanup.callback(self._connection_numbers.close)
        self.tap = Tap()
        self._parts = Assembly(self.state_dir, persistent=kept)
        self._cleanup.callback(self._parts.close)
        self.sandbox, self.log = self._parts.sandbox, self._parts.log
        self._pipeline = Pipeline(self.sandbox)
        self._server = Server(self._listeners, self._serve)
        self._control = ControlServer(runtime, self.sandbox, self.log, self._own_operations())
        # Who finds the state directory taken finds here whom to talk to.
        os.truncate(lock, 0)
        os.pwrite(lock, json.dumps({"pid": os.getpid(), "control": str(self._control.path)}).encode(), 0)

    def _lock(self) -> int:
        """Keep the state directory to ourselves; the system lets go of it when we end, however we end."""
        try:
            lock = os.open(self.state_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StartError(f"The directory {self.state_dir} cannot be used ({error.strerror}).") from error
        self._cleanup.callback(os.close, lock)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartError(f"Another sandbox keeps its state in {self.state_dir}.") from None
        return lock

    def _directory(self, wanted: Path | None, prefix: str) -> Path:
        """A directory of this user alone: the one named, or a private one that goes with us."""
        try:
            if wanted is None:
                made = Path(tempfile.mkdtemp(prefix=prefix))
                self._cleanup.callback(shutil.rmtree, made, ignore_errors=True)
                return made
            wanted.mkdir(mode=0o700, parents=True, exist_ok=True)
            if wanted.stat().st_uid != os.getuid():
                raise StartError(f"The directory {wanted} belongs to another user.")
            wanted.chmod(0o700)
        except OSError as error:
            raise StartError(f"The directory {wanted or prefix} cannot be used ({error.strerror}).") from error
        return wanted.resolve()

    def _bind(self, scheme: Scheme, port: int, preferred: int) -> Listener:
        listener = listen(scheme, port, preferred=preferred)
        self._cleanup.callback(listener.close)
        return listener

    # ---- life --------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Serve."""
        self._server.start()
        self._cleanup.callback(self._server.stop)
        self._control.start()
        self._cleanup.callback(self._control.stop)

    def request_stop(self) -> None:
        """Make :meth:`wait` return; safe in signal handlers and threads."""
        self._stop.set()

    def wait(self) -> None:
        """Return when told to stop, or when the last client has been gone for long enough."""
        linger = self._settings.linger
        if linger is None:
            while not self._stop.wait(WATCH_SECONDS * 100):
                pass
            return
        while not self._stop.wait(max(0.05, min(WATCH_SECONDS, linger - self._control.idle_seconds()))):
            if self._control.idle_seconds() >= linger:
                return

    def close(self) -> None:
        """End every thread, keep what is to be kept, delete what is not."""
        self._cleanup.close()

    # ---- what it offers ----------------------------------------------------------------------------------------------

    @property
    def https(self) -> str:
        """The HTTPS endpoint."""
        return f"https://localhost:{self._listeners[0].port}"

    @property
    def http(self) -> str:
        """The HTTP endpoint."""
        return f"http://localhost:{self._listeners[1].port}"

    @property
    def ca_bundle(self) -> Path:
        """What clients must trust."""
        return self._authority.bundle

    @property
    def control(self) -> Path:
        """The control socket."""
        return self._control.path

    def bare_credential(self) -> Credential:
        """Keys of the administrator of a realm that belongs to no exercise."""
        from lab.sandbox import worlds

        return worlds.bare_realm(self.sandbox)

    def _serve(self, endpoint: socket.socket, scheme: Scheme, port: int) -> None:
        connection = Connection(number=self._connection_numbers.next(), scheme=scheme, port=port)
        HttpConnection(
            endpoint,
            connection,
            self._tls if scheme == "https" else None,
            pipeline=self._pipeline,
            log=self.log,
            tap=self.tap,
            clock=self.sandbox.clock,
            limits=self._limits,
        ).run()

    def _own_operations(self) -> dict[str, Operation]:
        return {
            "hello": lambda _, parameters: self._hello(integer(parameters, "pid", 0)),
            "events": lambda _, parameters: self._events(parameters),
            "wire.connections": lambda _, parameters: self.tap.connections(optional_text(parameters, "exercise")),
            "wire.raw": lambda _, parameters: self._raw(parameters),
            "clock": lambda _, parameters: self._advance(parameters),
            "stop": lambda _, __: self.request_stop(),
        }

    def _hello(self, asker: int) -> dict[str, Any]:
        return {
            "pid": os.getpid(),
            "version": __version__,
            "https": self.https,
            "http": self.http,
            "ca_bundle": str(self.ca_bundle),
            "region": REGION,
            "clients": self._control.clients,
            "others": self._control.others(asker),
        }

    def _events(self, parameters: dict[str, Any]) -> list[dict[str, Any]]:
        limit = integer(parameters, "limit", 0) if parameters.get("limit") is not None else None
        return self.log.events(integer(parameters, "after", 0), optional_text(parameters, "exercise"), limit)

    def _raw(self, parameters: dict[str, Any]) -> str:
        direction = text(parameters, "direction")
        if direction not in {"in", "out"}:
            raise ControlError("bad-request", "The direction is in or out.")
        try:
            raw = self.tap.raw(integer(parameters, "connection", 0), "in" if direction == "in" else "out")
        except CaptureGoneError:
            raise ControlError(
                "capture-gone", "The bytes of this connection are not kept: the sandbox has restarted or made room."
            ) from None
        return base64.b64encode(raw).decode()

    def _advance(self, parameters: dict[str, Any]) -> float:
        seconds = parameters.get("advance") or 0
        if not isinstance(seconds, int | float) or isinstance(seconds, bool):
            raise ControlError("bad-request", "The member advance is not a number of seconds.")
        try:
            now = self.sandbox.clock.advance(float(seconds))
        except ValueError:
            raise ControlError("bad-request", "Time only moves forward.") from None
        self._parts.keep_clock()
        return now


def _last_ports(state_dir: Path) -> dict[str, int]:
    """The ports of this state directory's last sandbox, so that saved endpoints keep working."""
    try:
        record = json.loads((state_dir / "ports.json").read_text())
        return {name: port for name, port in record.items() if isinstance(port, int) and 0 < port < 65536}
    except (OSError, ValueError, AttributeError):
        return {}


def _write_json(path: Path, value: object) -> None:
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(value))
    draft.replace(path)
