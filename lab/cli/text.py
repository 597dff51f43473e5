"""Text for a terminal or a pipe: wrapped to its width, toned only where that is wanted, Markdown made readable."""

from __future__ import annotations

import json
import os
import shutil
import sys
import textwrap
import time
from typing import Final, TextIO

_CODES: Final = {"strong": "1", "dim": "2", "good": "32", "bad": "31", "mark": "33"}
#: What is said instead where the terminal has no such character: mark, arrow, quotation mark, dash.
_ASCII: Final = str.maketrans(
    {
        "✓": "+", "✗": "x", "●": "*", "○": "o", "≠": "!", "→": "->", "←": "<-", "…": "...", "·": "-", "•": "*",
        "\u2013": "-", "\u2014": "-", "\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"',
        "│": "|", "─": "-", "├": "|", "└": "`",
    }
)  # fmt: skip


def width(stream: TextIO | None = None) -> int:
    """Columns to write in: the terminal's, at most 100, so that lines stay readable."""
    stream = stream or sys.stdout
    return max(20, min(shutil.get_terminal_size().columns if stream.isatty() else 80, 100))


def tone(text: str, name: str, stream: TextIO | None = None) -> str:
    """The text in a tone, on a terminal that wants color; else the text."""
    stream = stream or sys.stdout
    if name not in _CODES or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not stream.isatty():
        return text
    return f"\x1b[{_CODES[name]}m{text}\x1b[0m"


def say(text: str = "") -> None:
    """Write lines to standard output, in characters that it has."""
    if not _has_every_character():
        encoding = sys.stdout.encoding or "ascii"
        text = text.translate(_ASCII).encode(encoding, "replace").decode(encoding)
    print(text)


def say_json(document: object, *, indent: int | None = 2) -> None:
    """Write a JSON document; where characters are missing they are escaped, and nothing is lost."""
    print(json.dumps(document, ensure_ascii=not _has_every_character(), indent=indent), flush=True)


def _has_every_character() -> bool:
    return (sys.stdout.encoding or "ascii").lower().replace("-", "") in ("utf8", "utf16")


def note(text: str) -> None:
    """A remark beside the output, on standard error."""
    print(text, file=sys.stderr)


def wrapped(text: str, indent: str = "", hanging: str | None = None, columns: int | None = None) -> str:
    """A paragraph, wrapped; each line of it that was broken on purpose stays a line."""
    following = indent if hanging is None else hanging
    lines = []
    for number, part in enumerate(text.splitlines() or [""]):
        # A line that is indented already (a list of facts) goes on under itself.
        own = part[: len(part) - len(part.lstrip())]
        lines.append(
            textwrap.fill(
                part.strip(),
                columns or width(),
                initial_indent=(indent if number == 0 else following) + own,
                subsequent_indent=following + own,
                break_long_words=False,
                break_on_hyphens=False,
            )
        )
    return "\n".join(lines)


def date(at: float) -> str:
    """A day and time, as the learner's clock shows it."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))


def plain_markdown(text: str, columns: int | None = None) -> str:
    """Markdown as plain text: headings underlined, lists hanging, tables aligned, code as it is."""
    from lab.cli.markdown import Plain

    return Plain(columns or width()).render(text)
