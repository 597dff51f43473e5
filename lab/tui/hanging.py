"""Lines that wrap under their own indent, which Textual's content does not do by itself."""

from __future__ import annotations

from textual.content import Content

_LEAST_WIDTH = 10


def hanging(content: Content, width: int, *, first: int = 0, rest: int = 0) -> Content:
    """Wrap one paragraph.

    Args:
        content: Without line breaks.
        width: Of the place where it is shown.
        first: Columns before the first line.
        rest: Columns before every further line.
    """
    if not content:
        return content
    pieces = content.wrap(max(_LEAST_WIDTH, width - max(first, rest)))
    lines = [piece.rstrip().pad_left(first if index == 0 else rest) for index, piece in enumerate(pieces)]
    return Content("\n").join(lines)
