"""What every screen looks like at three sizes. ``--snapshot-update`` accepts a change; the diff is to be read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from textual.pilot import Pilot

from lab.tui.app import LabApp
from lab.tui.messages import OpenExercise
from lab.tui.screens.course import CourseScreen
from lab.tui.screens.workbench import WorkbenchScreen
from lab.tui.widgets.checks import ChecksPane
from lab.tui.widgets.dialogs import PredictDialog
from lab.tui.widgets.terminal import Terminal
from lab.xray import Line, Source, Span, View

from .conftest import SNAPSHOTS, MakeApp
from .settling import settle, until, until_text
from .snapshot import SIZES, Snapshots

pytestmark = pytest.mark.anyio

#: Every state that has files; those of no state are reported by the last test.
READING = ("course", "course-search", "help", "lesson-diagram", "lesson-question", "lesson-answered", "lesson-exercise")
WORKING = ("predict", "workbench", "hint", "why", "confirm", "zoom-shell", "shell", "explain", "passed")


@pytest.fixture(autouse=True)
def _steady_view(monkeypatch: pytest.MonkeyPatch) -> None:
    """Record sizes differ from run to run; what a view looks like does not."""

    def show(name: str, _source: Source) -> View:
        long = (
            "handshake 512, handshake 122, application_data 607, application_data 97, application_data 69, and 8 more"
        )
        lines = (
            Line((Span("Connection 3", "strong"), Span(" TLSv1.3", "good"), Span("  1745 bytes in", "dim"))),
            Line((Span("13 records: ", "dim"), Span(long)), indent=2),
            Line((Span("the key header has 45 bytes", "bad"), Span(" ← not 32", "mark")), indent=2),
        )
        return View(name, name, lines)

    monkeypatch.setattr("lab.xray.show", show)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_reading(make_app: MakeApp, snapshot: Snapshots, size: tuple[int, int]) -> None:
    app = make_app()
    async with app.run_test(size=size) as pilot:
        await until_text(pilot, "sandbox ● ready")
        await settle(pilot)
        snapshot.check(app, "course")
        await pilot.press("slash", *"lock")
        await settle(pilot)
        snapshot.check(app, "course-search")
        await pilot.press("escape", "home", "question_mark")
        await settle(pilot)
        snapshot.check(app, "help")
        await pilot.press("escape", "enter")
        await settle(pilot)
        await until_text(pilot, "page 1 of 3")
        snapshot.check(app, "lesson-diagram")
        await pilot.press("n")
        await settle(pilot)
        snapshot.check(app, "lesson-question")
        await pilot.press("tab", "down", "enter")
        await settle(pilot)
        await until_text(pilot, "your answer")
        snapshot.check(app, "lesson-answered")
        await pilot.press("n")
        await settle(pilot)
        snapshot.check(app, "lesson-exercise")


async def workbench(pilot: Pilot[int], app: LabApp) -> WorkbenchScreen:
    await until(pilot, lambda: isinstance(app.screen, WorkbenchScreen))
    assert isinstance(app.screen, WorkbenchScreen)
    bench = app.screen
    await until(pilot, lambda: "lab 1.1 $" in bench.query_one(Terminal).emulated.text())
    await settle(pilot)
    return bench


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_working(make_app: MakeApp, snapshot: Snapshots, size: tuple[int, int], tmp_path: Path) -> None:
    app = make_app()
    async with app.run_test(size=size) as pilot:
        await until_text(pilot, "sandbox ● ready")
        app.post_message(OpenExercise("1.1"))
        await until(pilot, lambda: isinstance(app.screen, PredictDialog))
        bench_below = app.screen_stack[-2]
        await until(pilot, lambda: "lab 1.1 $" in bench_below.query_one(Terminal).emulated.text())
        await settle(pilot)
        snapshot.check(app, "predict")
        await pilot.press("down", "enter")
        await until_text(pilot, "X-ray")
        bench = await workbench(pilot, app)
        await until(pilot, lambda: "you said" in str(bench.query_one(ChecksPane).options[-1].prompt))
        await settle(pilot)
        snapshot.check(app, "workbench")
        for keys, name in (("h", "hint"), ("enter", "why"), ("r", "confirm")):
            await pilot.press(keys)
            await until(pilot, lambda: app.screen is not bench)
            await settle(pilot)
            snapshot.check(app, name)
            await pilot.press("escape")
            await settle(pilot)
        await pilot.press("i")
        await settle(pilot)
        snapshot.check(app, "shell")
        await pilot.press("ctrl+right_square_bracket", "z", "i")
        await settle(pilot)
        snapshot.check(app, "zoom-shell")
        await pilot.press("ctrl+right_square_bracket", "z")
        # The fastest way to pass: what the reference solution does.
        session = bench.desk.session(bench.exercise)
        session.handle.client("default", "s3").put_object(
            Bucket=session.names["bucket.vault"], Key="note.txt", Body=(session.workspace / "note.txt").read_bytes()
        )
        (session.workspace / "key.bin").chmod(0o600)
        (session.workspace / "answer.txt").write_text("S3")
        await until(pilot, lambda: "all passed" in str(bench.query_one(ChecksPane).border_subtitle))
        await settle(pilot)
        snapshot.check(app, "passed")
        await pilot.press("e")
        await until(pilot, lambda: app.screen is not bench)
        await settle(pilot)
        snapshot.check(app, "explain")
        await pilot.press("escape", "escape")
        await settle(pilot)
        assert isinstance(app.screen, CourseScreen)


def test_no_file_without_a_state() -> None:
    wanted = {f"{name}-{width}x{height}.txt" for name in (*READING, *WORKING) for width, height in SIZES}
    assert {file.name for file in SNAPSHOTS.iterdir()} == wanted


def test_nothing_private_stands_in_a_file() -> None:
    for file in SNAPSHOTS.iterdir():
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"/root|/home|/tmp|AKIA|ASIA|[0-9a-f]{32}", text), file.name
