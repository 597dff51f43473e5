"""The course as rows: what is shown of lessons and exercises, and how each stands. Pure functions."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from lab.course import Course, Exercise, Lesson
from lab.progress import Standing

PASSED: Final = "✓"
STARTED: Final = "●"
NEW: Final = "○"


@dataclass(frozen=True, slots=True)
class LessonRow:
    """A lesson in the list.

    Attributes:
        passed: How many of its exercises are passed.
        exercises: How many it has.
        open: Whether its exercises are shown below it.
    """

    lesson: Lesson
    passed: int
    exercises: int
    open: bool

    @property
    def key(self) -> str:
        """What it is called among all rows."""
        return f"lesson/{self.lesson.id}"

    @property
    def sign(self) -> str:
        """``✓`` when everything in it is passed, else whether it is open."""
        if self.exercises and self.passed == self.exercises:
            return PASSED
        return "▾" if self.open else "▸"

    @property
    def tally(self) -> str:
        """``1/4``; '' for a lesson without exercises."""
        return f"{self.passed}/{self.exercises}" if self.exercises else ""


@dataclass(frozen=True, slots=True)
class ExerciseRow:
    """An exercise in the list."""

    exercise: Exercise
    standing: Standing

    @property
    def key(self) -> str:
        """What it is called among all rows."""
        return self.exercise.id

    @property
    def sign(self) -> str:
        """``✓`` passed, ``●`` started, ``○`` new."""
        return {"passed": PASSED, "started": STARTED}.get(self.standing.state, NEW)

    @property
    def tally(self) -> str:
        """How far it is, as words; '' for one that was never opened."""
        if self.standing.state != "started":
            return "passed" if self.standing.state == "passed" else ""
        return f"{self.standing.passed_checks}/{len(self.exercise.checks)} checks"


Row = LessonRow | ExerciseRow


def standing_of(standings: Mapping[str, Standing], exercise: Exercise) -> Standing:
    """The exercise's standing; an empty one where nothing was done."""
    return standings.get(exercise.id) or Standing(exercise.id)


def outline(course: Course, standings: Mapping[str, Standing], opened: Collection[str], search: str = "") -> list[Row]:
    """The rows to show.

    Args:
        course: All lessons and exercises.
        standings: By exercise id.
        opened: Keys of the lessons whose exercises are shown.
        search: Only what fits; lessons that hold something that fits are open.
    """
    rows: list[Row] = []
    words = search.lower().split()
    for lesson in course.lessons:
        exercises = course.exercises_of(lesson)
        inside = [exercise for exercise in exercises if _fits(words, exercise.number, exercise.title, exercise.idea)]
        lesson_fits = _fits(words, str(lesson.number), lesson.title, lesson.summary)
        if words and not inside and not lesson_fits:
            continue
        is_open = bool(words and inside) or (not words and f"lesson/{lesson.id}" in opened)
        states = [standing_of(standings, exercise).state for exercise in exercises]
        rows.append(LessonRow(lesson, states.count("passed"), len(exercises), is_open))
        if is_open:
            rows += [ExerciseRow(exercise, standing_of(standings, exercise)) for exercise in (inside or exercises)]
    return rows


def _fits(words: list[str], *texts: str) -> bool:
    together = " ".join(texts).lower()
    return bool(words) and all(word in together for word in words) if words else True


def next_place(course: Course, standings: Mapping[str, Standing], last_place: str) -> str:
    """The key of the row to begin at: where the learner left off, or what comes after it when that is done."""
    ids = [exercise.id for exercise in course.exercises]
    if last_place in ids:
        if standing_of(standings, course.exercise(last_place)).state != "passed":
            return last_place
        for exercise in course.exercises[ids.index(last_place) + 1 :]:
            if standing_of(standings, exercise).state != "passed":
                return exercise.id
        return last_place
    if last_place in {f"lesson/{lesson.id}" for lesson in course.lessons}:
        return last_place
    return f"lesson/{course.lessons[0].id}" if course.lessons else ""
