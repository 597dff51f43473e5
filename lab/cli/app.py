"""``lab`` alone: the app, where the learner left off."""

from __future__ import annotations

import argparse
import gc
import sys
from typing import TYPE_CHECKING

from lab.errors import UsageError

if TYPE_CHECKING:
    from lab.backends.protocol import Backend


def app(options: argparse.Namespace) -> int:
    """Open the app; it needs a terminal."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("The app needs a terminal.", "Without one, every part of it is a command: lab --help.")
    # Nothing that starting makes is garbage: looking for it that often would take a tenth of the time.
    gc.set_threshold(10_000, 20, 20)
    from lab.tui.app import run_app
    from lab.tui.desk import Desk

    def make_backend() -> Backend:
        from lab.backends import open_backend

        # The app opens it again itself, after it was lost.
        return open_backend(options.backend, endpoint=options.endpoint, profile=options.profile)

    if options.backend == "sandbox":
        desk = Desk(workspace_root=options.workspace.absolute() if options.workspace else None)
    else:
        desk = Desk(make_backend=make_backend, workspace_root=options.workspace)
    return run_app(desk)
