"""The learner's shell on the real terminal: ``lab shell``, and the app's full-screen shell.

An interactive shell takes the terminal's foreground process group. When it is killed it never gives that back, and
whoever draws next is stopped by SIGTTOU for good: so the terminal is taken back here, with its modes.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from lab.errors import ShellError
from lab.shell.pty import shell_status
from lab.shell.startup import shell_command


def run_shell(environment: Mapping[str, str], directory: Path, command: Sequence[str] = ()) -> int:
    """Run an interactive shell, or one command, in the learner's environment and wait for its end.

    Args:
        environment: From ``learner_environment``.
        directory: The workspace.
        command: Program and arguments to run instead of a shell.

    Returns:
        Its exit status, 128 + N where signal N ended it.

    Raises:
        ShellError: It cannot be started.
    """
    shell, variables = shell_command(environment)
    with _terminal_kept():
        try:
            return shell_status(_call(list(command) or shell, variables, directory))
        except OSError as error:
            name = error.filename or (command or shell)[0]
            raise ShellError(
                f"{name} cannot be started ({error.strerror}).", "lab doctor says what is missing here."
            ) from error


def _call(argv: list[str], variables: Mapping[str, str], directory: Path) -> int:
    """Like ``subprocess.call``, but ctrl+c belongs to the program alone, and our own end is the program's hangup."""
    with subprocess.Popen(argv, env=dict(variables), cwd=directory) as process:  # searches the learner's path
        ending = (signal.SIGHUP, signal.SIGTERM)
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, *ending)}

        def hang_up(number: int, frame: FrameType | None) -> None:
            # A shell passes it on to its jobs, which a closed terminal alone would not end.
            process.send_signal(signal.SIGHUP)
            handler = before[signal.Signals(number)]
            if callable(handler):  # whoever called us is to end as well
                handler(number, frame)

        try:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            for number in ending:
                signal.signal(number, hang_up)
            return process.wait()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


@contextlib.contextmanager
def _terminal_kept() -> Iterator[None]:
    """Give the terminal back as it was: its modes, and us as its foreground."""
    try:
        descriptor = sys.stdin.fileno()
        modes: list[Any] = termios.tcgetattr(descriptor)
    except (OSError, ValueError, termios.error):  # a pipe, or no stdin at all
        yield
        return
    try:
        yield
    finally:
        before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        try:
            with contextlib.suppress(OSError, termios.error):
                os.tcsetpgrp(descriptor, os.getpgrp())
                termios.tcsetattr(descriptor, termios.TCSADRAIN, modes)
        finally:
            signal.signal(signal.SIGTTOU, before)
