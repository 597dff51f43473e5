"""The workbench on the real sandbox: what the learner does in the shell turns the checks."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil
import pytest
from textual.pilot import Pilot

from lab.backends.runtime import find_sandbox
from lab.progress import Store
from lab.tui.app import LabApp
from lab.tui.desk import Desk
from lab.tui.screens.course import CourseScreen
from lab.tui.screens.workbench import WorkbenchScreen
from lab.tui.widgets.checks import ChecksPane
from lab.tui.widgets.dialogs import PredictDialog, TextDialog
from lab.tui.widgets.terminal import Terminal
from lab.tui.widgets.xray import XrayPane

from .conftest import MakeApp
from .settling import settle, until, until_text
from .snapshot import screen_text

pytestmark = pytest.mark.anyio


async def opened(pilot: Pilot[int], app: LabApp) -> WorkbenchScreen:
    """The workbench of exercise 1.1, with its question put off and the shell's prompt there."""
    await until(pilot, lambda: isinstance(app.screen, PredictDialog), "the question")
    await pilot.press("escape")
    await settle(pilot)
    bench = app.screen
    assert isinstance(bench, WorkbenchScreen)
    await until(pilot, lambda: "lab 1.1 $" in bench.query_one(Terminal).emulated.text(), "the prompt")
    return bench


async def type_line(pilot: Pilot[int], bench: WorkbenchScreen, line: str) -> None:
    """Type into the shell as the learner does."""
    await pilot.press("i")
    await until(pilot, lambda: isinstance(bench.focused, Terminal))
    bench.query_one(Terminal).type_text(line)
    await pilot.press("enter")


def signs(bench: WorkbenchScreen) -> str:
    """The signs of the checks, top to bottom."""
    pane = bench.query_one(ChecksPane)
    return "".join(str(option.prompt)[0] for option in pane.options if not str(option.id).startswith("question."))


def lives(pid: int) -> bool:
    """Whether the process runs; one that only waits to be collected by its parent does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


async def test_from_the_question_to_the_explanation(make_app: MakeApp, store: Store) -> None:
    app = make_app(exercise="1.1")
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, PredictDialog), "the question")
        await pilot.press("down", "enter")
        await settle(pilot)
        bench = app.screen
        assert isinstance(bench, WorkbenchScreen)
        await until_text(pilot, "you said: AES256")
        assert signs(bench) == "✗✗·"
        assert store.standing("put-one").predictions == {"mode": "AES256"}

        await type_line(pilot, bench, "chmod 600 key.bin")
        await until(pilot, lambda: signs(bench) == "✗✓·", "the second check")
        put = "import boto3,os; boto3.client('s3').put_object(Bucket=os.environ['LAB_BUCKET_VAULT'],Key='note.txt',"
        bench.query_one(Terminal).type_text(f"python -c \"{put}Body=open('note.txt','rb'))\"")
        await pilot.press("enter")
        await until(pilot, lambda: signs(bench) == "✓✓✗", "the first check")
        await until_text(pilot, "the run showed: as you said")
        await until_text(pilot, "PutObject")
        assert store.standing("put-one").passed_at is None

        bench.query_one(Terminal).type_text("echo S3 >answer.txt")
        await pilot.press("enter")
        await until(pilot, lambda: signs(bench) == "✓✓✓", "the last check")
        await until(pilot, lambda: store.standing("put-one").passed_at is not None)
        await pilot.press("ctrl+right_square_bracket")
        await settle(pilot)
        await pilot.press("e")
        await until_text(pilot, "has 7 bytes")
        await pilot.press("escape", "escape")
        await settle(pilot)
        assert isinstance(app.screen, CourseScreen)
        assert "✓ 1.1  Put one object" in screen_text(app)


async def test_hints_come_one_by_one(make_app: MakeApp, store: Store) -> None:
    app = make_app(exercise="1.1")
    async with app.run_test(size=(120, 36)) as pilot:
        bench = await opened(pilot, app)
        await pilot.press("h")
        await until_text(pilot, "Hint 1 of 4: note.txt is stored")
        for level in (2, 3, 4):
            await pilot.press("h")
            await until_text(pilot, f"Hint {level} of 4")
        await pilot.press("h", "escape")
        await settle(pilot)
        assert store.standing("put-one").hints == {"stored": 4}
        bench.query_one(ChecksPane).focus()
        await pilot.press("down", "h")
        await until_text(pilot, "Hint 1 of 4: key.bin is readable by you alone")


async def test_more_about_a_check_and_the_view_that_shows_it(make_app: MakeApp) -> None:
    app = make_app(exercise="1.1")
    async with app.run_test(size=(120, 36)) as pilot:
        bench = await opened(pilot, app)
        bench.query_one(XrayPane).view = "policy"
        await settle(pilot)
        await pilot.press("enter")
        await until_text(pilot, "The check reads the bucket, not your terminal.")
        await pilot.press("x")
        await settle(pilot)
        assert bench.query_one(XrayPane).view == "wire"
        assert bench.focused is bench.query_one("#xray-scroll")


async def test_the_solution_after_a_question(make_app: MakeApp, store: Store) -> None:
    app = make_app(exercise="1.1")
    async with app.run_test(size=(120, 36)) as pilot:
        bench = await opened(pilot, app)
        await pilot.press("s", "n")
        await settle(pilot)
        assert app.screen is bench
        assert store.standing("put-one").surrendered_at is None
        await pilot.press("s", "y")
        await until_text(pilot, "aws s3api put-object --bucket")
        assert store.standing("put-one").surrendered_at is not None


async def test_reset_keeps_what_the_learner_wrote(make_app: MakeApp, tmp_path: Path) -> None:
    app = make_app(exercise="1.1")
    async with app.run_test(size=(120, 36)) as pilot:
        bench = await opened(pilot, app)
        (tmp_path / "work" / "put-one" / "mine.txt").write_text("mine")
        (tmp_path / "work" / "put-one" / "key.bin").chmod(0o600)
        await until(pilot, lambda: signs(bench) == "✗✓·")
        await pilot.press("r", "y")
        await until(pilot, lambda: signs(bench) == "✗✗·")
        assert (tmp_path / "work" / "put-one.before-reset-1" / "mine.txt").read_text() == "mine"


async def test_single_letters_go_to_the_shell_and_two_keys_leave_it(make_app: MakeApp) -> None:
    app = make_app(exercise="1.1")
    async with app.run_test(size=(120, 36)) as pilot:
        bench = await opened(pilot, app)
        await pilot.press("i", *"hxrszq")
        await until(pilot, lambda: "lab 1.1 $ hxrszq" in bench.query_one(Terminal).emulated.text())
        assert app.screen is bench
        assert "Leave shell" in screen_text(app)
        assert "Reset" not in screen_text(app)
        await pilot.press("escape", "ctrl+c")
        assert app.screen is bench
        await pilot.press("ctrl+right_square_bracket")
        assert bench.focused is bench.query_one(ChecksPane)
        seen = []
        for _ in range(5):
            await pilot.press("f6")
            seen.append(bench.focused.id if bench.focused else "")
        assert seen == ["bench-brief", "bench-shell", "xray-scroll", "bench-checks", "bench-brief"]


async def test_zoom_shows_one_pane(make_app: MakeApp) -> None:
    app = make_app(exercise="1.1")
    async with app.run_test(size=(80, 24)) as pilot:
        bench = await opened(pilot, app)
        terminal = bench.query_one(Terminal)
        before = terminal.emulated.columns
        await pilot.press("z")
        await settle(pilot)
        assert not terminal.is_on_screen
        await pilot.press("i")
        await settle(pilot)
        assert terminal.emulated.columns > before + 20
        await pilot.press("ctrl+right_square_bracket", "z")
        await settle(pilot)
        assert terminal.emulated.columns == before


async def test_the_shell_goes_on_while_the_learner_reads_elsewhere(make_app: MakeApp) -> None:
    app = make_app(exercise="1.1")
    async with app.run_test(size=(120, 36)) as pilot:
        bench = await opened(pilot, app)
        await type_line(pilot, bench, "COUNT=41")
        await pilot.press("ctrl+right_square_bracket", "escape")
        await settle(pilot)
        assert isinstance(app.screen, CourseScreen)
        await pilot.press("enter")
        await settle(pilot)
        assert app.screen.id == bench.id and bench.is_current  # noqa: PT018 - one fact
        await type_line(pilot, bench, "echo $((COUNT+1))")
        await until(pilot, lambda: "\n42\n" in bench.query_one(Terminal).emulated.text())


async def test_the_next_exercise_ends_the_shell_of_the_last(make_app: MakeApp) -> None:
    app = make_app(exercise="1.1")
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(pilot, app)
        children = [child.pid for child in psutil.Process().children() if child.name() == "bash"]
        assert children
        await pilot.press("n")
        await until_text(pilot, "lab 1.2 $")
        await until(pilot, lambda: not any(lives(pid) for pid in children), "the end of the first shell")


async def test_a_shell_that_ended_can_be_opened_again(make_app: MakeApp) -> None:
    app = make_app(exercise="1.1")
    async with app.run_test(size=(120, 36)) as pilot:
        bench = await opened(pilot, app)
        await type_line(pilot, bench, "exit 4")
        await until_text(pilot, "ended (4); i opens a new shell")
        assert bench.focused is bench.query_one(ChecksPane)
        await pilot.press("i")
        await until(pilot, lambda: "lab 1.1 $" in bench.query_one(Terminal).emulated.text())


async def test_leaving_the_app_leaves_no_process(make_app: MakeApp) -> None:
    app = make_app(exercise="1.1")
    async with app.run_test(size=(120, 36)) as pilot:
        bench = await opened(pilot, app)
        await type_line(pilot, bench, "sleep 300 & echo started")
        await until(pilot, lambda: "\nstarted" in bench.query_one(Terminal).emulated.text())
        children = [
            child.pid for child in psutil.Process().children(recursive=True) if child.name() in {"bash", "sleep"}
        ]
        assert len(children) == 2
    assert not [pid for pid in children if lives(pid)]


async def test_a_sandbox_that_was_killed_is_said_and_comes_back(make_app: MakeApp) -> None:
    app = make_app(exercise="1.1")
    async with app.run_test(size=(120, 36)) as pilot:
        bench = await opened(pilot, app)
        (bench.desk.session(bench.exercise).workspace / "key.bin").chmod(0o600)
        await until(pilot, lambda: signs(bench) == "✗✓·")
        running = find_sandbox()
        assert running is not None
        os.kill(running.pid, signal.SIGKILL)
        await until_text(pilot, "lost, R restarts it")
        await pilot.press("R")
        await until_text(pilot, "sandbox ● ready")
        await until(pilot, lambda: signs(bench) == "✗✓·" or signs(bench) == "✗✗·", "checks after the restart")
        await type_line(pilot, bench, "chmod 600 key.bin; curl -s -o /dev/null -w '%{http_code}.' $LAB_HTTPS")
        await until(pilot, lambda: "403." in bench.query_one(Terminal).emulated.text(), "an answer for curl")
        await until(pilot, lambda: signs(bench) == "✗✓·")


async def test_a_check_that_crashes_is_the_labs_fault_and_tells_nothing(make_app: MakeApp) -> None:
    app = make_app(exercise="1.1")
    async with app.run_test(size=(120, 36)) as pilot:
        bench = await opened(pilot, app)
        workspace = bench.desk.session(bench.exercise).workspace
        (workspace / "note.txt").write_text("")
        await type_line(
            pilot, bench,
            "python -c \"import boto3,os; boto3.client('s3').put_object(Bucket=os.environ['LAB_BUCKET_VAULT'],"
            "Key='note.txt',Body=b'')\"; echo crash >answer.txt",
        )  # fmt: skip
        await until(pilot, lambda: signs(bench) == "✓✗!", "the lab's fault")
        await until_text(pilot, "The lab could not finish this check")
        assert "AKIAIOSFODNN7EXAMPLE" not in screen_text(app)


async def test_an_exercise_that_does_not_exist_is_a_sentence(make_app: MakeApp) -> None:
    app = make_app(exercise="9.9")
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await until_text(pilot, "There is no exercise '9.9'")
        assert isinstance(app.screen, CourseScreen)


async def test_a_back_end_that_does_not_start_is_said(store: Store, make_app: MakeApp) -> None:
    from lab.errors import SandboxStartError

    def broken() -> object:
        raise SandboxStartError("The sandbox did not start.", "Try again.")

    desk = Desk(make_backend=broken, store=store)  # type: ignore[arg-type]  # it never makes one
    app = make_app(desk=desk)
    async with app.run_test(size=(100, 30)) as pilot:
        await until_text(pilot, "did not start, R tries again")
        await pilot.press("R")
        await settle(pilot)
        assert app.backend.phase == "failed"


async def test_dialogs_close_with_escape(make_app: MakeApp) -> None:
    app = make_app(exercise="1.1")
    async with app.run_test(size=(80, 24)) as pilot:
        bench = await opened(pilot, app)
        for key in ("p", "h", "r", "s", "enter", "question_mark"):
            await pilot.press(key)
            await until(pilot, lambda: app.screen is not bench, key)
            await pilot.press("escape")
            await settle(pilot)
            assert app.screen is bench, key
        assert not isinstance(app.screen, TextDialog)
