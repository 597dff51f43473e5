"""``lab dev``: the author's kit on the command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from lab.course import Course, load_course
from lab.errors import EXIT_DONE, EXIT_NOT_YET

Command = Callable[[Course, argparse.Namespace], int]


def run(action: str, arguments: Sequence[str], _options: argparse.Namespace) -> int:
    """Run one tool.

    Args:
        action: Which one.
        arguments: What follows it on the command line.
        _options: The options of every command; none of them matters here.
    """
    make, command = _TOOLS[action]
    parser = argparse.ArgumentParser(prog=f"lab dev {action}", description=(command.__doc__ or "").splitlines()[0])
    make(parser)
    return command(load_course(), parser.parse_args(list(arguments)))


def _gate(course: Course, options: argparse.Namespace) -> int:
    """Prove exercises: solutions pass, wrong answers get their names, mutants are noticed."""
    from lab.author.gate import run_gate, told_as_table
    from lab.author.prove import Outcome

    names = [course.exercise(reference).id for reference in options.exercises] or [one.id for one in course.exercises]
    for error in course.problems.values():
        _say(str(error))

    def told(outcome: Outcome) -> None:
        if outcome.problems:
            number = course.exercise(outcome.proof.exercise).number
            _say(f"{number} {outcome.proof.id}")
            for problem in outcome.problems:
                _say("    " + problem.replace("\n", "\n      "))
        elif options.verbose:
            number = course.exercise(outcome.proof.exercise).number
            _say(f"{number} {outcome.proof.id}: as it should be ({outcome.seconds:.1f} s)")

    result = run_gate(course, names, workers=options.jobs, told=told)
    for line in told_as_table(course, result):
        _say(line)
    return EXIT_DONE if result.passed and not course.problems else EXIT_NOT_YET


def _gate_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("exercises", metavar="EX", nargs="*", help="numbers or names; all where none is given")
    parser.add_argument("--jobs", metavar="N", type=int, default=0, help="how many sandboxes; one per processor")
    parser.add_argument("--verbose", action="store_true", help="say what is proved, too")


def _lint(course: Course, options: argparse.Namespace) -> int:
    """Read lessons and exercises for mistakes, without running any of them."""
    from lab.author.lint import lint_exercise
    from lab.author.lint_lessons import lint_course

    found = lint_course(course)
    if options.exercises:
        found = [one for name in options.exercises for one in lint_exercise(course.exercise(name))]
    for finding in found:
        _say(str(finding))
    if not found:
        _say("Nothing to repair.")
    return EXIT_NOT_YET if found else EXIT_DONE


def _lint_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("exercises", metavar="EX", nargs="*", help="numbers or names; the whole course without")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


_TOOLS: dict[str, tuple[Callable[[argparse.ArgumentParser], None], Command]] = {
    "lint": (_lint_options, _lint),
    "gate": (_gate_options, _gate),
}
