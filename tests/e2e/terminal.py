"""The installed command in a terminal: a real pseudo-terminal outside, pyte to read what is on it."""

from __future__ import annotations

import os
import re
import select
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from lab.shell.pty import PtyProcess
from lab.shell.screen import TerminalScreen

LAB = str(Path(sys.executable).with_name("lab"))
DEADLINE_SECONDS = 60.0

#: What Textual asks of a terminal, and what one with synchronized output answers.
_QUESTION, _ANSWER = b"\x1b[?2026$p", b"\x1b[?2026;2$y"


class Terminal:
    """A terminal with a command in it.

    Args:
        arguments: Of ``lab``.
        environment: All of its environment.
        columns: Width.
        lines: Height.
    """

    def __init__(self, *arguments: str, environment: Mapping[str, str], columns: int = 100, lines: int = 30) -> None:
        self.process = PtyProcess([LAB, *arguments], environment, Path(environment["HOME"]), columns, lines)
        self.screen = TerminalScreen(columns, lines, self.process.write)
        self.raw = bytearray()

    @property
    def text(self) -> str:
        """What is on it."""
        return self.screen.text()

    def expect(self, pattern: str, seconds: float = DEADLINE_SECONDS) -> str:
        """Read until the pattern is on the screen."""
        end = time.monotonic() + seconds
        while not re.search(pattern, self.text, re.MULTILINE):
            if not self._read(end - time.monotonic()):
                raise AssertionError(f"{pattern!r} did not come; the screen is:\n{self.text}")
        return self.text

    def send(self, keys: str) -> None:
        """Type."""
        self.process.write(keys.encode())

    def resize(self, columns: int, lines: int) -> None:
        """Make the window another size."""
        self.screen.resize(columns, lines)
        self.process.resize(columns, lines)

    def wait(self, seconds: float = DEADLINE_SECONDS) -> int:
        """Read until the command has ended; its exit status."""
        end = time.monotonic() + seconds
        while self._read(end - time.monotonic()):
            pass
        while self.process.poll() is None:
            assert time.monotonic() < end, f"it does not end; the screen is:\n{self.text}"
            time.sleep(0.01)
        return self.process.poll() or 0

    def glance(self, seconds: float) -> None:
        """Take what comes within the time, so that the command need not wait for us."""
        end = time.monotonic() + seconds
        while self._read(end - time.monotonic()):
            pass

    def close(self) -> None:
        """Close the window, whatever runs in it; on a busy machine what is told to end may need its time."""
        self.process.hangup(patience=DEADLINE_SECONDS)

    def _read(self, seconds: float) -> bool:
        """Read once; False at the end or when nothing came in time."""
        if seconds <= 0 or not select.select([self.process.fileno()], [], [], seconds)[0]:
            return False
        data = self.process.read()
        if data is None:
            return False
        self.raw += data
        if _QUESTION in data:
            self.process.write(_ANSWER)
        self.screen.feed(data)
        return True


def environment_in(root: Path) -> dict[str, str]:
    """A learner of our own: everything of the lab lies under one directory."""
    home = root / "home"
    home.mkdir(exist_ok=True)
    return {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(home),
        "SHELL": "/bin/bash",
        "LC_ALL": "C.UTF-8",
        "LAB_DATA_DIR": str(root / "data"),
        "LAB_RUNTIME_DIR": str(root / "run"),
    }
