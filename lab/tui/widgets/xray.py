"""The four X-ray views of what happened: one pane, one tab each, all of them always there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, Literal

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Static, Tab, Tabs

from lab.tui.hanging import hanging

if TYPE_CHECKING:
    from lab.xray import Line, View

ViewName = Literal["wire", "rest", "keys", "policy"]
VIEW_NAMES: Final[tuple[ViewName, ...]] = ("wire", "rest", "keys", "policy")
TITLES: Final[dict[ViewName, str]] = {"wire": "wire", "rest": "at rest", "keys": "keys", "policy": "policy"}

#: What a tone is drawn in. The text itself carries its meaning as well.
TONES: Final = {
    "plain": "",
    "strong": "bold",
    "dim": "$text-muted",
    "good": "$text-success",
    "bad": "$text-error",
    "mark": "bold $text-accent",
}
_MOST_LINES: Final = 400


class XrayText(Static):
    """The lines of one view, each wrapped under its own indent."""

    def __init__(self) -> None:
        super().__init__("", id="xray-text")
        self._xray_lines: tuple[Line, ...] = ()
        self._xray_width = 0

    def show_lines(self, lines: tuple[Line, ...]) -> None:
        """Show these lines."""
        self._xray_lines = lines
        self._xray_wrap()

    def on_resize(self) -> None:
        """Wrap for the new width."""
        if self.content_size.width != self._xray_width:
            self._xray_wrap()

    def _xray_wrap(self) -> None:
        self._xray_width = self.content_size.width
        width = max(20, self._xray_width)
        wrapped = [
            hanging(line_content(line), width, first=line.indent, rest=line.indent)
            for line in self._xray_lines[:_MOST_LINES]
        ]
        if len(self._xray_lines) > _MOST_LINES:
            more = len(self._xray_lines) - _MOST_LINES
            wrapped.append(Content.styled(f"… {more} more lines: lab xray shows them", "$text-muted"))
        self.update(Content("\n").join(wrapped))


def line_content(line: Line) -> Content:
    """One line with its tones, without its indent."""
    return Content.assemble(*[(span.text, TONES[span.tone]) for span in line.spans])


class XrayPane(Vertical):
    """The views of one exercise."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right", "turn_view(1)", "Next view", id="xray.next", show=False, tooltip="The next X-ray view"),
        Binding(
            "left", "turn_view(-1)", "View before", id="xray.previous", show=False, tooltip="The X-ray view before"
        ),
    ]

    @dataclass
    class ViewChosen(Message):
        """Another view is to be shown: its lines are wanted."""

        name: ViewName

    view: reactive[ViewName] = reactive("wire", init=False)

    def compose(self) -> ComposeResult:
        """Tabs and the view below them."""
        tabs = Tabs(*[Tab(TITLES[view], id=f"xray-{view}") for view in VIEW_NAMES], id="xray-tabs")
        tabs.can_focus = False
        yield tabs
        with VerticalScroll(id="xray-scroll"):
            yield XrayText()

    def on_mount(self) -> None:
        """What it is called."""
        self.border_title = "X-ray"
        self.border_subtitle = "x next view"

    def on_tabs_tab_activated(self, event: Tabs.TabActivated) -> None:
        """A tab was clicked."""
        event.stop()
        self.view = next((view for view in VIEW_NAMES if event.tab.id == f"xray-{view}"), self.view)

    def watch_view(self, view: ViewName) -> None:
        """Show its tab as chosen and ask for its lines."""
        self.query_one(Tabs).active = f"xray-{view}"
        self.query_one("#xray-scroll").scroll_home(animate=False)
        self.post_message(self.ViewChosen(view))

    def show(self, view: View) -> None:
        """Show a view if it is still the chosen one."""
        if view.name != self.view:
            return
        from lab.xray import Line, Span

        lines = view.lines or (Line((Span(view.empty, "dim"),)),)
        self.query_one(XrayText).show_lines(lines)

    def action_turn_view(self, by: int) -> None:
        """To another view, round."""
        self.view = VIEW_NAMES[(VIEW_NAMES.index(self.view) + by) % len(VIEW_NAMES)]
