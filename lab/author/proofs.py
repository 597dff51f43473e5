"""What an author wrote down to be proved: wrong answers with their diagnoses, facts to change after the solution."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.course import Exercise
from lab.course.document import read_optional

SCRIPTS = (".sh", ".py")


@dataclass(frozen=True, slots=True)
class WrongAnswer:
    """A near miss, and what the learner must be told.

    Attributes:
        run: The script in ``wrong/``.
        check: The check that must not pass.
        diagnosis: The name that the mistake must get.
        also_fails: Other checks that may fail too.
    """

    run: str
    check: str
    diagnosis: str
    also_fails: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """An answer given before the run, and a part of what must be said after it."""

    question: str
    choice: str
    comparison: str


@dataclass(frozen=True, slots=True)
class Mutant:
    """One fact to change after the reference solution.

    Attributes:
        number: Its place in the file, from 1.
        op: What is done, by name.
        target: To what, in logical names.
        fails: The checks that must notice.
        survives: Why none has to; '' where some must.
    """

    number: int
    op: str
    target: dict[str, Any]
    fails: tuple[str, ...]
    survives: str

    @property
    def title(self) -> str:
        """As it is named in tables and tests."""
        return f"{self.number} {self.op}"


def read_cases(exercise: Exercise) -> tuple[list[WrongAnswer], list[Comparison]]:
    """Everything in ``wrong/cases.toml``.

    Raises:
        CourseError: The file is not what it should be.
    """
    table = read_optional(exercise.directory / "wrong" / "cases.toml")
    wrong: list[WrongAnswer] = []
    comparisons: list[Comparison] = []
    for row in table.tables("case"):
        if "question" in row:
            comparisons.append(Comparison(row.text("question"), row.text("choice"), row.text("comparison")))
        else:
            wrong.append(
                WrongAnswer(row.text("run"), row.text("check"), row.text("diagnosis"), row.texts("also_fails", ()))
            )
        row.done()
    table.done()
    return wrong, comparisons


def read_mutants(exercise: Exercise) -> list[Mutant]:
    """Everything in ``mutants.toml``.

    Raises:
        CourseError: The file is not what it should be.
    """
    table = read_optional(exercise.directory / "mutants.toml")
    mutants = []
    for number, row in enumerate(table.tables("mutant"), start=1):
        target = row.table("target").values()
        mutant = Mutant(number, row.text("op"), target, row.texts("fails", ()), row.text("survives", "").strip())
        if bool(mutant.fails) == bool(mutant.survives):
            raise row.problem("fails", "either fails or survives must be given, and not both")
        row.done()
        mutants.append(mutant)
    table.done()
    return mutants


def solutions(exercise: Exercise) -> list[Path]:
    """Every way that must pass, the reference first."""
    files = [file for file in exercise.solutions_directory.glob("*") if file.suffix in SCRIPTS]
    return sorted(files, key=lambda file: (file.stem != "reference", file.name))
