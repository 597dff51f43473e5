"""The list of lessons and exercises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.css.styles import RulesMap
from textual.message import Message
from textual.strip import Strip
from textual.style import Style
from textual.visual import RenderOptions, Visual
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from lab.tui.outline import LessonRow, Row


class OutlineList(OptionList):
    """Rows of the course; the lesson under the cursor can be opened and closed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "Open", id="course.open", tooltip="Read the lesson, or work on the exercise"),
        Binding("right,l", "expand", "Show exercises", id="course.expand", show=False, tooltip="Show its exercises"),
        Binding("left,h", "collapse", "Hide exercises", id="course.collapse", show=False, tooltip="Hide its exercises"),
        Binding("j", "cursor_down", "Down", id="course.down", show=False, tooltip="One row down"),
        Binding("k", "cursor_up", "Up", id="course.up", show=False, tooltip="One row up"),
    ]

    @dataclass
    class Toggled(Message):
        """A lesson is to be opened or closed."""

        key: str
        opened: bool

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes=classes, compact=True)
        self._outline_rows: tuple[Row, ...] = ()

    @property
    def rows(self) -> tuple[Row, ...]:
        """What is shown."""
        return self._outline_rows

    @property
    def current(self) -> Row | None:
        """The row under the cursor."""
        return self._outline_rows[self.highlighted] if self.highlighted is not None and self._outline_rows else None

    def show_rows(self, rows: Sequence[Row], *, keep: str = "") -> None:
        """Show these rows, with the cursor on the row of that key if it is there."""
        self._outline_rows = tuple(rows)
        self.clear_options()
        self.add_options([Option(_RowLine(row), id=row.key) for row in rows])
        keys = [row.key for row in rows]
        if rows:
            self.highlighted = keys.index(keep) if keep in keys else 0

    def action_expand(self) -> None:
        """Show the exercises of the lesson under the cursor."""
        if isinstance(self.current, LessonRow) and not self.current.open:
            self.post_message(self.Toggled(self.current.key, opened=True))

    def action_collapse(self) -> None:
        """Hide the exercises of the lesson under the cursor, or of the one that the exercise belongs to."""
        for row in reversed(self._outline_rows[: (self.highlighted or 0) + 1]):
            if isinstance(row, LessonRow):
                if row.open:
                    self.post_message(self.Toggled(row.key, opened=False))
                return


class _RowLine(Visual):
    """Sign, number and title at the left, how far at the right; one line of any width."""

    def __init__(self, row: Row) -> None:
        if isinstance(row, LessonRow):
            self._title = Content.styled(f"{row.sign} {row.lesson.number:>2}  {row.lesson.title}", "bold")
        else:
            self._title = Content(f"     {row.sign} {row.exercise.number}  {row.exercise.title}")
        self._tally = Content.styled(row.tally, "dim")

    def render_strips(self, width: int, height: int | None, style: Style, options: RenderOptions) -> list[Strip]:
        """The line."""
        room = max(0, width - self._tally.cell_length - 2)
        title = self._title.truncate(room, ellipsis=True)
        gap = " " * max(0, width - title.cell_length - self._tally.cell_length)
        return Content.assemble(title, gap, self._tally).render_strips(width, height, style, options)

    def get_optimal_width(self, rules: RulesMap, container_width: int) -> int:  # noqa: ARG002 - Textual's signature
        """Room for everything."""
        return self._title.cell_length + 2 + self._tally.cell_length

    def get_height(self, rules: RulesMap, width: int) -> int:  # noqa: ARG002 - Textual's signature
        """One line."""
        return 1
