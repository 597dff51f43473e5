"""``lab dev``: hands over to the author's kit."""

from __future__ import annotations

import argparse
import importlib

from lab.errors import UsageError


def dev(options: argparse.Namespace) -> int:
    """Run one of the author's tools.

    ``lab.author.commands.run(action, arguments, options)`` parses the arguments of its own and gives the exit status.
    """
    try:
        commands = importlib.import_module("lab.author.commands")
    except ModuleNotFoundError as error:
        if error.name not in ("lab.author", "lab.author.commands"):
            raise
        raise UsageError(
            "The author's kit is not part of this installation.", "Use a checkout of the project."
        ) from error
    return int(commands.run(options.action, options.arguments, options))
