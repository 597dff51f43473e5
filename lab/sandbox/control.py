"""The control socket: what the lab may ask its sandbox that no AWS client can ask; JSON lines on a Unix socket.

It lies in a directory of mode 0700 and answers only this user's processes. That keeps out accidents, not a
determined learner on their own machine. An open connection is a client; the sandbox ends some time after its last one.

Every part of the sandbox registers its own operations::

    @operation("world.create")
    def create(sandbox: Sandbox, parameters: dict[str, Any]) -> Any: ...

What an operation returns must be JSON; what the client did wrong is raised as :class:`ControlError`.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lab.sandbox.faults import record_fault

if TYPE_CHECKING:
    from lab.sandbox.core import Sandbox
    from lab.sandbox.log import EventLog, Subscription

Operation = Callable[["Sandbox", dict[str, Any]], Any]

OPERATIONS: Final[dict[str, Operation]] = {}

SOCKET_NAME = "control.sock"
LONGEST_PATH = 100
LONGEST_LINE = 32 << 20
SEND_SECONDS = 30.0


class ControlError(Exception):
    """The request cannot be answered.

    Args:
        code: A short name that programs compare (``no-such-world``).
        message: One sentence, without secrets.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class SocketError(Exception):
    """The control socket cannot be opened; says why in one sentence."""


def operation(name: str) -> Callable[[Operation], Operation]:
    """Register a function as the control operation of this name."""

    def register(function: Operation) -> Operation:
        OPERATIONS[name] = function
        return function

    return register


class ControlServer:
    """Listens, checks who calls, answers line by line, each client in a thread of its own.

    Args:
        directory: The runtime directory; must be this user's alone.
        sandbox: Handed to every operation.
        log: What ``subscribe`` follows.
        own: Operations that need this process (``hello``, ``stop``, ``wire.raw``), beside the registered ones.

    Raises:
        SocketError: The path is too long or a living sandbox answers there.
    """

    def __init__(self, directory: Path, sandbox: Sandbox, log: EventLog, own: dict[str, Operation]) -> None:
        self.path = directory / SOCKET_NAME
        self.last_client_at = time.monotonic()
        self._sandbox = sandbox
        self._log = log
        self._own = own
        self._lock = threading.Lock()
        self._clients: dict[socket.socket, threading.Thread] = {}
        self._stopping = False
        self._listener = _listen(self.path)
        self._thread = threading.Thread(target=self._accept, name="control", daemon=True)

    def start(self) -> None:
        """Begin to accept clients."""
        self._thread.start()

    @property
    def clients(self) -> int:
        """How many connections are open."""
        return len(self._clients)

    def others(self, pid: int) -> int:
        """How many connections are open that another process than this one made.

        Who is about to leave need not wait until its own connections are noticed as closed: an operation that is
        still answered on one of them keeps it open here.
        """
        with self._lock:
            return sum(peer_pid(client) not in {None, pid} for client in self._clients)

    def idle_seconds(self) -> float:
        """For how long there has been no client; 0 while there is one."""
        with self._lock:
            return 0.0 if self._clients else time.monotonic() - self.last_client_at

    def stop(self, seconds: float = 5.0) -> None:
        """Take no more questions, let answers go out, close everything and remove the socket."""
        with self._lock:
            self._stopping = True
            clients = dict(self._clients)
        _shut_down([self._listener], socket.SHUT_RDWR)
        _shut_down(clients, socket.SHUT_RD)
        self._listener.close()
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()
        deadline = time.monotonic() + seconds
        for thread in (self._thread, *clients.values()):
            if thread.is_alive():
                thread.join(max(0.0, deadline - time.monotonic()))
        _shut_down(clients, socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                if self._stopping:
                    return
                time.sleep(0.05)  # out of descriptors: the next one may be lucky
                continue
            if peer_uid(client) != os.getuid():
                client.close()
                continue
            thread = threading.Thread(target=self._serve, args=(client,), name="control-client", daemon=True)
            with self._lock:
                if self._stopping:
                    client.close()
                    return
                self._clients[client] = thread
            thread.start()

    def _serve(self, client: socket.socket) -> None:
        session = _Session(client, self._log, self._answer)
        try:
            session.run()
        except OSError:
            pass
        finally:
            session.close()
            with self._lock:
                self._clients.pop(client, None)
                self.last_client_at = time.monotonic()
            client.close()

    def _answer(self, name: str, parameters: dict[str, Any]) -> Any:
        function = self._own.get(name) or OPERATIONS.get(name)
        if function is None:
            raise ControlError("no-such-operation", f"The sandbox has no operation named {name[:80]!r}.")
        return function(self._sandbox, parameters)


class _Session:
    """One client: a reader that answers, and once it has subscribed a writer that tells events."""

    def __init__(self, client: socket.socket, log: EventLog, answer: Callable[[str, dict[str, Any]], Any]) -> None:
        self._client = client
        self._log = log
        self._answer = answer
        self._sending = threading.Lock()
        self._subscriptions: list[tuple[Subscription, threading.Thread]] = []

    def run(self) -> None:
        _set_send_timeout(self._client, SEND_SECONDS)
        with self._client.makefile("rb", buffering=1 << 16) as lines:
            while line := lines.readline(LONGEST_LINE):
                if not line.endswith(b"\n"):
                    return
                self._handle(line)

    def close(self) -> None:
        for subscription, _ in self._subscriptions:
            self._log.unsubscribe(subscription)
        for _, thread in self._subscriptions:
            if thread is not threading.current_thread():
                thread.join(SEND_SECONDS)

    def _handle(self, line: bytes) -> None:
        number: Any = None
        try:
            try:
                message = json.loads(line)
            except ValueError:
                raise ControlError("bad-request", "The line is not JSON.") from None
            if not isinstance(message, dict) or not isinstance(message.get("op"), str):
                raise ControlError("bad-request", "A request is an object with the member op.")
            number = message.pop("id", None)
            name = message.pop("op")
            if name == "subscribe":
                self._subscribe(number, message)
                return
            reply = {"id": number, "ok": True, "result": self._answer(name, message)}
        except ControlError as error:
            reply = {"id": number, "ok": False, "error": {"code": error.code, "message": error.message}}
        except Exception as error:  # noqa: BLE001 - a fault in one operation must not end the socket
            record_fault("control operation", error)
            text = f"The sandbox failed at this operation ({type(error).__name__}); its log file has the place."
            reply = {"id": number, "ok": False, "error": {"code": "internal", "message": text}}
        self._send(reply)

    def _subscribe(self, number: Any, parameters: dict[str, Any]) -> None:
        subscription = self._log.subscribe(integer(parameters, "after", 0), optional_text(parameters, "exercise"))
        self._send({"id": number, "ok": True, "result": True})
        thread = threading.Thread(target=self._tell, args=(subscription,), name="control-events", daemon=True)
        self._subscriptions.append((subscription, thread))
        thread.start()

    def _tell(self, subscription: Subscription) -> None:
        try:
            while not (subscription.closed or subscription.lost):
                events = subscription.get()
                if events:
                    self._send_lines([{"event": event} for event in events])
        except OSError:
            pass
        finally:
            with contextlib.suppress(OSError):
                self._client.shutdown(socket.SHUT_RDWR)

    def _send(self, message: dict[str, Any]) -> None:
        self._send_lines([message])

    def _send_lines(self, messages: list[dict[str, Any]]) -> None:
        text = "".join(json.dumps(message, separators=(",", ":")) + "\n" for message in messages)
        with self._sending:
            self._client.sendall(text.encode())


def text(parameters: dict[str, Any], name: str) -> str:
    """A member that must be there as text."""
    value = parameters.get(name)
    if not isinstance(value, str):
        raise ControlError("bad-request", f"The member {name} is missing or not text.")
    return value


def optional_text(parameters: dict[str, Any], name: str) -> str | None:
    """A member that may be absent or null, else text."""
    return None if parameters.get(name) is None else text(parameters, name)


def integer(parameters: dict[str, Any], name: str, default: int) -> int:
    """A member that may be absent, else a whole number."""
    value = parameters.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ControlError("bad-request", f"The member {name} is not a whole number.")
    return value


def peer_uid(client: socket.socket) -> int:
    """The user id of the process at the other end of a Unix socket."""
    if sys.platform == "darwin":
        # LOCAL_PEERCRED of <sys/un.h> gives struct xucred: version, uid, and groups that do not matter here.
        _, uid = struct.unpack_from("Ii", client.getsockopt(0, 0x001, 76))
    else:
        _, uid, _ = struct.unpack("3i", client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return int(uid)


def peer_pid(client: socket.socket) -> int | None:
    """The process that made the connection at the other end of a Unix socket; None where that cannot be told."""
    try:
        if sys.platform == "darwin":
            return client.getsockopt(0, 0x002)  # LOCAL_PEERPID of <sys/un.h>
        pid, _, _ = struct.unpack("3i", client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
        return int(pid)
    except OSError:  # macOS no longer knows who has left
        return None


def _shut_down(endpoints: Iterable[socket.socket], how: int) -> None:
    for endpoint in endpoints:
        with contextlib.suppress(OSError):
            endpoint.shutdown(how)


def _set_send_timeout(client: socket.socket, seconds: float) -> None:
    """A client that does not read must not hold a thread for ever; reading may wait as long as it likes."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", int(seconds), 0))


def _listen(path: Path) -> socket.socket:
    if len(os.fsencode(path)) > LONGEST_PATH:
        raise SocketError(f"The path of the control socket is longer than {LONGEST_PATH} bytes: {path}")
    if path.exists() and _answers(path):
        raise SocketError(f"Another sandbox is already running with the control socket {path}.")
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen(64)
    except OSError as error:
        listener.close()
        raise SocketError(f"The control socket {path} cannot be opened ({error.strerror}).") from error
    return listener


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(2)
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True
