"""The course as it is written: lessons and exercises without anything to repair, and typed code."""

from __future__ import annotations

import shutil
from pathlib import Path

from mypy import api

from lab.author.lint_lessons import lint_course
from lab.course import load_course

ROOT = Path(__file__).parents[2]


def test_nothing_to_repair() -> None:
    found = lint_course(load_course())
    assert not found, "\n".join(str(finding) for finding in found)


def test_validators_and_worlds_are_typed(tmp_path: Path) -> None:
    # Every exercise has files of the same names, which are no modules of one program: copies get names of their own.
    files = []
    for exercise in load_course().exercises:
        for file in (exercise.validators_file, exercise.world_file):
            copy = tmp_path / f"{exercise.id.replace('-', '_')}_{file.name}"
            shutil.copyfile(file, copy)
            files.append(str(copy))
    said, complained, status = api.run(
        ["--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", str(ROOT / ".mypy_cache"), *files]
    )
    assert status == 0, said + complained
