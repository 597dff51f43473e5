"""Waiting for what a program on a pseudo-terminal writes, with a deadline."""

from __future__ import annotations

import re
import select
import time

from lab.shell.pty import PtyProcess
from lab.shell.screen import TerminalScreen

DEADLINE_SECONDS = 15.0


def read_until(process: PtyProcess, screen: TerminalScreen, pattern: str | None) -> str:
    """Feed the screen until the pattern is on it; ``None`` waits for the program's end. Returns the screen's text."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        if pattern is not None and re.search(pattern, everything(screen), re.MULTILINE):
            return everything(screen)
        if process.pending:
            process.flush()
        if select.select([process.fileno()], [], [], 0.05)[0]:
            data = process.read()
            if data is None:
                if pattern is None:
                    return everything(screen)
                break
            screen.feed(data)
    raise AssertionError(f"{pattern!r} did not come; the screen is:\n{everything(screen)}")


def everything(screen: TerminalScreen) -> str:
    return "\n".join(screen.line_text(line) for line in range(screen.scrolled + screen.lines)).rstrip()
