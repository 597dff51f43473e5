"""One exercise on a sandbox of its own: brought to the start, worked on by a script as a learner would, judged."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from lab.author.home import ProofHome
from lab.author.mask import MaskedBackend
from lab.backends.protocol import WireConnection
from lab.course import Exercise, render
from lab.course.document import read_text
from lab.errors import LabError
from lab.exercise.files import copy_tree
from lab.exercise.report import Report
from lab.exercise.session import Session
from lab.progress import Store

#: A script that takes longer is stuck.
SCRIPT_SECONDS = 120.0

_SOLVED = "solved"


@dataclass(frozen=True, slots=True)
class ScriptRun:
    """One script's end.

    Attributes:
        status: Its exit status, None where its time was up; shown, never judged.
        output: The end of what it wrote, for whoever looks for a mistake.
    """

    name: str
    status: int | None
    output: str
    seconds: float

    @property
    def told(self) -> str:
        """In one line and what it wrote."""
        end = "was stopped: its time was up" if self.status is None else f"ended with status {self.status}"
        return f"{self.name} {end}; it wrote:\n{self.output}" if self.output else f"{self.name} {end}"


class Stage:
    """One exercise in a home for proofs; the home must be entered while it is used.

    Args:
        exercise: What is played.
        home: Where.
        backend: The home's sandbox, open.
    """

    def __init__(self, exercise: Exercise, home: ProofHome, backend: MaskedBackend) -> None:
        self.exercise = exercise
        self.backend = backend
        self.home = home
        self._store = Store(home.directory / f"{exercise.id}.sqlite3")
        self.session = self._new_session()
        self._solved_at = 0
        self._solved_files: Path | None = None
        self._solved_connections: set[int] = set()

    def _new_session(self) -> Session:
        return Session(self.exercise, self.backend, self._store, course_version="proof", workspace_root=self.home.work)

    @property
    def workspace(self) -> Path:
        """The learner's folder."""
        return self.session.workspace

    def begin(self) -> None:
        """Bring the exercise to its start."""
        self.backend.mask.clear()
        self.session = self._new_session()  # a new session remembers nothing of the run before
        if self.session.started:
            self.session.resume()
            aside = self.session.reset()
        else:
            aside = self.session.start().moved_aside
        if aside is not None:
            shutil.rmtree(aside, ignore_errors=True)

    def run(self, script: Path, seconds: float = SCRIPT_SECONDS) -> ScriptRun:
        """Run a script as the learner would, from outside the workspace."""
        copy = self.home.scripts / f"{self.exercise.id}-{script.name}"
        copy.write_text(render(read_text(script), self.session.names), encoding="utf-8")
        environment = self.session.environment(base=self.home.tool_base())
        interpreter = "python" if script.suffix == ".py" else "bash"
        began = time.monotonic()
        with tempfile.TemporaryFile() as output:
            child = subprocess.Popen(
                # Which python that is, the learner's search path decides and not ours.
                ["/usr/bin/env", interpreter, str(copy)],
                cwd=self.workspace,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                status: int | None = child.wait(timeout=seconds)
            except subprocess.TimeoutExpired:
                status = None
            finally:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(child.pid, signal.SIGKILL)
                child.wait()
            output.seek(max(0, output.seek(0, os.SEEK_END) - 2000))
            said = output.read().decode("utf-8", "replace").strip()
        return ScriptRun(script.name, status, said, time.monotonic() - began)

    def judge(self) -> tuple[Report, list[str]]:
        """Run the checks, and see that they changed nothing.

        Returns:
            The report, and what the checks did that no check may do.
        """
        handle = self.session.handle
        before, files = handle.fingerprint(), _listing(self.workspace)
        report = self.session.check()
        problems = []
        if handle.fingerprint() != before:
            problems.append("the checks changed the world")
        if _listing(self.workspace) != files:
            problems.append("the checks changed the workspace")
        problems += [f"{check.id} is a fault of the lab: {fault_of(check.error, check.seen)}"
                     for check in report.checks if check.state == "lab_fault"]  # fmt: skip
        return report, problems

    # The solved world, kept and put back.

    def keep_solved(self) -> None:
        """Remember world, workspace and past as they are now."""
        self.session.handle.snapshot(_SOLVED)
        self._solved_at = self._last_event()
        self._solved_connections = {found.number for found in self._connections()}
        self._solved_files = self.home.directory / "solved" / self.exercise.id
        shutil.rmtree(self._solved_files, ignore_errors=True)
        copy_tree(self.workspace, self._solved_files)

    def put_back(self) -> None:
        """Bring world, workspace and past to what :meth:`keep_solved` remembered."""
        if self._solved_files is None:
            raise LabError("The solved world was not kept.")
        self.backend.mask.clear()
        handle = self.session.handle
        handle.restore(_SOLVED)
        # Connections that are still open belong to the past that is covered now.
        self.backend.clients.forget({one.access_key_id for one in handle.credentials.values()})
        for entry in self.workspace.iterdir():
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
        copy_tree(self._solved_files, self.workspace)
        self.backend.mask.cover_between(self._solved_at, self._last_event())
        self.backend.mask.cover_connections({found.number for found in self._connections()} - self._solved_connections)
        self.look_again()

    def look_again(self) -> None:
        """Forget what the session has seen of the past, after something in it was covered."""
        self.session = self._new_session()
        self.session.resume()

    def _last_event(self) -> int:
        return max((event.seq for event in self.session.handle.events()), default=0)

    def _connections(self) -> list[WireConnection]:
        return self.session.handle.connections()


def fault_of(error: BaseException | None, otherwise: str) -> str:
    """What a validator raised, in one line for the author: unlike the learner, who is shown the class alone."""
    if error is None:
        return otherwise
    cause = error.__cause__ or error
    trace = cause.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f" ({Path(trace.tb_frame.f_code.co_filename).name}, line {trace.tb_lineno})" if trace else ""
    return f"{type(cause).__name__}: {cause}{place}"


def _listing(directory: Path) -> dict[str, tuple[int, int, int]]:
    """Every file with its mode, size and time."""
    found = {}
    for place, _, names in os.walk(directory):
        for name in names:
            path = Path(place) / name
            status = path.lstat()
            found[str(path.relative_to(directory))] = (status.st_mode, status.st_size, status.st_mtime_ns)
    return found
