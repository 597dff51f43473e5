"""``lab progress``: what was done, out of this machine and into another."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from lab.cli.place import place_of
from lab.cli.text import date, note, say
from lab.errors import EXIT_DONE, LabError
from lab.progress.lines import export_lines, import_lines


def summary(options: argparse.Namespace) -> int:
    """What was done, in numbers."""
    with place_of(options) as place:
        standings = place.store.standings()
        exercises = [(one, standings[one.id]) for one in place.course.exercises if one.id in standings]
        passed = sum(standing.passed_at is not None for _, standing in exercises)
        say(f"{passed} of {len(place.course.exercises)} exercises passed.")
        for exercise, standing in exercises:
            if standing.passed_at is not None:
                say(f"  ✓ {exercise.number:<5}{exercise.title}  {date(standing.passed_at)}")
            elif standing.started_at is not None:
                say(f"  ● {exercise.number:<5}{exercise.title}  started {date(standing.started_at)}")
        say("Move it to another machine: lab progress export FILE, there lab progress import FILE.")
    return EXIT_DONE


def export(options: argparse.Namespace) -> int:
    """Write every event as a JSON line."""
    with place_of(options) as place:
        if options.file == "-":
            export_lines(place.store, sys.stdout)
            return EXIT_DONE
        try:
            with Path(options.file).open("w", encoding="utf-8") as stream:
                count = export_lines(place.store, stream)
        except OSError as error:
            raise LabError(f"{options.file} cannot be written ({error.strerror}).", "Name another file.") from error
        note(f"{count} events written to {options.file}.")
    return EXIT_DONE


def merge(options: argparse.Namespace) -> int:
    """Merge JSON lines; those that are known are left out."""
    with place_of(options) as place:
        if options.file == "-":
            lines, new = import_lines(place.store, sys.stdin)
        else:
            try:
                text = Path(options.file).read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
                raise LabError(f"{options.file} cannot be read ({reason}).", "Name another file.") from error
            lines, new = import_lines(place.store, text.splitlines())
        say(f"{new} new events of {lines}.")
    return EXIT_DONE
