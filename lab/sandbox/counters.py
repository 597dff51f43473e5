"""Numbers that never come twice in the life of a state directory, even after a crash: event and connection numbers.

A number that was recorded as evidence must never name something else after a restart. So a block of numbers is
reserved on disk before the first of them is used; a clean end gives back what was not used.
"""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

BLOCK = 10_000


class Counter:
    """Counts up from where the last run ended.

    Args:
        file: Where reservations are kept; None for a sandbox that keeps nothing.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._last = self._read()
        self._reserved = self._last

    @property
    def last(self) -> int:
        """The last number given out, 0 before the first."""
        return self._last

    def next(self) -> int:
        """The next number, from 1."""
        with self._lock:
            self._last += 1
            if self._last > self._reserved:
                self._reserved = self._last + BLOCK
                self._write(self._reserved)
            return self._last

    def pass_over(self, number: int) -> None:
        """Give out no number up to this one, which is known to be taken."""
        with self._lock:
            self._last = max(self._last, number)
            self._reserved = max(self._reserved, self._last)

    def close(self) -> None:
        """Give back the numbers that were reserved and not used."""
        with self._lock:
            self._reserved = self._last
            self._write(self._last)

    def _read(self) -> int:
        try:
            return int(json.loads(self._file.read_text())) if self._file else 0
        except (FileNotFoundError, ValueError):
            return 0

    def _write(self, number: int) -> None:
        if self._file is None:
            return
        draft = self._file.with_suffix(".new")
        draft.write_text(json.dumps(number))
        os.replace(draft, self._file)  # noqa: PTH105 - the atomic rename, said as what it is
