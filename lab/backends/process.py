"""Whether a process that was written down earlier is still that process, and how to end it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path


def start_time(pid: int) -> str | None:
    """When the process began, as the operating system words it; None where there is no such living process.

    Process numbers are used again; a number and this text together are not.
    """
    if sys.platform == "linux":
        try:
            text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
        except OSError:
            return None
        # The program's name stands in parentheses and may hold anything; fields are counted after it.
        fields = text.rpartition(")")[2].split()
        return None if fields[0] in {"Z", "X"} else fields[19]
    answer = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False, env={"LC_ALL": "C"}
    )
    state, _, began = answer.stdout.strip().partition(" ")
    return None if answer.returncode != 0 or state.startswith("Z") or not began else " ".join(began.split())


def is_same(pid: int, began: str) -> bool:
    """Whether the process of that number is still the one that began then."""
    return start_time(pid) == began


def wait_gone(pid: int, began: str, seconds: float) -> bool:
    """Wait until the process has ended; False if it has not in time."""
    deadline = time.monotonic() + seconds
    while is_same(pid, began):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def end(pid: int, began: str, *, patience: float = 5.0) -> bool:
    """End the process, politely first; False if it is still there afterwards. Never touches another process."""
    for number, seconds in ((signal.SIGTERM, patience), (signal.SIGKILL, patience)):
        if not is_same(pid, began):
            return True
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
        if wait_gone(pid, began, seconds):
            return True
    return False
