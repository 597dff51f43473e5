"""``lab list`` and ``lab lesson``: what there is, and where the learner is."""

from __future__ import annotations

import argparse
from typing import Any

from lab.cli.place import Place, place_of
from lab.cli.text import note, plain_markdown, say, say_json, tone, wrapped
from lab.course import Course, Exercise
from lab.errors import EXIT_DONE, UsageError
from lab.progress import ProgressEvent, Standing

SCHEMA = 1
_MARKS = {"passed": "✓", "started": "●", "new": "○"}


def list_course(options: argparse.Namespace) -> int:
    """Every lesson and exercise, with its state."""
    with place_of(options) as place:
        standings = place.store.standings()
        document = course_document(place.course, standings)
        if options.json:
            say_json(document)
        else:
            _print(document, place)
        for file, problem in place.course.problems.items():
            note(f"lab: left out, cannot be read: {file}")
            if options.debug:
                note(f"     {problem}")
    return EXIT_DONE


def course_document(course: Course, standings: dict[str, Standing]) -> dict[str, Any]:
    """The document of ``lab list --json`` (``lab/schemas/list.json``)."""
    titles = {lesson.number: (lesson.id, lesson.title) for lesson in course.lessons}
    numbers = sorted(titles.keys() | {exercise.lesson_number for exercise in course.exercises})
    lessons = []
    for number in numbers:
        identity, title = titles.get(number, ("", ""))
        exercises = [
            _exercise(exercise, standings.get(exercise.id) or Standing(exercise.id))
            for exercise in course.exercises
            if exercise.lesson_number == number
        ]
        lessons.append({"number": number, "id": identity, "title": title, "exercises": exercises})
    return {"schema": SCHEMA, "version": course.version, "lessons": lessons}


def _exercise(exercise: Exercise, standing: Standing) -> dict[str, Any]:
    known = {check.id for check in exercise.checks}
    now = sum(verdict == "passed" for check, verdict in standing.checks.items() if check in known)
    return {
        "id": exercise.id,
        "number": exercise.number,
        "title": exercise.title,
        "kind": exercise.kind,
        "minutes": exercise.minutes,
        "state": standing.state,
        "checks": {"passed": now, "total": len(exercise.checks)},
    }


def _print(document: dict[str, Any], place: Place) -> None:
    last = place.store.last_place()
    for lesson in document["lessons"]:
        done = sum(exercise["state"] == "passed" for exercise in lesson["exercises"])
        count = f"  {done}/{len(lesson['exercises'])}" if lesson["exercises"] else ""
        say(tone(f"{lesson['number']} {lesson['title']}".rstrip(), "strong") + count)
        for exercise in lesson["exercises"]:
            state = exercise["state"]
            checks = f", {exercise['checks']['passed']} of {exercise['checks']['total']} checks"
            here = "  ← here" if exercise["id"] == last else ""
            say(
                f"  {tone(_MARKS[state], 'good' if state == 'passed' else 'plain')} {exercise['number']:<5}"
                f"{exercise['title']}"
                + tone(f"  {exercise['kind']}, {exercise['minutes']} min, {state}"
                       f"{checks if state == 'started' else ''}", "dim")
                + here
            )  # fmt: skip
    if not document["lessons"]:
        say("There are no lessons yet.")


def lesson(options: argparse.Namespace) -> int:
    """A lesson, or one page of it."""
    with place_of(options) as place:
        found = place.course.lesson(options.lesson)
        pages = found.pages()
        if options.page and not 1 <= options.page <= len(pages):
            raise UsageError(
                f"Lesson {found.number} has {len(pages)} pages.", f"The first one: lab lesson {found.number} 1."
            )
        chosen = [options.page] if options.page else range(1, len(pages) + 1)
        say(tone(f"{found.number} {found.title}", "strong"))
        say(wrapped(found.summary))
        for number in chosen:
            say()
            say(plain_markdown(pages[number - 1].text))
        if options.page and options.page < len(pages):
            say()
            say(tone(f"Next page: lab lesson {found.number} {options.page + 1}", "dim"))
        version = place.course.version
        place.store.append(ProgressEvent("open", exercise=f"lesson/{found.id}", version=version))
    return EXIT_DONE
