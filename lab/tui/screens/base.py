"""What all screens share: the line at the top, the keys at the bottom, and work that runs outside of the event loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.message import Message
from textual.reactive import reactive
from textual.screen import Screen

from lab.tui.desk import BackendState, Desk
from lab.tui.messages import WorkFailed
from lab.tui.widgets.status_bar import StatusBar

if TYPE_CHECKING:
    from lab.tui.app import LabApp


#: From this width on the keys are set apart.
_ROOMY_COLUMNS = 150


class LabScreen(Screen[None]):
    """A full screen of the lab.

    Args:
        desk: What screens work with.
        place: Shown in the line at the top.
    """

    HORIZONTAL_BREAKPOINTS: list[tuple[int, str]] | None = [  # noqa: RUF012 - Textual's type
        (0, "-narrow"),
        (100, "-normal"),
        (160, "-wide"),
    ]
    VERTICAL_BREAKPOINTS: list[tuple[int, str]] | None = [(0, "-low"), (30, "-medium"), (50, "-high")]  # noqa: RUF012 - Textual's type
    #: Whether the line of keys waits until the screen has called ``fill_footer``: what is read comes first.
    KEYS_LAST: ClassVar[bool] = False

    place = reactive("")
    backend: reactive[BackendState] = reactive(BackendState("starting"))

    def __init__(self, desk: Desk, place: str = "") -> None:
        super().__init__()
        self.desk = desk
        self.set_reactive(LabScreen.place, place)

    @property
    def lab(self) -> LabApp:
        """The app, with its type."""
        return cast("LabApp", self.app)

    def compose(self) -> ComposeResult:
        """The frame: nothing that takes time belongs here."""
        yield StatusBar(self.place).data_bind(LabScreen.place, LabScreen.backend)
        yield from self.compose_body()

    def compose_body(self) -> ComposeResult:
        """What is between the two lines."""
        return iter(())

    def on_mount(self) -> None:
        """The frame is there: the rest comes after it has been painted."""
        if not self.KEYS_LAST:
            self.call_after_refresh(self.fill_footer)

    async def fill_footer(self) -> None:
        """The keys, which are costly to draw."""
        from textual.widgets import Footer

        if self.is_attached and not self.query(Footer):
            await self.mount(Footer(compact=self.size.width < _ROOMY_COLUMNS))
            self.refresh_bindings()

    def on_resize(self) -> None:
        """Narrow screens get a denser line of keys."""
        if not self.query("Footer"):
            return  # the first frame has none, and does not wait for its import
        from textual.widgets import Footer

        for footer in self.query(Footer):
            footer.compact = self.size.width < _ROOMY_COLUMNS

    def work(self, job: Callable[[], Message | None], *, doing: str, group: str = "work") -> None:
        """Run a job in a thread. It must not touch a widget: what it returns is posted to this screen.

        Args:
            job: What to do; its result is a message, or None.
            doing: What it is, as words after "while", for the learner if it fails.
            group: Jobs of one group are told apart from others in the list of workers.
        """

        def run() -> None:
            try:
                message = job()
            except Exception as error:  # noqa: BLE001 - the worker boundary: nothing may be lost, nothing printed
                from lab.tui.faults import as_lab_error

                message = WorkFailed(as_lab_error(error, doing), doing)
            if message is not None:
                self.post_message(message)

        self.run_worker(run, thread=True, group=group, name=doing, exit_on_error=False)

    def on_work_failed(self, message: WorkFailed) -> None:
        """Say it; screens with a better place for it do that instead."""
        message.stop()
        self.call_after_refresh(self.fill_footer)
        self.lab.say_error(message.error)
