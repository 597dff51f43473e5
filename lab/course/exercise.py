"""An exercise as data: ``exercise.toml`` when the course is listed, its other files when somebody asks for them.

Nothing here runs an exercise's code.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from lab.course import document
from lab.course.document import Table
from lab.course.feedback import (
    Diagnosis,
    Hint,
    Question,
    read_diagnoses,
    read_hints,
    read_questions,
)
from lab.errors import CourseError

SCHEMA = 1
KINDS = ("build", "predict", "break-it", "repair", "incident")
_NUMBER = re.compile(r"[1-9][0-9]*\.[1-9][0-9]*")
_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who acts in the exercise; the name is also the AWS profile's.

    Attributes:
        kind: ``user`` or ``role``.
        account: ``home`` or ``other``.
        policies: Files under ``policies/``, relative to the exercise, attached after ``build``.
    """

    name: str
    kind: str
    account: str
    administrator: bool
    policies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must be true at the end.

    Attributes:
        after: Id of the check that must pass first, '' for none.
        needs: Capabilities of the back end beyond the exercise's own.
        rests_on: Ids of behaviors whose code or message the check compares.
    """

    id: str
    title: str
    after: str
    needs: tuple[str, ...]
    rests_on: tuple[str, ...]

    @property
    def function(self) -> str:
        """Name of its function in ``validators.py``."""
        return self.id.replace("-", "_")


@dataclass(frozen=True, slots=True)
class Exercise:
    """One exercise: everything of ``exercise.toml``, and where its files lie.

    Attributes:
        id: Stable for ever.
        number: ``LESSON.PLACE``; may change.
        behaviors: Ids of the conformance list, as text; that they exist is checked by the author's tools.
        needs: Capabilities that the back end must have.
        endpoint: How the shell's tools are pointed: ``env``, ``profile`` or ``http``.
        directory: The exercise's directory.
    """

    id: str
    number: str
    title: str
    version: int
    minutes: int
    kind: str
    idea: str
    prerequisites: tuple[str, ...]
    behaviors: tuple[str, ...]
    needs: tuple[str, ...]
    cost_on_aws: str
    endpoint: str
    buckets: tuple[str, ...]
    keys: tuple[str, ...]
    aliases: tuple[str, ...]
    principals: tuple[Principal, ...]
    checks: tuple[Check, ...]
    directory: Path

    @property
    def lesson_number(self) -> int:
        """Number of the lesson that it belongs to."""
        return int(self.number.split(".")[0])

    @property
    def place(self) -> tuple[int, int]:
        """The number as two numbers, for ordering."""
        lesson, exercise = self.number.split(".")
        return int(lesson), int(exercise)

    @property
    def brief_file(self) -> Path:
        """``brief.md``."""
        return self.directory / "brief.md"

    @property
    def explain_file(self) -> Path:
        """``explain.md``."""
        return self.directory / "explain.md"

    @property
    def world_file(self) -> Path:
        """``world.py``."""
        return self.directory / "world.py"

    @property
    def validators_file(self) -> Path:
        """``validators.py``."""
        return self.directory / "validators.py"

    @property
    def files_directory(self) -> Path:
        """``files/``, which may be absent."""
        return self.directory / "files"

    @property
    def solutions_directory(self) -> Path:
        """``solutions/``."""
        return self.directory / "solutions"

    def check(self, check_id: str) -> Check | None:
        """The check of that id."""
        return next((check for check in self.checks if check.id == check_id), None)

    def brief(self) -> str:
        """The task, with its placeholders."""
        return document.read_text(self.brief_file)

    def explanation(self) -> str:
        """What is shown after the pass, with its placeholders."""
        return document.read_text(self.explain_file)

    def hints(self, back_end: str = "sandbox") -> dict[str, tuple[Hint, ...]]:
        """The hints of every check, worded for the back end."""
        return read_hints(self.directory / "hints.toml", back_end)

    def diagnoses(self) -> dict[str, Diagnosis]:
        """The exercise's own diagnoses by code."""
        return read_diagnoses(self.directory / "diagnoses.toml")

    def questions(self) -> tuple[Question, ...]:
        """The questions before the run; empty where there are none."""
        return read_questions(self.directory / "predict.toml")

    def policy(self, name: str) -> str:
        """A policy document, with its placeholders."""
        return document.read_text(self.directory / name)


def read_exercise(file: Path) -> Exercise:
    """Read ``exercise.toml``.

    Raises:
        CourseError: The file is not an exercise of a schema that this version knows.
    """
    table = document.read(file)
    if table.number("schema") != SCHEMA:
        raise table.problem("schema", f"should be {SCHEMA}; another version of the lab wrote this exercise")
    shell, names = table.table("shell"), table.table("names")
    exercise = Exercise(
        id=_matching(table, "id", _ID, "should be lower-case words joined by -"),
        number=_matching(table, "number", _NUMBER, "should be LESSON.PLACE, as in 9.2"),
        title=table.text("title"),
        version=table.number("version"),
        minutes=table.number("minutes"),
        kind=table.choice("kind", KINDS),
        idea=table.text("idea"),
        prerequisites=table.texts("prerequisites", ()),
        behaviors=table.texts("behaviors", ()),
        needs=table.texts("needs", ()),
        cost_on_aws=table.text("cost_on_aws", ""),
        endpoint=shell.choice("endpoint", ("env", "profile", "http"), "env"),
        buckets=names.texts("buckets", ()),
        keys=names.texts("keys", ()),
        aliases=names.texts("aliases", ()),
        principals=_principals(table),
        checks=_checks(table),
        directory=file.parent,
    )
    for part in (shell, names, table):
        part.done()
    _must_fit_together(table, exercise)
    return exercise


def _matching(table: Table, name: str, pattern: re.Pattern[str], what: str) -> str:
    value = table.text(name)
    if not pattern.fullmatch(value):
        raise table.problem(name, what)
    return value


def _principals(table: Table) -> tuple[Principal, ...]:
    principals = []
    for row in table.tables("principal"):
        principals.append(
            Principal(
                name=row.text("name"),
                kind=row.choice("kind", ("user", "role"), "user"),
                account=row.choice("account", ("home", "other"), "home"),
                administrator=row.flag("administrator", False),
                policies=row.texts("policies", ()),
            )
        )
        row.done()
    if not any(principal.name == "default" for principal in principals):
        principals.insert(0, Principal("default", "user", "home", administrator=True, policies=()))
    return tuple(principals)


def _checks(table: Table) -> tuple[Check, ...]:
    checks = []
    for row in table.tables("check"):
        checks.append(
            Check(
                id=_matching(row, "id", _ID, "should be lower-case words joined by -"),
                title=row.text("title"),
                after=row.text("after", ""),
                needs=row.texts("needs", ()),
                rests_on=row.texts("rests_on", ()),
            )
        )
        row.done()
    return tuple(checks)


def _must_fit_together(table: Table, exercise: Exercise) -> None:
    """What no single member shows: ids are unique, ``after`` names an earlier check, policies are there."""
    if not exercise.checks:
        raise table.problem("check", "there should be at least one")
    seen: set[str] = set()
    for check in exercise.checks:
        if check.id in seen:
            raise table.problem("check", f"the id {check.id!r} is there twice")
        if check.after and check.after not in seen:
            raise table.problem("check", f"{check.id!r} comes after {check.after!r}, which is no earlier check")
        seen.add(check.id)
    names = [principal.name for principal in exercise.principals]
    if len(set(names)) != len(names):
        raise table.problem("principal", "a name is there twice")
    for principal in exercise.principals:
        for policy in principal.policies:
            if not (exercise.directory / policy).is_file():
                raise CourseError(
                    f"{exercise.directory / 'exercise.toml'}: principal {principal.name!r}: there is no {policy}.",
                    "Repair the file, or install the lab again.",
                )
