"""The app: two phases of starting, the way between screens, and what happens when something fails.

The first frame is painted before anything heavy is imported; then come list and keys, then the back end's process.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.reactive import reactive

from lab.errors import EXIT_DONE, EXIT_LAB_FAULT, LabError
from lab.tui.desk import BackendState, Desk
from lab.tui.messages import OpenExercise, OpenLesson, ProgressChanged, WorkFailed
from lab.tui.screens.base import LabScreen
from lab.tui.screens.course import CourseScreen
from lab.tui.themes import CONTRAST, DARK, LIGHT, THEMES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.screen import Screen

    from lab.tui.screens.workbench import WorkbenchScreen

_LOOK_SECONDS = 2.0

#: What a closed terminal and a polite kill send.
_LEAVING: Final = (signal.SIGHUP, signal.SIGTERM)


class LabApp(App[int], inherit_bindings=False):
    """The S3 Encryption Lab in a terminal.

    Args:
        desk: What screens work with; on the shared sandbox and the learner's own progress by default.
        exercise: Number or id of the exercise to open at once.
    """

    TITLE = "S3 Encryption Lab"
    # All of it at once: style sheets that come with a screen make Textual read every rule again.
    CSS_PATH = [  # noqa: RUF012 - Textual's type
        "app.tcss", "markdown.tcss", "screens/course.tcss", "screens/lesson.tcss", "screens/workbench.tcss",
    ]  # fmt: skip
    COMMAND_PALETTE_BINDING = "f1"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("R", "restart_backend", "Restart", id="app.restart", tooltip="Start the sandbox again"),
        Binding("question_mark", "help", "Help", id="app.help", tooltip="What the keys of this screen do"),
        Binding("ctrl+q", "quit", "Quit", id="app.quit", show=False, tooltip="Leave the lab"),
    ]

    backend: reactive[BackendState] = reactive(BackendState("starting"))

    def __init__(self, desk: Desk | None = None, *, exercise: str = "") -> None:
        super().__init__()
        self.desk = desk or Desk()
        self.fault: LabError | None = None
        self._first_exercise = exercise
        self._workbench: WorkbenchScreen | None = None
        self._events: asyncio.AbstractEventLoop | None = None
        self._told_to_leave: int | None = None
        for theme in THEMES:
            self.register_theme(theme)
        if self.theme not in {DARK, LIGHT, CONTRAST}:
            self.theme = DARK

    def get_default_screen(self) -> Screen[Any]:
        """The course is what everything starts from."""
        return CourseScreen(self.desk)

    def on_mount(self) -> None:
        """Phase two begins when the first frame has been painted."""
        self.call_after_refresh(self._begin)
        self._events = asyncio.get_running_loop()
        if self._told_to_leave is not None:
            self.exit(self._told_to_leave)

    def leave_on_signal(self, number: int, _frame: object = None) -> None:
        """A signal handler: end the shell and what it started, as the quit key does; once is enough."""
        if self._told_to_leave is not None:
            return
        self._told_to_leave = 128 + number
        if self._events is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: the app has ended by itself
                self._events.call_soon_threadsafe(self.exit, self._told_to_leave)

    def _begin(self) -> None:
        self._open_backend()
        self.set_interval(_LOOK_SECONDS, self._look_after_backend)
        if self._first_exercise:
            self.post_message(OpenExercise(self._first_exercise))

    # The back end

    def _open_backend(self) -> None:
        self.backend = BackendState("starting", self.backend.name)

        def run() -> None:
            try:
                state = self.desk.open_backend()
            except Exception as error:  # noqa: BLE001 - the worker boundary
                from lab.tui.faults import as_lab_error

                failure = as_lab_error(error, "starting the sandbox")
                state = BackendState("failed", detail=str(failure))
            self.call_from_thread(setattr, self, "backend", state)

        self.run_worker(run, thread=True, group="backend", name="starting the sandbox", exit_on_error=False)

    def _look_after_backend(self) -> None:
        if self.backend.phase == "ready" and not self.desk.backend_alive():
            self.backend = BackendState(
                "lost", self.backend.name, detail="The sandbox stopped. Your work is untouched."
            )

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The restart key is there when there is something to restart."""
        if action == "restart_backend":
            return self.backend.phase in {"lost", "failed"}
        return super().check_action(action, parameters)

    def action_restart_backend(self) -> None:
        """Once, however often the key is pressed."""
        if self.backend.phase in {"lost", "failed"}:
            self.desk.forget_session()
            self._open_backend()

    def watch_backend(self, before: BackendState, state: BackendState) -> None:
        """Tell every screen, and the learner where it is news."""
        for screen in self._lab_screens():
            screen.backend = state
        self.refresh_bindings()
        if state.phase in {"lost", "failed"} and before.phase != state.phase:
            self.notify(f"{state.detail} Press R to restart it.".strip(), title="Sandbox", severity="error", timeout=10)

    def _lab_screens(self) -> Iterable[LabScreen]:
        screens: list[Screen[Any]] = [*self.screen_stack] if self._screen_stacks else []
        if self._workbench is not None and self._workbench not in screens:
            screens.append(self._workbench)
        return [screen for screen in screens if isinstance(screen, LabScreen)]

    # From screen to screen

    async def push_lab_screen(self, screen: LabScreen) -> None:
        """Show a screen that knows how the back end is."""
        screen.backend = self.backend
        await self.push_screen(screen)

    async def on_open_lesson(self, message: OpenLesson) -> None:
        """Open a lesson."""
        message.stop()
        from lab.tui.screens.lesson import LessonScreen

        try:
            screen = LessonScreen(self.desk, self.desk.course().lesson(message.lesson_id))
        except LabError as error:
            self.say_error(error)
            return
        self._show_place(f"lesson/{screen.lesson.id}")
        await self.push_lab_screen(screen)

    async def on_open_exercise(self, message: OpenExercise) -> None:
        """Open an exercise; the one that is open goes on where it was, its shell included."""
        message.stop()
        from lab.tui.screens.workbench import WorkbenchScreen

        try:
            exercise = self.desk.course().exercise(message.exercise_id)
        except LabError as error:
            self.say_error(error)
            return
        self._show_place(exercise.id)
        current = self._workbench
        if current is not None and current.exercise.id == exercise.id:
            if current not in self.screen_stack:
                current.backend = self.backend
                await self.push_screen("workbench")
            return
        if current is not None:
            while current in self.screen_stack:
                await self.pop_screen()
            self.uninstall_screen("workbench")
            await current.remove()
        self._workbench = WorkbenchScreen(self.desk, exercise)
        self.install_screen(self._workbench, "workbench")
        self._workbench.backend = self.backend
        await self.push_screen("workbench")

    def _show_place(self, key: str) -> None:
        for screen in self.screen_stack:
            if isinstance(screen, CourseScreen):
                screen.show_place(key)

    def on_progress_changed(self, message: ProgressChanged) -> None:
        """Lists below show what is new."""
        message.stop()
        for screen in self.screen_stack:
            if isinstance(screen, CourseScreen):
                screen.read_course()

    async def action_help(self) -> None:
        """What the keys do."""
        from lab.tui.screens.help import HelpScreen

        await self.push_screen(HelpScreen(self.screen))

    async def action_back(self) -> None:
        """To the screen before."""
        if len(self.screen_stack) > 1:
            await self.pop_screen()

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """The palette: everything a key does, and the themes."""
        seen: set[str] = set()
        for active in screen.active_bindings.values():
            binding = active.binding
            # As in the list of keys: what has no id is the toolkit's, such as the way from widget to widget.
            ours = binding.description and binding.id and not binding.system
            if active.enabled and ours and binding.action not in seen:
                seen.add(binding.action)
                title = f"{binding.description}  ({self.get_key_display(binding)})"
                action = binding.action
                yield SystemCommand(title, binding.tooltip or active.tooltip, lambda act=action: self._run(act))
        for exercise in self.desk.course().exercises:
            message = OpenExercise(exercise.id)
            yield SystemCommand(
                f"{exercise.number} {exercise.title}", "Open the exercise", lambda m=message: self.post_message(m)
            )
        for name, title in ((DARK, "Dark"), (LIGHT, "Light"), (CONTRAST, "High contrast")):
            yield SystemCommand(
                f"Theme: {title}", "Change the colors", lambda theme=name: setattr(self, "theme", theme)
            )
        yield SystemCommand("Quit", "Leave the lab", self.action_quit)

    async def _run(self, action: str) -> None:
        await self.run_action(action, default_namespace=self.screen)

    # Errors

    def say_error(self, error: LabError) -> None:
        """One sentence and the next step, without leaving the screen."""
        self.notify(error.next_step or " ", title=error.message, severity="error", timeout=12)

    def on_work_failed(self, message: WorkFailed) -> None:
        """What no screen took."""
        message.stop()
        self.say_error(message.error)

    def _handle_exception(self, error: Exception) -> None:
        """Leave with one sentence: Textual's own report would print local variables, and those may hold keys."""
        from lab.tui.faults import as_lab_error

        self.fault = as_lab_error(error, "showing a screen")
        self._return_code = EXIT_LAB_FAULT
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
        self._close_messages_no_wait()

    async def action_quit(self) -> None:
        """Leave; what the shell runs is ended with its pane."""
        self.exit(EXIT_DONE)


@contextlib.contextmanager
def _leaving_in_order(app: LabApp) -> Iterator[None]:
    """Have signals end the app and not the process, until everything is let go of.

    A closed terminal often tells more than once: whoever closes it, the kernel and the shell around us. The event
    loop's own handlers end with the loop, and the next signal would kill us while the sandbox is being stopped.
    """
    before = {number: signal.getsignal(number) for number in _LEAVING}
    try:
        for number in _LEAVING:
            signal.signal(number, app.leave_on_signal)
    except ValueError:  # only the main thread gets signals
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run_app(desk: Desk | None = None, *, exercise: str = "") -> int:
    """Run the app until the learner leaves it.

    Args:
        desk: What screens work with.
        exercise: Number or id of the exercise to open at once.

    Returns:
        The exit status of ``lab``.

    Raises:
        LabError: The app failed; the screen has been put back.
    """
    from lab.tui.closed_terminal import outlive_the_terminal
    from lab.tui.escape import tell_escape_apart

    tell_escape_apart()
    outlive_the_terminal()
    app = LabApp(desk, exercise=exercise)
    with _leaving_in_order(app):
        try:
            status = app.run()
        finally:
            app.desk.close()
    if app.fault is not None:
        raise app.fault
    return EXIT_DONE if status is None else status
