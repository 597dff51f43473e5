"""Screens as plain text files, one per state and size, so that a change can be read in a diff.

On a difference the screen is written beside as SVG. Nothing of the environment is written anywhere.
"""

from __future__ import annotations

import difflib
import io
import re
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console
from textual.app import App

SIZES = [(80, 24), (120, 36), (200, 60)]


def screen_text(app: App[Any]) -> str:
    """What is on the screen. The one private call to Textual for this."""
    width, height = app.size
    console = Console(
        width=width, height=height, file=io.StringIO(), record=True, force_terminal=True, color_system="truecolor",
        legacy_windows=False,
    )  # fmt: skip
    console.print(app.screen._compositor.render_update(full=True))
    return "\n".join(line.rstrip() for line in console.export_text(styles=False).splitlines())


def steady(text: str) -> str:
    """The text without what differs from run to run: ports have five digits, names end in eight hex digits."""
    text = re.sub(r"localhost:\d{5}", "localhost:PPPPP", text)
    return re.sub(r"vault-[0-9a-f]{8}", "vault-xxxxxxxx", text)


class Snapshots:
    """Compares screens with files.

    Args:
        directory: Holds ``NAME-80x24.txt`` and so on.
        update: Write instead of comparing.
    """

    def __init__(self, directory: Path, *, update: bool) -> None:
        self._directory = directory
        self._update = update

    def check(self, app: App[Any], name: str) -> None:
        """Compare the screen with its file, or write it."""
        size = f"{app.size.width}x{app.size.height}"
        file = self._directory / f"{name}-{size}.txt"
        seen = steady(screen_text(app)) + "\n"
        if self._update:
            file.write_text(seen, encoding="utf-8")
            return
        wanted = file.read_text(encoding="utf-8") if file.exists() else ""
        if seen != wanted:
            picture = Path(tempfile.gettempdir()) / f"lab-{name}-{size}.svg"
            picture.write_text(app.export_screenshot(), encoding="utf-8")
            diff = "".join(difflib.unified_diff(wanted.splitlines(True), seen.splitlines(True), "wanted", "seen"))
            raise AssertionError(f"{file.name} differs; the picture is {picture}, --snapshot-update accepts it\n{diff}")
