"""Wildcards and policy variables: how a string in a policy becomes something that a request's string is compared with.

``*`` stands for any run of characters and ``?`` for one. A variable (``${aws:username}``) is replaced by the value
that the request shows; wildcards inside such a value, and ``${*}``, ``${?}``, ``${$}``, are plain characters
(IAM user guide, "Policy variables"). They travel through the wildcard matcher as private-use characters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

Lookup = Callable[[str], Sequence[str] | None]
"""What a request shows under a condition key (lower case): its values, or None where the key is absent."""

_LITERAL_STAR = "\ue000"
_LITERAL_QUESTION = "\ue001"
_PROTECT = str.maketrans({"*": _LITERAL_STAR, "?": _LITERAL_QUESTION})
_UNPROTECT = str.maketrans({_LITERAL_STAR: "*", _LITERAL_QUESTION: "?"})
_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_DEFAULT = re.compile(r"\s*([^,]+?)\s*,\s*'([^']*)'\s*")


@lru_cache(maxsize=4096)
def wildcard(pattern: str, *, ignore_case: bool = False) -> Callable[[str], bool]:
    """Compile a pattern with ``*`` and ``?`` into a test of whole strings."""
    if "*" not in pattern and "?" not in pattern:
        plain = unprotect(pattern)
        if ignore_case:
            lowered = plain.lower()
            return lambda text: text.lower() == lowered
        return lambda text: text == plain
    if pattern == "*":
        return lambda _text: True
    if pattern.endswith("*") and "*" not in pattern[:-1] and "?" not in pattern and not ignore_case:
        prefix = unprotect(pattern[:-1])
        return lambda text: text.startswith(prefix)
    match = re.compile(_regex(pattern), re.DOTALL | (re.IGNORECASE if ignore_case else 0)).fullmatch
    return lambda text: match(text) is not None


def _regex(pattern: str) -> str:
    """Everything up to the last star is matched at its first occurrence and never again: no pattern is slow."""
    first, *rest = ("".join("." if char == "?" else re.escape(unprotect(char)) for char in part)
                    for part in pattern.split("*"))  # fmt: skip
    if not rest:
        return first
    return first + "".join(f"(?>.*?{part})" for part in rest[:-1]) + f".*{rest[-1]}"


def unprotect(text: str) -> str:
    """Turn protected wildcard characters back into themselves, for comparisons without wildcards."""
    return text.translate(_UNPROTECT)


def arn_like(pattern: str) -> Callable[[str], bool]:
    """Test ARNs part by part: a wildcard never reaches over a colon of the first five parts (``ArnLike``)."""
    parts = pattern.split(":", 5)
    if len(parts) != 6:
        return wildcard(pattern) if pattern == "*" else lambda _text: False
    tests = [wildcard(part) for part in parts]

    def test(text: str) -> bool:
        seen = text.split(":", 5)
        return len(seen) == 6 and all(match(part) for match, part in zip(tests, seen, strict=True))

    return test


@dataclass(frozen=True, slots=True)
class Template:
    """A string of a policy with its variables found once.

    Attributes:
        text: As written.
        pieces: Plain text and variables in turn, None for a string without variables.
    """

    text: str
    pieces: tuple[str | tuple[str, str | None], ...] | None

    def resolve(self, lookup: Lookup) -> str | None:
        """The string for one request; None where a variable has no single value and no default."""
        if self.pieces is None:
            return self.text
        resolved: list[str] = []
        for piece in self.pieces:
            if isinstance(piece, str):
                resolved.append(piece)
                continue
            name, default = piece
            seen = lookup(name)
            value = seen[0] if seen is not None and len(seen) == 1 else default
            if value is None:
                return None
            resolved.append(value.translate(_PROTECT))
        return "".join(resolved)


def template(text: str, *, variables: bool) -> Template:
    """Find the variables of a policy string; policies of version 2008-10-17 have none."""
    if not variables or "${" not in text:
        return Template(text, None)
    pieces: list[str | tuple[str, str | None]] = []
    position = 0
    for found in _VARIABLE.finditer(text):
        pieces.append(text[position : found.start()])
        pieces.append(_variable(found.group(1)))
        position = found.end()
    pieces.append(text[position:])
    if all(isinstance(piece, str) for piece in pieces):
        return Template("".join(piece for piece in pieces if isinstance(piece, str)), None)
    return Template(text, tuple(pieces))


def _variable(body: str) -> str | tuple[str, str | None]:
    if body == "*":
        return _LITERAL_STAR
    if body == "?":
        return _LITERAL_QUESTION
    if body == "$":
        return "$"
    with_default = _DEFAULT.fullmatch(body)
    if with_default:
        return with_default.group(1).lower(), with_default.group(2)
    return body.strip().lower(), None
