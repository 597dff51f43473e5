"""A terminal's screen as data: bytes in, styled rows out, with scrollback and an alternate screen.

Everything known about pyte stays here and in ``sequences``, so that another emulator can take its place.
"""

from __future__ import annotations

import codecs
import unicodedata
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

import pyte
from pyte.screens import Char, Margins, StaticDefaultDict, wcwidth

from lab.shell.sequences import Sequences

SCROLLBACK_LINES: Final = 5000

_ALTERNATE = frozenset({47, 1047, 1049})
#: Private modes that a widget must know; pyte keeps them shifted.
_CURSOR_KEYS, _BRACKETED_PASTE = 1 << 5, 2004 << 5
_MOUSE = frozenset(mode << 5 for mode in (1000, 1002, 1003))
_SGR_MOUSE = 1006 << 5
_COLUMNS_132 = 3

#: pyte's names → ANSI's. ``bfightmagenta`` is what 0.8.2 calls a bright magenta background.
_COLORS: Final = {"brown": "yellow", "brightbrown": "brightyellow", "bfightmagenta": "brightmagenta"}
_NAMED: Final = frozenset(
    prefix + name
    for prefix in ("", "bright")
    for name in ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
)


class CellStyle(NamedTuple):
    """How one cell is drawn; colors are ``default``, an ANSI name or ``#rrggbb``."""

    fg: str = "default"
    bg: str = "default"
    bold: bool = False
    italic: bool = False
    underline: bool = False
    strike: bool = False
    reverse: bool = False
    blink: bool = False


class Run(NamedTuple):
    """Neighboring cells of one style."""

    text: str
    style: CellStyle


class CursorPlace(NamedTuple):
    """Where the cursor is; ``line`` counts from the first line of the scrollback."""

    line: int
    column: int
    visible: bool


_Row = StaticDefaultDict


class TerminalScreen:
    """The screen of one program, fed with its output.

    Args:
        columns: Width in cells.
        lines: Height in lines.
        answer: Called with what the program must be told (its own questions about cursor and terminal).
        scrollback: How many lines are kept above the screen.
    """

    def __init__(
        self,
        columns: int,
        lines: int,
        answer: Callable[[bytes], None] | None = None,
        scrollback: int = SCROLLBACK_LINES,
    ) -> None:
        self._grid = _Grid(columns, lines, answer or (lambda _: None), scrollback)
        self._stream = _Stream(self._grid)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._sequences = Sequences()

    def feed(self, data: bytes) -> None:
        """Draw what the program wrote; a sequence or a letter that is cut off is finished by the next call."""
        self._stream.feed(self._sequences.filter(self._decoder.decode(data)))

    def resize(self, columns: int, lines: int) -> None:
        """Take another size; rows that no longer fit go into the scrollback."""
        self._grid.resize(max(1, lines), max(1, columns))

    @property
    def columns(self) -> int:
        """Width in cells."""
        return self._grid.columns

    @property
    def lines(self) -> int:
        """Height of the screen, without scrollback."""
        return self._grid.lines

    @property
    def scrolled(self) -> int:
        """How many lines are kept above the screen; none while a program uses the alternate screen."""
        return 0 if self.alternate else len(self._grid.above)

    @property
    def dropped(self) -> int:
        """How many lines have fallen off the scrollback for good."""
        return self._grid.dropped

    @property
    def alternate(self) -> bool:
        """Whether a full-screen program is on its own screen."""
        return self._grid.main_rows is not None

    @property
    def application_cursor(self) -> bool:
        """Whether arrow keys are sent as ``ESC O A``."""
        return _CURSOR_KEYS in self._grid.mode

    @property
    def bracketed_paste(self) -> bool:
        """Whether pasted text is to be marked."""
        return _BRACKETED_PASTE in self._grid.mode

    @property
    def mouse(self) -> bool:
        """Whether the program asked for mouse events in the form that we can send (SGR)."""
        return bool(_MOUSE & self._grid.mode) and _SGR_MOUSE in self._grid.mode

    @property
    def title(self) -> str:
        """The window title that the program set."""
        return self._sequences.title

    @property
    def cursor(self) -> CursorPlace:
        """Where the next letter would appear."""
        cursor = self._grid.cursor
        return CursorPlace(self.scrolled + cursor.y, min(cursor.x, self.columns - 1), not cursor.hidden)

    def take_changed(self) -> set[int]:
        """The lines of the screen (0 is its top) that changed since the last call."""
        changed = set(self._grid.dirty)
        self._grid.dirty.clear()
        return changed

    def runs(self, line: int) -> list[Run]:
        """One line, scrollback first, as runs of equal style that together are ``columns`` wide."""
        row = self._row(line)
        return [] if row is None else list(_runs(row, self.columns))

    def line_text(self, line: int) -> str:
        """One line without trailing blanks."""
        return "".join(run.text for run in self.runs(line)).rstrip()

    def text(self) -> str:
        """The visible screen, one line per line, without trailing blanks."""
        first = self.scrolled
        return "\n".join(self.line_text(first + y) for y in range(self.lines)).rstrip()

    def _row(self, line: int) -> _Row[int, Char] | None:
        if line < 0:
            return None
        if line < self.scrolled:
            return self._grid.above[line]
        y = line - self.scrolled
        # The buffer makes rows when asked; looking must not.
        return self._grid.buffer.get(y, _Row(self._grid.default_char)) if y < self.lines else None


def _runs(row: _Row[int, Char], columns: int) -> Iterator[Run]:
    text: list[str] = []
    current: tuple[Any, ...] | None = None
    column = 0
    while column < columns:
        char = row[column]
        letters, width = char.data, 1
        if letters and ord(letters[0]) > 0x1100 and wcwidth(letters[0]) == 2:
            letters, width = (letters, 2) if column + 1 < columns else (" ", 1)
        elif not letters:
            letters = " "  # the right half of a wide letter whose left half was overwritten
        style = char[1:]
        if style != current:
            if current is not None:
                yield Run("".join(text), _style(current))
            text, current = [], style
        text.append(letters)
        column += width
    if current is not None:
        yield Run("".join(text), _style(current))


def _style(style: tuple[Any, ...]) -> CellStyle:
    return CellStyle(_color_name(style[0]), _color_name(style[1]), *style[2:])


def _color_name(name: str) -> str:
    name = _COLORS.get(name, name)
    if name in _NAMED or name == "default":
        return name
    return f"#{name}" if len(name) == 6 else "default"


class _Stream(pyte.Stream):
    """pyte's parser with four more commands, and one that survives nonsense."""

    csi = pyte.Stream.csi | {"S": "scroll_up", "T": "scroll_down", "Z": "tab_back", "b": "repeat"}
    events = pyte.Stream.events | {"scroll_up", "scroll_down", "tab_back", "repeat"}

    def __init__(self, grid: _Grid) -> None:
        super().__init__(grid)
        self.use_utf8 = False  # text is decoded already; this lets programs choose the line-drawing set

    def _send_to_parser(self, data: str) -> bool | None:
        try:
            return super()._send_to_parser(data)
        except (TypeError, ValueError, IndexError, AssertionError, UnboundLocalError):
            # Too many parameters, or ones that make no sense. pyte has reset its parser.
            return True


class _Grid(pyte.Screen):
    """pyte's screen with scrollback, an alternate screen, and the commands that it lacks or gets wrong."""

    def __init__(self, columns: int, lines: int, answer: Callable[[bytes], None], scrollback: int) -> None:
        self.above: deque[_Row[int, Char]] = deque(maxlen=scrollback)
        self.dropped = 0
        self.main_rows: dict[int, _Row[int, Char]] | None = None
        self._main_cursor: Any = None
        self._answer = answer
        self._last_letter = ""
        super().__init__(columns, lines)

    def write_process_input(self, data: str) -> None:
        self._answer(data.encode())

    def reset(self) -> None:
        self.main_rows = None
        super().reset()

    def draw(self, data: str) -> None:
        if not data.isascii():
            # pyte stops drawing at a letter without width, a joiner for example.
            data = "".join(letter for letter in data if wcwidth(letter) > 0 or unicodedata.combining(letter))
        if data:
            self._last_letter = data[-1]
            super().draw(data)

    def repeat(self, count: int = 1) -> None:
        """REP: the last letter again."""
        if self._last_letter:
            super().draw(self._last_letter * min(count or 1, self.columns * self.lines))

    def index(self) -> None:
        top, bottom = self.margins or Margins(0, self.lines - 1)
        if self.cursor.y == bottom and top == 0:
            self._keep(self.buffer.get(0))
        super().index()

    def _keep(self, row: _Row[int, Char] | None) -> None:
        if self.main_rows is None:
            if len(self.above) == self.above.maxlen:
                self.dropped += 1
            self.above.append(row if row is not None else _Row(self.default_char))

    def scroll_up(self, count: int = 1) -> None:
        """SU: rows leave at the top."""
        self._at_margin(bottom=True, move=self.index, count=count)

    def scroll_down(self, count: int = 1) -> None:
        """SD: rows leave at the bottom."""
        self._at_margin(bottom=False, move=self.reverse_index, count=count)

    def _at_margin(self, *, bottom: bool, move: Callable[[], None], count: int) -> None:
        margins = self.margins or Margins(0, self.lines - 1)
        before, self.cursor.y = self.cursor.y, margins.bottom if bottom else margins.top
        for _ in range(min(count or 1, self.lines)):
            move()
        self.cursor.y = before

    def tab_back(self, count: int = 1) -> None:
        """CBT: to the tab stop before."""
        for _ in range(min(count or 1, self.columns)):
            self.cursor.x = max((stop for stop in self.tabstops if stop < self.cursor.x), default=0)

    def delete_lines(self, count: int | None = None) -> None:
        # pyte leaves a line in place when the one that should replace it was never written to.
        margins = self.margins or Margins(0, self.lines - 1)
        if margins.top <= self.cursor.y <= margins.bottom:
            for y in range(self.cursor.y, margins.bottom + 1):
                self.buffer[y]  # made by being asked for
            super().delete_lines(min(count or 1, self.lines))

    def erase_in_line(self, how: int = 0, private: bool = False) -> None:  # noqa: ARG002 - pyte's signature
        self._erasing(super().erase_in_line, how)

    def erase_in_display(self, how: int = 0, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002 - pyte's signature
        if how == 3:
            self.dropped += len(self.above)
            self.above.clear()
            self.dirty.update(range(self.lines))
            return
        ground = self.cursor.attrs.bg
        if ground != "default":
            rows = {0: range(self.cursor.y + 1, self.lines), 1: range(self.cursor.y)}.get(how, range(self.lines))
            for y in rows:
                self.buffer[y].update(dict.fromkeys(range(self.columns), self.default_char))
        self._erasing(super().erase_in_display, how)

    def erase_characters(self, count: int | None = None) -> None:
        self._erasing(super().erase_characters, count)

    def _erasing(self, erase: Callable[[Any], None], argument: int | None) -> None:
        """Blanks take the background, never underline or reverse."""
        before = self.cursor.attrs
        self.cursor.attrs = self.default_char._replace(bg=before.bg)
        try:
            erase(argument)
        finally:
            self.cursor.attrs = before

    def save_cursor(self) -> None:
        self.savepoints.clear()  # a terminal has one place for this, not a stack
        super().save_cursor()

    def restore_cursor(self) -> None:
        super().restore_cursor()
        if not self.savepoints:
            super().save_cursor()

    def set_mode(self, *modes: int, **kwargs: Any) -> None:
        private = bool(kwargs.get("private"))
        if private and _ALTERNATE & set(modes):
            self._enter_alternate(keep_cursor=1049 in modes)
        modes = self._without_columns(modes, private=private)
        if modes:
            super().set_mode(*modes, private=private)

    def reset_mode(self, *modes: int, **kwargs: Any) -> None:
        private = bool(kwargs.get("private"))
        if private and _ALTERNATE & set(modes):
            self._leave_alternate(restore_cursor=1049 in modes)
        modes = self._without_columns(modes, private=private)
        if modes:
            super().reset_mode(*modes, private=private)

    @staticmethod
    def _without_columns(modes: tuple[int, ...], *, private: bool) -> tuple[int, ...]:
        """The width is the widget's business: no program may ask for 132 columns."""
        return tuple(mode for mode in modes if not (private and mode == _COLUMNS_132))

    def _enter_alternate(self, *, keep_cursor: bool) -> None:
        if self.main_rows is None:
            self.main_rows = dict(self.buffer)
            self._main_cursor = (self.cursor.x, self.cursor.y, self.cursor.attrs) if keep_cursor else None
        self.buffer.clear()
        self.margins = None
        self.dirty.update(range(self.lines))

    def _leave_alternate(self, *, restore_cursor: bool) -> None:
        if self.main_rows is None:
            return
        self.buffer.clear()
        self.buffer.update(self.main_rows)
        self.main_rows = None
        self.margins = None
        if restore_cursor and self._main_cursor is not None:
            self.cursor.x, self.cursor.y, self.cursor.attrs = self._main_cursor
        # The size may have changed meanwhile.
        surplus = max(0, self.cursor.y - self.lines + 1)
        self._shift_up(surplus)
        self.cursor.y = min(self.cursor.y, self.lines - 1)
        self.ensure_hbounds()
        self.dirty.update(range(self.lines))

    def _shift_up(self, count: int) -> None:
        """Rows leave at the top into the scrollback; rows below the screen are forgotten."""
        rows = {y: row for y, row in self.buffer.items() if row}
        for y in range(count):
            self._keep(rows.get(y))
        self.buffer.clear()
        self.buffer.update({y - count: row for y, row in rows.items() if count <= y < count + self.lines})
        self.cursor.y -= count

    def resize(self, lines: int | None = None, columns: int | None = None) -> None:
        lines, columns = lines or self.lines, columns or self.columns
        if (lines, columns) == (self.lines, self.columns):
            return
        surplus = max(0, self.cursor.y + 1 - lines)
        self.lines = lines
        self._shift_up(surplus)
        if columns < self.columns:
            for row in self.buffer.values():
                for x in [x for x in row if x >= columns]:
                    del row[x]
        self.columns = columns
        self.tabstops = set(range(8, columns, 8))
        self.margins = None
        self.ensure_hbounds()
        self.ensure_vbounds()
        self.dirty.clear()
        self.dirty.update(range(lines))
