"""The commands of one exercise's life: start, brief, shell, predict, hint, solution, explain, reset."""

from __future__ import annotations

import argparse
import contextlib
import sys
from pathlib import Path

from lab.cli.place import Place, place_of
from lab.cli.text import note, plain_markdown, say, tone, wrapped
from lab.errors import EXIT_DONE, EXIT_NOT_YET, UsageError, WorldGoneError
from lab.exercise.report import QuestionResult
from lab.progress import ProgressEvent


def start(options: argparse.Namespace) -> int:
    """Build the world and the workspace, or go on with them."""
    with place_of(options) as place:
        exercise = place.exercise(options.exercise)
        session = place.session(exercise)
        started = session.start()
        say(tone(f"{exercise.number} {exercise.title}", "strong"))
        if started.resumed:
            say("It was started before and goes on where you left it.")
        elif started.rebuilt:
            say("Its world was gone and has been built again.")
        _say_moved(started.moved_aside)
        say(f"Workspace: {session.workspace}")
        if session.questions() and any(question.state == "open" for question in session.questions()):
            say(f"Before the run: lab predict {exercise.number}")
        say(f"The task: lab brief {exercise.number}   A shell: lab shell {exercise.number}")
    return EXIT_DONE


def brief(options: argparse.Namespace) -> int:
    """The task, with its names once it was started."""
    with place_of(options) as place:
        exercise = place.exercise(options.exercise)
        session = place.session(exercise, connect=False)
        say(plain_markdown(session.brief()))
        say()
        say("Checks")
        for check in exercise.checks:
            say(wrapped(f"{check.title} ({check.id})", "  - ", "    "))
        if not session.started:
            note(f"\nThe names in braces are filled in when it is started: lab start {exercise.number}")
    return EXIT_DONE


def shell(options: argparse.Namespace) -> int:
    """A shell in the workspace; its exit status is ours."""
    from lab.shell.fullscreen import run_shell

    with place_of(options) as place:
        session = place.session(place.exercise(options.exercise))
        if not session.started:
            session.start()
        environment = session.environment()
        # The connection stays open as long as the shell: it keeps the sandbox.
        command = ["bash", "-c", options.command] if options.command is not None else []
        return run_shell(environment, session.workspace, command)


def predict(options: argparse.Namespace) -> int:
    """Show the questions, or record an answer."""
    with place_of(options) as place:
        exercise = place.exercise(options.exercise)
        if not exercise.questions():
            raise UsageError(f"Exercise {exercise.number} asks nothing before the run.")
        session = place.session(exercise)
        if not options.choice:
            questions = session.questions()
            for question in questions:
                _print_question(question, exercise.number)
            return EXIT_NOT_YET if any(question.state == "open" for question in questions) else EXIT_DONE
        result = session.predict(options.choice, options.question)
        say(f"Recorded: {dict(result.choices)[result.choice]}")
        if result.comparison:
            say(wrapped(result.comparison))
        else:
            say("The run will show; lab check compares.")
    return EXIT_DONE


def _print_question(question: QuestionResult, number: str) -> None:
    say(wrapped(question.ask))
    if question.before:
        say(tone(wrapped(f"To be answered before {question.before}."), "dim"))
    longest = max(len(choice) for choice, _ in question.choices)
    for choice, text in question.choices:
        mark = "●" if choice == question.choice else "○"
        say(wrapped(text, f"  {mark} {choice:<{longest}}  ", " " * (longest + 6)))
    if question.state == "open":
        say(f"Answer: lab predict {number} CHOICE --question {question.id}")
    elif question.state == "too_late":
        say(f"The run has already shown the answer; lab reset {number} goes back to before it.")
    elif question.comparison:
        say(wrapped(question.comparison))
    say()


def hint(options: argparse.Namespace) -> int:
    """The next hint of a check."""
    with place_of(options) as place:
        exercise = place.exercise(options.exercise)
        found = place.session(exercise, connect=False).hint(options.check)
        say(tone(f"{found.title}: hint {found.level} of {found.of}", "strong"))
        say(plain_markdown(found.text))
        if found.level < found.of:
            say(tone(f"The next one: lab hint {exercise.number} {found.check}", "dim"))
    return EXIT_DONE


def solution(options: argparse.Namespace) -> int:
    """Every way that the author wrote down."""
    with place_of(options) as place:
        exercise = place.exercise(options.exercise)
        for file in place.session(exercise, connect=False).solution():
            say(tone(f"# solutions/{file.name}", "strong"))
            say(file.text.rstrip("\n"))
            say()
        note(f"Why it is so: lab explain {exercise.number}")
    return EXIT_DONE


def explain(options: argparse.Namespace) -> int:
    """What happened and why."""
    with place_of(options) as place:
        session = place.session(place.exercise(options.exercise), connect=False)
        say(plain_markdown(session.explain()))
    return EXIT_DONE


def reset(options: argparse.Namespace) -> int:
    """One exercise as at the start, or all of them and progress too."""
    with place_of(options) as place:
        if options.all:
            return _reset_all(place, asked=options.yes)
        exercise = place.exercise(options.exercise)
        moved = place.session(exercise).reset()
        say(f"{exercise.number} {exercise.title} is as at the start.")
        _say_moved(moved)
    return EXIT_DONE


def _reset_all(place: Place, *, asked: bool) -> int:
    if not asked:
        if not sys.stdin.isatty():
            raise UsageError("This resets every exercise and forgets all progress.", "If you mean it, add --yes.")
        say("This resets every exercise and forgets all progress. Files of yours are moved aside, not removed.")
        if input("Type yes to go on: ").strip() != "yes":
            say("Nothing was changed.")
            return EXIT_NOT_YET
    for exercise in place.course.exercises:
        if not place.session(exercise, connect=False).started:
            continue
        session = place.session(exercise)
        with contextlib.suppress(WorldGoneError):  # it will be built anew when it is started
            _say_moved(session.reset())
        session.forget()
    place.store.append(ProgressEvent("forget", version=place.course.version))
    say("Everything is as at the start.")
    return EXIT_DONE


def _say_moved(moved: Path | None) -> None:
    if moved is not None:
        say(wrapped(f"Files that you had made or changed are kept in {moved}"))
