"""A lesson: front matter, and pages that are read only when somebody opens it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from lab.course import document
from lab.errors import CourseError

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a lesson.

    Attributes:
        title: Text of its ``## `` heading; the lesson's title for what stands before the first heading.
        text: Markdown, with the heading.
    """

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Lesson:
    """One lesson as the course lists it.

    Attributes:
        number: Its place in the course; may change.
        id: Stable for ever.
        summary: Two sentences at most.
        sources: Where it can be read up, as URLs.
        file: ``lesson.md``.
    """

    number: int
    id: str
    title: str
    summary: str
    sources: tuple[str, ...]
    file: Path

    def pages(self) -> list[Page]:
        """The pages, read from the file now.

        Raises:
            CourseError: The file cannot be read, or has no pages.
        """
        _, body = split_front_matter(document.read_text(self.file), self.file)
        pages = split_pages(body, self.title)
        if not pages:
            raise CourseError(f"{self.file}: the lesson has no pages.", "Repair the file, or install the lab again.")
        return pages


def split_front_matter(text: str, file: Path) -> tuple[str, str]:
    """The TOML between the first two ``+++`` lines, and the text after it."""
    lines = text.splitlines(keepends=True)
    if lines and lines[0].rstrip() == "+++":
        for index, line in enumerate(lines[1:], start=1):
            if line.rstrip() == "+++":
                return "".join(lines[1:index]), "".join(lines[index + 1 :])
    raise CourseError(f"{file}: the front matter should stand between two +++ lines.", "Repair the file.")


def split_pages(body: str, title: str) -> list[Page]:
    """Split at ``## `` headings outside of fences; empty text before the first heading is no page."""
    pages: list[tuple[str, list[str]]] = [(title, [])]
    fence = ""
    for line in body.splitlines(keepends=True):
        marker = _FENCE.match(line)
        if marker and not fence:
            fence = marker[1]
        elif marker and marker[1][0] == fence[0] and len(marker[1]) >= len(fence) and line.strip() == marker[1]:
            fence = ""
        if not fence and line.startswith("## "):
            pages.append((line[3:].strip(), []))
        pages[-1][1].append(line)
    return [Page(name, "".join(lines).strip() + "\n") for name, lines in pages if "".join(lines).strip()]


def read_lesson(file: Path) -> Lesson:
    """The lesson's front matter.

    Raises:
        CourseError: The file is not a lesson.
    """
    front, _ = split_front_matter(document.read_text(file), file)
    table = document.parse(front, file)
    lesson = Lesson(
        number=table.number("number"),
        id=table.text("id"),
        title=table.text("title"),
        summary=table.text("summary"),
        sources=table.texts("sources", ()),
        file=file,
    )
    table.done()
    return lesson
