"""The disk: immutable files of sealed segments, under random names, in the state directory.

What stands in a file is :mod:`lab.sandbox.segments`' matter. Two keys seal twice: what the first layer writes is the
plaintext of the second. No key leaves the file plain: that is how objects lay there before 2023, and only
:mod:`lab.sandbox.s3.plant` makes such.

Nobody writes to a file twice, and nothing refers to a name before its file is whole: that is why a file is written in
its place at once. What no object refers to, or not any more, is swept away.

A process that is killed loses nothing that it has written: the system's page cache has it. Only a machine that loses
power would, so where state is kept, files are flushed to the disk behind the answers, before the saved state refers to
them (:meth:`BlobStore.flush`).
"""

from __future__ import annotations

import errno
import os
import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from lab.sandbox.exchange import ServiceError
from lab.sandbox.segments import SEGMENT, DamagedError, Opener, Sealer, Sink, Source

__all__ = ["SEGMENT", "Blob", "BlobReader", "BlobStore", "BlobWriter", "DamagedError"]

_GATHERED: Final = 128 << 10
_DISK_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True, slots=True)
class Blob:
    """One finished file.

    Attributes:
        name: Under which the store finds it.
        size: Of the plaintext, in bytes.
        nonces: The nonce of the first segment of each layer, innermost first, in hexadecimal digits.
        sealed_as: The name that its segments are bound to, where that is another one's.
    """

    name: str
    size: int
    nonces: tuple[str, ...] = ()
    sealed_as: str = ""


class BlobStore:
    """All files of one state directory.

    Args:
        state_dir: Where the store keeps its ``blobs`` directory.
        grace: Seconds for which a file is spared by :meth:`sweep` after it was referred to, so that a list of
            references that was drawn up a moment earlier cannot take it away.
        durable: Whether what is saved may refer to the files: they are flushed before then.
    """

    def __init__(self, state_dir: Path, *, grace: float = 60.0, durable: bool = True) -> None:
        self._durable = durable
        self._root = state_dir / "blobs"
        self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._grace = grace
        self._lock = threading.Lock()
        self._unsettled: set[str] = set()
        self._settled: dict[str, float] = {}
        self._unflushed: set[str] = set()

    def path(self, name: str) -> Path:
        """Where the file of that name lies."""
        return self._root / name[0] / name

    def create(self, keys: Sequence[bytes]) -> BlobWriter:
        """Begin a file that is sealed once per key, innermost first; the caller finishes or abandons it."""
        name = secrets.token_hex(16)
        with self._lock:
            self._unsettled.add(name)
        return BlobWriter(self, name, keys)

    def open(self, blob: Blob, keys: Sequence[bytes]) -> BlobReader:
        """Open a file for reading with the keys that it was sealed with, innermost first."""
        return BlobReader(self.path(blob.name), blob, keys)

    def replace(self, blob: Blob, sealed: bytes) -> Blob:
        """Lay down other sealed bytes in place of a file that snapshots share; the caller settles what comes back."""
        writer = self.create(())
        writer.write(sealed)
        return replace(blob, name=writer.finish().name, sealed_as=blob.sealed_as or blob.name)

    def settle(self, name: str) -> None:
        """Say that something refers to this file from now on."""
        now = time.monotonic()
        with self._lock:
            self._unsettled.discard(name)
            self._settled[name] = now
            if len(self._settled) > 4096:
                self._settled = {n: at for n, at in self._settled.items() if now - at < self._grace}

    def discard(self, name: str) -> None:
        """Remove a file that nothing came to refer to."""
        with self._lock:
            self._unsettled.discard(name)
            self._unflushed.discard(name)
        with suppress(FileNotFoundError):
            self.path(name).unlink()

    def flush(self, names: set[str]) -> None:
        """Bring these files to the disk, so that they outlive the machine's power; called before a state is saved.

        Raises:
            OSError: The disk does not take them.
        """
        with self._lock:
            waiting = self._unflushed & names
        for name in waiting:
            with suppress(FileNotFoundError):
                _flush(self.path(name))
            with self._lock:
                self._unflushed.discard(name)

    def sweep(self, referenced: set[str]) -> int:
        """Remove every file that nothing refers to and return how many went."""
        now = time.monotonic()
        with self._lock:
            self._settled = {n: at for n, at in self._settled.items() if now - at < self._grace}
            spared = self._unsettled | self._settled.keys()
        swept = 0
        for directory in self._root.iterdir():
            for path in directory.iterdir():
                if path.name in referenced or path.name in spared:
                    continue
                with self._lock:
                    if path.name in self._unsettled or path.name in self._settled:
                        continue  # begun while we were walking
                    path.unlink(missing_ok=True)
                    self._unflushed.discard(path.name)
                swept += 1
        return swept

    def _written(self, name: str) -> None:
        if self._durable:
            with self._lock:
                self._unflushed.add(name)


class BlobWriter:
    """A file that is being written; nothing can refer to it before :meth:`finish` gave its name away."""

    def __init__(self, store: BlobStore, name: str, keys: Sequence[bytes]) -> None:
        self._store = store
        self._name = name
        self._size = 0
        self._nonces: list[str] = []
        self._file = _FileSink(store.path(name))
        self._layers: list[Sealer] = []
        sink: Sink = self._file
        for layer in reversed(range(len(keys))):
            sealer = Sealer(sink, keys[layer], name, layer)
            self._layers.insert(0, sealer)
            self._nonces.insert(0, sealer.first_nonce.hex())
            sink = sealer
        self._sink = sink

    def write(self, data: bytes) -> None:
        """Seal the next piece.

        Raises:
            ServiceError: The disk is full; the file is gone then.
        """
        self._size += len(data)
        try:
            self._sink.write(data)
        except OSError as error:
            self.abandon()
            raise _disk_error(error) from error

    def finish(self) -> Blob:
        """Close the last segment and the file.

        The caller calls :meth:`BlobStore.settle` once something refers to it, or :meth:`BlobStore.discard`.

        Raises:
            ServiceError: The disk is full; the file is gone then.
        """
        try:
            for sealer in self._layers:
                sealer.finish()
            self._file.finish()
        except OSError as error:
            self.abandon()
            raise _disk_error(error) from error
        self._store._written(self._name)  # noqa: SLF001 - the writer is the store's other half
        return Blob(self._name, self._size, tuple(self._nonces))

    def abandon(self) -> None:
        """Forget the file; no more than a note where it is gone already."""
        self._file.close()
        self._store.discard(self._name)


class BlobReader:
    """An open file: any range of its plaintext, segment by segment."""

    def __init__(self, path: Path, blob: Blob, keys: Sequence[bytes]) -> None:
        self._file = _FileSource(path)
        source: Source = self._file
        for layer in reversed(range(len(keys))):
            source = Opener(source, keys[layer], blob.sealed_as or blob.name, layer)
        self._source = source
        self.size = source.size

    def chunks(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The plaintext from ``start`` up to ``stop``, in pieces of at most one segment.

        Raises:
            DamagedError: A segment does not open.
        """
        end = self.size if stop is None else min(stop, self.size)
        position = start
        while position < end:
            piece = self._source.read_at(position, min(SEGMENT - position % SEGMENT, end - position))
            if not piece:
                raise DamagedError("the file ends early")
            yield piece
            position += len(piece)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class _FileSink:
    """A new file: made when there is something to write, a small one in a single write."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1
        self._waiting = bytearray()

    def write(self, data: bytes, /) -> None:
        if len(self._waiting) + len(data) <= _GATHERED:
            self._waiting += data
            return
        self._write_waiting()
        self._write(data)

    def finish(self) -> None:
        self._write_waiting()
        self.close()

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _write_waiting(self) -> None:
        if self._descriptor < 0:
            self._descriptor = self._make()
        self._write(self._waiting)
        self._waiting.clear()

    def _make(self) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        try:
            return os.open(self._path, flags, 0o600)
        except FileNotFoundError:  # the first of its directory
            self._path.parent.mkdir(mode=0o700, exist_ok=True)
            return os.open(self._path, flags, 0o600)

    def _write(self, data: bytes | bytearray) -> None:
        with memoryview(data) as view:
            done = 0
            while done < len(view):  # the kernel may take less than it is given
                done += os.write(self._descriptor, view[done:])


class _FileSource:
    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self.size = os.fstat(self._descriptor).st_size

    def read_at(self, offset: int, length: int) -> bytes:
        pieces = []
        while length > 0:
            piece = os.pread(self._descriptor, length, offset)
            if not piece:
                break
            pieces.append(piece)
            offset += len(piece)
            length -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _disk_error(error: OSError) -> Exception:
    if error.errno in _DISK_FULL:
        return ServiceError(
            500, "InternalError", "The sandbox's disk is full. Free some space, then send the request again."
        )
    return error
