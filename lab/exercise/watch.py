"""Noticing that something changed: a file was saved, or the learner's tools did something; both come as one call.

Nothing is asked for in a loop: the system tells of files, the back end of events. Changes that come together are one.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal, Self

from lab.backends.protocol import Subscription
from lab.errors import LabError, WorkspaceError
from lab.exercise.session import Session

Reason = Literal["files", "state", "lost"]

#: The library looks for changed files this often and gives them when nothing was added in between. Each look wakes the
#: processor: half of this would double what an idle lab takes.
_STEP_MS: Final = 40
#: What the tools did is one with what follows within this time, the files that they wrote included …
QUIET_SECONDS: Final = 0.09
#: … but nobody waits longer than this for the first of them.
LONGEST_SECONDS: Final = 0.25

_TIMEOUT_MS: Final = 100
_IGNORED_PARTS = frozenset({".git", "__pycache__", ".venv", "node_modules"})
#: What editors and tools write beside the file that is saved; 4913 is vim's probe.
_IGNORED_ENDINGS = (".swp", ".swo", ".swx", "~", ".tmp", ".pyc", "4913")


class Watcher:
    """Calls back when the workspace or the learner's part of the world changed.

    The callback runs in a thread of the watcher's own, never twice at a time; while it runs, changes are collected.

    Args:
        session: Which workspace and world; the exercise must have been started.
        on_change: Gets the reasons: ``files``, ``state``; ``lost`` once, when the back end went away.
    """

    def __init__(self, session: Session, on_change: Callable[[frozenset[Reason]], None]) -> None:
        self._session = session
        self._on_change = on_change
        self._changes: queue.SimpleQueue[Reason | None] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._ready = threading.Event()
        self._threads: list[threading.Thread] = []
        self._subscription: Subscription | None = None

    def start(self) -> None:
        """Begin; when this returns, no later change is missed.

        Raises:
            WorkspaceError: The system cannot watch the workspace.
        """
        self._begin(self._tell)
        self._begin(self._watch_files)
        if "events" in self._session.backend.capabilities:
            self._subscription = self._session.handle.subscribe(self._session.last_event)
            self._begin(self._watch_events)
        if not self._ready.wait(5.0):
            self.stop()
            raise WorkspaceError("The system does not tell of changes in the workspace.", "Run lab check by hand.")

    def stop(self) -> None:
        """End and wait for the threads; may be called twice, and from the callback."""
        self._stop.set()
        self._changes.put(None)
        if self._subscription is not None:
            self._subscription.close()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(5.0)
        self._threads.clear()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _begin(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, name=f"lab-watch-{work.__name__.lstrip('_')}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _tell(self) -> None:
        """Wait for a first change, then for quiet, then call back."""
        while (first := self._changes.get()) is not None:
            reasons: set[Reason] = {first}
            end = time.monotonic() + LONGEST_SECONDS
            while True:
                # Files come late and collected: whatever belongs to them has been told by then.
                quiet = 0.0 if "files" in reasons else QUIET_SECONDS
                try:
                    following = self._changes.get(timeout=max(0.0, min(quiet, end - time.monotonic())))
                except queue.Empty:
                    break
                if following is None:
                    return
                reasons.add(following)
                if time.monotonic() >= end:
                    break
            if not self._stop.is_set():
                self._on_change(frozenset(reasons))

    def _watch_files(self) -> None:
        from watchfiles import watch

        folder = self._session.workspace
        try:
            # The library yields an empty set when nothing happened for a while: the first one says that it watches.
            for changes in watch(
                folder,
                watch_filter=lambda _, path: _matters(Path(path), folder),
                debounce=_STEP_MS * 2,
                step=_STEP_MS,
                stop_event=self._stop,
                rust_timeout=_TIMEOUT_MS,
                yield_on_timeout=True,
                raise_interrupt=False,
                ignore_permission_denied=True,
            ):
                self._ready.set()
                if changes:
                    self._changes.put("files")
        except (OSError, RuntimeError):
            # The folder was removed, or the system has no watches left: events still come.
            self._changes.put("files")

    def _watch_events(self) -> None:
        assert self._subscription is not None  # noqa: S101 - set before this thread begins
        try:
            for event in self._subscription:
                if event.origin == "learner":
                    self._changes.put("state")
        except LabError:
            if not self._stop.is_set():
                self._changes.put("lost")


def _matters(path: Path, folder: Path) -> bool:
    """Whether this is the learner's file rather than what an editor or a tool leaves beside it."""
    try:
        parts = path.relative_to(folder).parts
    except ValueError:
        parts = (path.name,)
    return not (_IGNORED_PARTS.intersection(parts) or path.name.endswith(_IGNORED_ENDINGS))
