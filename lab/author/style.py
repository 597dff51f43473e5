"""How learner-facing text is written: rules that can be checked without understanding it.

Plain, short and exact: nothing is shouted, nothing is called easy (it is not, for whoever reads it a third time), one
spelling, and code that fits into a pane of 80 columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

CODE_WIDTH: Final = 76

_WORDS: Final = re.compile(r"\b(simply|just|easy|easily|trivial|trivially|obviously)\b", re.IGNORECASE)

#: British spelling of the commoner words.
_BRITISH_WORDS: Final = (
    "behaviour", "colour", "favour", "honour", "neighbour", "labelled", "cancelled", "cancelling", "travelled",
    "modelled", "catalogue", "licence", "defence", "centre", "metre", "analyse", "programme", "cheque", "grey",
    "whilst",
)  # fmt: skip
_BRITISH_STEMS: Final = (
    "author", "categor", "custom", "emphas", "initial", "maxim", "minim", "normal", "optim", "organ", "real", "recogn",
    "special", "summar", "util",
)  # fmt: skip
_BRITISH: Final = re.compile(
    rf"\b(?:(?:{'|'.join(_BRITISH_WORDS)})(?:s|al|ed|ing)?|(?:{'|'.join(_BRITISH_STEMS)})is(?:e|ed|es|ing|ations?))\b",
    re.IGNORECASE,
)
_OLD_TERM: Final = re.compile(r"\b(CMKs?|customer master keys?)\b", re.IGNORECASE)

_FENCE: Final = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_CODE_SPAN: Final = re.compile(r"(`+)(?:(?!\1).)+\1", re.DOTALL)
_QUOTED: Final = re.compile(r"“[^”]*”|\"[^\"]*\"")
_LINK: Final = re.compile(r"\]\([^)]*\)|https?://\S+")


def text_problems(text: str) -> Iterator[tuple[int, str]]:
    """What is wrong with plain text; lines count from 1. What stands in code or quotation marks is others' words."""
    bare = _blanked(_LINK, _blanked(_QUOTED, _blanked(_CODE_SPAN, text)))
    for number, line in enumerate(bare.splitlines(), start=1):
        if "!" in line:
            yield number, "an exclamation mark"
        for match in _WORDS.finditer(line):
            yield number, f"the word {match[1]!r}"
        for match in _BRITISH.finditer(line):
            yield number, f"British spelling: {match[0]!r}"
        for match in _OLD_TERM.finditer(line):
            yield number, f"the term {match[1]!r}; say KMS key"


def markdown_problems(text: str) -> Iterator[tuple[int, str]]:
    """What is wrong with Markdown: its prose, and the width of its code."""
    prose: list[str] = []
    fence, blank_before = "", True
    for number, line in enumerate(text.splitlines(), start=1):
        marker = _FENCE.fullmatch(line)
        is_code = False
        if fence:
            is_code = not (marker and marker[1][0] == fence[0] and len(marker[1]) >= len(fence))
            fence = fence if is_code else ""
        elif marker:
            fence = marker[1] + marker[2].strip()
        elif line.startswith("    ") and blank_before and not _in_list(prose):
            is_code = True
        if is_code and not fence.endswith(_OWN_BLOCKS) and len(line.strip()) > CODE_WIDTH:
            yield number, f"a line of code of {len(line.strip())} characters; at most {CODE_WIDTH}"
        prose.append("" if is_code or marker else line)
        blank_before = not line.strip() or is_code
    yield from text_problems("\n".join(prose))


_OWN_BLOCKS: Final = ("lab-keyflow", "lab-figure", "lab-predict", "lab-exercise")


def _in_list(lines: list[str]) -> bool:
    """Whether the paragraph before belongs to a list, whose own text is indented too."""
    last = next((line for line in reversed(lines) if line.strip()), "")
    return bool(re.match(r" {0,3}([-*+]|\d+[.)])\s", last)) or last.startswith("   ")


def _blanked(pattern: re.Pattern[str], text: str) -> str:
    """What matches, as blanks: columns and lines stay where they are."""
    return pattern.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
