"""One thing that lint found: where, and what is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """Something to repair.

    Attributes:
        line: From 1; 0 where it is the file as a whole.
    """

    file: Path
    line: int
    message: str

    def __str__(self) -> str:
        """As compilers say it."""
        return f"{self.file}:{self.line}: {self.message}" if self.line else f"{self.file}: {self.message}"


def line_of(text: str, part: str) -> int:
    """The line on which a part of a text begins, 0 where it is not there."""
    at = text.find(part)
    return 0 if at < 0 else text.count("\n", 0, at) + 1
