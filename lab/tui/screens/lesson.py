"""One lesson, page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.reactive import reactive
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from lab.course import Lesson
from lab.tui.desk import Desk
from lab.tui.messages import OpenExercise
from lab.tui.outline import ExerciseRow, standing_of
from lab.tui.screens.base import LabScreen

if TYPE_CHECKING:
    from textual.widgets import Markdown

    from lab.tui.widgets.lesson_blocks import LessonFacts, QuestionChoices


class LessonScreen(LabScreen):
    """A lesson.

    Args:
        desk: What screens work with.
        lesson: What is read.

    Raises:
        LabError: The lesson cannot be read.
    """

    KEYS_LAST = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n,right", "turn(1)", "Next page", id="lesson.next", tooltip="The next page"),
        Binding("p,left", "turn(-1)", "Previous", id="lesson.previous", tooltip="The page before"),
        Binding("space", "read_on", "Read on", id="lesson.on", tooltip="Down one screen, then the next page"),
        Binding("e", "exercise", "Exercise", id="lesson.open", tooltip="The next exercise of this lesson"),
        Binding("escape,b", "app.back", "Back", id="lesson.back", tooltip="Back to the course"),
    ]

    page_number = reactive(0, init=False)

    def __init__(self, desk: Desk, lesson: Lesson) -> None:
        super().__init__(desk, f"{lesson.number} {lesson.title}")
        self.lesson = lesson
        # A few kilobytes: with them at hand, the text is there in the screen's first frame.
        self._lesson_pages = lesson.pages()
        standings = desk.standings()
        self._lesson_rows = [
            ExerciseRow(exercise, standing_of(standings, exercise)) for exercise in desk.course().exercises
        ]
        place = standings.get(f"lesson/{lesson.id}")
        self._lesson_choices = dict(place.predictions) if place else {}

    def compose_body(self) -> ComposeResult:
        """Pages at the left where there is room, the text at the right."""
        from lab.tui.widgets.lesson_blocks import LabMarkdown

        with Horizontal(id="lesson-body"):
            pages = [Option(page.title) for page in self._lesson_pages]
            yield OptionList(*pages, id="lesson-pages", classes="pane", compact=True)
            with VerticalScroll(id="lesson-text", classes="pane"):
                yield LabMarkdown(self._lesson_pages[0].text, facts=self._facts(), id="lesson-page")

    def on_mount(self) -> None:
        """Keep the place in a worker; the keys come last."""
        super().on_mount()
        self.query_one("#lesson-pages").border_title = "Pages"
        self.query_one("#lesson-text").focus()
        self._show_place_in_lesson()
        self.call_after_refresh(self.fill_footer)
        place = f"lesson/{self.lesson.id}"
        self.work(lambda: self.desk.remember("open", place), doing="keeping your place", group="lesson")

    def _facts(self) -> LessonFacts:
        from lab.exercise.record import saved_figures
        from lab.tui.widgets.lesson_blocks import LessonFacts

        rows = {row.exercise.id: row for row in self._lesson_rows}
        return LessonFacts(
            figure=lambda exercise, figure: saved_figures(exercise).get(figure),
            exercise=rows.get,
            choice=lambda question: self._lesson_choices.get(question, ""),
        )

    async def watch_page_number(self, number: int) -> None:
        """Show that page from its top."""
        from lab.tui.widgets.lesson_blocks import LabMarkdown

        await self.query_one(LabMarkdown).update(self._lesson_pages[number].text)
        self.query_one("#lesson-text", VerticalScroll).scroll_home(animate=False)
        self._show_place_in_lesson()
        self.refresh_bindings()

    def _show_place_in_lesson(self) -> None:
        text = self.query_one("#lesson-text")
        text.border_title = f"{self.lesson.number} {self.lesson.title}"
        text.border_subtitle = f"page {self.page_number + 1} of {len(self._lesson_pages)}"
        self.query_one("#lesson-pages", OptionList).highlighted = self.page_number

    def action_turn(self, by: int) -> None:
        """Turn pages."""
        last = max(0, len(self._lesson_pages) - 1)
        self.page_number = max(0, min(last, self.page_number + by))

    def action_read_on(self) -> None:
        """Down one screen; at the end of a page, the next one."""
        text = self.query_one("#lesson-text", VerticalScroll)
        if text.scroll_offset.y < text.max_scroll_y:
            text.scroll_page_down(animate=False)
        else:
            self.action_turn(1)

    def action_exercise(self) -> None:
        """The first exercise of this lesson that has not been passed, else the first."""
        own = [row for row in self._lesson_rows if row.exercise.lesson_number == self.lesson.number]
        if own:
            row = next((row for row in own if row.standing.state != "passed"), own[0])
            self.post_message(OpenExercise(row.exercise.id))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """A page was chosen from the list."""
        event.stop()
        self.page_number = event.option_index
        self.query_one("#lesson-text").focus()

    def on_question_choices_chosen(self, message: QuestionChoices.Chosen) -> None:
        """Keep the answer."""
        message.stop()
        self._lesson_choices[message.question_id] = message.choice_id
        place = f"lesson/{self.lesson.id}"
        self.work(
            lambda: self.desk.remember("predict", place, check=message.question_id, verdict=message.choice_id),
            doing="keeping your answer",
        )

    def on_markdown_link_clicked(self, event: Markdown.LinkClicked) -> None:
        """Addresses are copied: a terminal may have no browser."""
        event.stop()
        self.app.copy_to_clipboard(event.href)
        self.notify(event.href, title="Address copied")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that lead nowhere are dimmed."""
        if action == "turn":
            last = max(0, len(self._lesson_pages) - 1)
            target = self.page_number + (parameters[0] if isinstance(parameters[0], int) else 0)
            return True if 0 <= target <= last else None
        if action == "exercise":
            return any(row.exercise.lesson_number == self.lesson.number for row in self._lesson_rows) or None
        return super().check_action(action, parameters)
