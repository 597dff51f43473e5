"""The lab's end of the sandbox's control socket: questions and answers as JSON lines, and events as they come."""

from __future__ import annotations

import contextlib
import itertools
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Self

from lab.errors import BackendError, SandboxLostError
from lab.events import Event

if TYPE_CHECKING:
    from types import TracebackType

#: Operations that change nothing: asked again on a new connection when the old one broke in the middle.
REPEATABLE: Final = frozenset(
    {
        "hello", "world.open", "world.list", "world.fingerprint", "events", "decide", "at_rest",
        "wire.connections", "wire.raw",
    }
)  # fmt: skip

CONNECT_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 30.0

_RESTART: Final = "Run the command again: it starts a new sandbox, and your work is kept."


class ControlFailureError(BackendError):
    """The sandbox refused an operation.

    Args:
        code: The sandbox's name for the reason.
        message: Its sentence.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class ControlClient:
    """One connection to the control socket, for calls; usable from every thread, one call at a time.

    While it is open the sandbox counts it as a client and stays.

    Args:
        path: The control socket.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._socket: socket.socket | None = None
        self._lines: BinaryIO | None = None

    def connect(self) -> None:
        """Open the connection now.

        Raises:
            SandboxLostError: Nobody answers there.
        """
        with self._lock:
            self._ensure()

    def call(self, op: str, *, timeout: float = ANSWER_SECONDS, **members: object) -> Any:
        """Ask and return the result.

        Args:
            op: Name of the operation.
            timeout: Seconds to wait for the answer.
            members: The operation's members; None is sent as null.

        Raises:
            ControlFailureError: The sandbox refused.
            SandboxLostError: It went away or did not answer in time.
        """
        number = next(self._numbers)
        line = json.dumps({"id": number, "op": op, **members}, separators=(",", ":")).encode() + b"\n"
        with self._lock:
            try:
                answer = self._exchange(number, line, timeout)
            except _BrokenError as broken:
                if op not in REPEATABLE and not isinstance(broken, _UnsentError):
                    raise SandboxLostError(f"The sandbox stopped while it was asked for {op}.", _RESTART) from None
                try:
                    answer = self._exchange(number, line, timeout)
                except _BrokenError:
                    raise SandboxLostError("The sandbox stopped.", _RESTART) from None
        if answer.get("ok"):
            return answer.get("result")
        error = answer.get("error") or {}
        raise ControlFailureError(str(error.get("code", "")), str(error.get("message", "The sandbox refused.")))

    def close(self) -> None:
        """Close the connection; it opens again at the next call."""
        with self._lock:
            self._drop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ensure(self) -> None:
        """Connect unless connected; a connection that the other side has closed does not count."""
        if self._socket is not None and _hung_up(self._socket):
            self._drop()
        if self._socket is None:
            self._socket = open_socket(self.path)
            self._lines = self._socket.makefile("rb")

    def _exchange(self, number: int, line: bytes, timeout: float) -> dict[str, Any]:
        self._ensure()
        if self._socket is None or self._lines is None:  # pragma: no cover - _ensure has just set both
            raise _BrokenError
        try:
            self._socket.settimeout(timeout)
            self._send(line)
            while True:
                text = self._lines.readline()
                if not text.endswith(b"\n"):
                    raise _BrokenError
                answer: dict[str, Any] = json.loads(text)
                if answer.get("id") == number:
                    return answer
        except TimeoutError:
            self._drop()  # a late answer must not be taken for the next one
            raise SandboxLostError(
                f"The sandbox did not answer within {timeout:g} seconds.", "Restart it: lab sandbox stop, then go on."
            ) from None
        except (OSError, ValueError) as error:
            self._drop()
            raise _BrokenError from error
        except _BrokenError:
            self._drop()
            raise

    def _send(self, line: bytes) -> None:
        """Send it; what does not arrive up to its end is not carried out, so it may be sent again."""
        assert self._socket is not None  # noqa: S101 - _exchange has just connected
        try:
            self._socket.sendall(line)
        except TimeoutError:
            raise
        except OSError as error:
            raise _UnsentError from error

    def _drop(self) -> None:
        for part in (self._lines, self._socket):
            if part is not None:
                with contextlib.suppress(OSError):
                    part.close()
        self._socket = self._lines = None


class EventStream:
    """Events as they happen, on a connection of their own.

    A stream that the sandbox cuts off because it fell behind goes on where it was.

    Args:
        path: The control socket.
        after: Events with a higher ``seq`` come.
        exercise: Only this exercise's or realm's; None for all.
    """

    def __init__(self, path: Path, after: int = 0, exercise: str | None = None) -> None:
        self._path = path
        self._after = after
        self._exercise = exercise
        self._lock = threading.Lock()
        self._closed = False
        self._heard = False  # anything, since the connection was made
        self._socket = self._subscribe()

    def __iter__(self) -> Iterator[Event]:
        while True:
            self._heard = False
            yield from self._read()
            with self._lock:
                if self._closed:
                    return
            if not self._heard:
                raise SandboxLostError("The sandbox stopped.", _RESTART)
            again = self._subscribe()
            with self._lock:
                if self._closed:
                    again.close()
                    return
                self._socket.close()
                self._socket = again

    def close(self) -> None:
        """End the iteration, from whatever thread; may be called twice."""
        with self._lock:
            self._closed = True
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _subscribe(self) -> socket.socket:
        """Connect and ask; the answer to the request comes with the events."""
        connection = open_socket(self._path)
        request = {"id": 0, "op": "subscribe", "after": self._after, "exercise": self._exercise}
        try:
            connection.sendall(json.dumps(request).encode() + b"\n")
        except OSError:
            connection.close()
            raise SandboxLostError("The sandbox stopped.", _RESTART) from None
        connection.settimeout(None)
        return connection

    def _read(self) -> Iterator[Event]:
        with self._lock:
            if self._closed:
                return
            lines = self._socket.makefile("rb")
        with lines, contextlib.suppress(OSError, ValueError):
            for text in lines:
                message = json.loads(text)
                self._heard = True
                if "event" not in message:
                    continue
                event = Event.from_json(message["event"])
                self._after = max(self._after, event.seq)
                yield event


class _BrokenError(Exception):
    """The connection ended in the middle."""


class _UnsentError(_BrokenError):
    """It ended before the whole request was sent: nothing can have been carried out."""


def open_socket(path: Path) -> socket.socket:
    """A connection to the control socket.

    Raises:
        SandboxLostError: Nobody answers there.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(CONNECT_SECONDS)
    try:
        connection.connect(str(path))
    except OSError:
        connection.close()
        raise SandboxLostError("The sandbox is not running.", _RESTART) from None
    return connection


def _hung_up(connection: socket.socket) -> bool:
    """Whether the other side has closed, or sent what nobody asked for."""
    connection.settimeout(0)
    try:
        connection.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True
