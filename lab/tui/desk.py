"""Everything that the screens work with and that knows no screen: course, progress, back end, one session at a time.

All of it is synchronous and is called from worker threads. The lock lets one of them at a session; the back end may be
asked to open while somebody reads the course.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from lab.errors import BackendError, LabError

if TYPE_CHECKING:
    from lab.backends.protocol import Backend
    from lab.course import Course, Exercise
    from lab.exercise.session import Session
    from lab.progress import Standing, Store
    from lab.progress.turn import AppLock

_STOP_TRIES: Final = 4
_STOP_PAUSE_SECONDS: Final = 0.1

Phase = Literal["starting", "ready", "lost", "failed"]


@dataclass(frozen=True, slots=True)
class BackendState:
    """How the back end is, for the line at the top.

    Attributes:
        name: ``sandbox``, ``endpoint`` or ``aws``.
        where: Its HTTPS address once it is ready.
        detail: What went wrong, in one sentence; '' where nothing did.
    """

    phase: Phase
    name: str = "sandbox"
    where: str = ""
    detail: str = ""


def _sandbox() -> Backend:
    from lab.backends.sandbox import SandboxBackend

    return SandboxBackend()


def _sandbox_runs() -> bool:
    from lab.backends.runtime import find_sandbox

    return find_sandbox() is not None


def _stop_unused_sandbox() -> None:
    """Stop it unless somebody else uses it; what our shell ran may take a moment to be counted as gone."""
    from lab.backends.runtime import find_sandbox, stop_sandbox

    for _ in range(_STOP_TRIES):
        if stop_sandbox(only_unused=True) or find_sandbox() is None:
            return
        time.sleep(_STOP_PAUSE_SECONDS)


class Desk:
    """The app's access to the lab.

    Args:
        make_backend: Makes the back end; the shared sandbox by default.
        store: Where progress is kept; the learner's own by default.
        workspace_root: The directory that holds workspaces; the usual one where not given.
    """

    def __init__(
        self,
        *,
        make_backend: Callable[[], Backend] = _sandbox,
        store: Store | None = None,
        workspace_root: Path | None = None,
    ) -> None:
        self._make_backend = make_backend
        self._store = store
        self._workspace_root = workspace_root
        self._turn: AppLock | None = None
        self._course: Course | None = None
        self._backend: Backend | None = None
        self._session: Session | None = None
        self._started_sandbox = False
        self._closed = False
        self._closers: list[Callable[[], None]] = []
        self._opening = threading.Lock()
        self.using = threading.RLock()

    # Course and progress

    def course(self) -> Course:
        """The course, read once."""
        if self._course is None:
            from lab.course import load_course

            self._course = load_course()
        return self._course

    @property
    def store(self) -> Store:
        """The progress store; a second app reads and does not save."""
        if self._store is None:
            from lab.progress import open_store
            from lab.progress.turn import AppLock

            self._turn = AppLock()
            self._store = open_store(read_only=not self._turn.acquire())
        return self._store

    def standings(self) -> dict[str, Standing]:
        """Where the learner stands, by exercise."""
        return self.store.standings()

    def remember(self, verb: str, place: str, *, check: str = "", verdict: str = "") -> None:
        """Keep what was done outside of a session: a lesson opened, a question of a lesson answered."""
        from lab.progress import ProgressEvent

        version = self.course().version
        self.store.append(ProgressEvent(verb, exercise=place, check=check, verdict=verdict, version=version))

    # The back end

    def open_backend(self) -> BackendState:
        """Find or start it; after it was lost, again.

        Raises:
            LabError: It does not come up.
        """
        with self._opening:
            if self._closed:
                # A quick learner has left already: what is started now would stay behind.
                raise BackendError("The lab was closed.")
            backend = self._backend or self._make_backend()
            shared = backend.name == "sandbox"
            # Said before it opens: where that fails half-way, the sandbox may run all the same.
            self._started_sandbox = self._started_sandbox or (shared and not _sandbox_runs())
            backend.open()
            self._backend = backend
            return BackendState("ready", backend.name, backend.endpoints().https)

    def backend_alive(self) -> bool:
        """Whether it still runs, as far as can be told without asking it."""
        from lab.backends.sandbox import SandboxBackend

        backend = self._backend
        if not isinstance(backend, SandboxBackend):
            return True
        try:
            return backend.running.alive
        except BackendError:
            return False

    # Sessions

    def session(self, exercise: Exercise) -> Session:
        """The session of that exercise; the one that is open, or a new one.

        Raises:
            LabError: The back end does not come up.
        """
        from lab.exercise.session import Session

        with self.using:
            if self._session is not None and self._session.exercise.id == exercise.id:
                return self._session
            if self._backend is None:
                self.open_backend()
            assert self._backend is not None  # noqa: S101 - open_backend() sets it or raises
            self._session = Session(
                exercise,
                self._backend,
                self.store,
                course_version=self.course().version,
                workspace_root=self._workspace_root,
            )
            return self._session

    def forget_session(self) -> None:
        """After the back end came back: the next use opens the world again."""
        with self.using:
            self._session = None

    def before_closing(self, close: Callable[[], None]) -> None:
        """Have this called, once or more often, before the back end is let go of."""
        self._closers.append(close)

    def close(self) -> None:
        """Let go of everything. A sandbox that this app started ends with it, unless somebody else uses it."""
        for close in self._closers:
            close()
        with self._opening:
            self._closed = True
            backend, self._backend = self._backend, None
            with contextlib.suppress(LabError):  # it may be gone already
                if backend is not None:
                    backend.close()
                if self._started_sandbox:
                    _stop_unused_sandbox()
        if self._turn is not None:
            self._turn.release()
