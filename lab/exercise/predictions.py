"""Questions before the run: the answer is given first, the live events answer, and then both are compared."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType

from lab.course import Question, render_observed
from lab.errors import CourseError
from lab.events import Event
from lab.exercise.code import function_of
from lab.exercise.deadline import Deadline, TookTooLongError, within
from lab.exercise.record import WorldRecord
from lab.exercise.report import QuestionResult, QuestionState

_SECONDS = 5.0


def shown_answer(question: Question, module: ModuleType, events: Sequence[Event] | None) -> str:
    """The choice that the events show, '' while they show none; the author's where there are no events.

    Raises:
        CourseError: The exercise's function fails or names no choice: ours, never the learner's.
    """
    if events is None:
        return question.answer
    try:
        answer = within(Deadline(_SECONDS), function_of(module, question.function), list(events))
    except (TookTooLongError, Exception) as error:
        raise CourseError(
            f"{module.__file__}: {question.function} failed ({type(error).__name__}).",
            "This is the lab's fault, not yours.",
        ) from error
    if answer is None:
        return ""
    if question.choice(answer) is None:
        raise CourseError(f"{module.__file__}: {question.function} gives {answer!r}, which is no choice.")
    return str(answer)


def question_result(
    question: Question, record: WorldRecord, module: ModuleType, events: Sequence[Event] | None
) -> QuestionResult:
    """The state of one question.

    Args:
        question: What is asked.
        record: Where the learner's answers are kept.
        module: ``validators.py``.
        events: The learner's events since the start or the last reset; None where the back end has none.
    """
    given = record.predictions.get(question.id)
    answer = shown_answer(question, module, events)
    state: QuestionState
    if given is None:
        state = "too_late" if answer and events is not None else "open"
    else:
        state = "answered" if answer else "recorded"
    # An author's answer that was shown before the learner chose would spoil the question.
    visible = answer if state == "answered" else ""
    chosen = question.choice(given.choice) if given else None
    names = record.names
    return QuestionResult(
        id=question.id,
        ask=render_observed(question.ask, {}, names),
        before=render_observed(question.before, {}, names),
        choices=tuple((choice.id, render_observed(choice.text, {}, names)) for choice in question.choices),
        state=state,
        choice=chosen.id if chosen else "",
        answer=visible,
        comparison=render_observed(chosen.comparison, {}, names).strip() if chosen and visible else "",
        from_author=bool(visible) and events is None,
    )
