"""The work behind the workbench: what runs in worker threads on one session, and the messages that it ends in.

Nothing here touches a widget.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from textual.message import Message

from lab.course import Exercise
from lab.exercise.report import Report
from lab.tui.desk import Desk
from lab.tui.faults import as_lab_error
from lab.tui.messages import WorkFailed

if TYPE_CHECKING:
    from lab.exercise.session import HintShown, Session, SolutionFile, Started
    from lab.exercise.watch import Reason, Watcher
    from lab.xray import View


@dataclass(frozen=True, slots=True)
class ShellOrder:
    """Where the learner's shell starts, and in which environment (``learner_environment``)."""

    environment: dict[str, str]
    workspace: Path


@dataclass
class ExerciseStarted(Message):
    """The world is there."""

    started: Started
    brief: str
    shell: ShellOrder
    report: Report


@dataclass
class ChecksRan(Message):
    """The checks have run."""

    report: Report

    def can_replace(self, message: Message) -> bool:
        """Of several reports that wait, only the last is worth drawing."""
        return isinstance(message, ChecksRan) and not message.report.newly_passed


@dataclass
class BackendLost(Message):
    """The back end went away while its events were watched."""


@dataclass
class ViewMade(Message):
    """An X-ray view is there."""

    view: View


@dataclass
class HintMade(Message):
    """A hint is there."""

    hint: HintShown


@dataclass
class SolutionRead(Message):
    """The solution is there."""

    files: tuple[SolutionFile, ...]


@dataclass
class ExplanationRead(Message):
    """The explanation is there."""

    text: str


@dataclass
class ExerciseReset(Message):
    """World and files are as at the start."""

    moved_aside: Path | None
    report: Report


class Bench:
    """One exercise's session, from worker threads.

    Args:
        desk: Where the session comes from.
        exercise: Which exercise.
        post: Takes messages from any thread.
    """

    def __init__(self, desk: Desk, exercise: Exercise, post: Callable[[Message], object]) -> None:
        self._desk = desk
        self._exercise = exercise
        self._post = post
        self._watcher: Watcher | None = None
        self._closed = False
        self._stopping = threading.Lock()
        desk.before_closing(self.close)

    def start(self) -> Message:
        """Build the world or go on with it, run the checks, and watch for changes from now on."""
        with self._desk.using:
            session = self._session()
            started = session.start()
            shell = ShellOrder(session.environment(), session.workspace)
            report = session.check()
            self._watch(session)
            return ExerciseStarted(started, session.brief(), shell, report)

    def check(self) -> Message:
        """Run the checks."""
        with self._desk.using:
            return ChecksRan(self._session().check())

    def predict(self, question: str, choice: str) -> Message:
        """Keep an answer, and look at the checks again."""
        with self._desk.using:
            self._session().predict(choice, question)
            return ChecksRan(self._session().check())

    def hint(self, check: str) -> Message:
        """The next hint."""
        with self._desk.using:
            return HintMade(self._session().hint(check))

    def solution(self) -> Message:
        """Every solution."""
        with self._desk.using:
            return SolutionRead(self._session().solution())

    def explain(self) -> Message:
        """The explanation."""
        with self._desk.using:
            return ExplanationRead(self._session().explain())

    def reset(self) -> Message:
        """Back to the start."""
        with self._desk.using:
            session = self._session()
            moved_aside = session.reset()
            return ExerciseReset(moved_aside, session.check())

    def view(self, name: str) -> Message:
        """Make an X-ray view."""
        from lab.xray import show

        with self._desk.using:
            return ViewMade(show(name, self._session().source()))

    def close(self) -> None:
        """Stop watching; waits for the watcher's threads. Idempotent, and whoever comes second waits too."""
        self._closed = True
        with self._stopping:
            self._stop_watching()

    def _session(self) -> Session:
        return self._desk.session(self._exercise)

    def _watch(self, session: Session) -> None:
        from lab.exercise.watch import Watcher

        self._stop_watching()
        if not self._closed:
            watcher = Watcher(session, self._changed)
            watcher.start()
            self._watcher = watcher

    def _stop_watching(self) -> None:
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.stop()

    def _changed(self, reasons: frozenset[Reason]) -> None:
        """A file or the world changed; called in the watcher's thread."""
        if "lost" in reasons:
            self._post(BackendLost())
            return
        try:
            message = self.check()
        except Exception as error:  # noqa: BLE001 - a boundary like that of workers
            message = WorkFailed(as_lab_error(error, "checking"), "checking")
        if not self._closed:
            self._post(message)
