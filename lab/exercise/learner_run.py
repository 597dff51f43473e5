"""Running a learner's script where it can do no harm and is not counted: a fork of the world, a copy of the folder.

The script is judged by the files it leaves. Time, memory and the number of processes are limited, and whatever it
started is ended with it (see ``supervisor.py``).
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lab.errors import LabError
from lab.exercise.api import LearnerRun
from lab.exercise.files import copy_tree, disk_refused, same, walk

_SUPERVISOR = Path(__file__).with_name("supervisor.py")
_FILE_BYTES = 16 << 20
_ALL_FILE_BYTES = 64 << 20
_COPY_BYTES = 256 << 20
_PROCESSES = 64
_MEMORY_BYTES = 768 << 20
_ADDRESS_BYTES = 8 << 30
_GRACE_SECONDS = 15.0
_STRAY_ROUNDS = 100

#: Given the copy's folder and a private directory, the environment that the script runs in.
MakeEnvironment = Callable[[Path, Path], dict[str, str]]


def run_script(
    workspace: Path,
    script: str,
    make_environment: MakeEnvironment,
    *,
    args: Sequence[str] = (),
    files: Mapping[str, bytes] | None = None,
    stdin: bytes = b"",
    seconds: float = 10.0,
) -> LearnerRun:
    """Copy the workspace, run the script in the copy, and give what it left.

    Raises:
        LabError: The copy or the supervisor failed: ours, never the script's.
    """
    if script not in (files or {}) and not _is_inside(workspace, script):
        return LearnerRun(finished=False, timed_out=False, stopped_by="", status=None, files={}, changed=frozenset())
    with tempfile.TemporaryDirectory(prefix="lab-run-", ignore_cleanup_errors=True) as temporary:
        before, copy, private = (Path(temporary) / name for name in ("before", "workspace", "private"))
        copy_tree(workspace, copy, _COPY_BYTES)
        try:
            private.mkdir(mode=0o700)
            for name, data in (files or {}).items():
                target = copy / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
        except OSError as error:
            raise disk_refused(error) from error
        copy_tree(copy, before, _FILE_BYTES)
        environment = make_environment(copy, private)
        outcome = _supervise(
            {
                "argv": [*_interpreter(copy / script), str(copy / script), *args],
                "directory": temporary,
                "cwd": str(copy),
                "env": environment,
                "stdin": base64.b64encode(stdin).decode(),
                "seconds": seconds,
                "processes": _PROCESSES,
                "memory_bytes": _MEMORY_BYTES,
                "address_bytes": _ADDRESS_BYTES,
                "file_bytes": _COPY_BYTES,
            },
            seconds,
        )
        left = _files_left(copy)
        changed = frozenset(name for name in left if not same(copy / name, before / name))
    stopped_by = outcome["stopped_by"]
    return LearnerRun(
        finished=not stopped_by and not outcome["error"],
        timed_out=stopped_by == "time",
        stopped_by=stopped_by,
        status=outcome["status"],
        files=left,
        changed=changed,
    )


def _is_inside(workspace: Path, script: str) -> bool:
    path = (workspace / script).resolve()
    return path.is_file() and path.is_relative_to(workspace.resolve())


def _interpreter(script: Path) -> list[str]:
    if script.suffix == ".py":
        return [sys.executable]
    return ["bash"] if script.suffix == ".sh" else []


def _supervise(order: dict[str, object], seconds: float) -> dict[str, Any]:
    """Give the order to a supervisor of its own process group and wait for its answer."""
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", str(_SUPERVISOR)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8"},
        start_new_session=True,
    )
    assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 - both are pipes
    try:
        process.stdin.write(json.dumps(order).encode() + b"\n")
        process.stdin.flush()
        # The pipe stays open until the answer is there: when it ends, the supervisor ends everything.
        line = _line_within(process, seconds + _GRACE_SECONDS)
        if not line and process.wait(timeout=_GRACE_SECONDS) < 0:
            # A script may kill whoever its parent is by now; what it left behind is still its own.
            _end_strays(str(order["directory"]))
            return {"status": None, "stopped_by": "", "error": "the script ended its supervisor"}
        return dict(json.loads(line))
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise LabError("Your script could not be run: this is the lab's fault.", "Run the check again.") from error
    finally:
        with contextlib.suppress(OSError):
            process.stdin.close()
        try:
            process.wait(timeout=_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def _end_strays(directory: str) -> None:
    """End processes whose environment names the run's own directory (Linux; their supervisor is gone)."""
    mark = directory.encode()
    for _ in range(_STRAY_ROUNDS):
        strays = []
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if int(entry.name) != os.getpid() and mark in (entry / "environ").read_bytes():
                    strays.append(int(entry.name))
        if not strays:
            return
        for stray in strays:
            with contextlib.suppress(OSError):
                os.kill(stray, signal.SIGKILL)


def _line_within(process: subprocess.Popen[bytes], seconds: float) -> bytes:
    import select

    assert process.stdout is not None  # noqa: S101 - it is a pipe
    if not select.select([process.stdout], [], [], seconds)[0]:
        raise OSError("the supervisor did not answer")
    return process.stdout.readline()


def _files_left(copy: Path) -> dict[str, bytes]:
    """Regular files of a size to look at; a link could lead out of the copy and is passed by."""
    left: dict[str, bytes] = {}
    room = _ALL_FILE_BYTES
    for file in walk(copy):
        if file.is_symlink():
            continue
        with contextlib.suppress(OSError):
            size = file.stat().st_size
            if size <= min(_FILE_BYTES, room):
                left[file.relative_to(copy).as_posix()] = file.read_bytes()
                room -= size
    return left
