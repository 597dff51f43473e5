"""Where the learner stands, derived from events and from nothing else. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from lab.progress.record import ProgressEvent

State = Literal["new", "started", "passed"]


@dataclass(slots=True)
class Standing:
    """What the learner has done in one exercise.

    Attributes:
        started_at: Of the first start, None where there was none.
        passed_at: Of the first run in which all checks passed; never taken back, except by a reset of everything.
        surrendered_at: When the solution was shown first.
        checks: The last verdict of each check.
        diagnoses: The last diagnosis of each check that has not passed.
        hints: The highest hint level shown, by check.
        predictions: The choice given last, by question.
    """

    exercise: str
    started_at: float | None = None
    passed_at: float | None = None
    surrendered_at: float | None = None
    last_at: float = 0.0
    checks: dict[str, str] = field(default_factory=dict)
    diagnoses: dict[str, str] = field(default_factory=dict)
    hints: dict[str, int] = field(default_factory=dict)
    predictions: dict[str, str] = field(default_factory=dict)
    resets: int = 0

    @property
    def state(self) -> State:
        """``new``, ``started`` or ``passed``."""
        if self.passed_at is not None:
            return "passed"
        return "new" if self.started_at is None else "started"

    @property
    def hints_used(self) -> int:
        """How many hints were shown, over all checks."""
        return sum(self.hints.values())

    @property
    def passed_checks(self) -> int:
        """How many checks passed when they were run last."""
        return sum(verdict == "passed" for verdict in self.checks.values())


def standings(events: Iterable[ProgressEvent]) -> dict[str, Standing]:
    """The standing of every exercise (and ``lesson/ID``) that events tell of."""
    found: dict[str, Standing] = {}
    for event in sorted(events, key=lambda event: event.at):
        if event.verb == "forget":
            found.clear()
            continue
        standing = found.setdefault(event.exercise, Standing(event.exercise))
        standing.last_at = event.at
        _apply(standing, event)
    return found


def _apply(standing: Standing, event: ProgressEvent) -> None:
    match event.verb:
        case "start":
            standing.started_at = event.at if standing.started_at is None else standing.started_at
            standing.checks.clear()
            standing.diagnoses.clear()
        case "reset":
            standing.resets += 1
            standing.checks.clear()
            standing.diagnoses.clear()
        case "check":
            standing.checks[event.check] = event.verdict
            standing.diagnoses.pop(event.check, None)
            if event.diagnosis:
                standing.diagnoses[event.check] = event.diagnosis
        case "pass":
            standing.passed_at = event.at if standing.passed_at is None else standing.passed_at
        case "hint":
            level = int(event.verdict) if event.verdict.isdigit() else 0
            standing.hints[event.check] = max(level, standing.hints.get(event.check, 0))
        case "predict":
            standing.predictions[event.check] = event.verdict
        case "surrender":
            standing.surrendered_at = event.at if standing.surrendered_at is None else standing.surrendered_at


def last_place(events: Iterable[ProgressEvent]) -> str:
    """Id of the exercise, or ``lesson/ID``, where something was done last; '' where nothing was."""
    place = max((event for event in events if event.exercise), key=lambda event: event.at, default=None)
    return place.exercise if place else ""
