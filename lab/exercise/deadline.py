"""Running a function that may hang: in a thread of its own, and no longer than its deadline."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

Result = TypeVar("Result")


class TookTooLongError(Exception):
    """The function was not finished at its deadline; its thread may still run."""

    def __init__(self, thread: threading.Thread) -> None:
        super().__init__("deadline")
        self.thread = thread


class Deadline:
    """A number of seconds from now; waiting that is not the function's own may be added."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def extend(self, seconds: float) -> None:
        """Move the end."""
        self._end += seconds

    def remaining(self) -> float:
        """Seconds that are left, 0 or less when there are none."""
        return self._end - time.monotonic()


class _Call(Generic[Result]):
    """One call in its thread."""

    def __init__(self, function: Callable[..., Result], arguments: tuple[Any, ...]) -> None:
        self._function = function
        self._arguments = arguments
        self.done = threading.Event()
        self.result: Result | None = None
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self.result = self._function(*self._arguments)
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            self.error = error
        finally:
            self.done.set()


def within(deadline: Deadline, function: Callable[..., Result], *arguments: Any) -> Result:
    """Call the function and give its result, or raise what it raised.

    Raises:
        TookTooLongError: The deadline passed first.
    """
    call = _Call(function, arguments)
    thread = threading.Thread(target=call.run, name=f"lab-{getattr(function, '__name__', 'call')}", daemon=True)
    thread.start()
    while not call.done.wait(max(0.0, deadline.remaining())):
        if deadline.remaining() <= 0:
            raise TookTooLongError(thread)
    thread.join()
    if call.error is not None:
        raise call.error
    return call.result  # type: ignore[return-value]
