"""A terminal as a widget: draws a ``TerminalScreen``, types into a ``PtyProcess``.

Every key belongs to the program inside, except those in ``RESERVED_KEYS``: the screen binds them with priority, so that
there is always a way out.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Offset, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from lab.errors import LabError
from lab.shell.keys import key_bytes, paste_bytes, wheel_bytes
from lab.shell.pty import PtyProcess
from lab.shell.screen import CellStyle, TerminalScreen

#: Keys that never reach the program: palette, next pane, leave.
RESERVED_KEYS: Final = frozenset({"f1", "f6", "shift+f6", "ctrl+right_square_bracket"})

_FRAME_SECONDS: Final = 1 / 60
_CACHED_LINES: Final = 1000
_WHEEL_LINES: Final = 3
_NAMES: Final = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
_ANSI: Final = {name: number for number, name in enumerate([*_NAMES, *(f"bright{name}" for name in _NAMES)])}


class Terminal(ScrollView, can_focus=True):
    """A program in a pane."""

    ALLOW_SELECT = True
    FOCUS_ON_CLICK = True
    DEFAULT_CSS = """
    Terminal {
        overflow-x: hidden;
        overflow-y: scroll;
        scrollbar-size-vertical: 1;
        background: $background;
        color: $foreground;
    }
    """

    @dataclass
    class Ended(Message):
        """The program has ended."""

        terminal: Terminal
        status: int

        @property
        def control(self) -> Terminal:
            """The terminal that it ran in."""
            return self.terminal

    @dataclass
    class StartFailed(Message):
        """The program could not be started."""

        terminal: Terminal
        error: LabError

        @property
        def control(self) -> Terminal:
            """The terminal that it should have run in."""
            return self.terminal

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes=classes)
        self._pty_process: PtyProcess | None = None
        self._pty_screen = TerminalScreen(80, 24, self._pty_answer)
        self._pty_ahead: bytearray | None = bytearray()
        self._pty_order: tuple[Sequence[str], Mapping[str, str], Path] | None = None
        self._pty_drawn_at = 0.0
        self._pty_draw_due = False
        self._pty_was_alternate = False
        self._pty_cursor_line = -1
        self._pty_strips: dict[int, Strip] = {}
        self._pty_styles: dict[CellStyle, Style] = {}

    # The program

    @property
    def running(self) -> bool:
        """Whether a program runs in it."""
        return self._pty_process is not None

    @property
    def emulated(self) -> TerminalScreen:
        """What is on it."""
        return self._pty_screen

    def start(self, command: Sequence[str], environment: Mapping[str, str], directory: Path) -> None:
        """Run a program, once the size of the pane is known; one that runs already is ended first."""
        self._pty_order = (command, environment, directory)
        if self.is_mounted and self._pty_columns > 0:
            self.call_later(self._pty_start)

    async def stop(self) -> None:
        """End the program and everything that it started."""
        process, self._pty_process = self._pty_process, None
        if process is not None:
            loop = asyncio.get_running_loop()
            loop.remove_reader(process.fileno())
            loop.remove_writer(process.fileno())
            await asyncio.to_thread(process.hangup)

    def type_text(self, text: str) -> None:
        """Type into the program, as if pasted."""
        self._pty_write(paste_bytes(text, bracketed=self._pty_screen.bracketed_paste))

    @property
    def _pty_columns(self) -> int:
        return self.scrollable_content_region.width

    async def _pty_start(self) -> None:
        await self.stop()
        if self._pty_order is None:
            return
        command, environment, directory = self._pty_order
        self._pty_order = None
        size = self.scrollable_content_region.size
        self._pty_screen = TerminalScreen(max(1, size.width), max(1, size.height), self._pty_answer)
        self._pty_strips.clear()
        try:
            process = PtyProcess(command, environment, directory, size.width, size.height)
        except LabError as error:
            self._pty_ahead = None
            self.post_message(self.StartFailed(self, error))
            return
        self._pty_process = process
        asyncio.get_running_loop().add_reader(process.fileno(), self._pty_readable)
        ahead, self._pty_ahead = self._pty_ahead, None
        if ahead:
            self._pty_write(bytes(ahead))
        self._pty_draw()

    def _pty_answer(self, data: bytes) -> None:
        self._pty_write(data)

    def _pty_write(self, data: bytes) -> None:
        process = self._pty_process
        if process is None:
            return
        process.write(data)
        if process.pending:
            asyncio.get_running_loop().add_writer(process.fileno(), self._pty_writable)

    def _pty_writable(self) -> None:
        process = self._pty_process
        if process is not None:
            process.flush()
            if not process.pending:
                asyncio.get_running_loop().remove_writer(process.fileno())

    def _pty_readable(self) -> None:
        process = self._pty_process
        if process is None:
            return
        data = process.read()
        if data is None:
            self.run_worker(self._pty_finish(), group="terminal", exit_on_error=False)
            asyncio.get_running_loop().remove_reader(process.fileno())
            return
        if data:
            self._pty_screen.feed(data)
            self._pty_draw_soon()

    async def _pty_finish(self) -> None:
        process = self._pty_process
        await self.stop()
        self._pty_draw()
        if process is not None:
            self.post_message(self.Ended(self, process.poll() or 0))

    # Drawing

    def _pty_draw_soon(self) -> None:
        """At most one drawing per frame, the first one at once."""
        if self._pty_draw_due:
            return
        waited = time.monotonic() - self._pty_drawn_at
        if waited >= _FRAME_SECONDS:
            self._pty_draw()
        else:
            self._pty_draw_due = True
            self.set_timer(_FRAME_SECONDS - waited, self._pty_draw)

    def _pty_draw(self) -> None:
        self._pty_draw_due = False
        self._pty_drawn_at = time.monotonic()
        screen = self._pty_screen
        following = self.scroll_offset.y >= self.max_scroll_y
        if screen.alternate != self._pty_was_alternate:
            self._pty_was_alternate = screen.alternate
            self._pty_strips.clear()
            following = True
        top = screen.dropped + screen.scrolled
        for line in screen.take_changed():
            self._pty_strips.pop(top + line, None)
        for cursor_line in (self._pty_cursor_line, screen.cursor.line):
            self._pty_strips.pop(screen.dropped + cursor_line, None)
        self._pty_cursor_line = screen.cursor.line
        if len(self._pty_strips) > _CACHED_LINES:
            self._pty_strips.clear()
        self.virtual_size = Size(screen.columns, screen.scrolled + screen.lines)
        if following:
            self.scroll_to(y=screen.scrolled, animate=False, immediate=True, force=True)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of the pane."""
        line = self.scroll_offset.y + y
        width = self.size.width
        base = self.rich_style
        selection = self.text_selection
        number = self._pty_screen.dropped + line
        strip = self._pty_strips.get(number) if selection is None else None
        if strip is None:
            strip = self._pty_strip(line, base, selection)
            if selection is None:
                self._pty_strips[number] = strip
        return strip.crop_extend(0, width, base).apply_offsets(0, line)

    def _pty_strip(self, line: int, base: Style, selection: Selection | None) -> Strip:
        segments = [Segment(run.text, self._pty_style(run.style, base)) for run in self._pty_screen.runs(line)]
        strip = Strip(segments)
        cursor = self._pty_screen.cursor
        if cursor.visible and cursor.line == line and self._pty_process is not None:
            shown = Style(reverse=True) if self.has_focus else Style(underline=True)
            strip = _restyled(strip, cursor.column, cursor.column + 1, shown)
        span = selection.get_span(line) if selection is not None else None
        if span is not None:
            start, end = span
            style = self.screen.get_component_rich_style("screen--selection")
            strip = _restyled(strip, start, strip.cell_length if end == -1 else end, style)
        return strip

    def _pty_style(self, cell: CellStyle, base: Style) -> Style:
        style = self._pty_styles.get(cell)
        if style is None:
            style = base + Style(
                color=_color(cell.fg),
                bgcolor=_color(cell.bg),
                bold=cell.bold or None,
                italic=cell.italic or None,
                underline=cell.underline or None,
                strike=cell.strike or None,
                reverse=cell.reverse or None,
            )
            self._pty_styles[cell] = style
        return style

    def notify_style_update(self) -> None:
        """The theme changed."""
        super().notify_style_update()
        self._pty_styles.clear()
        self._pty_strips.clear()

    # What Textual tells

    def on_resize(self, event: events.Resize) -> None:
        """Follow the size of the pane."""
        event.stop()
        size = self.scrollable_content_region.size
        if size.width <= 0 or size.height <= 0:
            return
        if self._pty_order is not None and self._pty_process is None:
            self.call_later(self._pty_start)
            return
        self._pty_screen.resize(size.width, size.height)
        if self._pty_process is not None:
            self._pty_process.resize(size.width, size.height)
        self._pty_strips.clear()
        self._pty_draw()
        self.scroll_to(y=self._pty_screen.scrolled, animate=False, immediate=True, force=True)

    async def on_unmount(self) -> None:
        """Leave nobody behind."""
        await self.stop()

    def on_focus(self) -> None:
        """The cursor becomes a block."""
        self._pty_draw()

    def on_blur(self) -> None:
        """The cursor becomes a line."""
        self._pty_draw()

    def check_consume_key(self, key: str, character: str | None) -> bool:  # noqa: ARG002 - Textual's signature
        """Keep keys that go to the program out of the footer."""
        return (self._pty_process is not None or self._pty_ahead is not None) and key not in RESERVED_KEYS

    async def on_key(self, event: events.Key) -> None:
        """Send a key to the program; copying and scrolling stay here."""
        if event.key in RESERVED_KEYS or (self._pty_process is None and self._pty_ahead is None):
            return
        event.stop()
        event.prevent_default()
        if self._pty_ahead is not None:
            # Typed before the first program runs: kept for it, or the screen would take the letters as its own keys.
            self._pty_ahead += key_bytes(event.key, event.character) or b""
            return
        if event.key == "ctrl+c" and (selected := self.screen.get_selected_text()):
            self.app.copy_to_clipboard(selected)
            self.screen.clear_selection()
            return
        page = max(1, self.size.height - 1)
        if event.key in {"shift+pageup", "shift+pagedown"} and not self._pty_screen.alternate:
            self.scroll_relative(y=-page if event.key == "shift+pageup" else page, animate=False)
            return
        data = key_bytes(event.key, event.character, application_cursor=self._pty_screen.application_cursor)
        if data is not None:
            self._pty_to_end()
            self._pty_write(data)

    def on_paste(self, event: events.Paste) -> None:
        """Paste into the program."""
        event.stop()
        self._pty_to_end()
        self.type_text(event.text)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel: to a program that wants it, as arrow keys in a full-screen one, else through the scrollback."""
        self._pty_wheel(event, up=True)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """As upwards."""
        self._pty_wheel(event, up=False)

    def _pty_wheel(self, event: events.MouseEvent, *, up: bool) -> None:
        screen = self._pty_screen
        if not screen.mouse and not screen.alternate:
            return  # Textual scrolls
        event.stop()
        event.prevent_default()
        if screen.mouse:
            self._pty_write(wheel_bytes(event.x, event.y, up=up))
        else:
            key = key_bytes("up" if up else "down", None, application_cursor=screen.application_cursor) or b""
            self._pty_write(key * _WHEEL_LINES)

    def _pty_to_end(self) -> None:
        if self.scroll_offset.y < self.max_scroll_y:
            self.scroll_to(y=self.max_scroll_y, animate=False, immediate=True)

    # Selection

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text, without the blanks at the ends of lines."""
        screen = self._pty_screen
        lines = [screen.line_text(line) for line in range(screen.scrolled + screen.lines)]
        return selection.extract("\n".join(lines)), "\n"

    def selection_updated(self, selection: Selection | None) -> None:  # noqa: ARG002 - Textual's signature
        """Draw again."""
        self._pty_strips.clear()
        self.refresh()

    @property
    def cursor_offset(self) -> Offset:
        """Where the cursor is in the pane."""
        cursor = self._pty_screen.cursor
        return Offset(cursor.column, cursor.line - self.scroll_offset.y)


def _color(name: str) -> Color | None:
    if name == "default":
        return None
    return Color.from_ansi(_ANSI[name]) if name in _ANSI else Color.parse(name)


def _restyled(strip: Strip, start: int, end: int, style: Style) -> Strip:
    """The strip with another style between two cells."""
    start, end = max(0, start), min(end, strip.cell_length)
    if start >= end:
        return strip
    before, middle, after = strip.crop(0, start), strip.crop(start, end), strip.crop(end)
    middle = Strip([Segment(text, (own or Style()) + style) for text, own, _ in middle])
    return Strip.join([before, middle, after])
