"""What an exercise says to the learner along the way: diagnoses, hints, and questions before the run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from lab.course import document
from lab.course.document import Table

LEVELS = 4
#: Codes and ids are kept as evidence, which holds nothing of another shape.
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
VIEWS = ("wire", "rest", "keys", "policy", "files", "")


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A wrong state that has a name. Texts hold placeholders for names and for what was observed.

    Attributes:
        look: The X-ray view that shows it, ``files`` for the workspace, '' for none.
        hint: The hint level that helps next, 1 to 4.
    """

    code: str
    seen: str
    expected: str
    why: str
    look: str
    hint: int


@dataclass(frozen=True, slots=True)
class Hint:
    """One step of help for a check.

    Attributes:
        level: 1 (a nudge) to 4 (nearly the answer).
    """

    check: str
    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer that can be given before the run.

    Attributes:
        comparison: What is said after the run to somebody who chose it.
    """

    id: str
    text: str
    comparison: str


@dataclass(frozen=True, slots=True)
class Question:
    """A question before the run.

    Attributes:
        before: Before what the answer must be given, as words.
        answer: The author's answer, used where the back end records no events; '' where only a run can tell.
    """

    id: str
    ask: str
    before: str
    answer: str
    choices: tuple[Choice, ...]

    @property
    def function(self) -> str:
        """Name of its function in ``validators.py``."""
        return "answer_" + self.id.replace("-", "_")

    def choice(self, choice_id: str) -> Choice | None:
        """The choice of that id."""
        return next((choice for choice in self.choices if choice.id == choice_id), None)


def read_diagnoses(file: Path) -> dict[str, Diagnosis]:
    """All diagnoses of ``diagnoses.toml`` by code."""
    table = document.read_optional(file)
    diagnoses: dict[str, Diagnosis] = {}
    for code in table.names():
        row = table.table(code)
        _must_be_id(table, code, code)
        hint = row.number("hint", 1)
        if not 1 <= hint <= LEVELS:
            raise row.problem("hint", f"should be 1 to {LEVELS}")
        diagnoses[code] = Diagnosis(
            code=code,
            seen=row.text("seen"),
            expected=row.text("expected", ""),
            why=row.text("why", ""),
            look=row.choice("look", VIEWS, ""),
            hint=hint,
        )
        row.done()
    return diagnoses


def read_hints(file: Path, back_end: str) -> dict[str, tuple[Hint, ...]]:
    """The hints of ``hints.toml`` by check, in the words for this back end where it has its own."""
    table = document.read_optional(file)
    hints: dict[str, tuple[Hint, ...]] = {}
    for check in table.names():
        row = table.table(check)
        levels = _levels(row)
        for other in ("sandbox", "endpoint", "aws"):
            if other in row:
                special = row.table(other)
                levels = _levels(special) if other == back_end else levels
                special.texts("levels")
                special.done()
        row.done()
        hints[check] = tuple(Hint(check, level, text) for level, text in enumerate(levels, start=1))
    return hints


def _levels(row: Table) -> tuple[str, ...]:
    levels = row.texts("levels")
    if len(levels) != LEVELS:
        raise row.problem("levels", f"should hold {LEVELS} texts")
    return levels


def read_questions(file: Path) -> tuple[Question, ...]:
    """All questions of ``predict.toml``."""
    table = document.read_optional(file)
    questions = []
    for row in table.tables("question"):
        choices = []
        for option in row.tables("choice"):
            _must_be_id(option, "id", option.text("id"))
            choices.append(Choice(option.text("id"), option.text("text"), option.text("comparison")))
            option.done()
        question = Question(
            id=row.text("id"),
            ask=row.text("ask"),
            before=row.text("before", ""),
            answer=row.text("answer", ""),
            choices=tuple(choices),
        )
        row.done()
        _must_be_id(row, "id", question.id)
        if len({choice.id for choice in choices}) < max(2, len(choices)):
            raise row.problem("choice", "there should be at least two, with different ids")
        if question.answer and question.choice(question.answer) is None:
            raise row.problem("answer", "is not the id of a choice")
        questions.append(question)
    table.done()
    return tuple(questions)


def _must_be_id(row: Table, member: str, value: str) -> None:
    if not _ID.fullmatch(value):
        raise row.problem(member, "should be one word of letters, digits, - and _")
