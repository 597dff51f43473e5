"""The learner's folder: laid out at the start, put back by a reset, and nothing in it is ever lost in silence.

What a reset would overwrite or remove is moved beside the folder, to ``<folder>.before-reset-N``: beside and not
inside, so that checks that look through the folder do not find what was there before.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from lab.course import render
from lab.course.placeholders import placeholders
from lab.exercise.files import copy_file, copy_tree, directories, disk_refused, same, walk


class Workspace:
    """One exercise's folder and the private copy of how it looked at the start.

    Args:
        directory: The learner's folder.
        start: Where the copy is kept, outside the folder.
    """

    def __init__(self, directory: Path, start: Path) -> None:
        self.directory = directory
        self._start = start
        self._waiting: dict[Path, bytes] = {}

    def lay_out(self, source: Path, names: Mapping[str, str]) -> None:
        """Copy ``files/`` with its placeholders filled; those that have no name yet are filled by :meth:`fill`."""
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            for file in walk(source) if source.is_dir() else ():
                target = self.directory / file.relative_to(source)
                copy_file(file, target)
                self._render(file, target, names)
        except OSError as error:
            raise disk_refused(error) from error

    def fill(self, source: Path, names: Mapping[str, str]) -> None:
        """Fill what could not be filled before the world was built, in files that ``build`` left alone."""
        try:
            for target, written in list(self._waiting.items()):
                if target.is_file() and target.read_bytes() == written:
                    self._render(source / target.relative_to(self.directory), target, names)
        except OSError as error:
            raise disk_refused(error) from error

    def _render(self, source: Path, target: Path, names: Mapping[str, str]) -> None:
        if source.is_symlink():
            return
        try:
            text = source.read_bytes().decode()
        except UnicodeDecodeError:
            return
        wanted = placeholders(text)
        if wanted:
            target.write_bytes(render(text, names).encode())
        if any(name not in names for name in wanted):
            self._waiting[target] = target.read_bytes()

    def keep_start(self) -> None:
        """Remember how the folder looks now: that is what a reset brings back."""
        try:
            shutil.rmtree(self._start, ignore_errors=True)
            self._start.mkdir(parents=True, mode=0o700)
        except OSError as error:
            raise disk_refused(error) from error
        copy_tree(self.directory, self._start)

    def put_back(self) -> Path | None:
        """Bring the folder back to the start.

        Returns:
            Where the learner's own files are now; None where there were none.
        """
        try:
            aside = self._move_aside()
            for directory in directories(self._start):
                (self.directory / directory.relative_to(self._start)).mkdir(parents=True, exist_ok=True)
            for file in walk(self._start):
                target = self.directory / file.relative_to(self._start)
                if not os.path.lexists(target):
                    copy_file(file, target)
        except OSError as error:
            raise disk_refused(error) from error
        return aside

    def clear(self) -> Path | None:
        """Empty the folder for a new start; what the learner made in it is moved aside, as by a reset."""
        try:
            aside = self._move_aside()
            for entry in self.directory.iterdir():  # what is left looks as the lab made it
                if entry.is_dir() and not entry.is_symlink():
                    shutil.rmtree(entry)
                else:
                    entry.unlink()
        except OSError as error:
            raise disk_refused(error) from error
        return aside

    def _move_aside(self) -> Path | None:
        """Move what the learner made or changed; what still looks as at the start stays."""
        aside = self._next_aside()
        if os.path.lexists(self.directory) and not self.directory.is_dir():
            self.directory.rename(aside)  # a file in the folder's place, or a link that leads nowhere
            self.directory.mkdir()
            return aside
        self.directory.mkdir(parents=True, exist_ok=True)
        for place, directory_names, file_names in os.walk(self.directory):
            here = Path(place)
            for name in [*directory_names, *file_names]:
                entry = here / name
                relative = entry.relative_to(self.directory)
                original = self._start / relative
                is_directory = entry.is_dir() and not entry.is_symlink()
                if same(entry, original) or (is_directory and original.is_dir() and not original.is_symlink()):
                    continue
                (aside / relative).parent.mkdir(parents=True, exist_ok=True)
                entry.rename(aside / relative)
                if is_directory:
                    directory_names.remove(name)
        return aside if aside.exists() else None

    def _next_aside(self) -> Path:
        number = 1
        while os.path.lexists(self._aside(number)):
            number += 1
        return self._aside(number)

    def _aside(self, number: int) -> Path:
        return self.directory.with_name(f"{self.directory.name}.before-reset-{number}")
