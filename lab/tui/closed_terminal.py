"""A terminal that was closed swallows what is still drawn, so that the app can end.

Textual writes to the terminal in a thread of its own, through a short queue. When the window is gone writing fails, the
thread ends with that error, the queue fills up, and the app waits for ever to put in one more piece: it would neither
end nor stop its sandbox.
"""

from __future__ import annotations

import contextlib
from typing import IO, cast

from textual.drivers import linux_driver
from textual.drivers._writer_thread import WriterThread  # its only home


class _Forgiving:
    """A text file whose writing does not fail."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError, ValueError):
            return self._file.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._file.flush()

    def fileno(self) -> int:
        return self._file.fileno()


class PatientWriter(WriterThread):
    """Textual's writer, which goes on taking what nobody can see any more.

    Args:
        file: The terminal.
    """

    def __init__(self, file: IO[str]) -> None:
        super().__init__(cast("IO[str]", _Forgiving(file)))


def outlive_the_terminal() -> None:
    """Have the app's driver use this writer."""
    linux_driver.WriterThread = PatientWriter  # type: ignore[attr-defined]
