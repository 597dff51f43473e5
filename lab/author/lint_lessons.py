"""Reading lessons for mistakes: pages, blocks of our own, what they point at, how they are written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lab.author.finding import Finding
from lab.author.lint import lint_exercise
from lab.author.source import read_source
from lab.author.style import markdown_problems, text_problems
from lab.course import Course, Lesson
from lab.course.document import Table, parse, read_text
from lab.course.lesson import split_front_matter
from lab.errors import CourseError, LabError

PAGE_BYTES: Final = 8 * 1024
MOST_ARROWS: Final = 8
FIGURE_WIDTH: Final = 76
_BLOCK: Final = re.compile(r"^```(lab-[a-z]+)[ \t]*\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """One block of our own in a lesson."""

    kind: str
    text: str
    line: int


def lint_course(course: Course) -> list[Finding]:
    """Everything that can be seen to be wrong with the course."""
    found = [Finding(file, 0, str(error)) for file, error in course.problems.items()]
    for lesson in course.lessons:
        found += lint_lesson(lesson, course)
    numbers = {lesson.number for lesson in course.lessons}
    for exercise in course.exercises:
        found += lint_exercise(exercise)
        file = exercise.directory / "exercise.toml"
        if exercise.lesson_number not in numbers:
            found.append(Finding(file, 0, f"there is no lesson {exercise.lesson_number}"))
        for other in exercise.prerequisites:
            try:
                course.exercise(other)
            except LabError:
                found.append(Finding(file, 0, f"there is no exercise {other!r} to come before it"))
    return sorted(set(found))


def lint_lesson(lesson: Lesson, course: Course) -> list[Finding]:
    """Everything that can be seen to be wrong with a lesson."""
    file, text = lesson.file, read_text(lesson.file)
    found = [Finding(file, line, message) for line, message in markdown_problems(_without_front_matter(text, file))]
    found += [Finding(file, 0, f"title or summary: {message}")
              for _, message in text_problems(f"{lesson.title}\n{lesson.summary}")]  # fmt: skip
    if not lesson.sources:
        found.append(Finding(file, 0, "there are no sources"))
    found += [Finding(file, 0, f"{source} is no https address") for source in lesson.sources
              if not source.startswith("https://")]  # fmt: skip
    sentences = len(re.findall(r"[.?](?:\s|$)", lesson.summary))
    if sentences > 3:
        found.append(Finding(file, 0, f"the summary has {sentences} sentences"))
    for page in lesson.pages():
        size = len(page.text.encode())
        if size > PAGE_BYTES:
            found.append(Finding(file, 0, f"the page {page.title!r} has {size} bytes; at most {PAGE_BYTES}"))
    blocks = list(_blocks(text))
    for block in blocks:
        try:
            found += [Finding(file, block.line, message) for message in _block_problems(block, file, course)]
        except CourseError as error:
            found.append(Finding(file, block.line, str(error)))
    linked = {block.text.strip() for block in blocks if block.kind == "lab-exercise"}
    found += [Finding(file, 0, f"exercise {exercise.id} is not in the lesson") for exercise in course.exercises
              if exercise.lesson_number == lesson.number and exercise.id not in linked]  # fmt: skip
    asked = [re.search(r'^id = "([^"]*)"', block.text, re.MULTILINE) for block in blocks if block.kind == "lab-predict"]
    ids = [match[1] for match in asked if match]
    found += [Finding(file, 0, f"two questions have the id {name!r}") for name in {x for x in ids if ids.count(x) > 1}]
    return found


def _without_front_matter(text: str, file: Path) -> str:
    """The lesson with its front matter as empty lines, so that lines keep their numbers."""
    _, body = split_front_matter(text, file)
    return "\n" * text[: len(text) - len(body)].count("\n") + body


def _blocks(text: str) -> Iterator[Block]:
    for match in _BLOCK.finditer(text):
        yield Block(match[1], match[2], text.count("\n", 0, match.start()) + 1)


def _block_problems(block: Block, file: Path, course: Course) -> Iterator[str]:
    match block.kind:
        case "lab-keyflow":
            yield from _keyflow(parse(block.text, file))
        case "lab-figure":
            yield from _figure(parse(block.text, file), course)
        case "lab-predict":
            yield from _question(parse(block.text, file))
        case "lab-exercise":
            name = block.text.strip()
            if name not in {exercise.id for exercise in course.exercises}:
                yield f"there is no exercise {name!r}"
        case _:
            yield f"there is no block {block.kind}"


def _keyflow(table: Table) -> Iterator[str]:
    columns = table.texts("columns")
    steps = table.tables("step")
    if len(steps) > MOST_ARROWS:
        yield f"a key flow of {len(steps)} arrows; at most {MOST_ARROWS}"
    for number, step in enumerate(steps, start=1):
        source, target, text = step.text("from"), step.text("to"), step.text("text")
        step.done()
        yield from (f"{name!r} is no column" for name in (source, target) if name not in columns)
        line = f"{number}. {source} → {target}: {text}"
        if len(line) > FIGURE_WIDTH:
            yield f"arrow {number} takes {len(line)} columns; at most {FIGURE_WIDTH}"
        yield from (message for _, message in text_problems(text))
    left = table.table("left").values()
    yield from (f"{name!r} is left with something and is no column" for name in left if name not in columns)
    for name, what in left.items():
        yield from (message for _, message in text_problems(str(what)))
        if len(f"Left with {name}: {what}") > FIGURE_WIDTH:
            yield f"what is left with {name} takes more than {FIGURE_WIDTH} columns"
    table.done()


def _figure(table: Table, course: Course) -> Iterator[str]:
    name, figure = table.text("exercise"), table.text("figure")
    text, otherwise = table.text("text"), table.text("otherwise")
    table.done()
    found = next((exercise for exercise in course.exercises if exercise.id == name), None)
    if found is None:
        yield f"there is no exercise {name!r}"
    elif figure not in read_source(found.validators_file).texts:
        yield f"{name} measures no figure {figure!r}"
    if "{value}" not in text:
        yield "the text should quote {value}"
    for _, message in (*text_problems(text), *text_problems(otherwise)):
        yield message


def _question(table: Table) -> Iterator[str]:
    table.text("id")
    said = [table.text("ask")]
    choices = {}
    for choice in table.tables("choices"):
        choices[choice.text("id")] = choice.text("comparison")
        said += [choice.text("text"), choice.text("comparison")]
        choice.done()
    if len(choices) < 2:
        yield "a question should have at least two choices"
    if table.text("answer") not in choices:
        yield "the answer is no choice"
    table.done()
    for text in said:
        yield from (message for _, message in text_problems(text))
