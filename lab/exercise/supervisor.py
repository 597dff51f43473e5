"""Runs one command for the lab and leaves nothing of it behind: a program of its own, standard library only.

It reads one JSON line on standard input, runs the command under limits, and writes one JSON line when it is over. It is
the reaper of everything the command starts (Linux), so that a child which left its process group is found and ended
too. When standard input ends, because the lab was closed or killed, everything is ended as well, files included.
"""

from __future__ import annotations

import base64
import contextlib
import ctypes
import json
import os
import resource
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

_PR_SET_CHILD_SUBREAPER = 36
_LOOK_EVERY = 0.03
_CLEANUP_SECONDS = 10.0
_LINUX = sys.platform.startswith("linux")


def main() -> int:
    """Do what the order on standard input says."""
    order = json.loads(sys.stdin.buffer.readline())
    if _LINUX:
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    result = _run(order)
    if result["stopped_by"] == "gone":
        # Nobody waits for the result any more, and nobody else will take the copy of the learner's files away.
        shutil.rmtree(order["directory"], ignore_errors=True)
    with contextlib.suppress(OSError):
        sys.stdout.write(json.dumps(result) + "\n")
        sys.stdout.flush()
    return 0


def _run(order: dict[str, Any]) -> dict[str, Any]:
    with tempfile.TemporaryFile() as stdin:
        stdin.write(base64.b64decode(order["stdin"]))
        stdin.seek(0)
        try:
            child = subprocess.Popen(
                order["argv"],
                cwd=order["cwd"],
                env=order["env"],
                stdin=stdin,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                preexec_fn=lambda: _limit(order),  # noqa: PLW1509 - this program has one thread
            )
        except OSError as error:
            return {"status": None, "stopped_by": "", "error": error.strerror or "cannot be run"}
    try:
        stopped_by = _watch(child, order)
    finally:
        _end_everything(child)
    return {"status": None if stopped_by else child.returncode, "stopped_by": stopped_by, "error": ""}


def _limit(order: dict[str, Any]) -> None:
    """Limits that the kernel keeps, of each process; those of all processes together are watched."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    limits = {
        resource.RLIMIT_CPU: int(order["seconds"]) + 1,
        resource.RLIMIT_FSIZE: order["file_bytes"],
        resource.RLIMIT_CORE: 0,
    }
    if _LINUX:
        limits[resource.RLIMIT_AS] = order["address_bytes"]
    for kind, value in limits.items():
        with contextlib.suppress(OSError, ValueError):
            hard = resource.getrlimit(kind)[1]
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)  # noqa: PLW2901
            resource.setrlimit(kind, (value, value))


def _watch(child: subprocess.Popen[bytes], order: dict[str, Any]) -> str:
    """Wait for the end; give the limit that ended it, '' when it ended by itself, ``gone`` when the lab did."""
    end = time.monotonic() + float(order["seconds"])
    # While the order's pipe is open the lab is there and wants the result.
    lifeline = sys.stdin.fileno()
    while True:
        if _has_ended(child):
            return ""
        left = end - time.monotonic()
        if left <= 0:
            return "time"
        processes = _descendants(child)
        if len(processes) > int(order["processes"]):
            return "processes"
        if sum(_resident(process) for process in processes) > int(order["memory_bytes"]):
            return "memory"
        if select.select([lifeline], [], [], min(_LOOK_EVERY, left))[0]:
            return "gone"


def _has_ended(child: subprocess.Popen[bytes]) -> bool:
    with contextlib.suppress(ChildProcessError):
        return child.poll() is not None
    return True


def _end_everything(child: subprocess.Popen[bytes]) -> None:
    """Stop all descendants first, so that nothing can fork away, then kill and reap them."""
    end = time.monotonic() + _CLEANUP_SECONDS
    known: set[int] = set()
    while fresh := set(_descendants(child)) - known:
        for process in fresh:
            with contextlib.suppress(OSError):
                os.kill(process, signal.SIGSTOP)
        known |= fresh
        if time.monotonic() > end:
            break
    with contextlib.suppress(OSError):
        os.killpg(child.pid, signal.SIGKILL)
    while time.monotonic() < end:
        for process in _descendants(child):
            with contextlib.suppress(OSError):
                os.kill(process, signal.SIGKILL)
        # poll() remembers the command's own status before _reap() takes it away.
        with contextlib.suppress(ChildProcessError):
            child.poll()
        if not _reap() and not _descendants(child):
            return
        time.sleep(0.005)


def _reap() -> bool:
    """Collect ended children that came to us; True while there are children."""
    while True:
        try:
            process, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return False
        if process == 0:
            return True


def _descendants(child: subprocess.Popen[bytes]) -> list[int]:
    """Everything that the command started and that still runs or waits to be reaped."""
    return _linux_descendants() if _LINUX else _other_descendants(child)


def _linux_descendants() -> list[int]:
    parents: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):  # noqa: PTH208 - names are enough, and this runs often
        if entry.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                text = Path(f"/proc/{entry}/stat").read_text(encoding="latin-1")
                state, parent = text.rpartition(")")[2].split()[:2]
                if state != "Z":
                    parents.setdefault(int(parent), []).append(int(entry))
    found: list[int] = []
    wave = parents.get(os.getpid(), [])
    while wave:
        found.extend(wave)
        wave = [process for parent in wave for process in parents.get(parent, [])]
    return found


def _other_descendants(child: subprocess.Popen[bytes]) -> list[int]:
    """Without a reaper: children by parent, and whoever stayed in the command's process group."""
    listing = subprocess.run(["ps", "-axo", "pid=,ppid=,pgid="], capture_output=True, text=True, check=False).stdout
    rows = [tuple(int(value) for value in line.split()) for line in listing.splitlines() if len(line.split()) == 3]
    found = {pid for pid, _, group in rows if group == child.pid} | {child.pid}
    while more := {pid for pid, parent, _ in rows if parent in found} - found:
        found |= more
    return sorted(found & {pid for pid, _, _ in rows})


def _resident(process: int) -> int:
    if not _LINUX:
        return 0
    with contextlib.suppress(OSError, ValueError, IndexError):
        pages = int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1])
        return pages * resource.getpagesize()
    return 0


if __name__ == "__main__":
    sys.exit(main())
