"""The terminal pane: a real program in it, drawn, resized, scrolled, selected, pasted into."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar

import pytest
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Offset
from textual.pilot import Pilot
from textual.selection import Selection

from lab.errors import LabError
from lab.tui.themes import THEMES
from lab.tui.widgets.terminal import Terminal

from .settling import until
from .snapshot import screen_text

pytestmark = pytest.mark.anyio

ENVIRONMENT = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "PS1": "$ ", "HOME": "/nonexistent"}


class PaneApp(App[int]):
    """A terminal and nothing else."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f6", "leave", priority=True),
        Binding("x", "never"),
    ]
    left = 0
    status: int | None = None
    failed: LabError | None = None

    def __init__(self, directory: Path, *command: str) -> None:
        super().__init__()
        self._order = (command, ENVIRONMENT, directory)
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = "lab-dark"

    def compose(self) -> ComposeResult:
        yield Terminal()

    def on_mount(self) -> None:
        self.query_one(Terminal).focus()
        self.begin()

    def begin(self) -> None:
        self.query_one(Terminal).start(*self._order)

    def action_leave(self) -> None:
        self.left += 1

    def action_never(self) -> None:
        raise AssertionError("a letter went past the program")

    def on_terminal_ended(self, message: Terminal.Ended) -> None:
        self.status = message.status

    def on_terminal_start_failed(self, message: Terminal.StartFailed) -> None:
        self.failed = message.error


def text_of(app: PaneApp) -> str:
    return app.query_one(Terminal).emulated.text()


async def shell(pilot: Pilot[int], app: PaneApp) -> Terminal:
    await until(pilot, lambda: "$" in text_of(app), "the prompt")
    return app.query_one(Terminal)


async def test_typing_and_output(tmp_path: Path) -> None:
    app = PaneApp(tmp_path, "bash", "--norc", "-i")
    async with app.run_test(size=(60, 10)) as pilot:
        await shell(pilot, app)
        await pilot.press(*"echo xX", "tab", "backspace", "!", "enter")
        await until(pilot, lambda: "\nx!" in text_of(app))
        assert "$ echo x!" in screen_text(app)
        await pilot.press("f6")
        assert app.left == 1
        assert "\x1b" not in text_of(app)


async def test_control_keys_reach_the_program(tmp_path: Path) -> None:
    app = PaneApp(tmp_path, "bash", "--norc", "-i")
    async with app.run_test(size=(60, 10)) as pilot:
        terminal = await shell(pilot, app)
        terminal.type_text("cat")
        await pilot.press("enter", *"one", "enter")
        await until(pilot, lambda: text_of(app).count("one") == 2)
        await pilot.press("ctrl+c")
        await until(pilot, lambda: text_of(app).endswith("^C\n$"))
        await pilot.press("up", "up", "ctrl+a", "ctrl+k", *"echo $COLUMNS", "enter")
        await until(pilot, lambda: "\n59" in text_of(app), "the width: one column is the scroll bar's")
        await pilot.press("ctrl+d")
        await until(pilot, lambda: app.status == 0)
        assert not terminal.running


async def test_it_follows_the_size_of_the_pane(tmp_path: Path) -> None:
    app = PaneApp(tmp_path, "bash", "--norc", "-i")
    async with app.run_test(size=(60, 10)) as pilot:
        terminal = await shell(pilot, app)
        await pilot.resize_terminal(40, 6)
        await until(pilot, lambda: (terminal.emulated.columns, terminal.emulated.lines) == (39, 6))
        terminal.type_text("stty size")
        await pilot.press("enter")
        await until(pilot, lambda: "\n6 39" in text_of(app))


async def test_scrollback_by_keys_and_back_by_typing(tmp_path: Path) -> None:
    app = PaneApp(tmp_path, "bash", "--norc", "-i")
    async with app.run_test(size=(60, 10)) as pilot:
        terminal = await shell(pilot, app)
        terminal.type_text("seq 1 200")
        await pilot.press("enter")
        await until(pilot, lambda: text_of(app).endswith("200\n$"))
        await until(pilot, lambda: terminal.scroll_offset.y == terminal.max_scroll_y)
        assert "200" in screen_text(app)
        await pilot.press("shift+pageup", "shift+pageup")
        await pilot.pause()
        assert "200" not in screen_text(app)
        assert "183" in screen_text(app)
        await pilot.press("a")
        await until(pilot, lambda: "$ a" in screen_text(app))


async def test_a_flood_ends_where_it_should(tmp_path: Path) -> None:
    app = PaneApp(tmp_path, "bash", "-c", "seq 1 20000; echo end")
    async with app.run_test(size=(60, 10)) as pilot:
        await until(pilot, lambda: text_of(app).endswith("20000\nend"))
        terminal = app.query_one(Terminal)
        assert terminal.emulated.scrolled == 5000
        await until(pilot, lambda: "20000" in screen_text(app))


async def test_selected_text_is_copied_and_not_interrupted(tmp_path: Path) -> None:
    app = PaneApp(tmp_path, "bash", "--norc", "-i")
    async with app.run_test(size=(60, 10)) as pilot:
        terminal = await shell(pilot, app)
        terminal.type_text("printf 'one  \\ntwo\\n'; cat")
        await pilot.press("enter")
        await until(pilot, lambda: "\ntwo" in text_of(app))
        lines = text_of(app).splitlines()
        first = lines.index("one")
        app.screen.selections = {terminal: Selection(Offset(0, first), Offset(2, first + 1))}
        await pilot.press("ctrl+c")
        await pilot.pause()
        assert app.clipboard == "one\ntw"
        assert app.screen.selections == {}
        await pilot.press("ctrl+c")
        await until(pilot, lambda: text_of(app).endswith("^C\n$"))


async def test_pasting_several_lines_runs_none_of_them(tmp_path: Path) -> None:
    app = PaneApp(tmp_path, "bash", "--norc", "-i")
    async with app.run_test(size=(60, 10)) as pilot:
        terminal = await shell(pilot, app)
        await until(pilot, lambda: terminal.emulated.bracketed_paste)
        terminal.type_text("echo fir''st\necho sec''ond")
        await until(pilot, lambda: "sec''ond" in text_of(app))
        assert "\nfirst" not in text_of(app)
        await pilot.press("enter")
        await until(pilot, lambda: "\nfirst\nsecond" in text_of(app))


async def test_full_screen_programs_leave_no_trace(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("".join(f"line {n}\n" for n in range(100)))
    app = PaneApp(tmp_path, "bash", "--norc", "-i")
    async with app.run_test(size=(60, 10)) as pilot:
        terminal = await shell(pilot, app)
        alternate = r"printf '\e[?1049h\e[H\e[2Jfull'; read x; printf '\e[?1049l'"
        terminal.type_text(alternate)
        await pilot.press("enter")
        await until(pilot, lambda: terminal.emulated.alternate)
        await until(pilot, lambda: screen_text(app).startswith("full"))
        await pilot.press("enter")
        await until(pilot, lambda: not terminal.emulated.alternate)
        await until(pilot, lambda: "$" in screen_text(app).splitlines()[-1] or "printf" in screen_text(app))


async def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    app = PaneApp(tmp_path / "gone", "bash")
    async with app.run_test(size=(60, 10)) as pilot:
        await until(pilot, lambda: app.failed is not None)
        assert "cannot be started" in str(app.failed)


async def test_every_theme_draws_it(tmp_path: Path) -> None:
    app = PaneApp(tmp_path, "bash", "-c", r"printf '\e[31;44;1;3;4;9;7mx\e[0m \e[38;5;200my\e[38;2;1;2;3mz\n'; cat")
    async with app.run_test(size=(60, 10)) as pilot:
        await until(pilot, lambda: "yz" in text_of(app))
        for theme in THEMES:
            app.theme = theme.name
            await pilot.pause()
            assert "x yz" in screen_text(app)


async def test_what_is_typed_before_the_program_runs_is_kept_for_it(tmp_path: Path) -> None:
    class LatePane(PaneApp):
        def begin(self) -> None:
            """Not yet."""

    app = LatePane(tmp_path, "cat")
    async with app.run_test(size=(60, 10)) as pilot:
        await pilot.press("x", "s", "enter")
        PaneApp.begin(app)
        await until(pilot, lambda: text_of(app).count("xs") == 2, "the echo, and what cat says")
