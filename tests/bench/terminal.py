"""A terminal for benchmarks: runs a program on a pty, answers as terminals do, and knows when a text was painted.

It reads in the thread that waits, so that the only clock is the one around ``wait_for``.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Final, Self

COLUMNS: Final = 120
LINES: Final = 40

#: What a program asks and what a terminal answers: synchronized output is known, in-band resizing is not.
_ANSWERS: Final = {b"\x1b[?2026$p": b"\x1b[?2026;2$y", b"\x1b[?2048$p": b"\x1b[?2048;0$y"}
_SEQUENCE: Final = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[()][0-9A-B]|\x1b[=>78]")
_QUIT: Final = b"\x11"  # ctrl+q
_FRAME_END: Final = b"\x1b[?2026l"


class NotPaintedError(Exception):
    """The text did not appear in time."""


class PtyProgram:
    """A program on a pseudo-terminal.

    Args:
        command: Program and arguments.
        environment: All of its environment but ``TERM``.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        self._seen = bytearray()
        self._answered = 0
        self.began = time.perf_counter()
        self.process = subprocess.Popen(
            command,
            env={**environment, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - benchmarks have one thread
        )
        os.close(slave)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def wait_for(self, *texts: str, whole_frame: bool = False, seconds: float = 60.0) -> float:
        """Wait until all these were painted since the last :meth:`forget`; give the seconds since ``began``.

        Args:
            texts: What must stand in what was written; colors between the letters do not matter.
            whole_frame: Wait until the frame that holds it is complete; for programs that said so before.
            seconds: When to give up.

        Raises:
            NotPaintedError: It did not appear.
        """
        wanted = [text.encode() for text in texts]
        end = time.perf_counter() + seconds
        while not self._painted(wanted, whole_frame=whole_frame):
            if not self._read(end - time.perf_counter()):
                raise NotPaintedError(f"{texts} did not appear; last was: {self.text()[-400:]!r}")
        return time.perf_counter() - self.began

    def forget(self, quiet: float = 0.15) -> None:
        """Wait until nothing more is painted, then begin with nothing seen."""
        while self._read(quiet):
            pass
        self._seen.clear()
        self._answered = 0

    def press(self, keys: str) -> float:
        """Type; give the moment, as ``time.perf_counter()``."""
        moment = time.perf_counter()
        os.write(self._master, keys.encode())
        return moment

    def text(self) -> str:
        """What was written since the last :meth:`forget`, without colors and cursor movements."""
        return _SEQUENCE.sub(b"", bytes(self._seen)).decode(errors="replace")

    def read_for(self, seconds: float) -> int:
        """Take everything that is written in so many seconds; give how many bytes that was."""
        before = len(self._seen)
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            if self.process.poll() is not None:
                raise NotPaintedError(f"The program has ended: {self.text()[-400:]!r}")
            self._read(left)
        return len(self._seen) - before

    def stop(self) -> None:
        """Ask it to quit as a user does, then as a system does, and wait."""
        for ask in (lambda: os.write(self._master, _QUIT), self.process.terminate, self.process.kill):
            if self.process.poll() is None:
                ask()
            end = time.perf_counter() + 20
            while self.process.poll() is None and time.perf_counter() < end:
                self._read(0.05)
        os.close(self._master)

    def _painted(self, wanted: Sequence[bytes], *, whole_frame: bool) -> bool:
        seen = bytes(self._seen)
        if whole_frame:
            seen = seen[: seen.rfind(_FRAME_END) + 1]
        plain = _SEQUENCE.sub(b"", seen)
        return all(text in plain for text in wanted)

    def _read(self, seconds: float) -> bool:
        """Read once what is there; False when nothing came in time or the program has gone."""
        if seconds <= 0 or not select.select([self._master], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self._master, 65536)
        except OSError:
            return False
        self._seen += data
        for question, answer in _ANSWERS.items():
            if self._seen.find(question, max(0, self._answered - len(question) + 1)) >= 0:
                os.write(self._master, answer)
        self._answered = len(self._seen)
        return bool(data)
