"""What is known of the lesson or exercise under the cursor."""

from __future__ import annotations

from typing import Final

from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from lab.tui.outline import ExerciseRow, LessonRow, Row

#: What each state of a check is called here; the signs are those of the workbench.
_CHECKS: Final = {
    "passed": ("✓", "$text-success"),
    "not_yet": ("✗", "$text-error"),
    "blocked": ("-", "$text-warning"),
    "lab_fault": ("!", "$text-warning"),
}


class CourseDetail(VerticalScroll):
    """The right half of the course."""

    def show_row(self, row: Row | None) -> None:
        """Show what is known of this row."""
        content = Content("") if row is None else row_content(row)
        self.border_title = title_of(row)
        text = self.query(Static)
        if text:
            text.first().update(content)
        else:
            self.mount(Static(content))
        self.scroll_home(animate=False)


def title_of(row: Row | None) -> str:
    """Number and title."""
    if isinstance(row, LessonRow):
        return f"{row.lesson.number} {row.lesson.title}"
    return f"{row.exercise.number} {row.exercise.title}" if row else ""


def row_content(row: Row) -> Content:
    """The text of the right half. Pure."""
    return _lesson(row) if isinstance(row, LessonRow) else _exercise(row)


def _lesson(row: LessonRow) -> Content:
    parts: list[Content | str | tuple[str, str]] = [row.lesson.summary, "\n\n"]
    if row.exercises:
        parts.append(f"{row.exercises} exercise{'s' if row.exercises != 1 else ''}, {row.passed} passed.")
    else:
        parts.append("A lesson to read; it has no exercises.")
    if row.lesson.sources:
        parts += ["\n\n", ("Sources", "bold")]
        parts += [Content.assemble("\n", (short_source(source), "$text-muted")) for source in row.lesson.sources]
    parts += ["\n\n", ("enter", "bold $text-accent"), " read it"]
    if row.exercises:
        parts += ["   ", ("→", "bold $text-accent"), " its exercises"]
    return Content.assemble(*parts)


def short_source(url: str) -> str:
    """A source's site and page, without what lies between: lists of them should be readable."""
    parts = url.rsplit("://", maxsplit=1)[-1].split("#", maxsplit=1)[0].strip("/").split("/")
    page = parts[-1].removesuffix(".html")
    return parts[0] if len(parts) == 1 else f"{parts[0]}: {page}"


def _exercise(row: ExerciseRow) -> Content:
    exercise, standing = row.exercise, row.standing
    facts = [exercise.kind, f"{exercise.minutes} min"]
    if standing.hints_used:
        facts.append(f"hints used {standing.hints_used}")
    state = {"passed": "passed", "started": "started"}.get(standing.state, "not started")
    if standing.surrendered_at is not None:
        state += ", solution seen"
    parts: list[Content | str | tuple[str, str]] = [
        (exercise.idea, ""),
        "\n\n",
        (" · ".join(facts), "$text-muted"),
        "\n",
        (f"{row.sign} {state}", "$text-success" if standing.state == "passed" else "$text-muted"),
        "\n\n",
        ("Checks", "bold"),
    ]
    for check in exercise.checks:
        sign, style = _CHECKS.get(standing.checks.get(check.id, ""), ("○", "$text-muted"))
        parts += ["\n", (sign, style), f" {check.title}"]
    if exercise.prerequisites:
        parts += ["\n\n", ("Before it", "bold"), "\n", ", ".join(exercise.prerequisites)]
    verb = {"started": "go on", "passed": "open it again"}.get(standing.state, "start")
    parts += ["\n\n", ("enter", "bold $text-accent"), f" {verb}"]
    return Content.assemble(*parts)
