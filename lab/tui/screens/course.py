"""The course: what there is, where the learner is, what is next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Static

from lab.tui.desk import Desk
from lab.tui.messages import OpenExercise, OpenLesson
from lab.tui.screens.base import LabScreen

if TYPE_CHECKING:
    from textual.widgets import Input, OptionList

    from lab.course import Course
    from lab.progress import Standing
    from lab.tui.outline import Row
    from lab.tui.widgets.outline_list import OutlineList


class CourseScreen(LabScreen):
    """Lessons and exercises, with their state."""

    KEYS_LAST = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "end_search", "End search", id="course.all", tooltip="Show the whole course again"),
        Binding("down", "to_list", "To the list", id="course.list", show=False, tooltip="To what was found"),
        Binding("slash", "search", "Search", id="course.search", tooltip="Show only what fits some words"),
        Binding("d", "doctor", "Doctor", id="course.doctor", tooltip="What is missing on this machine"),
        Binding("q", "app.quit", "Quit", id="course.quit", tooltip="Leave the lab"),
    ]

    @dataclass
    class CourseRead(Message):
        """The course and the learner's standing have been read."""

        course: Course
        standings: dict[str, Standing]
        last_place: str

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._course: Course | None = None
        self._standings: dict[str, Standing] = {}
        self._opened_lessons: set[str] = set()
        self._wanted_place = ""

    def compose_body(self) -> ComposeResult:
        """Two empty panes; they are filled after the first frame."""
        with Horizontal(id="course-body"):
            with Vertical(id="course-left", classes="pane") as left:
                left.border_title = "Course"
                yield Static("Reading the course …", id="course-waiting", classes="muted")
            with Vertical(id="course-right"):
                pass

    def on_mount(self) -> None:
        """The list first, then the keys."""
        super().on_mount()
        self.call_after_refresh(self._fill_panes)

    async def _fill_panes(self) -> None:
        if not self.is_attached:
            return  # left before it was filled
        from lab.tui.widgets.course_detail import CourseDetail
        from lab.tui.widgets.outline_list import OutlineList

        detail = self.query_one("#course-right").mount(CourseDetail(id="course-detail", classes="pane"))
        await self.query_one("#course-left").mount(OutlineList(id="course-list"))
        await detail
        self.read_course()

    def read_course(self) -> None:
        """Read course and progress again."""

        def job() -> Message:
            course = self.desk.course()
            return self.CourseRead(course, self.desk.standings(), self.desk.store.last_place())

        self.work(job, doing="reading the course", group="course")

    def show_place(self, key: str) -> None:
        """Put the cursor on a lesson or an exercise: that is where the learner comes back to."""
        self._wanted_place = key
        if self._course is not None:
            self._open_lesson_of(key)
            self._show_rows(key)

    @on(CourseRead)
    def _show_course(self, message: CourseRead) -> None:
        first_time = self._course is None
        self._course, self._standings = message.course, message.standings
        for waiting in self.query("#course-waiting"):
            waiting.remove()
        place = self._current_key()
        if first_time:
            from lab.tui.outline import next_place

            place = self._wanted_place or next_place(message.course, message.standings, message.last_place)
            self._open_lesson_of(place)
            self._outline_list.focus()
            self._say_problems(message.course)
        self._show_rows(place)
        self.call_after_refresh(self.fill_footer)

    def _say_problems(self, course: Course) -> None:
        if notice := self.desk.store.notice:
            self.notify(notice, title="Progress", severity="warning", timeout=12)
        for problem in list(course.problems.values())[:3]:
            self.lab.say_error(problem)

    @property
    def _outline_list(self) -> OutlineList:
        from lab.tui.widgets.outline_list import OutlineList

        return self.query_one(OutlineList)

    def _current_key(self) -> str:
        row = self._outline_list.current
        return row.key if row else ""

    def _open_lesson_of(self, place: str) -> None:
        assert self._course is not None  # noqa: S101 - called after it has been read
        for exercise in self._course.exercises:
            lesson = self._course.lesson_of(exercise)
            if lesson is not None and place in (exercise.id, f"lesson/{lesson.id}"):
                self._opened_lessons.add(f"lesson/{lesson.id}")

    def _show_rows(self, keep: str) -> None:
        if self._course is None:
            return
        search = self.query("#course-search").results()
        words = next((getattr(widget, "value", "") for widget in search), "")
        from lab.tui.outline import outline

        rows = outline(self._course, self._standings, self._opened_lessons, words)
        self._outline_list.show_rows(rows, keep=keep)
        passed = sum(standing.state == "passed" for standing in self._standings.values())
        left = self.query_one("#course-left")
        left.border_subtitle = f"{passed} of {len(self._course.exercises)} passed"
        if not rows:
            self._show_detail(None)

    def _show_detail(self, row: Row | None) -> None:
        from lab.tui.widgets.course_detail import CourseDetail

        self.query_one(CourseDetail).show_row(row)

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Show what is known of the row under the cursor."""
        event.stop()
        self._show_detail(self._outline_list.current)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Open it."""
        event.stop()
        self._open_current()

    def _open_current(self) -> None:
        from lab.tui.outline import ExerciseRow, LessonRow

        row = self._outline_list.current
        if isinstance(row, LessonRow):
            self.post_message(OpenLesson(row.lesson.id))
        elif isinstance(row, ExerciseRow):
            self.post_message(OpenExercise(row.exercise.id))

    def on_outline_list_toggled(self, event: OutlineList.Toggled) -> None:
        """Show or hide a lesson's exercises."""
        event.stop()
        (self._opened_lessons.add if event.opened else self._opened_lessons.discard)(event.key)
        self._show_rows(event.key)

    async def action_search(self) -> None:
        """Ask for words; the list follows while they are typed."""
        from textual.widgets import Input

        if not self.query("#course-search"):
            field = Input(placeholder="words of a title; enter opens", id="course-search", compact=True)
            await self.query_one("#course-left").mount(field, before=0)
        self.query_one("#course-search").focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Follow the words."""
        from lab.tui.outline import ExerciseRow

        event.stop()
        self._show_rows("")
        rows = self._outline_list.rows
        if event.value.strip() and len(rows) > 1 and isinstance(rows[1], ExerciseRow):
            self._outline_list.highlighted = 1  # what was looked for, rather than the lesson that holds it

    async def on_input_submitted(self, event: Input.Submitted) -> None:
        """Open what was found first; the arrow keys choose among the rest. Whoever comes back finds the whole list."""
        event.stop()
        if self._outline_list.current is not None:
            self._open_current()
            await self.action_end_search()

    def action_to_list(self) -> None:
        """From the words to what was found."""
        self._outline_list.focus()

    async def action_end_search(self) -> None:
        """Show everything again, with the cursor where it is."""
        key = self._current_key()
        await self.query("#course-search").remove()
        self._open_lesson_of(key)
        self._show_rows(key)
        self._outline_list.focus()

    async def action_doctor(self) -> None:
        """Look at this machine."""
        from lab.tui.screens.doctor import DoctorScreen

        await self.lab.push_lab_screen(DoctorScreen(self.desk))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Escape belongs to the search while there is one."""
        if action == "end_search":
            return bool(self.query("#course-search"))
        return super().check_action(action, parameters)
