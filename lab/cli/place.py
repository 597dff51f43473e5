"""What commands work with: the course, progress, the back end and one session, each opened when first asked for."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from lab.course import Course, Exercise, load_course
from lab.errors import UsageError
from lab.progress import Store, open_store

if TYPE_CHECKING:
    from lab.backends.protocol import Backend
    from lab.exercise.session import Session


class Place:
    """One command's surroundings.

    Args:
        options: The parsed command line.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self._backend: Backend | None = None

    @cached_property
    def course(self) -> Course:
        """The course."""
        return load_course()

    @cached_property
    def store(self) -> Store:
        """Progress; what is wrong with it is said once, on standard error."""
        store = open_store()
        if store.notice:
            print(f"lab: {store.notice}", file=sys.stderr)
        return store

    def exercise(self, reference: str = "") -> Exercise:
        """The exercise that was named; else that of the shell we are in; else the one that was used last.

        Raises:
            UsageError: There is none of that name, or none was named and none was used.
        """
        reference = reference or os.environ.get("LAB_EXERCISE", "")
        if not reference:
            last = self.store.last_place()
            if not last or last.startswith("lesson/"):
                raise UsageError("Which exercise?", "Name it, as in lab start 9.2. All of them: lab list.")
            reference = last
        return self.course.exercise(reference)

    def session(self, exercise: Exercise, *, connect: bool = True) -> Session:
        """The exercise's session.

        Args:
            exercise: Which one.
            connect: Whether the back end is needed; without it, nothing is started.
        """
        from lab.exercise.session import Session

        return Session(
            exercise,
            self._open_backend() if connect else self._closed_backend(),
            self.store,
            course_version=self.course.version,
            workspace_root=self.workspace_root,
        )

    @property
    def workspace_root(self) -> Path | None:
        """Where ``--workspace`` says that workspaces are."""
        chosen: Path | None = self.options.workspace
        return chosen.absolute() if chosen is not None else None

    def _open_backend(self) -> Backend:
        from lab.backends import open_backend

        if self._backend is None:
            options = self.options
            self._backend = open_backend(options.backend, endpoint=options.endpoint, profile=options.profile)
        return self._backend

    def _closed_backend(self) -> Backend:
        """The sandbox back end, not connected: its name and capabilities are known all the same."""
        from lab.backends.sandbox import SandboxBackend

        return self._open_backend() if self.options.backend != "sandbox" else SandboxBackend()

    def close(self) -> None:
        """Let go of the back end."""
        if self._backend is not None:
            self._backend.close()
            self._backend = None


@contextmanager
def place_of(options: argparse.Namespace) -> Iterator[Place]:
    """The surroundings of one command, closed at its end."""
    place = Place(options)
    try:
        yield place
    finally:
        place.close()
