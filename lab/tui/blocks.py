"""The lab's own blocks in lessons: fenced TOML into records, and the diagram of who makes, holds and uses which key.

Pure: Markdown text in, records and lines of text out. What a block is drawn with is in ``widgets/lesson_blocks.py``.
"""

from __future__ import annotations

import textwrap
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_core import StateCore

KINDS: Final = ("lab-keyflow", "lab-figure", "lab-predict", "lab-exercise")

#: A diagram wider than this is hard to follow.
DIAGRAM_WIDTH: Final = 76
_LANE_MARGIN: Final = 2
_LEAST_TEXT: Final = 24


class BlockError(ValueError):
    """A block of a lesson is not what it should be; the message says which and why."""


@dataclass(frozen=True, slots=True)
class FlowStep:
    """One arrow."""

    source: str
    target: str
    text: str


@dataclass(frozen=True, slots=True)
class KeyFlow:
    """Who gives what to whom, in order, and what each has at the end."""

    columns: tuple[str, ...]
    steps: tuple[FlowStep, ...]
    left: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that the learner's own run measures."""

    exercise: str
    figure: str
    text: str
    otherwise: str

    def sentence(self, value: str | None) -> str:
        """With the value, or what stands there while nothing was measured."""
        return self.otherwise if value is None else self.text.replace("{value}", value)


@dataclass(frozen=True, slots=True)
class LessonChoice:
    """One answer to a lesson's question."""

    id: str
    text: str
    comparison: str


@dataclass(frozen=True, slots=True)
class LessonQuestion:
    """A question inside a lesson."""

    id: str
    ask: str
    choices: tuple[LessonChoice, ...]
    answer: str


def read_keyflow(text: str) -> KeyFlow:
    """The record of a ``lab-keyflow`` fence.

    Raises:
        BlockError: It is not one.
    """
    table = _toml("lab-keyflow", text)
    columns = tuple(str(name) for name in _member("lab-keyflow", table, "columns", list))
    steps = tuple(
        FlowStep(str(step.get("from")), str(step.get("to")), str(step.get("text", "")))
        for step in _member("lab-keyflow", table, "step", list)
    )
    for step in steps:
        for name in (step.source, step.target):
            if name not in columns:
                raise BlockError(f"lab-keyflow: {name!r} is no column")
    left = table.get("left", {})
    return KeyFlow(columns, steps, tuple((name, str(left[name])) for name in columns if name in left))


def read_figure(text: str) -> Figure:
    """The record of a ``lab-figure`` fence."""
    table = _toml("lab-figure", text)
    members = {
        name: str(_member("lab-figure", table, name, str)) for name in ("exercise", "figure", "text", "otherwise")
    }
    return Figure(**members)


def read_question(text: str) -> LessonQuestion:
    """The record of a ``lab-predict`` fence."""
    kind = "lab-predict"
    table = _toml(kind, text)
    choices = tuple(
        LessonChoice(str(row.get("id", "")), str(row.get("text", "")), str(row.get("comparison", "")))
        for row in _member(kind, table, "choices", list)
    )
    answer = str(_member(kind, table, "answer", str))
    if answer not in {choice.id for choice in choices}:
        raise BlockError(f"{kind}: the answer {answer!r} is no choice")
    return LessonQuestion(str(_member(kind, table, "id", str)), str(_member(kind, table, "ask", str)), choices, answer)


def read_exercise_id(text: str) -> str:
    """The id that a ``lab-exercise`` fence names."""
    return text.strip()


def _toml(kind: str, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BlockError(f"{kind}: {error}") from error


def _member(kind: str, table: Mapping[str, Any], name: str, wanted: type) -> Any:
    value = table.get(name)
    if not isinstance(value, wanted):
        raise BlockError(f"{kind}: {name} is missing")
    return value


def lab_blocks(parser: MarkdownIt) -> None:
    """A markdown-it plugin: fences of ours become tokens of their own, named after their kind."""

    def name_fences(state: StateCore) -> None:
        for token in state.tokens:
            if token.type == "fence" and token.info.strip() in KINDS:
                token.type = token.info.strip()

    parser.core.ruler.push("lab_blocks", name_fences)


def parser() -> MarkdownIt:
    """CommonMark with tables and the lab's blocks."""
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("table").enable("strikethrough").use(lab_blocks)


def draw_keyflow(flow: KeyFlow, width: int = DIAGRAM_WIDTH) -> list[str]:
    """The diagram as lines of text: lanes at the left, what happens at the right, read from top to bottom.

    Where there is no room for lanes, the arrows are written as words.
    """
    width = min(width, DIAGRAM_WIDTH)
    lane = (max(len(name) for name in flow.columns) + 2 * _LANE_MARGIN) | 1  # odd, so that it has a middle
    lanes = lane * len(flow.columns)
    lines = _with_lanes(flow, lane, width) if width - lanes >= _LEAST_TEXT else _in_words(flow, width)
    return lines + _what_is_left(flow, width)


def _with_lanes(flow: KeyFlow, lane: int, width: int) -> list[str]:
    room = width - lane * len(flow.columns) - 1
    centers = [index * lane + lane // 2 for index in range(len(flow.columns))]
    idle = _idle(centers, lane * len(flow.columns))
    lines = ["".join(name.center(lane) for name in flow.columns).rstrip(), idle.rstrip()]
    for number, step in enumerate(flow.steps, start=1):
        texts = textwrap.wrap(f"{number} {step.text}", room, subsequent_indent="  ") or [""]
        arrow = _arrow(flow, centers, step, idle)
        lines += [f"{arrow} {texts[0]}".rstrip(), *(f"{idle} {text}" for text in texts[1:])]
    return lines


def _idle(centers: Sequence[int], length: int) -> str:
    return "".join("│" if index in centers else " " for index in range(length))


def _arrow(flow: KeyFlow, centers: Sequence[int], step: FlowStep, idle: str) -> str:
    start, end = centers[flow.columns.index(step.source)], centers[flow.columns.index(step.target)]
    cells = list(idle)
    if start == end:
        cells[start] = "◆"
        return "".join(cells)
    low, high = min(start, end), max(start, end)
    for index in range(low + 1, high):
        cells[index] = "─"
    cells[start] = "●"
    cells[end] = "▶" if end > start else "◀"
    return "".join(cells)


def _in_words(flow: KeyFlow, width: int) -> list[str]:
    lines: list[str] = []
    for number, step in enumerate(flow.steps, start=1):
        what = f"{step.source} → {step.target}" if step.source != step.target else step.source
        lines += textwrap.wrap(f"{number} {what}: {step.text}", max(20, width), subsequent_indent="  ")
    return lines


def _what_is_left(flow: KeyFlow, width: int) -> list[str]:
    if not flow.left:
        return []
    indent = max(len(name) for name, _ in flow.left) + 2
    lines = ["", "At the end"]
    for name, what in flow.left:
        wrapped = textwrap.wrap(what, max(20, width - indent)) or [""]
        lines += [name.ljust(indent) + wrapped[0], *(" " * indent + text for text in wrapped[1:])]
    return lines
