"""Whose turn it is: of two apps on one store, the first one writes and the second one reads."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType


class AppLock:
    """The lock of the one app that saves. The system lets go of it when the process ends, however it ends."""

    def __init__(self, file: Path | None = None) -> None:
        if file is None:
            from lab import paths

            file = paths.runtime_dir() / "app.lock"
        self._file = file
        self._descriptor = -1

    def acquire(self) -> bool:
        """Take the lock; False where another app has it."""
        if self._descriptor >= 0:
            return True
        descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Let go of it; nothing happens where it is not held."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
