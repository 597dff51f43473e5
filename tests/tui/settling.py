"""Waiting in tests of the app: for work, for drawing, for a condition; never for time."""

from __future__ import annotations

import time
from collections.abc import Callable

from textual.pilot import Pilot
from textual.worker import WorkerState

from tests.tui.snapshot import screen_text

DEADLINE_SECONDS = 30.0
#: Between two looks at a condition: others need the processor to make it come true.
_LOOK_SECONDS = 0.02
_BUSY = {WorkerState.PENDING, WorkerState.RUNNING}


async def settle(pilot: Pilot[int]) -> None:
    """Wait until no worker runs and everything has been drawn."""
    quiet = 0
    end = time.monotonic() + DEADLINE_SECONDS
    while quiet < 2:
        assert time.monotonic() < end, "the app does not come to rest"
        await pilot.pause()
        busy = any(worker.state in _BUSY for worker in pilot.app.workers)
        quiet = 0 if busy else quiet + 1


async def until(pilot: Pilot[int], condition: Callable[[], bool], what: str = "") -> None:
    """Wait for a condition; the screen is shown when it does not come."""
    end = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"{what or condition} did not come:\n{screen_text(pilot.app)}")
        await pilot.pause(_LOOK_SECONDS)


async def until_text(pilot: Pilot[int], text: str) -> None:
    """Wait until this text is on the screen."""
    await until(pilot, lambda: text in screen_text(pilot.app), repr(text))
