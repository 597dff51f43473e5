"""The life of the shared sandbox: the first who needs it starts it, others find it, nobody trusts a number alone.

One sandbox serves one user and data directory. What runs is written in a runtime file, under a lock: process number,
when that process began, addresses, control socket. A file whose process is gone, or whose number now belongs to
something else, is stale and replaced.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import lab
from lab import paths
from lab.backends import process
from lab.backends.control_client import ControlClient, ControlFailureError
from lab.backends.protocol import Endpoints
from lab.errors import SandboxLostError, SandboxStartError

#: A busy machine needs seconds to import moto; a sandbox that takes longer will not come.
START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 10.0

_LONGEST_LOG: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class RunningSandbox:
    """A sandbox that runs.

    Attributes:
        pid: Its process number.
        began: When that process began, as the operating system words it.
        control: Its control socket.
        endpoints: Where it listens.
        version: Of the lab that it belongs to.
    """

    pid: int
    began: str
    control: Path
    endpoints: Endpoints
    version: str

    @property
    def alive(self) -> bool:
        """Whether the process is still there, and still this one."""
        return process.is_same(self.pid, self.began)


def runtime_file() -> Path:
    """What the wrappers of the learner's shell read: JSON with ``https`` and ``http`` among its members."""
    return paths.runtime_dir() / "sandbox.json"


def log_file() -> Path:
    """Where the shared sandbox writes its diagnostics; no secrets, no bodies."""
    return paths.data_dir() / "sandbox-stderr.log"


def find_sandbox() -> RunningSandbox | None:
    """The sandbox that runs for this data directory, None where there is none."""
    found = _read_runtime_file() or _lost_and_found()
    return found if found is not None and found.alive else None


def ensure_sandbox(*, timeout: float = START_SECONDS) -> RunningSandbox:
    """The sandbox of this data directory, started if need be.

    Raises:
        SandboxStartError: It does not come up, or one of another version runs.
    """
    found = find_sandbox()
    if found is None:
        with _lock(timeout):
            found = find_sandbox() or _start(timeout)
    if found.version != lab.__version__:
        raise SandboxStartError(
            f"The sandbox that runs belongs to version {found.version} of the lab; this is {lab.__version__}.",
            "Stop it, then try again: lab sandbox stop.",
        )
    return found


def stop_sandbox(*, only_unused: bool = False) -> bool:
    """Stop the shared sandbox and wait until it has ended.

    Args:
        only_unused: Leave it alone where another process holds a control connection, or where it does not say.

    Returns:
        Whether one was running and is gone now.

    Raises:
        SandboxLostError: It does not end.
    """
    found = find_sandbox()
    if found is None:
        return False
    may_end = not only_unused
    try:
        with ControlClient(found.control) as control:
            may_end = may_end or _is_unused(control)
            if not may_end:
                return False
            control.call("stop", timeout=5.0)
    except (SandboxLostError, ControlFailureError):
        pass  # it may have ended in the middle of the answer; what counts is whether it is gone
    gone = process.wait_gone(found.pid, found.began, STOP_SECONDS)
    if not gone and not may_end:
        return False
    if not gone and not process.end(found.pid, found.began):
        raise SandboxLostError(f"The sandbox (process {found.pid}) does not end.", f"End it by hand: kill {found.pid}.")
    with _lock(STOP_SECONDS):
        _remove_stale()
    return True


def _is_unused(control: ControlClient) -> bool:
    """Whether no other process than ours is connected.

    Raises:
        SandboxLostError: It has ended, or is too busy to say.
    """
    return int(control.call("hello", timeout=STOP_SECONDS, pid=os.getpid())["others"]) == 0


def start_process(*, runtime: Path, state: Path, log: Path, options: tuple[str, ...] = ()) -> subprocess.Popen[bytes]:
    """Start ``python -m lab.sandbox`` in a session of its own, so that it outlives who started it.

    Args:
        runtime: Private directory for the control socket; its path must be short.
        state: Where it keeps everything, its last ports among it.
        log: File for its standard error, made with mode 600.
        options: Further arguments.
    """
    arguments = [
        sys.executable, "-m", "lab.sandbox", "--json", "--runtime", str(runtime), "--state", str(state), *options,
    ]  # fmt: skip
    with _open_log(log) as stderr:
        return subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            cwd=state,
            env=_environment(),
            start_new_session=True,
        )


def wait_ready(child: subprocess.Popen[bytes], log: Path, timeout: float) -> None:
    """Wait for the ready line; end the process where it does not come.

    Raises:
        SandboxStartError: With the last thing that it said.
    """
    deadline = time.monotonic() + timeout
    assert child.stdout is not None  # noqa: S101 - start_process opens it
    with child.stdout as output:
        while (left := deadline - time.monotonic()) > 0:
            if select.select([output], [], [], left)[0]:
                if output.readline():
                    return
                break  # it ended, or closed its output
    said = _last_line(log)
    child.kill()
    child.wait()
    raise SandboxStartError(
        f"The sandbox did not start{f' ({said})' if said else ''}.", f"Try again; its log is {log}."
    )


def greet(control: Path, pid: int, began: str) -> RunningSandbox:
    """Ask a sandbox for what it is.

    Raises:
        SandboxLostError: It does not answer.
    """
    with ControlClient(control) as client:
        answer = client.call("hello")
    return _running({**answer, "pid": pid, "began": began, "control": str(control)})


def _start(timeout: float) -> RunningSandbox:
    """Start one; the caller holds the lock."""
    _remove_stale()
    lost = _lost_and_found()  # what was written down may have been somebody else's failed start
    if lost is not None:
        return lost
    _end_unreachable()
    runtime, state, log = paths.runtime_dir(), paths.state_dir(), log_file()
    child = start_process(runtime=runtime, state=state, log=log)
    # Whoever finds this record after we were killed knows what to clean up.
    began = process.start_time(child.pid) or ""
    _write_json(runtime_file(), {"pid": child.pid, "began": began, "starting": True})
    wait_ready(child, log, timeout)
    threading.Thread(target=child.wait, name="sandbox-reaper", daemon=True).start()
    try:
        found = greet(runtime / "control.sock", child.pid, began)
    except SandboxLostError as error:
        raise SandboxStartError("The sandbox started and ended again.", f"Its log is {log}.") from error
    _write_json(runtime_file(), _record(found))
    return found


def _remove_stale() -> None:
    """Forget a runtime file whose sandbox is gone, and end one whose starter was killed half-way."""
    record = _read_json(runtime_file())
    if record is None:
        return
    with contextlib.suppress(KeyError, TypeError, ValueError):
        pid, began = int(record["pid"]), str(record["began"])
        if record.get("starting") and began:
            process.end(pid, began)
        elif process.is_same(pid, began):
            return
    runtime_file().unlink(missing_ok=True)


def _read_runtime_file() -> RunningSandbox | None:
    record = _read_json(runtime_file())
    if record is None or record.get("starting"):
        return None
    try:
        return _running(record)
    except (KeyError, TypeError, ValueError):
        return None


def _lost_and_found() -> RunningSandbox | None:
    """A sandbox that runs although its runtime file was removed or damaged, or lies in another runtime directory.

    It is asked, and written down again.
    """
    if _read_json(runtime_file()) is not None:
        return None
    written = (_read_json(paths.state_dir() / "lock") or {}).get("control")
    for control in (paths.runtime_dir() / "control.sock", *([Path(written)] if isinstance(written, str) else [])):
        if not control.exists():
            continue
        try:
            with ControlClient(control) as client:
                pid = int(client.call("hello", timeout=5.0)["pid"])
            found = greet(control, pid, process.start_time(pid) or "")
        except (SandboxLostError, ControlFailureError):
            continue
        _write_json(runtime_file(), _record(found))
        return found
    return None


def _end_unreachable() -> None:
    """End a sandbox that keeps our state directory and that nobody can talk to: its socket was removed."""
    lock = paths.state_dir() / "lock"
    record = _read_json(lock)
    if record is None:
        return
    descriptor = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        # Whoever holds the lock is whom it names.
        with contextlib.suppress(KeyError, TypeError, ValueError):
            pid = int(record["pid"])
            process.end(pid, process.start_time(pid) or "")
    finally:
        os.close(descriptor)


def _running(record: dict[str, Any]) -> RunningSandbox:
    bundle = record.get("ca_bundle")
    endpoints = Endpoints(
        https=str(record["https"]),
        http=record.get("http") or None,
        ca_bundle=Path(bundle) if bundle else None,
        region=str(record["region"]),
    )
    return RunningSandbox(
        int(record["pid"]), str(record["began"]), Path(record["control"]), endpoints, str(record["version"])
    )


def _record(found: RunningSandbox) -> dict[str, Any]:
    return {
        "pid": found.pid,
        "began": found.began,
        "version": found.version,
        "https": found.endpoints.https,
        "http": found.endpoints.http,
        "ca_bundle": str(found.endpoints.ca_bundle),
        "region": found.endpoints.region,
        "control": str(found.control),
    }


def _environment() -> dict[str, str]:
    """What the sandbox needs: nothing of AWS, nothing that changes moto, and this very lab."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MOTO_", "BOTO_"))}
    here = str(Path(lab.__file__).resolve().parent.parent)
    return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, (here, kept.get("PYTHONPATH"))))}


@contextlib.contextmanager
def _lock(timeout: float) -> Iterator[None]:
    """Hold the lock of this data directory's sandbox."""
    descriptor = os.open(paths.runtime_dir() / "sandbox.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + timeout + 5.0
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise SandboxStartError(
                        "Another command has been starting or stopping the sandbox for too long.",
                        "End that command, then try again.",
                    ) from None
                time.sleep(0.02)
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _open_log(path: Path) -> Iterator[int]:
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    if path.exists() and path.stat().st_size > _LONGEST_LOG:
        flags |= os.O_TRUNC
    descriptor = os.open(path, flags, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _last_line(log: Path) -> str:
    with contextlib.suppress(OSError):
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1][:200] if lines else ""
    return ""


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def _write_json(path: Path, value: dict[str, Any]) -> None:
    """Replace the file as a whole, readable by this user alone."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=1)
        file.write("\n")
    Path(name).replace(path)
