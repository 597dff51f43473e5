"""What the keys of a screen do."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

_ALWAYS = (
    ("mouse drag, then ctrl+c", "copies text"),
    ("R", "restarts the sandbox after it was lost"),
)


class HelpScreen(ModalScreen[None]):
    """The keys of the screen below, in one list.

    Args:
        below: The screen whose keys are told.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,enter", "dismiss", "Close", id="help.close", tooltip="Back to the screen"),
    ]

    def __init__(self, below: Screen[Any]) -> None:
        super().__init__()
        self._keys_below = [
            (self._key_names(below, active.binding), active.binding.tooltip or active.binding.description)
            for active in below.active_bindings.values()
            if active.enabled and active.binding.description and active.binding.id
        ]

    @staticmethod
    def _key_names(below: Screen[Any], binding: Binding) -> str:
        return below.app.get_key_display(binding)

    def compose(self) -> ComposeResult:
        """The list."""
        rows = list(dict.fromkeys([*self._keys_below, *_ALWAYS]))
        width = max(len(key) for key, _ in rows)
        lines = [Content.assemble((key.rjust(width), "bold $text-accent"), "  ", (what, "")) for key, what in rows]
        with VerticalScroll(classes="dialog") as dialog:
            dialog.border_title = "Keys"
            dialog.border_subtitle = "escape closes"
            yield Static(Content("\n").join(lines))
