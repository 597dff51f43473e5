"""The checks of an exercise and the questions before its run, each with its state in a sign and in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from lab.course import Check
from lab.exercise.report import CheckResult, QuestionResult, Report
from lab.tui.hanging import hanging

#: Sign, color and words of each state. The words are there for those who see no colors or hear the screen.
STATES: Final = {
    "": ("○", "$text-muted", "not checked yet"),
    "passed": ("✓", "$text-success", ""),
    "not_yet": ("✗", "$text-error", ""),
    "waiting": ("·", "$text-muted", "waits for the check before it"),
    "blocked": ("-", "$text-warning", "this back end cannot show it"),
    "lab_fault": ("!", "$text-warning", "the lab is at fault"),
}
_QUESTIONS: Final = {
    "open": ("?", "$text-accent", "predict it first: p"),
    "recorded": ("◆", "$text-primary", "recorded; the run will show"),
    "answered": ("◆", "$text-primary", ""),
    "too_late": ("-", "$text-warning", "the run came first; reset to predict"),
}


_USUAL_WIDTH: Final = 40


class ChecksPane(OptionList):
    """What must be true, and what is."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter", "select", "Why", id="bench.why", tooltip="What was seen, what was expected, and why it matters"
        ),
        Binding("j", "cursor_down", "Down", id="checks.down", show=False, tooltip="One check down"),
        Binding("k", "cursor_up", "Up", id="checks.up", show=False, tooltip="One check up"),
    ]

    @dataclass
    class CheckChosen(Message):
        """The learner wants to know more about a check."""

        result: CheckResult

    def __init__(self, checks: Sequence[Check], *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes=classes, compact=True)
        self._bench_checks = tuple(checks)
        self._bench_report: Report | None = None
        self._bench_width = 0

    def on_mount(self) -> None:
        """The titles, before anything was checked."""
        self.show_report(None)

    def on_resize(self) -> None:
        """Wrap for the new width."""
        if self.scrollable_content_region.width != self._bench_width:
            self.show_report(self._bench_report)

    @property
    def current_check(self) -> str:
        """Id of the check under the cursor, if the pane has one that has not passed; '' else."""
        option = self.highlighted_option
        result = self._bench_report.check(option.id) if option and option.id and self._bench_report else None
        return result.id if result is not None and result.state != "passed" else ""

    def result(self, check_id: str) -> CheckResult | None:
        """The last result of a check."""
        return self._bench_report.check(check_id) if self._bench_report else None

    def show_report(self, report: Report | None) -> None:
        """Show what the checks say now; the cursor stays where it is."""
        self._bench_report = report
        before = self.highlighted
        self._bench_width = self.scrollable_content_region.width
        width = self._bench_width or _USUAL_WIDTH
        self.clear_options()
        for check in self._bench_checks:
            result = report.check(check.id) if report else None
            self.add_option(Option(check_line(check.title, result, width), id=check.id))
        for question in report.questions if report else ():
            self.add_option(Option(question_line(question, width), id=f"question.{question.id}"))
        self.border_title = "Checks"
        self.border_subtitle = summary(report, len(self._bench_checks))
        if before is None and report is not None:
            before = next((n for n, check in enumerate(report.checks) if check.state not in {"passed", "waiting"}), 0)
        self.highlighted = before

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Tell more."""
        event.stop()
        result = self.result(event.option_id or "")
        if result is not None:
            self.post_message(self.CheckChosen(result))


def check_line(title: str, result: CheckResult | None, width: int = _USUAL_WIDTH) -> Content:
    """One check: sign and title, below it what was seen."""
    sign, style, words = STATES[result.state if result else ""]
    lines = [Content.assemble((f"{sign} ", style), (title, "bold" if result else ""))]
    seen = (result.seen if result and result.state != "passed" else "") or words
    if seen:
        quiet = not result or result.state == "waiting"
        offer = " h hint" if result and result.state == "not_yet" and result.hint_level else ""
        lines.append(Content.assemble((_first_sentence(seen), "$text-muted" if quiet else ""), (offer, "$text-accent")))
    return _under_sign(lines, width)


def _under_sign(lines: Sequence[Content], width: int) -> Content:
    """The first line begins with a sign; all else stands to the right of it."""
    wrapped = [hanging(line, width, first=0 if index == 0 else 2, rest=2) for index, line in enumerate(lines)]
    return Content("\n").join(wrapped)


def _first_sentence(text: str) -> str:
    """Enough to know what is wrong; the rest is one key away."""
    text = " ".join(text.split())
    end = text.find(". ")
    return text if end < 0 or len(text) <= 160 else text[: end + 1]


def question_line(question: QuestionResult, width: int = _USUAL_WIDTH) -> Content:
    """One question before the run, with the choice that was made and what the run showed."""
    sign, style, words = _QUESTIONS[question.state]
    texts = dict(question.choices)
    lines = [Content.assemble((f"{sign} ", style), question.ask)]
    if question.choice:
        lines.append(Content.assemble(("you said: ", "$text-muted"), texts.get(question.choice, question.choice)))
    if question.state == "answered":
        same = "as you said" if question.right else texts.get(question.answer, question.answer)
        who = "AWS's answer" if question.from_author else "the run showed"
        lines.append(Content.assemble((f"{who}: ", "$text-muted"), same))
        if question.comparison:
            lines.append(Content(question.comparison))
    elif words:
        lines.append(Content.styled(words, "$text-muted"))
    return _under_sign(lines, width)


def summary(report: Report | None, checks: int) -> str:
    """How many passed, in words."""
    if report is None:
        return "not checked yet"
    passed = sum(check.state == "passed" for check in report.checks)
    if report.changed_since:
        return f"{passed} of {checks}, passed before"
    return "all passed" if report.verdict == "passed" else f"{passed} of {checks} passed"
