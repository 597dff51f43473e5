"""The course as one object: lessons and exercises in order, found by number or by id.

An exercise that cannot be read does not take the others with it: it is kept as a problem, and asking for it raises it.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from lab import __version__, paths
from lab.course.exercise import Exercise, read_exercise
from lab.course.lesson import Lesson, read_lesson
from lab.errors import CourseError, UsageError

Item = TypeVar("Item", Lesson, Exercise)


@dataclass(frozen=True, slots=True)
class Course:
    """Everything that can be learned here.

    Attributes:
        version: The version that progress events are marked with.
        lessons: By number.
        exercises: By number.
        problems: What could not be read, by file.
    """

    version: str
    lessons: tuple[Lesson, ...]
    exercises: tuple[Exercise, ...]
    problems: dict[Path, CourseError] = field(default_factory=dict)

    def lesson(self, reference: str) -> Lesson:
        """The lesson of that number or id.

        Raises:
            UsageError: There is none; near names are given.
        """
        for lesson in self.lessons:
            if reference in (str(lesson.number), lesson.id):
                return lesson
        known = [text for lesson in self.lessons for text in (str(lesson.number), lesson.id)]
        raise UsageError(f"There is no lesson {reference!r}.", _nearest(reference, known))

    def exercise(self, reference: str) -> Exercise:
        """The exercise of that number or id.

        Raises:
            UsageError: There is none; near names are given.
            CourseError: There is one, but its files are broken.
        """
        for exercise in self.exercises:
            if reference in (exercise.number, exercise.id):
                return exercise
        for file, problem in self.problems.items():
            if reference and file.parent.name.partition("-")[2] == reference:
                raise problem
        known = [text for exercise in self.exercises for text in (exercise.number, exercise.id)]
        raise UsageError(f"There is no exercise {reference!r}.", _nearest(reference, known))

    def exercises_of(self, lesson: Lesson) -> list[Exercise]:
        """The lesson's exercises in order."""
        return [exercise for exercise in self.exercises if exercise.lesson_number == lesson.number]

    def lesson_of(self, exercise: Exercise) -> Lesson | None:
        """The lesson that the exercise belongs to; None while it is not written."""
        return next((lesson for lesson in self.lessons if lesson.number == exercise.lesson_number), None)


def _nearest(reference: str, known: list[str]) -> str:
    near = difflib.get_close_matches(reference.lower(), known, n=3, cutoff=0.5)
    near += [name for name in known if reference and reference.lower() in name and name not in near][: 3 - len(near)]
    question = f"Did you mean {' or '.join(near)}? " if near else ""
    return f"{question}All of them: lab list."


def load_course(root: Path | None = None) -> Course:
    """Read the front matter of every lesson and every ``exercise.toml``.

    Args:
        root: Holds ``lessons/`` and ``exercises/``; the installed content where not given.

    Raises:
        CourseError: There is no content at all.
    """
    root = root or paths.content_dir()
    problems: dict[Path, CourseError] = {}
    lessons: list[Lesson] = []
    exercises: list[Exercise] = []
    for file in sorted(root.glob("lessons/*/lesson.md")):
        try:
            lessons.append(_unused(read_lesson(file), lessons, file))
        except CourseError as error:
            problems[file] = error
    for file in sorted(root.glob("exercises/*/*/exercise.toml")):
        try:
            exercises.append(_unused(read_exercise(file), exercises, file))
        except CourseError as error:
            problems[file] = error
    return Course(
        version=__version__,
        lessons=tuple(sorted(lessons, key=lambda lesson: lesson.number)),
        exercises=tuple(sorted(exercises, key=lambda exercise: exercise.place)),
        problems=problems,
    )


def _unused(item: Item, others: list[Item], file: Path) -> Item:
    for other in others:
        if other.id == item.id or other.number == item.number:
            raise CourseError(
                f"{file}: {other.title!r} already has the id {item.id!r} or the number {item.number}.",
                "Choose another.",
            )
    return item
