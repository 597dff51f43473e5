"""A course of one small exercise, as ``lab dev new`` makes it, to be broken in all ways, and a sandbox to play it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab.author.home import ProofHome
from lab.author.mask import MaskedBackend
from lab.author.new import new_exercise
from lab.author.prove import Proof, Prover
from lab.course import Exercise, load_course

LESSON = """\
+++
number = 1
id = "first"
title = "First"
summary = "How an object gets there."
sources = ["https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html"]
+++

## A page

Text.

```lab-exercise
keep-it
```
"""


@pytest.fixture
def content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The content directory of a course with a lesson and one new exercise."""
    root = tmp_path / "content"
    (root / "lessons" / "01-first").mkdir(parents=True)
    (root / "exercises").mkdir()
    (root / "lessons" / "01-first" / "lesson.md").write_text(LESSON)
    monkeypatch.setenv("LAB_CONTENT_DIR", str(root))
    new_exercise(load_course(), "1.1", "keep-it")
    return root


@pytest.fixture
def directory(content: Path) -> Path:
    """The exercise's own directory."""
    return content / "exercises" / "01-first" / "01-keep-it"


Change = Callable[..., None]


@pytest.fixture
def change(directory: Path) -> Change:
    """Exchange a part of one of the exercise's files, or write it where there is nothing to exchange."""

    def exchange(name: str, old: str, new: str) -> None:
        file = directory / name
        if old:
            text = file.read_text()
            assert old in text
            file.write_text(text.replace(old, new))
        else:
            file.parent.mkdir(exist_ok=True)
            file.write_text(new)

    return exchange


@dataclass(frozen=True)
class Play:
    """Proves things of the exercise as it is now."""

    home: ProofHome
    backend: MaskedBackend

    def exercise(self) -> Exercise:
        return load_course().exercise("keep-it")

    def problems(self, kind: str, name: str = "") -> list[str]:
        exercise = self.exercise()
        with self.home.entered():
            outcome = Prover(self.home, self.backend).prove(exercise, Proof(exercise.id, kind, name))  # type: ignore[arg-type]
        return list(outcome.problems)


@pytest.fixture(scope="package")
def open_backend() -> Iterator[tuple[ProofHome, MaskedBackend]]:
    home = ProofHome()
    backend = MaskedBackend()
    try:
        with home.entered():
            backend.open()
        yield home, backend
    finally:
        with home.entered():
            backend.close()
        home.close()


@pytest.fixture
def play(content: Path, open_backend: tuple[ProofHome, MaskedBackend]) -> Play:
    """The sandbox, ready to play the exercise."""
    home, backend = open_backend
    with home.entered():
        backend.drop_world("keep-it")
    for record in (home.directory / "data" / "worlds").glob("keep-it.*/world.json"):
        record.unlink()
    return Play(home, backend)
