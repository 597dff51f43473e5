"""The shell on the real terminal: a small program runs it inside a pseudo-terminal, as the app would."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from lab.errors import ShellError
from lab.shell.fullscreen import run_shell
from lab.shell.pty import PtyProcess
from lab.shell.screen import TerminalScreen

from .conftest import MakeEnvironment
from .waiting import read_until

#: Runs the shell, then does what the resumed app does: draws, and reads a key in the modes that it had set.
HOST = """
import json, os, sys, termios, tty
from pathlib import Path
from lab.shell.fullscreen import run_shell
environment, workspace = json.loads(sys.argv[1]), Path(sys.argv[2])
tty.setcbreak(0)
status = run_shell(environment, workspace)
termios.tcsetattr(0, termios.TCSADRAIN, termios.tcgetattr(0))
print("foreground", os.tcgetpgrp(0) == os.getpgrp(), "status", status, flush=True)
print("key", sys.stdin.read(1), "echo", bool(termios.tcgetattr(0)[3] & termios.ECHO), flush=True)
"""


@pytest.mark.parametrize(("leave", "status"), [("exit 3\r", 3), ("kill -9 $$\r", 137), ("\x04", 0)])
def test_the_terminal_comes_back_however_the_shell_ends(
    make_environment: MakeEnvironment, workspace: Path, leave: str, status: int
) -> None:
    host = [sys.executable, "-c", HOST, json.dumps(make_environment()), str(workspace)]
    process = PtyProcess(host, {**os.environ, "PYTHONPATH": os.getcwd()}, workspace, 100, 30)  # noqa: PTH109
    screen = TerminalScreen(100, 30, process.write)
    try:
        read_until(process, screen, r"^lab 9\.2 \$ ?$")
        process.write(leave.encode())
        read_until(process, screen, rf"foreground True status {status}$")
        process.write(b"x")
        read_until(process, screen, "key x echo False")
    finally:
        process.hangup()


def test_one_command_in_the_learners_environment(make_environment: MakeEnvironment, workspace: Path) -> None:
    environment = make_environment()
    script = 'test "$(command -v python)" = "${PATH%%:*}/python" && pwd >here && exit 5'
    assert run_shell(environment, workspace, ["sh", "-c", script]) == 5
    assert (workspace / "here").read_text() == f"{workspace}\n"
    with pytest.raises(ShellError, match="nonsense cannot be started"):
        run_shell(environment, workspace, ["nonsense"])
