"""A new exercise: a small one that passes the gate, to be turned into the one that is meant."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Final

from lab import paths
from lab.course import Course
from lab.errors import UsageError

_SKELETON: Final = Path(__file__).parent / "skeleton"
_NUMBER: Final = re.compile(r"[1-9][0-9]*\.[1-9][0-9]*")
_ID: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def new_exercise(course: Course, number: str, exercise_id: str, title: str = "") -> Path:
    """Make the directory of a new exercise.

    Args:
        course: Numbers and ids in it are taken.
        number: ``LESSON.PLACE``.
        exercise_id: Lower-case words joined by ``-``; stable for ever.
        title: What it is called; made from the id where not given.

    Raises:
        UsageError: Number or id are taken or not of their form.
    """
    if not _NUMBER.fullmatch(number):
        raise UsageError(f"{number!r} is no number of an exercise.", "Give LESSON.PLACE, as in 9.2.")
    if not _ID.fullmatch(exercise_id):
        raise UsageError(f"{exercise_id!r} is no id.", "Lower-case words joined by -, as in ssec-45-bytes.")
    for other in course.exercises:
        if number == other.number or exercise_id == other.id:
            raise UsageError(f"There is an exercise {other.number} {other.id} already.", "Choose another.")
    lesson, place = number.split(".")
    directory = _lesson_directory(int(lesson)) / f"{int(place):02}-{exercise_id}"
    if directory.exists():
        raise UsageError(f"{directory} is there already.", "Remove it, or choose another id.")
    shutil.copytree(_SKELETON, directory, ignore=shutil.ignore_patterns("__pycache__"))
    values = {
        "@ID@": exercise_id,
        "@NUMBER@": number,
        "@TITLE@": title or exercise_id.replace("-", " ").capitalize(),
    }
    for file in directory.rglob("*"):
        if file.is_file():
            text = file.read_text(encoding="utf-8")
            for mark, value in values.items():
                text = text.replace(mark, value)
            file.write_text(text, encoding="utf-8")
    return directory


def _lesson_directory(lesson: int) -> Path:
    """Where a lesson's exercises are; named as the lesson is."""
    content = paths.content_dir()
    for kind in ("exercises", "lessons"):
        for found in sorted((content / kind).glob(f"{lesson:02}-*")):
            return content / "exercises" / found.name
    return content / "exercises" / f"{lesson:02}-new"
