"""The course screen, in the app."""

from __future__ import annotations

import pytest

from lab.progress import ProgressEvent, Store
from lab.tui.outline import ExerciseRow, LessonRow
from lab.tui.screens.course import CourseScreen
from lab.tui.screens.doctor import DoctorScreen
from lab.tui.screens.help import HelpScreen
from lab.tui.screens.lesson import LessonScreen
from lab.tui.screens.workbench import WorkbenchScreen
from lab.tui.widgets.outline_list import OutlineList

from .conftest import MakeApp
from .settling import settle, until, until_text
from .snapshot import screen_text

pytestmark = pytest.mark.anyio


async def test_it_begins_at_the_first_lesson(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        rows = app.screen.query_one(OutlineList).rows
        assert [row.key for row in rows] == ["lesson/first", "put-one", "lock-it", "lesson/second"]
        assert "A lesson to read" not in screen_text(app)
        assert "2 exercises, 0 passed." in screen_text(app)
        assert "0 of 2 passed" in screen_text(app)


async def test_it_resumes_where_the_learner_left_off(make_app: MakeApp, store: Store) -> None:
    store.append(ProgressEvent("start", exercise="put-one", at=1.0), ProgressEvent("pass", exercise="put-one", at=2.0))
    app = make_app()
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        row = app.screen.query_one(OutlineList).current
        assert isinstance(row, ExerciseRow)
        assert row.exercise.id == "lock-it"
        assert "✓ 1.1  Put one object" in screen_text(app)


async def test_lessons_open_and_close(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        outline = app.screen.query_one(OutlineList)
        await pilot.press("down", "left")
        await settle(pilot)
        assert [row.key for row in outline.rows] == ["lesson/first", "lesson/second"]
        await pilot.press("right")
        await settle(pilot)
        assert len(outline.rows) == 4


async def test_search_shows_what_fits_and_escape_ends_it(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await pilot.press("slash", *"LOCK")
        await settle(pilot)
        outline = app.screen.query_one(OutlineList)
        assert [row.key for row in outline.rows] == ["lesson/first", "lock-it"]
        await pilot.press("down", "escape")
        await settle(pilot)
        assert len(outline.rows) == 4
        assert outline.current is not None
        assert outline.current.key == "lock-it"


async def test_enter_opens_what_was_found_and_ends_the_search(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        course = app.screen
        await pilot.press("slash", *"lock", "enter")
        await until(pilot, lambda: isinstance(app.screen, WorkbenchScreen))
        assert not course.query("#course-search")
        row = course.query_one(OutlineList).current
        assert row is not None
        assert row.key == "lock-it"


async def test_nothing_found(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await pilot.press("slash", *"zzz")
        await settle(pilot)
        assert app.screen.query_one(OutlineList).rows == ()
        await pilot.press("enter", "down", "enter", "escape")
        await settle(pilot)
        assert isinstance(app.screen, CourseScreen)


async def test_enter_opens_lessons_and_exercises(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        assert isinstance(app.screen, LessonScreen)
        await pilot.press("escape", "down", "enter")
        await settle(pilot)
        await until(pilot, lambda: isinstance(app.screen, WorkbenchScreen) or len(app.screen_stack) > 2)


async def test_the_way_to_doctor_and_help(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(100, 36)) as pilot:
        await settle(pilot)
        await pilot.press("question_mark")
        await settle(pilot)
        assert isinstance(app.screen, HelpScreen)
        assert "Show only what fits some words" in screen_text(app)
        await pilot.press("escape", "d")
        await settle(pilot)
        assert isinstance(app.screen, DoctorScreen)
        await until_text(pilot, "python")
        await until_text(pilot, "sandbox")
        await pilot.press("escape")
        await settle(pilot)
        assert isinstance(app.screen, CourseScreen)


async def test_the_palette_has_every_key_of_the_screen(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(100, 36)) as pilot:
        await settle(pilot)
        titles = [command.title for command in app.get_system_commands(app.screen)]
        assert any(title.startswith("Search") for title in titles)
        assert any(title.startswith("Doctor") for title in titles)
        assert not any(title.startswith("Focus") for title in titles)
        assert len(titles) == len(set(titles))
        assert any(title.startswith(f"{app.desk.course().exercises[0].number} ") for title in titles)
        await pilot.press("f1", *"high contr", "enter")
        await until(pilot, lambda: app.theme == "lab-contrast")


async def test_quitting(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("q")
    assert app.return_value == 0


def test_rows_know_their_signs(store: Store) -> None:
    from lab.course import load_course
    from lab.tui.outline import next_place, outline

    store.append(*(ProgressEvent("pass", exercise=name) for name in ("put-one", "lock-it")))
    course = load_course()
    rows = outline(course, store.standings(), {"lesson/first"})
    assert [row.sign for row in rows] == ["✓", "✓", "✓", "▸"]
    assert [row.tally for row in rows] == ["2/2", "passed", "passed", ""]
    assert isinstance(rows[0], LessonRow)
    assert next_place(course, store.standings(), "lock-it") == "lock-it"
    assert next_place(course, {}, "lesson/second") == "lesson/second"
    assert next_place(course, {}, "gone") == "lesson/first"
