"""Messages that more than one screen needs."""

from __future__ import annotations

from dataclasses import dataclass

from textual.message import Message

from lab.errors import LabError


@dataclass
class WorkFailed(Message):
    """Something that ran in a worker did not work.

    Attributes:
        doing: What it was, as words after "while".
    """

    error: LabError
    doing: str


@dataclass
class OpenExercise(Message):
    """The learner wants to work on an exercise."""

    exercise_id: str


@dataclass
class OpenLesson(Message):
    """The learner wants to read a lesson."""

    lesson_id: str


@dataclass
class ProgressChanged(Message):
    """Something was passed, started or reset: lists may have to be drawn again."""
