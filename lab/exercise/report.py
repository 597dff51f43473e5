"""What a run of the checks says, as records: one result per check, one state per question, one verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from lab.errors import EXIT_DONE, EXIT_LAB_FAULT, EXIT_NOT_CAPABLE, EXIT_NOT_YET

SCHEMA = 1

CheckState = Literal["passed", "not_yet", "waiting", "blocked", "lab_fault"]
QuestionState = Literal["open", "recorded", "answered", "too_late"]
VerdictName = Literal["passed", "not_yet", "blocked", "lab_fault"]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check's state now, ready to be shown.

    Attributes:
        diagnosis: Code; '' when passed.
        seen: What was observed, in words.
        expected: What would pass, in words.
        why: Why it matters.
        xray: The view that shows it: ``wire``, ``rest``, ``keys``, ``policy``, ``files`` or ''.
        hint_level: The level that helps next; None when passed.
        facts: What was observed, by name.
        seconds: How long the check took.
        error: What the validator raised, for ``--debug`` only.
    """

    id: str
    title: str
    state: CheckState
    diagnosis: str = ""
    seen: str = ""
    expected: str = ""
    why: str = ""
    xray: str = ""
    hint_level: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    error: BaseException | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class QuestionResult:
    """One question before the run.

    Attributes:
        state: ``open``: no answer given; ``recorded``: given, the run has not shown it yet; ``answered``: the run has
            shown it; ``too_late``: the run has shown it and no answer had been given.
        choice: The choice that was given, '' for none.
        answer: The choice that the run shows, '' while it shows none; never set while an answer can still be given.
        comparison: What is said to somebody who chose it; '' until answered.
        from_author: The answer is the author's, because this back end records no events.
    """

    id: str
    ask: str
    before: str
    choices: tuple[tuple[str, str], ...]
    state: QuestionState
    choice: str = ""
    answer: str = ""
    comparison: str = ""
    from_author: bool = False

    @property
    def right(self) -> bool:
        """Whether the run showed what was predicted; never graded."""
        return bool(self.answer) and self.answer == self.choice


@dataclass(frozen=True, slots=True)
class Report:
    """One run of all checks.

    Attributes:
        passed_at: When the exercise was passed first; None where it was not.
        newly_passed: This is the run that passed it.
    """

    exercise: str
    number: str
    title: str
    checks: tuple[CheckResult, ...]
    questions: tuple[QuestionResult, ...] = ()
    passed_at: float | None = None
    newly_passed: bool = False

    @property
    def verdict(self) -> VerdictName:
        """The worst of all: our fault, then what this back end cannot show, then what is missing."""
        states = {check.state for check in self.checks}
        if "lab_fault" in states:
            return "lab_fault"
        if "blocked" in states:
            return "blocked"
        # Recording a prediction is required; that it was right is not.
        if states != {"passed"} or any(question.state in ("open", "too_late") for question in self.questions):
            return "not_yet"
        return "passed"

    @property
    def exit_status(self) -> int:
        """The exit status of ``lab check``."""
        return {
            "passed": EXIT_DONE,
            "not_yet": EXIT_NOT_YET,
            "blocked": EXIT_NOT_CAPABLE,
            "lab_fault": EXIT_LAB_FAULT,
        }[self.verdict]

    @property
    def changed_since(self) -> bool:
        """Passed before, and not so now."""
        return self.passed_at is not None and self.verdict != "passed"

    def check(self, check_id: str) -> CheckResult | None:
        """The result of that check."""
        return next((check for check in self.checks if check.id == check_id), None)

    def to_json(self) -> dict[str, Any]:
        """The document of ``lab check --json`` (``lab/schemas/check.json``)."""
        return {
            "schema": SCHEMA,
            "exercise": self.exercise,
            "number": self.number,
            "title": self.title,
            "verdict": self.verdict,
            "exit": self.exit_status,
            "passed_at": self.passed_at,
            "checks": [
                {
                    "id": check.id,
                    "title": check.title,
                    "state": check.state,
                    "diagnosis": check.diagnosis,
                    "observed": check.seen,
                    "expected": check.expected,
                    "why": check.why,
                    "hint_level": check.hint_level,
                    "xray": check.xray,
                    "seconds": round(check.seconds, 3),
                }
                for check in self.checks
            ],
            "questions": [
                {
                    "id": question.id,
                    "ask": question.ask,
                    "state": question.state,
                    "choice": question.choice,
                    "answer": question.answer,
                    "comparison": question.comparison,
                    "from_author": question.from_author,
                }
                for question in self.questions
            ],
        }
