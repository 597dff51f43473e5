"""Where one exercise is: its world on the back end, its workspace, its private record; started, resumed, reset."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab import paths
from lab.backends.protocol import Backend, WorldHandle
from lab.course import Exercise
from lab.errors import NotYetError, WorldGoneError
from lab.exercise import record as records
from lab.exercise.building import START, build_world, require_capabilities
from lab.exercise.files import disk_refused
from lab.exercise.record import WorldRecord
from lab.exercise.sight import Sight
from lab.exercise.tools import tool_environment
from lab.exercise.workspace import Workspace
from lab.exercise.world import History
from lab.progress import ProgressEvent, Store


@dataclass(frozen=True, slots=True)
class Started:
    """How an exercise was started.

    Attributes:
        resumed: Its world was there already and goes on where it was left.
        rebuilt: Its world had been there and was gone.
        moved_aside: Where files are that were in the workspace before; None for none.
    """

    resumed: bool
    rebuilt: bool
    moved_aside: Path | None


class Life:
    """The part of a session that outlives a run of the checks.

    Args:
        exercise: What is done.
        backend: Where; it must be open.
        store: Where progress is kept.
        course_version: What progress events are marked with.
        workspace_root: The directory that holds workspaces; the usual one where not given.
    """

    def __init__(
        self,
        exercise: Exercise,
        backend: Backend,
        store: Store,
        *,
        course_version: str = "",
        workspace_root: Path | None = None,
    ) -> None:
        self.exercise = exercise
        self.backend = backend
        self.store = store
        self._version = course_version
        self._directory = records.directory_of(backend.name, exercise.id)
        self._stamp = records.stamp(self._directory)
        self._record = records.load(self._directory)
        self._workspace_root = workspace_root
        self._handle: WorldHandle | None = None
        self._history: History | None = None
        self._sight: Sight | None = None

    # What is there

    @property
    def started(self) -> bool:
        """Whether its world was built on this back end once; whether it is still there shows :meth:`resume`."""
        return self._damaged or (self._record is not None and self._record.built)

    @property
    def workspace(self) -> Path:
        """The learner's folder."""
        if self._record is not None and self._record.workspace and self._workspace_root is None:
            return Path(self._record.workspace)
        root = self._workspace_root or paths.default_workspace_root()
        own_name = self.exercise.id if self.backend.name == "sandbox" else f"{self.exercise.id}.{self.backend.name}"
        return (root / own_name).absolute()

    @property
    def names(self) -> dict[str, str]:
        """Rendered names by logical name; empty before the start."""
        return dict(self._record.names) if self._record is not None else {}

    @property
    def handle(self) -> WorldHandle:
        """The world on its back end.

        Raises:
            NotYetError: The exercise has not been started.
            WorldGoneError: The back end no longer has it.
        """
        if self._handle is None:
            self.resume()
        assert self._handle is not None  # noqa: S101 - resume() raises where there is none
        return self._handle

    @property
    def since(self) -> int:
        """The last event before the start or the last reset; X-ray views and watchers begin after it."""
        return self._built_record().since

    @property
    def last_event(self) -> int:
        """The last event that the session has looked at."""
        return self._history.last if self._history is not None else self.since

    def source(self) -> Sight:
        """What the X-ray views are made from; valid until the next reset."""
        self._catch_up()
        if self._sight is None:
            record = self._built_record()
            self._sight = Sight(
                self.handle,
                capabilities=frozenset(self.backend.capabilities),
                workspace=self.workspace,
                began=record.began,
                since=record.since,
                asked=lambda: records.load_asked(self._directory),
            )
        return self._sight

    def require_capabilities(self) -> None:
        """Say what this back end lacks, before anything is built.

        Raises:
            NotCapableError: With the capability.
        """
        require_capabilities(self.exercise, self.backend)

    # Start, resume, reset

    def start(self) -> Started:
        """Go on with the exercise's world, or build it where there is none.

        Raises:
            NotCapableError: The back end lacks what the exercise needs.
            LabError: The world cannot be built.
        """
        self.require_capabilities()
        was_built = self.started
        if was_built:
            try:
                self.resume()
                return Started(resumed=True, rebuilt=False, moved_aside=None)
            except WorldGoneError:
                pass
        moved = self._build()
        self._keep("start")
        return Started(resumed=False, rebuilt=was_built, moved_aside=moved)

    def resume(self) -> None:
        """Find the world as it was left.

        Raises:
            NotYetError: The exercise has not been started.
            WorldGoneError: The back end no longer has its world.
            WorkspaceError: Something else is in the folder's place.
        """
        self._open_world()
        if not os.path.lexists(self.workspace):
            # The folder was removed by hand; the files of the start are better than none.
            self._workspace().put_back()
        elif not self.workspace.is_dir():
            self._handle = None
            raise disk_refused(FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(self.workspace)))

    def _open_world(self) -> WorldHandle:
        record = self._built_record()
        handle = self.backend.open_world(self.exercise.id)
        if handle is None:
            raise WorldGoneError(
                f"The world of {self.exercise.number} is no longer in the {self.backend.name}.",
                f"Build it again: lab start {self.exercise.number}. Files of yours in the workspace are kept.",
            )
        self._handle = handle
        self._history = History(handle, record.since)
        return handle

    def reset(self) -> Path | None:
        """Bring world, files and profiles back to the start; predictions stay.

        Returns:
            Where files are that the learner had made or changed; None where there were none.
        """
        record = self._built_record()
        if "snapshot" in self.backend.capabilities:
            handle = self._handle or self._open_world()  # a reset mends a folder that cannot be used
            handle.restore(START)
            moved = self._workspace().put_back()
            self._set_since(handle, record)
        else:
            moved = self._build()
        if record.workspace:
            self.environment(fresh=True)
        self._keep("reset")
        return moved

    def forget(self) -> None:
        """Take back predictions and figures, for a reset of everything."""
        if self._record is not None:
            self._record.predictions.clear()
            self._record.figures.clear()
            self._save()

    def _build(self) -> Path | None:
        """Build the world from nothing. Names and random values stay what they were, should it be for a second time."""
        old = self._record
        record = WorldRecord(self.exercise.id, version=self.exercise.version)
        if old is not None:
            record.suffix, record.seed, record.predictions = old.suffix, old.seed, old.predictions
        record.workspace = str(self.workspace)
        self._record = record
        self._save()
        workspace = self._workspace()
        moved = workspace.clear()
        handle = build_world(self.exercise, self.backend, record, workspace)
        self._handle = handle
        record.built = True
        self._set_since(handle, record)
        self.environment(fresh=True)
        return moved

    def _set_since(self, handle: WorldHandle, record: WorldRecord) -> None:
        if "events" in self.backend.capabilities:
            events = handle.events(after=record.since)
            record.since = events[-1].seq if events else record.since
        self._history = History(handle, record.since)
        self._sight = None
        records.save_asked(self._directory, [])
        self._save()

    # The learner's tools

    def environment(self, *, base: Mapping[str, str] | None = None, fresh: bool = False) -> dict[str, str]:
        """The environment of the learner's shell for this exercise.

        Args:
            base: What to start from; the lab's own environment where not given.
            fresh: Write the profiles as they were at the start, even where the learner changed them.
        """
        return tool_environment(
            self.exercise,
            self.backend,
            self.handle,
            names=self.names,
            workspace=self.workspace,
            private=self._directory,
            base=base,
            fresh=fresh,
        )

    # Inside

    def _workspace(self) -> Workspace:
        return Workspace(self.workspace, self._directory / "start")

    def _built_record(self) -> WorldRecord:
        if self._damaged:
            raise WorldGoneError(
                f"What the lab remembers of exercise {self.exercise.number} is damaged, so its world is not found.",
                f"Build it again: lab start {self.exercise.number}. Files of yours in the workspace are kept.",
            )
        if self._record is None or not self._record.built:
            raise NotYetError(
                f"Exercise {self.exercise.number} has not been started.", f"Start it: lab start {self.exercise.number}."
            )
        return self._record

    @property
    def _damaged(self) -> bool:
        """Whether there is a record that cannot be read."""
        return self._record is None and self._stamp is not None

    def _save(self) -> None:
        if self._record is not None:
            records.save(self._directory, self._record)
            self._stamp = records.stamp(self._directory)

    def _catch_up(self) -> None:
        """Take in what another command did meanwhile: a prediction, a reset, a start of a world that was gone.

        Beside a session that lasts (the app, ``lab check --watch``) the learner types commands in the shell.
        """
        stamp = records.stamp(self._directory)
        if stamp is None or stamp == self._stamp:
            return
        fresh = records.load(self._directory)
        if fresh is None or (self.started and not fresh.built):  # it is being built now: what we have is the best
            return
        before, self._record, self._stamp = self._record, fresh, stamp
        if before is None or (before.began, before.since) != (fresh.began, fresh.since):
            self._handle = self._history = self._sight = None

    def _event(self, verb: str, **members: Any) -> ProgressEvent:
        return ProgressEvent(verb, exercise=self.exercise.id, version=self._version, **members)

    def _keep(self, verb: str, **members: Any) -> None:
        self.store.append(self._event(verb, **members))
