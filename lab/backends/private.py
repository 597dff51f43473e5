"""A sandbox of the caller's own: empty, not shared with the learner's work, and gone afterwards."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from lab import paths
from lab.backends import process, runtime
from lab.backends.control_client import ControlFailureError
from lab.backends.sandbox import SandboxBackend
from lab.errors import SandboxLostError


@contextlib.contextmanager
def private_sandbox() -> Iterator[SandboxBackend]:
    """Start a sandbox in a directory of its own, open; on leaving it is ended and the directory removed.

    Raises:
        SandboxStartError: It does not come up.
    """
    home = Path(tempfile.mkdtemp(prefix="s3lab-"))
    child: subprocess.Popen[bytes] | None = None
    backend: SandboxBackend | None = None
    try:
        directory, state = paths.private_directory(home / "run"), paths.private_directory(home / "state")
        log = home / "stderr.log"
        # Were this process killed, the sandbox would soon notice that nobody is left.
        options = ("--linger", "30")
        child = runtime.start_process(runtime=directory, state=state, log=log, options=options)
        runtime.wait_ready(child, log, runtime.START_SECONDS)
        began = process.start_time(child.pid) or ""
        backend = SandboxBackend(runtime.greet(directory / "control.sock", child.pid, began))
        backend.open()
        yield backend
    finally:
        if backend is not None:
            with contextlib.suppress(SandboxLostError, ControlFailureError):
                backend.control.call("stop", timeout=5.0)
            backend.close()
        if child is not None:
            _end(child)
        shutil.rmtree(home, ignore_errors=True)


def _end(child: subprocess.Popen[bytes]) -> None:
    try:
        child.wait(runtime.STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
