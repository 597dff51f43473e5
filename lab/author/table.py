"""A table as plain text: columns as wide as they need, numbers to the right."""

from __future__ import annotations

from collections.abc import Sequence


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table; in every column after the first, cells are set to the right."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]

    def line(cells: Sequence[str], *, to_the_right: bool = True) -> str:
        set_cells = [
            cell.rjust(width) if to_the_right and column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return "  ".join(set_cells).rstrip()

    return [line(head, to_the_right=False), line(["-" * width for width in widths]), *(line(row) for row in rows)]
