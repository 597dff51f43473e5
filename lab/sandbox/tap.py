"""What an eavesdropper on the wire would have: the first raw bytes of every connection, and the TLS records in them.

Bytes are taken where they enter and leave the socket, so on TLS they are ciphertext; nothing here knows a key. They
live in memory only and are bounded: so many per connection, so many in all. When room is needed, the oldest
connections of exercises that are not the current one go first.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final, Literal

Direction = Literal["in", "out"]

KEPT_PER_DIRECTION = 256 << 10
KEPT_IN_ALL = 64 << 20
KEPT_CONNECTIONS = 4096
RECORDS_PER_DIRECTION = 1024

RECORD_TYPES: Final = {20: "change_cipher_spec", 21: "alert", 22: "handshake", 23: "application_data"}
_HEADER = 5


@dataclass(frozen=True, slots=True)
class Record:
    """One TLS record as its header shows it; with TLS 1.3 most say ``application_data`` and 0x0303, by design."""

    direction: Direction
    type: str
    version: str
    length: int


class RecordParser:
    """Finds record headers in a byte stream that comes in pieces of any size; stops at a limit or at what is not TLS.

    Args:
        direction: Which way the stream goes.
        into: The list that found records are added to.
        limit: How many records are noted.
    """

    def __init__(self, direction: Direction, into: list[Record], limit: int = RECORDS_PER_DIRECTION) -> None:
        self._direction: Direction = direction
        self._into = into
        self._left = limit
        self._skip = 0
        self._header = bytearray()

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the stream."""
        position, end = 0, len(data)
        while self._left and position < end:
            if self._skip:
                step = min(self._skip, end - position)
                self._skip -= step
                position += step
                continue
            taken = data[position : position + _HEADER - len(self._header)]
            self._header += taken
            position += len(taken)
            if len(self._header) == _HEADER:
                self._note(bytes(self._header))
                self._header.clear()

    def _note(self, header: bytes) -> None:
        kind, version = RECORD_TYPES.get(header[0]), header[1:3]
        if kind is None or version[0] != 3:
            self._left = 0
            return
        self._skip = int.from_bytes(header[3:5], "big")
        self._into.append(Record(self._direction, kind, f"0x{version.hex()}", self._skip))
        self._left -= 1


class Capture:
    """The beginning of one connection, both ways.

    Attributes:
        realm: Realm whose credentials the first authenticated request carried; empty until then.
        exercise: The exercise of that realm.
        gone: Its bytes had to make room.
    """

    def __init__(self, tap: Tap, number: int, scheme: str, port: int, opened_at: float) -> None:
        self.number = number
        self.scheme = scheme
        self.port = port
        self.opened_at = opened_at
        self.realm = ""
        self.exercise = ""
        self.sni: str | None = None
        self.tls_version: str | None = None
        self.gone = False
        self.records: list[Record] = []
        self.count = {"in": 0, "out": 0}
        self.kept = {"in": bytearray(), "out": bytearray()}
        self._tap = tap
        self._parsers: dict[str, RecordParser] = (
            {"in": RecordParser("in", self.records), "out": RecordParser("out", self.records)}
            if scheme == "https"
            else {}
        )

    def take(self, direction: Direction, data: bytes) -> None:
        """Note bytes that went over the wire."""
        self.count[direction] += len(data)
        if parser := self._parsers.get(direction):
            parser.feed(data)
        room = KEPT_PER_DIRECTION - len(self.kept[direction])
        if room > 0 and not self.gone:
            part = data[:room]
            self.kept[direction] += part
            self._tap.grew(self, len(part))

    def drop(self) -> int:
        """Give up the bytes; returns how many there were."""
        size = len(self.kept["in"]) + len(self.kept["out"])
        self.gone = True
        self.kept = {"in": bytearray(), "out": bytearray()}
        return size

    def describe(self) -> dict[str, Any]:
        """As ``wire.connections`` shows it."""
        return {
            "connection": self.number,
            "scheme": self.scheme,
            "port": self.port,
            "opened_at": self.opened_at,
            "exercise": self.exercise,
            "realm": self.realm,
            "bytes_in": self.count["in"],
            "bytes_out": self.count["out"],
            "kept_in": len(self.kept["in"]),
            "kept_out": len(self.kept["out"]),
            "gone": self.gone,
            "records": [
                {"direction": record.direction, "type": record.type, "version": record.version, "length": record.length}
                for record in list(self.records)
            ],
            "sni": self.sni,
            "tls_version": self.tls_version,
        }


class CaptureGoneError(Exception):
    """The bytes of this connection are not there (any more)."""


class Tap:
    """All captures of the sandbox.

    Args:
        in_all: How many bytes are kept over all connections.
        connections: How many connections are remembered at all.
    """

    def __init__(self, in_all: int = KEPT_IN_ALL, connections: int = KEPT_CONNECTIONS) -> None:
        self._in_all = in_all
        self._connections = connections
        self._size = 0
        self._lock = threading.Lock()
        self._captures: OrderedDict[int, Capture] = OrderedDict()
        self._current = ""

    def open(self, number: int, scheme: str, port: int, at: float) -> Capture:
        """Begin to note a connection."""
        capture = Capture(self, number, scheme, port, at)
        with self._lock:
            self._captures[number] = capture
            while len(self._captures) > self._connections:
                _, oldest = self._captures.popitem(last=False)
                self._size -= oldest.drop()
        return capture

    def attribute(self, capture: Capture, realm: str, exercise: str) -> None:
        """Say whose connection this is; its exercise becomes the current one."""
        with self._lock:
            capture.realm, capture.exercise = realm, exercise
            self._current = exercise

    def grew(self, capture: Capture, size: int) -> None:
        """A capture took in so many bytes: make room if need be."""
        with self._lock:
            self._size += size
            if self._size <= self._in_all:
                return
            others = [c for c in self._captures.values() if not c.gone and c is not capture]
            for victim in sorted(others, key=lambda c: (c.exercise == self._current, c.number)):
                self._size -= victim.drop()
                if self._size <= self._in_all:
                    return

    def connections(self, exercise: str | None = None) -> list[dict[str, Any]]:
        """What is known of every connection, oldest first; those of nobody are shown to every exercise."""
        with self._lock:
            captures = list(self._captures.values())
        return [c.describe() for c in captures if exercise is None or not c.realm or exercise in {c.exercise, c.realm}]

    def raw(self, number: int, direction: Direction) -> bytes:
        """The kept bytes of one direction.

        Raises:
            CaptureGoneError: They made room for others, or belong to an earlier life of the sandbox.
        """
        capture = self._captures.get(number)
        if capture is None or capture.gone:
            raise CaptureGoneError(str(number))
        return bytes(capture.kept[direction])
