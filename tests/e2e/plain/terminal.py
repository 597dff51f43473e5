"""The command on a pseudo-terminal, read with a deadline, closed as a window is closed."""

from __future__ import annotations

import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import ioctl

from tests.e2e.plain.harness import Lab


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, lab: Lab, command: str, columns: int, **environment: str) -> None:
        self._master, slave = pty.openpty()
        ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.process = subprocess.Popen(
            lab.command(*command.split()),
            env=lab.environment() | {"TERM": "xterm-256color"} | environment,
            cwd=lab.elsewhere,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - this test has one thread
        )
        os.close(slave)
        self.text = ""

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def read_until(self, pattern: str | None, seconds: float = 30.0) -> str:
        """What was shown when the pattern came; None waits for the end."""
        deadline = time.monotonic() + seconds
        while pattern is None or not re.search(pattern, self.text):
            assert time.monotonic() < deadline, f"{pattern!r} did not come:\n{self.text}"
            if not select.select([self._master], [], [], 0.1)[0]:
                continue
            try:
                data = os.read(self._master, 65536)
            except OSError:
                data = b""
            if not data:
                assert pattern is None, f"it ended before {pattern!r}:\n{self.text}"
                break
            self.text += data.decode()
        return self.text

    def end(self) -> int:
        self.read_until(None)
        return self.process.wait(20)

    def close(self) -> None:
        """Close the terminal as a window is closed; who does not go then is ended."""
        os.close(self._master)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextmanager
def terminal(lab: Lab, command: str, columns: int = 80, **environment: str) -> Iterator[Terminal]:
    opened = Terminal(lab, command, columns, **environment)
    try:
        yield opened
    finally:
        opened.close()
