"""One exercise as it is lived through: start, predict, check, hint, explain, reset. Synchronous, knows no screen.

A session belongs to one thread at a time; the app runs it in a worker. Whatever it raises is a
:class:`~lab.errors.LabError` with its sentence; a learner's mistake is never raised, it stands in the report.
"""

from __future__ import annotations

import re
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import ModuleType

from lab.backends.protocol import Backend, WorldHandle
from lab.course import Exercise, Question, render, render_observed
from lab.course.document import read_text
from lab.errors import BackendError, CourseError, LabError, NotYetError, UsageError
from lab.events import Event
from lab.exercise import record as records
from lab.exercise.building import our_fault
from lab.exercise.checks import CheckRunner
from lab.exercise.code import function_of, load_module
from lab.exercise.deadline import Deadline, within
from lab.exercise.life import Life, Started
from lab.exercise.predictions import question_result, shown_answer
from lab.exercise.record import Prediction, WorldRecord
from lab.exercise.report import CheckResult, QuestionResult, Report
from lab.exercise.tools import environment_of_runs
from lab.exercise.world import ExerciseWorld, History
from lab.progress import Store

__all__ = ["HintShown", "Session", "SolutionFile", "Started"]

_FIGURE_SECONDS = 20.0
_UNMEASURED = re.compile(r"\{figure\.[A-Za-z0-9_-]+\}")


@dataclass(frozen=True, slots=True)
class HintShown:
    """One hint as it is shown.

    Attributes:
        of: How many levels there are.
    """

    check: str
    title: str
    level: int
    of: int
    text: str


@dataclass(frozen=True, slots=True)
class SolutionFile:
    """One way to do it; the reference comes first."""

    name: str
    text: str


class Session(Life):
    """One exercise on one back end; arguments and the life of its world are those of :class:`Life`."""

    def __init__(
        self,
        exercise: Exercise,
        backend: Backend,
        store: Store,
        *,
        course_version: str = "",
        workspace_root: Path | None = None,
    ) -> None:
        super().__init__(exercise, backend, store, course_version=course_version, workspace_root=workspace_root)
        self._validators: ModuleType | None = None
        self._runner = CheckRunner(exercise, backend.capabilities, own_principal=backend.name == "sandbox")
        self._recorded_checks: dict[str, tuple[str, str]] = {}

    # The task, the questions

    def brief(self) -> str:
        """The task as Markdown, with its names once the exercise has been started."""
        return render(self.exercise.brief(), self.names)

    def questions(self) -> tuple[QuestionResult, ...]:
        """The questions before the run and how each stands."""
        questions = self.exercise.questions()
        if not questions:
            return ()
        self._catch_up()
        events = self._learner_events()
        module = self._validators_module()
        return tuple(question_result(question, self._built_record(), module, events) for question in questions)

    def predict(self, choice: str, question_id: str = "") -> QuestionResult:
        """Record an answer before the run shows it. Until then it may be changed.

        Args:
            choice: Id of the choice.
            question_id: Which question; the first one that has no answer where not given.

        Raises:
            UsageError: There is no such question or choice.
            NotYetError: The run has already shown the answer.
        """
        self._catch_up()
        record = self._built_record()
        question = self._question(question_id)
        if question.choice(choice) is None:
            choices = ", ".join(option.id for option in question.choices)
            raise UsageError(f"{choice!r} is no answer to {question.id!r}.", f"Choose one of: {choices}.")
        events = self._learner_events()
        if events is not None and shown_answer(question, self._validators_module(), events):
            raise NotYetError(
                "The run has already shown the answer, so a prediction would not count.",
                f"lab reset {self.exercise.number} brings the exercise back to before the run.",
            )
        history = self._history
        record.predictions[question.id] = Prediction(choice, history.last if history else 0, time.time())
        self._save()
        self._keep("predict", check=question.id, verdict=choice)
        return question_result(question, record, self._validators_module(), events)

    def _question(self, question_id: str) -> Question:
        questions = self.exercise.questions()
        if not questions:
            raise UsageError(f"Exercise {self.exercise.number} asks nothing before the run.")
        if question_id:
            for question in questions:
                if question.id == question_id:
                    return question
            known = ", ".join(question.id for question in questions)
            raise UsageError(f"There is no question {question_id!r}.", f"There are: {known}.")
        given = self._built_record().predictions
        return next((question for question in questions if question.id not in given), questions[-1])

    # The checks

    def check(self) -> Report:
        """Run every check on the state as it is now."""
        self._catch_up()
        record = self._built_record()
        handle = self.handle
        module = self._validators_module()
        events = self._learner_events()
        world = self._world(handle, record)
        try:
            results = self._runner.run(module, world, record.names)
        finally:
            _let_go(world)
        with suppress(LabError):  # a full disk takes the view, not the verdict
            records.save_asked(self._directory, world.asked)
        questions = tuple(question_result(question, record, module, events) for question in self.exercise.questions())
        return self._conclude(Report(self.exercise.id, self.exercise.number, self.exercise.title, results, questions))

    def _conclude(self, report: Report) -> Report:
        """Write down what is new, and say when the exercise was passed first."""
        passed_at = self.store.standing(self.exercise.id).passed_at
        events = [self._event("check", check=check.id, verdict=check.state, diagnosis=check.diagnosis,
                              duration=round(check.seconds, 3))
                  for check in report.checks if self._is_new(check)]  # fmt: skip
        newly = report.verdict == "passed" and passed_at is None
        if newly:
            event = self._event("pass", verdict="passed")
            events.append(event)
            passed_at = event.at
        self.store.append(*events)
        if report.verdict == "passed":
            self._keep_figures()
        return replace(report, passed_at=passed_at, newly_passed=newly)

    def _is_new(self, check: CheckResult) -> bool:
        """A check that turns by itself on every change is written down when its verdict changes."""
        verdict = (check.state, check.diagnosis)
        if self._recorded_checks.get(check.id) == verdict:
            return False
        self._recorded_checks[check.id] = verdict
        return True

    # Help, explanation

    def hint(self, check_id: str = "") -> HintShown:
        """The next hint of a check; the last one again when all have been shown.

        Args:
            check_id: Which check; the first that did not pass when checks ran last, where not given.

        Raises:
            UsageError: There is no such check.
        """
        standing = self.store.standing(self.exercise.id)
        if check_id:
            if self.exercise.check(check_id) is None:
                known = ", ".join(check.id for check in self.exercise.checks)
                raise UsageError(f"There is no check {check_id!r} in {self.exercise.number}.", f"There are: {known}.")
        else:
            open_checks = [check.id for check in self.exercise.checks if standing.checks.get(check.id) != "passed"]
            check_id = (open_checks or [self.exercise.checks[-1].id])[0]
        hints = self.hints(check_id)
        if not hints:
            raise CourseError(f"{self.exercise.id}: the check {check_id!r} has no hints.")
        shown = standing.hints.get(check_id, 0)
        hint = hints[min(shown, len(hints) - 1)]
        if hint.level > shown:
            self._keep("hint", check=check_id, verdict=str(hint.level))
        return hint

    def hints(self, check_id: str) -> tuple[HintShown, ...]:
        """All hints of a check, in words for this back end; showing them is the caller's decision to record."""
        check = self.exercise.check(check_id)
        hints = self.exercise.hints(self.backend.name).get(check_id, ())
        title = check.title if check else check_id
        return tuple(
            HintShown(check_id, title, hint.level, len(hints), render(hint.text, self.names).strip()) for hint in hints
        )

    def solution(self) -> tuple[SolutionFile, ...]:
        """Every way that the author wrote down, the reference first; before the pass this is a surrender."""
        if self.store.standing(self.exercise.id).passed_at is None:
            self._keep("surrender")
        files = sorted(
            (file for file in self.exercise.solutions_directory.glob("*") if file.is_file()),
            key=lambda file: (file.stem != "reference", file.name),
        )
        if not files:
            raise CourseError(f"{self.exercise.id}: there is no solution.")
        return tuple(SolutionFile(file.name, render(read_text(file), self.names)) for file in files)

    def explain(self) -> str:
        """What happened and why, as Markdown with the figures of the learner's own run.

        Raises:
            NotYetError: The exercise was neither passed nor given up.
        """
        standing = self.store.standing(self.exercise.id)
        if standing.passed_at is None and standing.surrendered_at is None:
            raise NotYetError(
                f"The explanation of {self.exercise.number} comes after the pass.",
                f"lab hint {self.exercise.number} helps on; lab solution {self.exercise.number} shows the way.",
            )
        self._keep("explain")
        figures = {f"figure.{name}": value for name, value in self.figures().items()}
        text = render_observed(self.exercise.explanation(), figures, self.names)
        return _UNMEASURED.sub("(not measured)", text)

    def figures(self) -> dict[str, str]:
        """What was measured: kept from the pass, else as it is now; empty where nothing can be measured."""
        if self._record is None:
            return {}
        if self._record.figures or not self._record.built:
            return dict(self._record.figures)
        try:
            return self._measure()
        except LabError:
            return {}

    def _keep_figures(self) -> None:
        record = self._built_record()
        try:
            figures = self._measure()
        except LabError:
            return
        if figures and figures != record.figures:
            record.figures = figures
            with suppress(LabError):  # they are measured again when they are shown
                self._save()

    def _measure(self) -> dict[str, str]:
        module = self._validators_module()
        if not hasattr(module, "figures"):
            return {}
        world = self._world(self.handle, self._built_record(), seconds=_FIGURE_SECONDS)
        try:
            with our_fault("The figures of this exercise could not be measured"):
                figures = within(world.deadline, function_of(module, "figures"), world)
        finally:
            _let_go(world)
        return {str(name): str(value) for name, value in dict(figures).items()}

    # Inside

    def _world(self, handle: WorldHandle, record: WorldRecord, seconds: float | None = None) -> ExerciseWorld:
        return ExerciseWorld(
            handle,
            names=record.names,
            facts=record.facts,
            workspace=self.workspace,
            history=self._history or History(handle, record.since),
            can_fork="snapshot" in self.backend.capabilities,
            learner_environment=partial(environment_of_runs, self.exercise, self.backend, record.names),
            deadline=Deadline(seconds) if seconds else None,
        )

    def _learner_events(self) -> list[Event] | None:
        """The learner's events since the start, fresh; None where the back end records none."""
        if "events" not in self.backend.capabilities:
            return None
        assert self.handle is not None and self._history is not None  # noqa: S101, PT018 - resume() sets both
        self._history.refresh()
        return self._history.learner_events()

    def _validators_module(self) -> ModuleType:
        if self._validators is None:
            self._validators = load_module(self.exercise.validators_file, self.exercise.id)
        return self._validators


def _let_go(world: ExerciseWorld) -> None:
    """Drop what a run made; where the back end is gone, so is that, and the run's own words matter more."""
    with suppress(BackendError):
        world.close()
