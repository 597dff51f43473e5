"""Sealed segments: how plaintext is laid out in a file so that no change to it goes unnoticed.

A file is a header and segments of one mebibyte of plaintext, each sealed with AES-256-GCM. The nonce is a random
prefix per file and layer and the segment's number; the file's name, the number and whether it is the last segment
are authenticated with it, so that a segment that was changed, moved, cut off or taken from another file is noticed.
"""

from __future__ import annotations

import secrets
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SEGMENT: Final = 1 << 20
_TAG: Final = 16
_SEALED_SEGMENT: Final = SEGMENT + _TAG
_MAGIC: Final = b"S3LB"
_PREFIX: Final = 8
_HEADER: Final = len(_MAGIC) + _PREFIX


class DamagedError(Exception):
    """A file does not open: it was changed, cut, or the key is not the one that it was sealed with."""


class Sink(Protocol):
    """Takes bytes one after the other."""

    def write(self, data: bytes, /) -> object:
        """Take the next bytes."""


class Source(Protocol):
    """Has bytes at any place."""

    size: int

    def read_at(self, offset: int, length: int) -> bytes:
        """The bytes from ``offset`` on, fewer than ``length`` where it ends."""


class Sealer:
    """One layer of sealing over a sink."""

    def __init__(self, sink: Sink, key: bytes, name: str, layer: int) -> None:
        self._sink = sink
        self._cipher = AESGCM(key)
        self._name = _binding(name, layer)
        self._prefix = secrets.token_bytes(_PREFIX)
        self._number = 0
        self._pending = bytearray()
        sink.write(_MAGIC + self._prefix)

    @property
    def first_nonce(self) -> bytes:
        """The nonce of the first segment."""
        return _nonce(self._prefix, 0)

    def write(self, data: bytes, /) -> None:
        """Take the next plaintext."""
        view = memoryview(data)
        # A full segment is sealed only once something follows it: only then is it known not to be the last.
        while view:
            if len(self._pending) == SEGMENT:
                self._seal(self._pending, last=False)
                self._pending.clear()
            if not self._pending and len(view) > SEGMENT:
                self._seal(view[:SEGMENT], last=False)
                view = view[SEGMENT:]
                continue
            room = SEGMENT - len(self._pending)
            self._pending += view[:room]
            view = view[room:]

    def finish(self) -> None:
        """Seal the last segment."""
        self._seal(self._pending, last=True)

    def _seal(self, plaintext: bytearray | memoryview, *, last: bool) -> None:
        nonce = _nonce(self._prefix, self._number)
        sealed = self._cipher.encrypt(nonce, plaintext, _associated(self._name, self._number, last=last))
        self._sink.write(sealed)
        self._number += 1


class Opener:
    """One layer of opening over a source of sealed segments."""

    def __init__(self, source: Source, key: bytes, name: str, layer: int) -> None:
        self._source = source
        self._cipher = AESGCM(key)
        self._name = _binding(name, layer)
        header = source.read_at(0, _HEADER)
        sealed = source.size - _HEADER
        if len(header) != _HEADER or not header.startswith(_MAGIC) or sealed < _TAG:
            raise DamagedError("the file has no sealed segments")
        self._prefix = header[len(_MAGIC) :]
        self._last = max(0, (sealed - 1) // _SEALED_SEGMENT)
        self.size = sealed - (self._last + 1) * _TAG
        self._open_number = -1
        self._open = b""

    def read_at(self, offset: int, length: int) -> bytes:
        """The plaintext from ``offset`` on.

        Raises:
            DamagedError: A segment does not open.
        """
        end = min(offset + length, self.size)
        pieces = []
        while offset < end:
            number, inside = divmod(offset, SEGMENT)
            piece = self._segment(number)[inside : inside + end - offset]
            pieces.append(piece)
            offset += len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _segment(self, number: int) -> bytes:
        if number == self._open_number:
            return self._open
        sealed = self._source.read_at(_HEADER + number * _SEALED_SEGMENT, _SEALED_SEGMENT)
        associated = _associated(self._name, number, last=number == self._last)
        try:
            self._open = self._cipher.decrypt(_nonce(self._prefix, number), sealed, associated)
        except (InvalidTag, ValueError):
            raise DamagedError(f"segment {number} does not open") from None
        self._open_number = number
        return self._open


def _nonce(prefix: bytes, number: int) -> bytes:
    return prefix + number.to_bytes(4, "big")


def _binding(name: str, layer: int) -> bytes:
    return f"{name}/{layer}/".encode()


def _associated(binding: bytes, number: int, *, last: bool) -> bytes:
    return binding + number.to_bytes(4, "big") + (b"\x01" if last else b"\x00")
