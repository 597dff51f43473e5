"""Sockets: two listeners (HTTP and HTTPS) on IPv4 and IPv6 loopback, one thread that accepts, one per connection.

Nothing but loopback is ever bound. Where the machine has no IPv6, IPv4 has to do.
"""

from __future__ import annotations

import contextlib
import errno
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Literal

Scheme = Literal["http", "https"]
Serve = Callable[[socket.socket, Scheme, int], None]

BACKLOG: Final = 256
MOST_CONNECTIONS: Final = 512
_NO_IPV6: Final = frozenset({errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT})
_TRIES: Final = 20


class PortTakenError(Exception):
    """Somebody else listens on the port that was asked for."""

    def __init__(self, port: int, why: str) -> None:
        mend = " Name another one, or 0 for any that is free." if port else ""
        super().__init__(f"Port {port} on localhost cannot be used ({why}).{mend}")
        self.port = port


@dataclass(frozen=True, slots=True)
class Listener:
    """One scheme's sockets: IPv4, and IPv6 where there is one, on the same port."""

    scheme: Scheme
    port: int
    sockets: tuple[socket.socket, ...]

    def close(self) -> None:
        """Give the port back."""
        for listening in self.sockets:
            listening.close()


def listen(scheme: Scheme, port: int = 0, *, preferred: int = 0) -> Listener:
    """Bind both loopback addresses to one port.

    Args:
        scheme: What is spoken there.
        port: The port that it must be; 0 leaves the choice to the system.
        preferred: A port to try first where none is required.

    Raises:
        PortTakenError: The required port is not free.
    """
    if port:
        return _bind(scheme, port)
    if preferred:
        with contextlib.suppress(PortTakenError):
            return _bind(scheme, preferred)
    for _ in range(_TRIES):
        with contextlib.suppress(PortTakenError):
            return _bind(scheme, 0)
    raise PortTakenError(0, "no port is free on both loopback addresses")


def _bind(scheme: Scheme, port: int) -> Listener:
    sockets: list[socket.socket] = []
    try:
        sockets.append(_socket(socket.AF_INET, "127.0.0.1", port))
        port = sockets[0].getsockname()[1]
        try:
            sockets.append(_socket(socket.AF_INET6, "::1", port))
        except OSError as error:
            if error.errno not in _NO_IPV6:
                raise
    except (OSError, OverflowError) as error:
        for opened in sockets:
            opened.close()
        raise PortTakenError(port, getattr(error, "strerror", None) or "it is not a port number") from error
    return Listener(scheme, port, tuple(sockets))


def _socket(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.bind((address, port))
    except BaseException:
        listening.close()
        raise
    return listening


class Server:
    """Accepts on all listeners and gives each connection a thread; ends them all when it stops.

    Args:
        listeners: Bound sockets; they begin to listen with :meth:`start`.
        serve: Serves one connection from accept to close.
    """

    def __init__(self, listeners: tuple[Listener, ...], serve: Serve) -> None:
        self._listeners = listeners
        self._serve = serve
        self._lock = threading.Lock()
        self._connections: dict[socket.socket, threading.Thread] = {}
        self._stopping = False
        self._selector = selectors.DefaultSelector()
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._thread = threading.Thread(target=self._accept, name="accept", daemon=True)
        self._number = 0

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._connections)

    def start(self) -> None:
        """Listen and accept."""
        self._selector.register(self._wake_reader, selectors.EVENT_READ, None)
        for listener in self._listeners:
            for listening in listener.sockets:
                listening.setblocking(False)
                listening.listen(BACKLOG)
                self._selector.register(listening, selectors.EVENT_READ, listener)
        self._thread.start()

    def stop(self, seconds: float = 5.0) -> None:
        """Take no more requests, let answers go out, close everything."""
        with self._lock:
            self._stopping = True
            connections = dict(self._connections)
        self._wake_writer.send(b"\0")
        _shut_down(connections, socket.SHUT_RD)
        deadline = time.monotonic() + seconds
        for thread in (self._thread, *connections.values()):
            if thread.is_alive():
                thread.join(max(0.0, deadline - time.monotonic()))
        _shut_down(connections, socket.SHUT_RDWR)
        for listener in self._listeners:
            listener.close()
        self._selector.close()
        self._wake_reader.close()
        self._wake_writer.close()

    def _accept(self) -> None:
        while not self._stopping:
            for key, _ in self._selector.select():
                if key.data is not None and isinstance(key.fileobj, socket.socket):
                    self._accept_one(key.fileobj, key.data)

    def _accept_one(self, listening: socket.socket, listener: Listener) -> None:
        try:
            endpoint, _ = listening.accept()
        except BlockingIOError:
            return
        except OSError:
            time.sleep(0.05)  # out of descriptors: let some connections end
            return
        endpoint.setblocking(True)
        with contextlib.suppress(OSError):
            endpoint.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._number += 1
        thread = threading.Thread(
            target=self._run, args=(endpoint, listener), name=f"connection-{self._number}", daemon=True
        )
        with self._lock:
            if self._stopping or len(self._connections) >= MOST_CONNECTIONS:
                endpoint.close()
                return
            self._connections[endpoint] = thread
        thread.start()

    def _run(self, endpoint: socket.socket, listener: Listener) -> None:
        try:
            self._serve(endpoint, listener.scheme, listener.port)
        finally:
            with self._lock:
                self._connections.pop(endpoint, None)
            endpoint.close()


def _shut_down(endpoints: Iterable[socket.socket], how: int) -> None:
    for endpoint in endpoints:
        with contextlib.suppress(OSError):
            endpoint.shutdown(how)
