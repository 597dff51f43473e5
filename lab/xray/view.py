"""A view as data: JSON for scripts, and lines of toned text that the app and plain mode draw each in their way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

#: What a piece of text means; never the only carrier of that meaning.
Tone = Literal["plain", "dim", "strong", "good", "bad", "mark"]


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of text in one tone."""

    text: str
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a view.

    Attributes:
        spans: Left to right.
        indent: Columns to the left of it, also where it wraps.
    """

    spans: tuple[Span, ...]
    indent: int = 0

    @property
    def text(self) -> str:
        """The line without tones."""
        return " " * self.indent + "".join(span.text for span in self.spans)


@dataclass(frozen=True, slots=True)
class View:
    """One of the four views.

    Attributes:
        name: ``wire``, ``rest``, ``keys`` or ``policy``.
        title: What it shows, in a few words.
        lines: To be read from top to bottom; newest things first.
        data: The same facts for scripts: JSON values only.
        empty: Why there is nothing to see, one sentence with a next step; '' where there is something.
    """

    name: str
    title: str
    lines: tuple[Line, ...]
    data: dict[str, Any] = field(default_factory=dict)
    empty: str = ""

    @property
    def text(self) -> str:
        """All lines as plain text."""
        return "\n".join(line.text for line in self.lines) if self.lines else self.empty


def line(*parts: str | Span, indent: int = 0) -> Line:
    """A line from texts (plain) and spans."""
    return Line(tuple(Span(part) if isinstance(part, str) else part for part in parts), indent)


def strong(text: str) -> Span:
    """A heading or a name."""
    return Span(text, "strong")


def dim(text: str) -> Span:
    """A label or a remark."""
    return Span(text, "dim")


def good(text: str) -> Span:
    """Something allowed, passed or protected."""
    return Span(text, "good")


def bad(text: str) -> Span:
    """Something refused, exposed or missing."""
    return Span(text, "bad")


def mark(text: str) -> Span:
    """What to look at."""
    return Span(text, "mark")


def plural(count: int, noun: str) -> str:
    """``1 call``, ``2 calls``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
