"""Escape is told from the first byte of a longer key by time, and the clock is read before more is read.

Textual waits 100 ms and looks at the clock after it has taken what came meanwhile, so that Escape and a quick colon
become one key that nobody knows, and vim stays in its insert mode.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from textual import constants
from textual._xterm_parser import XTermParser  # its only home
from textual.drivers import linux_driver
from textual.message import Message

#: What other terminal programs take. One key's bytes come in one piece, over slow lines too.
_ESCAPE_SECONDS = 0.05


class PromptParser(XTermParser):
    """Textual's parser of keys, with the time looked at first."""

    def feed(self, data: str) -> Iterable[Message]:
        """Say what has waited too long for more, then take the new bytes."""
        if data:
            yield from self.tick()
        yield from super().feed(data)


def tell_escape_apart() -> None:
    """Have the app's driver use this parser; ``ESCDELAY`` stays the learner's own choice."""
    linux_driver.XTermParser = PromptParser  # type: ignore[attr-defined]
    if "ESCDELAY" not in os.environ:
        constants.ESCAPE_DELAY = _ESCAPE_SECONDS  # type: ignore[misc]
