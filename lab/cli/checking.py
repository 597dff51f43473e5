"""``lab check``: the verdict in words, as JSON, as a JUnit report; once, or whenever something changes."""

from __future__ import annotations

import argparse
import queue
import sys
import traceback
from pathlib import Path
from xml.etree import ElementTree as ET

from lab.cli.place import place_of
from lab.cli.text import date, note, say, say_json, tone, width, wrapped
from lab.errors import LabError, SandboxLostError
from lab.exercise.report import CheckResult, QuestionResult, Report
from lab.exercise.session import Session

_MARKS = {"passed": "✓", "not_yet": "✗", "waiting": "○", "blocked": "○", "lab_fault": "!"}
_WORDS = {
    "passed": "passed",
    "not_yet": "not yet",
    "waiting": "waiting",
    "blocked": "not on this back end",
    "lab_fault": "the lab is at fault",
}
_TONES = {"passed": "good", "not_yet": "bad", "lab_fault": "mark"}


def check(options: argparse.Namespace) -> int:
    """Run the checks and show the verdict."""
    with place_of(options) as place:
        session = place.session(place.exercise(options.exercise))
        if options.watch:
            return _watch(session, options)
        report = session.check()
        _show(report, options)
        return report.exit_status


def _watch(session: Session, options: argparse.Namespace) -> int:
    """Show a verdict now and after every change, until ctrl+c."""
    from lab.exercise.watch import Reason, Watcher

    changes: queue.SimpleQueue[frozenset[Reason]] = queue.SimpleQueue()
    report = session.check()
    try:
        with Watcher(session, changes.put):
            _show(report, options)
            if not options.json:
                note("Watching; ctrl+c ends it.")
            while "lost" not in changes.get():
                report = session.check()
                _show(report, options)
            raise SandboxLostError(
                "The sandbox stopped.", f"Your work is untouched; start it again: lab start {session.exercise.number}."
            )
    except KeyboardInterrupt:
        return report.exit_status


def _show(report: Report, options: argparse.Namespace) -> None:
    if options.json:
        # One line per report while watching, so that a program can read them one by one.
        say_json(report.to_json(), indent=None if options.watch else 2)
    else:
        print_report(report)
        sys.stdout.flush()  # while watching, whoever reads a pipe sees it now
    if options.junit is not None:
        write_junit(report, options.junit)
    if options.debug:
        for result in report.checks:
            if result.error is not None:
                note("".join(traceback.format_exception(result.error)))


def print_report(report: Report) -> None:
    """The verdict in words."""
    say(tone(f"{report.number} {report.title}", "strong"))
    for question in report.questions:
        _print_question(question, report.number)
    for result in report.checks:
        _print_check(result, report.number)
    say()
    passed = sum(result.state == "passed" for result in report.checks)
    summary = f"{_WORDS[report.verdict].capitalize()}: {passed} of {len(report.checks)} checks."
    say(tone(summary, _TONES.get(report.verdict, "plain")))
    if report.newly_passed:
        say(f"Why it is so: lab explain {report.number}")
    elif report.changed_since and report.passed_at is not None:
        say(f"Passed on {date(report.passed_at)}; the state has changed since.")


def _print_check(result: CheckResult, number: str) -> None:
    mark = tone(_MARKS[result.state], _TONES.get(result.state, "plain"))
    state = "" if result.state == "passed" else tone(f"  {_WORDS[result.state]}", "dim")
    say(f"  {mark} {result.title}{state}")
    for label, text in (("seen", result.seen), ("expected", result.expected), ("why", result.why)):
        if text:
            # State and text alone where nothing was judged: it waits, or it is blocked.
            lead = f"{label}: " if result.state == "not_yet" else ""
            say(wrapped(lead + text, "      ", "      " + " " * len(lead), columns=width()))
    if result.state == "not_yet":
        look = f"look: lab xray {result.xray} {number}   " if result.xray not in ("", "files") else ""
        say(tone(f"      {look}help: lab hint {number} {result.id}", "dim"))


def _print_question(question: QuestionResult, number: str) -> None:
    match question.state:
        case "open":
            say(wrapped(f"A prediction is missing: lab predict {number}", "  ○ ", "    "))
        case "too_late":
            say(
                wrapped(
                    "No prediction was made before the run showed the answer. "
                    f"lab reset {number} goes back to before it.",
                    "  ✗ ", "    ",
                )
            )  # fmt: skip
        case "recorded":
            say(
                wrapped(f"You predicted: {dict(question.choices)[question.choice]}. The run will show.", "  ● ", "    ")
            )
        case "answered":
            shown = "The author's answer" if question.from_author else "The run showed"
            texts = dict(question.choices)
            lead = "✓" if question.right else "≠"
            say(wrapped(f"You predicted: {texts[question.choice]}. {shown}: {texts[question.answer]}.", f"  {lead} ",
                        "    "))  # fmt: skip
            say(wrapped(question.comparison, "    "))


def write_junit(report: Report, file: Path) -> None:
    """The report as JUnit XML.

    Raises:
        LabError: The file cannot be written.
    """
    suite = ET.Element(
        "testsuite",
        name=f"{report.number} {report.title}",
        tests=str(len(report.checks)),
        failures=str(sum(check.state == "not_yet" for check in report.checks)),
        errors=str(sum(check.state == "lab_fault" for check in report.checks)),
        skipped=str(sum(check.state in ("waiting", "blocked") for check in report.checks)),
        time=f"{sum(check.seconds for check in report.checks):.3f}",
    )
    tags = {"not_yet": "failure", "lab_fault": "error", "waiting": "skipped", "blocked": "skipped"}
    for result in report.checks:
        case = ET.SubElement(
            suite, "testcase", classname=report.exercise, name=result.title, time=f"{result.seconds:.3f}"
        )
        if result.state in tags:
            detail = ET.SubElement(case, tags[result.state], message=_xml(result.seen))
            if result.diagnosis:
                detail.set("type", result.diagnosis)
            detail.text = _xml("\n".join(text for text in (result.expected, result.why) if text))
    tree = ET.ElementTree(ET.Element("testsuites"))
    root = tree.getroot()
    assert root is not None  # noqa: S101 - it was made one line above
    root.append(suite)
    ET.indent(tree)
    try:
        tree.write(file, encoding="utf-8", xml_declaration=True)
    except OSError as error:
        raise LabError(f"{file} cannot be written ({error.strerror}).", "Name another file.") from error


def _xml(text: str) -> str:
    """Without characters that XML cannot hold; what was observed may contain any."""
    return "".join(character for character in text if character in "\t\n" or ord(character) >= 32)
