"""The line at the top: where the learner is, and how the back end is. Always visible, in words."""

from __future__ import annotations

from typing import Final

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from lab.tui.desk import BackendState, Phase

_SIGNS: Final[dict[Phase, str]] = {"starting": "○", "ready": "●", "lost": "✗", "failed": "✗"}
_WORDS: Final[dict[Phase, str]] = {
    "starting": "starting",
    "ready": "ready",
    "lost": "lost, R restarts it",
    "failed": "did not start, R tries again",
}
_STYLES: Final[dict[Phase, str]] = {
    "starting": "$text-muted",
    "ready": "$text-success",
    "lost": "bold $text-error",
    "failed": "bold $text-error",
}
_NAME: Final = "S3 Encryption Lab"


class StatusBar(Widget):
    """Place at the left, back end at the right."""

    ALLOW_SELECT = False

    place = reactive("")
    backend: reactive[BackendState] = reactive(BackendState("starting"))

    def __init__(self, place: str = "") -> None:
        super().__init__()
        self.set_reactive(StatusBar.place, place)

    def render(self) -> Content:
        """The line, as wide as the screen; the address goes first where there is no room."""
        width = self.content_size.width
        state = self.backend
        words = Content.assemble(
            f"{state.name} ", (f"{_SIGNS[state.phase]} {_WORDS[state.phase]}", _STYLES[state.phase])
        )
        where = f"   {state.where}" if state.phase == "ready" and state.where else ""
        name = Content.assemble((_NAME, "bold $text-primary"))
        place = f" / {self.place}" if self.place else ""
        room = width - words.cell_length - 2
        if name.cell_length + len(place) + len(where) > room:
            where = ""
        left = name + Content(place)
        if left.cell_length > room:
            left = Content.assemble(("S3 Lab", "bold $text-primary"), place)
        left = left.truncate(max(0, room), ellipsis=True)
        gap = " " * max(2, width - left.cell_length - words.cell_length - len(where))
        return Content.assemble(left, gap, words, (where, "$text-muted"))
