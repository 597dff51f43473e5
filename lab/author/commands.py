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


def _new(course: Course, options: argparse.Namespace) -> int:
    """Make a new exercise: a small one that passes the gate, to be turned into the one that is meant."""
    from lab.author.new import new_exercise

    directory = new_exercise(course, options.number, options.id, options.title)
    _say(f"{directory}\nNext: lab dev lint {options.number}, then lab dev gate {options.number}.")
    return EXIT_DONE


def _new_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("number", metavar="LESSON.PLACE", help="as in 9.2")
    parser.add_argument("id", metavar="ID", help="lower-case words joined by -; stable for ever")
    parser.add_argument("--title", default="", help="what it is called")


def _preview(course: Course, options: argparse.Namespace) -> int:
    """Everything that a learner may come to read, in one document; nothing is run."""
    from lab.author.preview import preview_exercise, preview_lesson

    if options.lesson:
        _say(preview_lesson(course, options.what))
    else:
        _say(preview_exercise(course.exercise(options.what)))
    return EXIT_DONE


def _preview_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", metavar="EX", help="number or name of an exercise")
    parser.add_argument("--lesson", action="store_true", help="EX is a lesson's number or name")


def _why(course: Course, options: argparse.Namespace) -> int:
    """Play one script and show why each check says what it says."""
    from lab.author.why import why

    for line in why(course.exercise(options.exercise), options.script):
        _say(line)
    return EXIT_DONE


def _why_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("exercise", metavar="EX", help="number or name of an exercise")
    parser.add_argument("script", metavar="SCRIPT", nargs="?", default="", help="in solutions/ or wrong/, or a path")


def _mutants(course: Course, options: argparse.Namespace) -> int:
    """The operations that change a fact; with EX, the mutants of an exercise."""
    from lab.author.mutants import operations
    from lab.author.proofs import read_mutants

    if options.exercise:
        for mutant in read_mutants(course.exercise(options.exercise)):
            end = f"fails {', '.join(mutant.fails)}" if mutant.fails else f"survives: {mutant.survives}"
            _say(f"{mutant.title} {mutant.target}\n    {end}")
        return EXIT_DONE
    for operation in operations().values():
        members = ", ".join((*operation.needs, *(f"{name}?" for name in operation.takes)))
        _say(f"{operation.name}  {members}\n    {operation.says}")
    return EXIT_DONE


def _mutants_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("exercise", metavar="EX", nargs="?", default="", help="number or name of an exercise")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


_TOOLS: dict[str, tuple[Callable[[argparse.ArgumentParser], None], Command]] = {
    "new": (_new_options, _new),
    "lint": (_lint_options, _lint),
    "preview": (_preview_options, _preview),
    "why": (_why_options, _why),
    "mutants": (_mutants_options, _mutants),
    "gate": (_gate_options, _gate),
}
