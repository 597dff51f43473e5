"""A program on a pseudo-terminal: started in a session of its own, read without waiting, ended without orphans."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.errors import ShellError

#: One read at a time, so that a flood of output leaves room for keys and drawing.
READ_BYTES = 16384

#: Opening the terminal makes it the session's controlling one. A ``preexec_fn`` could do that too, but not safely in a
#: process with threads.
_TAKE_TERMINAL = 'exec "$@" <>"$0" >&0 2>&0'


class PtyProcess:
    """A running program and the master side of its terminal.

    Args:
        command: Program and arguments.
        environment: All of its environment; ``TERM`` and ``COLORTERM`` are set to what ``screen`` understands.
        directory: Where it starts.
        columns: Width of its terminal.
        lines: Height of its terminal.

    Raises:
        ShellError: It cannot be started.
    """

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], directory: Path, columns: int, lines: int
    ) -> None:
        self._unwritten = bytearray()
        self._closed_master = False
        self._ended_session = False
        master, slave = pty.openpty()
        try:
            _set_size(master, columns, lines)
            os.set_blocking(master, False)
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", _TAKE_TERMINAL, os.ttyname(slave), *command],
                env={**environment, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
                cwd=directory,
                stdin=slave,
                stdout=slave,
                stderr=slave,
                start_new_session=True,
            )
        except OSError as error:
            os.close(master)
            raise ShellError(
                f"The shell cannot be started in {directory} ({error.strerror}).",
                "If the folder is gone, make it again with: lab reset",
            ) from error
        finally:
            os.close(slave)
        self._master = master

    @property
    def pid(self) -> int:
        """Process id of the session's leader, which is also the session's id."""
        return self._process.pid

    def fileno(self) -> int:
        """The master's descriptor, for an event loop."""
        return self._master

    @property
    def pending(self) -> bool:
        """Whether input waits until the program reads; call ``flush`` when the descriptor is writable."""
        return bool(self._unwritten)

    def read(self) -> bytes | None:
        """What the program wrote: empty while there is nothing, None when its terminal was closed."""
        if self._closed_master:
            return None
        try:
            return os.read(self._master, READ_BYTES) or None
        except BlockingIOError:
            return b""
        except OSError:  # Linux answers EIO when the last program has closed the terminal
            return None

    def write(self, data: bytes) -> None:
        """Type into the program; what it does not take now is kept for ``flush``."""
        self._unwritten += data
        self.flush()

    def flush(self) -> None:
        """Hand over as much of the kept input as the program takes."""
        while self._unwritten and not self._closed_master:
            try:
                written = os.write(self._master, self._unwritten[:4096])
            except BlockingIOError:
                return
            except OSError:
                self._unwritten.clear()
                return
            del self._unwritten[:written]

    def resize(self, columns: int, lines: int) -> None:
        """Tell the program its new size; the kernel sends it SIGWINCH."""
        if not self._closed_master:
            with contextlib.suppress(OSError):
                _set_size(self._master, columns, lines)

    def poll(self) -> int | None:
        """The leader's exit status as a shell shows it, None while it runs."""
        status = self._process.poll()
        return None if status is None else shell_status(status)

    def hangup(self, patience: float = 0.5) -> None:
        """End the whole session: hang up, and kill whoever is still there after ``patience`` seconds. Idempotent."""
        if self._ended_session:
            return
        self._ended_session = True
        members = session_members(self.pid)
        for process in members:
            _signal(process, signal.SIGHUP)
            _signal(process, signal.SIGCONT)  # a stopped job must wake up to go
        self._close_master()
        deadline = time.monotonic() + patience
        while session_members(self.pid) and time.monotonic() < deadline:
            self._process.poll()
            time.sleep(0.005)
        while remaining := session_members(self.pid):
            for process in remaining:
                _signal(process, signal.SIGKILL)
            self._process.poll()
            time.sleep(0.005)
        self._process.wait()

    def _close_master(self) -> None:
        if not self._closed_master:
            self._closed_master = True
            os.close(self._master)


def shell_status(status: int) -> int:
    """``subprocess`` says -9 where a shell says 137."""
    return 128 - status if status < 0 else status


def session_members(session: int) -> list[int]:
    """The living processes of a session, zombies left out."""
    if sys.platform == "linux":
        return [pid for pid in _process_ids() if _is_member(pid, session)]
    listed = subprocess.run(["ps", "-Ao", "pid=,stat="], capture_output=True, text=True, check=False).stdout
    pids = [int(words[0]) for words in map(str.split, listed.splitlines()) if len(words) > 1 and words[1][0] != "Z"]
    return [pid for pid in pids if _session_of(pid) == session]


def _process_ids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208 - thousands of entries


def _is_member(pid: int, session: int) -> bool:
    if _session_of(pid) != session:
        return False
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return False
    return stat.rpartition(b")")[2].split()[0] != b"Z"


def _session_of(pid: int) -> int:
    try:
        return os.getsid(pid)
    except OSError:
        return -1


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def _set_size(descriptor: int, columns: int, lines: int) -> None:
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", max(1, lines), max(1, columns), 0, 0))
