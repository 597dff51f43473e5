"""``lab sandbox``: the shared sandbox that exercises use, and one of its own for other people's tests."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import lab
from lab.cli.text import say
from lab.errors import EXIT_DONE, EXIT_NOT_YET


def status(options: argparse.Namespace) -> int:  # noqa: ARG001 - every command gets its options
    """Whether the shared sandbox runs, and where."""
    from lab.backends.runtime import find_sandbox

    found = find_sandbox()
    if found is None:
        say("The sandbox is not running; the first command that needs it starts it.")
        return EXIT_NOT_YET
    say(f"The sandbox runs as process {found.pid}.")
    say(f"  HTTPS {found.endpoints.https}")
    if found.endpoints.http:
        say(f"  HTTP  {found.endpoints.http}")
    say(f"  certificate authority {found.endpoints.ca_bundle}")
    return EXIT_DONE


def stop(options: argparse.Namespace) -> int:  # noqa: ARG001 - every command gets its options
    """End the shared sandbox; its worlds are kept."""
    from lab.backends.runtime import stop_sandbox

    say("The sandbox has ended; its worlds are kept." if stop_sandbox() else "The sandbox was not running.")
    return EXIT_DONE


def serve(options: argparse.Namespace) -> int:
    """Become a sandbox of one's own: this process is it, and ends with ctrl+c or a signal."""
    arguments = [sys.executable, "-m", "lab.sandbox", "--serve"]
    if options.json:
        arguments.append("--json")
    if options.state is not None:
        arguments += ["--state", str(options.state.absolute())]
    arguments += ["--https-port", str(options.https_port), "--http-port", str(options.http_port)]
    sys.stdout.flush()
    # This very lab, also where it runs from a checkout that is not installed.
    here = str(Path(lab.__file__).resolve().parent.parent)
    path = os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH"))))
    os.execve(sys.executable, arguments, {**os.environ, "PYTHONPATH": path})  # noqa: S606 - the point is to become it
