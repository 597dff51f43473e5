"""What a terminal is sent, made digestible for pyte 0.8.2: pure text in, pure text out.

pyte prints or misreads what it does not know: vim's ``CSI > 4 ; 2 m`` would underline everything, colon parameters
end in plain text. This module removes or rewrites such sequences and holds back one that is cut off by the end of a
read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

#: A string sequence longer than this is no title and no answer; a terminal that waited for its end would look dead.
_LONGEST_HELD = 65536

_SEQUENCE = re.compile(
    r"\x1b\[(?P<private>[<=>?]?)(?P<parameters>[0-9;:]*)(?P<intermediate>[ -/]*)(?P<final>[@-~])"
    r"|\x1b\](?P<command>[^\x07\x1b]*)(?:\x07|\x1b\\)"
    r"|\x1b[P_^X].*?\x1b\\"
    r"|\x1b[ *+\-./].",
    re.DOTALL,
)
_PARTIAL = re.compile(
    r"\x1b(?:\[[<=>?]?[0-9;:]*[ -/]*|\][^\x07\x1b]*\x1b?|[P_^X](?:[^\x1b]|\x1b(?!\\))*|[ #%()*+\-./])?\Z", re.DOTALL
)
#: C1 controls: UTF-8 programs mean letters when they send these, and pyte would open sequences.
_C1 = dict.fromkeys(range(128, 160))


@dataclass(slots=True)
class Sequences:
    """A filter with a memory of one unfinished sequence.

    Attributes:
        title: The last window title that a program set.
    """

    title: str = ""
    _held: str = field(default="", repr=False)

    def filter(self, text: str) -> str:
        """What of this text, and of what was held back before, pyte may see now."""
        text = self._held + text.translate(_C1)
        self._held = ""
        start = text.rfind("\x1b")
        if start < 0:
            return text
        # A string sequence may itself hold an ESC, so the unfinished one can begin before the last.
        for candidate in (text.rfind("\x1b", 0, start), start):
            if candidate >= 0 and _PARTIAL.match(text, candidate):
                self._held = text[candidate:][:_LONGEST_HELD] if len(text) - candidate <= _LONGEST_HELD else ""
                text = text[:candidate]
                break
        return _SEQUENCE.sub(self._rewritten, text)

    def _rewritten(self, match: re.Match[str]) -> str:
        final = match["final"]
        if final is None:
            command, _, argument = (match["command"] or "").partition(";")
            if command in {"0", "2"}:
                self.title = "".join(letter for letter in argument if letter.isprintable())
            return ""
        private, parameters = match["private"], match["parameters"]
        if match["intermediate"] or private in {"<", "=", ">"} or final == "t":
            return ""
        if private == "?":
            if final in "hl":
                return match[0]
            return f"\x1b[{parameters}{final}" if final in "JKn" else ""
        if final == "m":
            return f"\x1b[{rendition(parameters)}m"
        if final in "su" and not parameters:
            return "\x1b7" if final == "s" else "\x1b8"
        return "" if ":" in parameters else match[0]


def rendition(parameters: str) -> str:
    """SGR parameters in the form that pyte reads: no colons, no underline color, the sixteen colors by their names."""
    if ":" not in parameters and "8;" not in parameters:
        return parameters
    rest = parameters.split(";")
    result: list[str] = []
    while rest:
        word = rest.pop(0)
        if ":" in word:
            result += _with_colons(word.split(":"))
        elif word in {"38", "48", "58"} and rest:
            kind = rest.pop(0)
            count = 1 if kind == "5" else 3
            values, rest = rest[:count], rest[count:]
            result += _color(word, kind, values)
        else:
            result.append(word)
    # Nothing left of "58;5;1" must not become "CSI m", which resets everything.
    return ";".join(result) if result else "10"


def _with_colons(words: list[str]) -> list[str]:
    if words[0] == "4":
        return ["24" if words[1] == "0" else "4"]
    if words[0] in {"38", "48", "58"} and len(words) > 2:
        values = words[2:]
        if words[1] == "2" and len(values) > 3:
            values = values[1:4]  # the color space, nearly always empty
        return _color(words[0], words[1], values)
    return []


def _color(ground: str, kind: str, values: list[str]) -> list[str]:
    numbers = [min(int(value or 0), 255) for value in values]
    if ground == "58" or (kind, len(numbers)) not in {("5", 1), ("2", 3)}:
        return []
    if kind == "5" and numbers[0] < 16:
        base = (30 if ground == "38" else 40) if numbers[0] < 8 else (82 if ground == "38" else 92)
        return [str(base + numbers[0])]
    return [ground, kind, *map(str, numbers)]
