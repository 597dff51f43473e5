"""What is missing on this machine, and what mends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from lab.exercise.doctor import Finding, look
from lab.tui.desk import Desk
from lab.tui.screens.base import LabScreen

_STATES: Final = {
    "ok": ("✓", "$text-success", "ok"),
    "advice": ("!", "$text-warning", "advice"),
    "missing": ("✗", "$text-error", "missing"),
}


class DoctorScreen(LabScreen):
    """The findings, one below the other."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "examine", "Look again", id="doctor.again", tooltip="Look at this machine again"),
        Binding("escape,b", "app.back", "Back", id="doctor.back", tooltip="Back to the course"),
    ]

    @dataclass
    class Examined(Message):
        """Everything was looked at."""

        findings: list[Finding]

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, "Doctor")

    def compose_body(self) -> ComposeResult:
        """The list."""
        with VerticalScroll(id="doctor", classes="pane") as pane:
            pane.border_title = "This machine"
            yield Static("", id="doctor-text")

    def on_mount(self) -> None:
        """Look."""
        super().on_mount()
        self.query_one("#doctor").focus()
        self.action_examine()

    def action_examine(self) -> None:
        """Look, in a worker: programs take a while to say their version."""
        self.query_one("#doctor-text", Static).update(Content.styled("Looking …", "$text-muted"))
        self.work(lambda: self.Examined(list(look())), doing="looking at this machine", group="doctor")

    @on(Examined)
    def _show(self, message: Examined) -> None:
        self.query_one("#doctor-text", Static).update(findings_content(message.findings))


def findings_content(findings: list[Finding]) -> Content:
    """The findings as text; what mends them stands below each."""
    width = max((len(finding.id) for finding in findings), default=0)
    lines = []
    for finding in findings:
        sign, style, word = _STATES[finding.state]
        lines.append(
            Content.assemble((f"{sign} {word:8}", style), (finding.id.ljust(width), "bold"), f"  {finding.found}")
        )
        if finding.mend:
            lines.append(Content.assemble(" " * (width + 12), (finding.mend, "$text-accent")))
    bad = sum(finding.state == "missing" for finding in findings)
    words = "Everything that the lab needs is here." if not bad else f"{bad} to mend before the lab works."
    return Content("\n").join([*lines, Content(""), Content.styled(words, "bold")])
