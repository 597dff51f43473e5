"""Lessons: pages, the lab's blocks, and the ways on."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList

from lab.exercise import record as records
from lab.progress import Store
from lab.tui import blocks
from lab.tui.app import LabApp
from lab.tui.messages import OpenLesson
from lab.tui.screens.lesson import LessonScreen
from lab.tui.widgets.lesson_blocks import ExerciseBlock, QuestionChoices

from .conftest import MakeApp
from .settling import settle, until, until_text
from .snapshot import screen_text

pytestmark = pytest.mark.anyio


async def opened(pilot: Pilot[int], app: LabApp, lesson: str = "first") -> LessonScreen:
    await settle(pilot)
    app.post_message(OpenLesson(lesson))
    await until(pilot, lambda: isinstance(app.screen, LessonScreen))
    await settle(pilot)
    assert isinstance(app.screen, LessonScreen)
    return app.screen


async def test_pages_turn_and_stop_at_the_ends(make_app: MakeApp, store: Store) -> None:
    app = make_app()
    async with app.run_test(size=(100, 30)) as pilot:
        await opened(pilot, app)
        assert "page 1 of 3" in screen_text(app)
        await pilot.press("p")
        assert "page 1 of 3" in screen_text(app)
        for key, page in (("n", 2), ("right", 3), ("n", 3), ("p", 2), ("left", 1)):
            await pilot.press(key)
            await until_text(pilot, f"page {page} of 3")
        assert store.last_place() == "lesson/first"


async def test_space_reads_on(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        lesson = await opened(pilot, app)
        pages = []
        for _ in range(4):
            await pilot.press("space")
            await settle(pilot)
            pages.append(lesson.page_number)
        assert pages[0] == 0, "the first page is longer than the screen"
        assert pages[-1] >= 1


async def test_a_question_is_answered_once_and_remembered(make_app: MakeApp, store: Store) -> None:
    app = make_app()
    async with app.run_test(size=(100, 30)) as pilot:
        await opened(pilot, app)
        await pilot.press("n")
        await until_text(pilot, "The object lies on the disk.")
        options = app.screen.query_one(QuestionChoices).query_one(OptionList)
        options.focus()
        options.highlighted = 1
        await pilot.press("enter")
        await until_text(pilot, "Then the disk alone would be enough")
        await until_text(pilot, "✗ the data key   (your answer)")
        assert "✓ the wrapped data key" in screen_text(app)
        await pilot.press("up", "enter")
        await settle(pilot)
        assert "only KMS can open it" not in screen_text(app)
        assert store.standing("lesson/first").predictions == {"who-holds": "plain"}
        await pilot.press("n")
        await settle(pilot)
        await pilot.press("p")
        await until_text(pilot, "Then the disk alone would be enough")


async def test_figures_come_from_the_learners_own_run(make_app: MakeApp) -> None:
    directory = records.directory_of("sandbox", "put-one")
    app = make_app()
    async with app.run_test(size=(100, 30)) as pilot:
        await opened(pilot, app)
        await pilot.press("n", "n")
        await until_text(pilot, "Not measured yet")
        record = records.WorldRecord("put-one")
        record.figures = {"size": "7"}
        records.save(directory, record)
        await pilot.press("p", "n")
        await until_text(pilot, "Your object has 7 bytes.")


async def test_the_way_into_the_exercise(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(100, 30)) as pilot:
        lesson = await opened(pilot, app)
        await pilot.press("n", "n")
        await until_text(pilot, "○ 1.1  Put one object")
        lesson.query_one(ExerciseBlock).focus()
        await pilot.press("enter")
        await until_text(pilot, "1.1 Put one object")
        await until(pilot, lambda: app.screen is not lesson)


async def test_links_are_copied(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(100, 30)) as pilot:
        await opened(pilot, app, "second")
        assert "price list" in screen_text(app)
        await pilot.click("MarkdownParagraph", offset=(40, 0))
        await until(pilot, lambda: app.clipboard == "https://aws.amazon.com/kms/pricing/")


async def test_a_lesson_that_is_gone_is_a_sentence(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await settle(pilot)
        app.post_message(OpenLesson("nowhere"))
        await until_text(pilot, "There is no lesson 'nowhere'")


FLOW = """
columns = ["you", "S3"]
[[step]]
from = "you"
to = "S3"
text = "32 key bytes"
[[step]]
from = "S3"
to = "you"
text = "an answer that is long enough to need a second line, wherever it stands in the diagram"
[[step]]
from = "S3"
to = "S3"
text = "keeps an HMAC"
[left]
S3 = "an HMAC"
"""


def test_a_diagram_reads_from_top_to_bottom() -> None:
    lines = blocks.draw_keyflow(blocks.read_keyflow(FLOW))
    assert lines == [
        "  you     S3",
        "   │      │",
        "   ●──────▶    1 32 key bytes",
        "   ◀──────●    2 an answer that is long enough to need a second line,",
        "   │      │      wherever it stands in the diagram",
        "   │      ◆    3 keeps an HMAC",
        "",
        "At the end",
        "S3  an HMAC",
    ]
    assert max(map(len, lines)) <= 76


def test_a_diagram_without_room_for_lanes_is_words() -> None:
    lines = blocks.draw_keyflow(blocks.read_keyflow(FLOW), 30)
    assert lines[0] == "1 you → S3: 32 key bytes"
    assert "3 S3: keeps an HMAC" in lines
    assert max(map(len, lines)) <= 30


@pytest.mark.parametrize(
    ("read", "text", "says"),
    [
        (blocks.read_keyflow, "columns = [", "lab-keyflow"),
        (blocks.read_keyflow, 'columns = ["a"]\n[[step]]\nfrom = "a"\nto = "b"', "'b' is no column"),
        (blocks.read_figure, 'exercise = "x"', "figure is missing"),
        (blocks.read_question, 'id = "x"\nask = "?"\nchoices = []\nanswer = "y"', "'y' is no choice"),
    ],
)
def test_broken_blocks_say_what_is_wrong(read: object, text: str, says: str) -> None:
    with pytest.raises(blocks.BlockError, match=says):
        read(text)  # type: ignore[operator]  # one of the readers


def test_every_block_of_the_course_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    from lab.course import load_course

    monkeypatch.delenv("LAB_CONTENT_DIR")
    readers = {
        "lab-keyflow": blocks.read_keyflow,
        "lab-figure": blocks.read_figure,
        "lab-predict": blocks.read_question,
        "lab-exercise": blocks.read_exercise_id,
    }
    parser = blocks.parser()
    seen = 0
    for lesson in load_course().lessons:
        for page in lesson.pages():
            assert len(page.text.encode()) <= 8192, f"{lesson.file}: {page.title}"
            for token in parser.parse(page.text):
                if token.type in readers:
                    readers[token.type](token.content)
                    seen += 1
    assert seen > 0
