"""The workbench: task and checks, a real shell, and the X-ray views of one exercise."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on
from textual.app import ComposeResult, SuspendNotSupported
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from lab.course import Exercise
from lab.errors import LabError
from lab.tui.bench import (
    BackendLost,
    Bench,
    ChecksRan,
    ExerciseReset,
    ExerciseStarted,
    ExplanationRead,
    HintMade,
    ShellOrder,
    SolutionRead,
    ViewMade,
)
from lab.tui.desk import BackendState, Desk
from lab.tui.messages import OpenExercise, ProgressChanged, WorkFailed
from lab.tui.screens.base import LabScreen
from lab.tui.widgets.checks import ChecksPane
from lab.tui.widgets.dialogs import ConfirmDialog, PredictDialog, TextDialog, check_text
from lab.tui.widgets.lesson_blocks import LabMarkdown
from lab.tui.widgets.terminal import Terminal
from lab.tui.widgets.xray import XrayPane

if TYPE_CHECKING:
    from lab.exercise.report import Report

#: The panes in the order of F6, and the class under which each is alone on the screen.
_RING: Final = {
    "#bench-checks": "-zoom-left",
    "#bench-brief": "-zoom-left",
    "#bench-shell": "-zoom-shell",
    "#xray-scroll": "-zoom-xray",
}
_LEAVE: Final = "leave: ctrl+]"


class WorkbenchScreen(LabScreen):
    """One exercise at work.

    Args:
        desk: What screens work with.
        exercise: What is worked on.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f6", "next_pane(1)", "Pane", id="bench.pane", priority=True, tooltip="To the next pane"),
        Binding("shift+f6", "next_pane(-1)", id="bench.back", priority=True, show=False, tooltip="To the pane before"),
        Binding(
            "ctrl+right_square_bracket", "leave_shell", "Leave shell", key_display="^]",
            id="bench.leave", priority=True, tooltip="Out of the shell, to the checks",
        ),
        Binding("i", "enter_shell", "Shell", id="bench.shell", tooltip="Into the shell"),
        Binding("h", "hint", "Hint", id="bench.hint", tooltip="The next hint of the check under the cursor"),
        Binding("p", "predict", "Predict", id="bench.predict", tooltip="Answer the question before the run"),
        Binding("e", "explain", "Explain", id="bench.explain", tooltip="What happened and why, after the pass"),
        Binding("escape,b", "app.back", "Back", id="bench.leave_screen", tooltip="To the course; the shell goes on"),
        Binding("c", "check", "Check", id="bench.check", tooltip="Run the checks now; they also run by themselves"),
        Binding("x", "xray", "X-ray", id="bench.xray", tooltip="The next X-ray view"),
        Binding("z", "zoom", "Zoom", id="bench.zoom", tooltip="One pane as large as the screen, and back"),
        Binding("f", "full_screen", "Full", id="bench.full", tooltip="Shell on the whole terminal"),
        Binding("s", "solution", "Solve", id="bench.solution", tooltip="Give up and read the solution"),
        Binding("r", "reset", "Reset", id="bench.reset", tooltip="World and files as at the start"),
        Binding("n", "skip", "Next", id="bench.next", tooltip="To the next exercise"),
    ]  # fmt: skip

    def __init__(self, desk: Desk, exercise: Exercise) -> None:
        super().__init__(desk, f"{exercise.number} {exercise.title}")
        self.exercise = exercise
        self._bench_work = Bench(desk, exercise, self.post_message)
        self._bench_report: Report | None = None
        self._bench_asks_on = False
        self._bench_shell_order: ShellOrder | None = None

    # The frame

    def compose_body(self) -> ComposeResult:
        """Task and checks left, shell and X-ray right."""
        with Horizontal(id="bench"):
            with Vertical(id="bench-left"):
                with VerticalScroll(id="bench-brief", classes="pane") as brief:
                    brief.border_title = f"{self.exercise.number} {self.exercise.title}"
                    yield Static("Building the world of this exercise …", id="bench-waiting", classes="muted")
                yield ChecksPane(self.exercise.checks, id="bench-checks", classes="pane")
            with Vertical(id="bench-right"):
                terminal = Terminal(id="bench-shell", classes="pane")
                terminal.border_title = "shell"
                terminal.border_subtitle = _LEAVE
                yield terminal
                yield XrayPane(id="bench-xray", classes="pane")

    def on_mount(self) -> None:
        """Start the exercise in a worker."""
        super().on_mount()
        self.query_one(ChecksPane).focus()
        self._start_exercise()

    def _start_exercise(self) -> None:
        self.work(self._bench_work.start, doing="starting the exercise", group="session")

    def on_unmount(self) -> None:
        """Stop watching without holding up the screen."""
        threading.Thread(target=self._bench_work.close, name="lab-stop-watching").start()

    # What comes back from workers

    @on(ExerciseStarted)
    async def _exercise_started(self, message: ExerciseStarted) -> None:
        brief = self.query_one("#bench-brief")
        await brief.remove_children()
        await brief.mount(LabMarkdown(message.brief))
        first_time = self._bench_shell_order is None
        self._bench_shell_order = message.shell
        if first_time:
            self._start_shell(message.shell)
        if message.started.rebuilt:
            self.notify("The world of this exercise was gone and has been built again.", title="Built again")
        if message.started.moved_aside:
            self.notify(f"Your files from before are in {message.started.moved_aside}.", title="Files kept")
        self._show_report(message.report)
        self.post_message(ProgressChanged())
        if first_time and self.is_current and self._open_questions() and not isinstance(self.focused, Terminal):
            self.action_predict()

    @on(ChecksRan)
    def _checks_ran(self, message: ChecksRan) -> None:
        self._show_report(message.report)
        if self._bench_asks_on and self.is_current:
            self._bench_asks_on = False
            if any(question.state == "open" for question in message.report.questions):
                self.action_predict()

    def _show_report(self, report: Report) -> None:
        self._bench_report = report
        self.query_one(ChecksPane).show_report(report)
        self.refresh_bindings()
        self._make_view()
        if report.newly_passed:
            self.post_message(ProgressChanged())
            way = "ctrl+] leaves the shell; then " if isinstance(self.focused, Terminal) else ""
            self.notify(f"{way}e explains what happened, n goes to the next exercise.", title="Passed", timeout=15)

    @on(ViewMade)
    def _view_made(self, message: ViewMade) -> None:
        self.query_one(XrayPane).show(message.view)

    @on(BackendLost)
    def _backend_lost(self) -> None:
        self.query_one(ChecksPane).border_subtitle = "the sandbox stopped; R restarts it"

    @on(HintMade)
    def _hint_made(self, message: HintMade) -> None:
        hint = message.hint
        keys = [("h", "Next hint")] if hint.level < hint.of else []

        def closed(key: str | None) -> None:
            if key == "h":
                self._ask_hint(hint.check)

        title = f"Hint {hint.level} of {hint.of}: {hint.title}"
        self.app.push_screen(TextDialog(title, hint.text, keys=keys), closed)

    @on(SolutionRead)
    def _solution_read(self, message: SolutionRead) -> None:
        text = "\n\n".join(f"### {file.name}\n\n~~~~\n{file.text.rstrip()}\n~~~~" for file in message.files)
        self.app.push_screen(TextDialog(f"Solutions of {self.exercise.number}", text, wide=True))
        self.refresh_bindings()

    @on(ExplanationRead)
    def _explanation_read(self, message: ExplanationRead) -> None:
        def closed(key: str | None) -> None:
            if key == "n":
                self.action_skip()

        title = f"{self.exercise.number} {self.exercise.title}: what happened"
        self.app.push_screen(TextDialog(title, message.text, keys=[("n", "Next exercise")], wide=True), closed)

    @on(ExerciseReset)
    def _exercise_reset(self, message: ExerciseReset) -> None:
        self._show_report(message.report)
        kept = f" Your files are in {message.moved_aside}." if message.moved_aside else ""
        self.notify(f"World and files are as at the start.{kept}", title="Reset")
        self.post_message(ProgressChanged())

    def on_work_failed(self, message: WorkFailed) -> None:
        """Where the task should stand while there is none, else as a note."""
        message.stop()
        for waiting in self.query("#bench-waiting").results(Static):
            waiting.update(f"{message.error.message}\n\n{message.error.next_step}".strip())
        self.lab.say_error(message.error)

    def on_checks_pane_check_chosen(self, message: ChecksPane.CheckChosen) -> None:
        """All that is known of a check."""
        message.stop()
        result = message.result
        keys = [("h", "Hint")] if result.state == "not_yet" else []
        if result.xray in {"wire", "rest", "keys", "policy"}:
            keys.append(("x", "Look in the X-ray"))

        def closed(key: str | None) -> None:
            if key == "h":
                self._ask_hint(result.id)
            elif key == "x":
                self.query_one(XrayPane).view = result.xray  # type: ignore[assignment]  # one of the four: see above
                self._focus_pane("#xray-scroll")

        self.app.push_screen(TextDialog(result.title, check_text(result), keys=keys), closed)

    def on_xray_pane_view_chosen(self, message: XrayPane.ViewChosen) -> None:
        """Make it."""
        message.stop()
        self._make_view()

    def _make_view(self) -> None:
        if self._bench_report is not None:
            name = self.query_one(XrayPane).view
            self.work(lambda: self._bench_work.view(name), doing="making the X-ray view", group="xray")

    def watch_backend(self, before: BackendState, state: BackendState) -> None:
        """When the back end is back, find the world again; the shell goes on."""
        if self._bench_shell_order is not None and before.phase != "ready" and state.phase == "ready":
            self._start_exercise()

    # The shell

    def _start_shell(self, order: ShellOrder) -> None:
        from lab.shell.startup import shell_command

        terminal = self.query_one(Terminal)
        terminal.border_title = f"shell  {order.workspace.name}"
        terminal.border_subtitle = _LEAVE
        try:
            command, environment = shell_command(order.environment)
        except LabError as error:
            self.lab.say_error(error)
            return
        terminal.start(command, environment, order.workspace)

    def on_terminal_start_failed(self, message: Terminal.StartFailed) -> None:
        """Say it."""
        message.stop()
        self.lab.say_error(message.error)

    def on_terminal_ended(self, message: Terminal.Ended) -> None:
        """The learner left the shell: i opens another one."""
        message.stop()
        message.control.border_subtitle = f"ended ({message.status}); i opens a new shell"
        if self.focused is message.control:
            self.action_leave_shell()

    def action_enter_shell(self) -> None:
        """Into the shell; a new one where it has ended."""
        if self._bench_shell_order is not None and not self.query_one(Terminal).running:
            self._start_shell(self._bench_shell_order)
        self._focus_pane("#bench-shell")

    def action_leave_shell(self) -> None:
        """Out of the shell, wherever one is."""
        self._focus_pane("#bench-checks")

    def action_full_screen(self) -> None:
        """A shell of the same exercise on the whole terminal; leaving it comes back here."""
        from lab.shell.fullscreen import run_shell

        order = self._bench_shell_order
        if order is None:
            return
        try:
            with self.app.suspend():
                print("exit, or ctrl+d, brings you back to the lab.")  # noqa: T201 - the terminal is the shell's here
                run_shell(order.environment, order.workspace)
        except SuspendNotSupported:
            self.notify("This terminal cannot be handed over; the shell pane can: i.", severity="warning")
        except LabError as error:
            self.lab.say_error(error)
        self.refresh(layout=True)

    # Panes

    def action_next_pane(self, by: int) -> None:
        """Round through the panes."""
        selectors = list(_RING)
        here = self._pane_of_focus()
        place = selectors.index(here) + by if here else 0
        self._focus_pane(selectors[place % len(selectors)])

    def _pane_of_focus(self) -> str:
        if self.focused is not None:
            for selector in _RING:
                if self.query_one(selector) in self.focused.ancestors_with_self:
                    return selector
        return ""

    def _focus_pane(self, selector: str) -> None:
        if any(self.has_class(name) for name in _RING.values()):
            self._show_alone(selector)
        pane: Widget = self.query_one(selector)
        self.set_focus(pane)  # at once: what is typed next belongs to it

    def _show_alone(self, selector: str) -> None:
        self.remove_class(*_RING.values())
        self.add_class(_RING[selector])

    def action_zoom(self) -> None:
        """The focused pane alone, or all of them again."""
        if any(self.has_class(name) for name in _RING.values()):
            self.remove_class(*_RING.values())
        else:
            self._show_alone(self._pane_of_focus() or next(iter(_RING)))

    def action_xray(self) -> None:
        """The next view; the first press goes to the pane."""
        if self._pane_of_focus() == "#xray-scroll":
            self.query_one(XrayPane).action_turn_view(1)
        self._focus_pane("#xray-scroll")

    # Help

    def action_check(self) -> None:
        """Run the checks now."""
        self.work(self._bench_work.check, doing="checking", group="session")

    def action_hint(self) -> None:
        """The next hint."""
        self._ask_hint(self.query_one(ChecksPane).current_check)

    def _ask_hint(self, check: str) -> None:
        self.work(lambda: self._bench_work.hint(check), doing="looking for a hint", group="session")

    def _open_questions(self) -> list[str]:
        questions = self._bench_report.questions if self._bench_report else ()
        return [question.id for question in questions if question.state in {"open", "recorded"}]

    def action_predict(self) -> None:
        """Ask the first question that has no answer, else the first that can still be changed."""
        questions = self._bench_report.questions if self._bench_report else ()
        askable = [question for question in questions if question.state in {"open", "recorded"}]
        if not askable:
            return
        question = next((question for question in askable if question.state == "open"), askable[0])
        number = [other.id for other in questions].index(question.id) + 1

        def closed(choice: str | None) -> None:
            if choice:
                self._bench_asks_on = True
                job = lambda: self._bench_work.predict(question.id, choice)  # noqa: E731 - bound to this answer
                self.work(job, doing="keeping your answer", group="session")

        self.app.push_screen(PredictDialog(question, number, len(questions)), closed)

    def action_explain(self) -> None:
        """The why."""
        self.work(self._bench_work.explain, doing="reading the explanation", group="session")

    def action_solution(self) -> None:
        """Give up, after a question."""

        def closed(confirmed: bool | None) -> None:
            if confirmed:
                self.work(self._bench_work.solution, doing="reading the solution", group="session")

        if self._bench_report is not None and self._bench_report.passed_at is not None:
            closed(confirmed=True)
            return
        text = "This shows every solution. The exercise can still be passed; that you saw it stays written down."
        self.app.push_screen(ConfirmDialog(f"Give up {self.exercise.number}?", text), closed)

    def action_reset(self) -> None:
        """World and files as at the start, after a question."""

        def closed(confirmed: bool | None) -> None:
            if confirmed:
                self.work(self._bench_work.reset, doing="resetting the exercise", group="session")

        text = "Buckets, keys and files go back to the start. Files of yours are moved beside the folder, not deleted."
        self.app.push_screen(ConfirmDialog(f"Reset {self.exercise.number}?", text), closed)

    def action_skip(self) -> None:
        """To the next exercise of the course."""
        exercises = self.desk.course().exercises
        place = [exercise.id for exercise in exercises].index(self.exercise.id) + 1
        if place < len(exercises):
            self.post_message(OpenExercise(exercises[place].id))
        else:
            self.notify("This is the last exercise.")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys are there when they can do something."""
        report = self._bench_report
        if action in {"check", "hint", "reset", "solution", "full_screen", "xray"}:
            return True if report is not None else None
        if action == "predict":
            return bool(self._open_questions())
        if action == "explain":
            return report is not None and report.passed_at is not None
        if action == "leave_shell":
            return isinstance(self.focused, Terminal)
        if action == "enter_shell":
            return not isinstance(self.focused, Terminal)
        return super().check_action(action, parameters)
