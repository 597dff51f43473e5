"""Programs on a pseudo-terminal: their size, their input, and that none of them stays."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lab.errors import ShellError
from lab.shell.pty import PtyProcess, session_members, shell_status
from lab.shell.screen import TerminalScreen

from .waiting import read_until

ENVIRONMENT = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "PS1": "$ "}
SLEEPER = b"sh -c 'echo up; exec sleep 100'\r"


def start(tmp_path: Path, *command: str) -> tuple[PtyProcess, TerminalScreen]:
    process = PtyProcess(command, ENVIRONMENT, tmp_path, 80, 24)
    return process, TerminalScreen(80, 24, process.write)


def test_size_and_resize(tmp_path: Path) -> None:
    process, screen = start(
        tmp_path, "bash", "-c", "stty size; trap 'stty size' WINCH; echo ready; while :; do sleep 0.05; done"
    )
    try:
        read_until(process, screen, "^24 80\nready$")
        process.resize(100, 40)
        read_until(process, screen, "^40 100$")
    finally:
        process.hangup()


def test_it_is_a_controlling_terminal_with_job_control(tmp_path: Path) -> None:
    process, screen = start(tmp_path, "bash", "--norc", "-i")
    try:
        read_until(process, screen, r"^\$ ?$")
        process.write(SLEEPER)
        read_until(process, screen, r"^up$")
        process.write(b"\x1a")
        read_until(process, screen, r"Stopped")
        process.write(b"fg\r")
        read_until(process, screen, r"fg\n.*sleep")
        process.write(b"\x03")
        process.write(b"echo back\r")
        assert "no job control" not in read_until(process, screen, r"^back$")
    finally:
        process.hangup()


def test_ending_by_itself(tmp_path: Path) -> None:
    process, screen = start(tmp_path, "bash", "-c", "echo bye; exit 7")
    assert read_until(process, screen, None) == "bye"
    process.hangup()
    assert process.poll() == 7
    assert process.read() is None
    process.hangup()


def test_hangup_leaves_nobody(tmp_path: Path) -> None:
    stubborn = "trap '' HUP TERM INT; nohup sleep 500 >/dev/null 2>&1 & (trap '' HUP; sleep 500) & echo up; wait"
    process, screen = start(tmp_path, "bash", "-c", stubborn)
    read_until(process, screen, "^up$")
    assert len(session_members(process.pid)) >= 3
    process.hangup(patience=0.05)
    assert session_members(process.pid) == []
    assert process.poll() == 137


def test_hangup_wakes_and_ends_a_stopped_job(tmp_path: Path) -> None:
    process, screen = start(tmp_path, "bash", "--norc", "-i")
    read_until(process, screen, r"^\$ ?$")
    process.write(SLEEPER)
    read_until(process, screen, r"^up$")
    process.write(b"\x1a")
    read_until(process, screen, r"Stopped")
    process.hangup()
    assert session_members(process.pid) == []


def test_input_that_nobody_reads_yet_is_kept(tmp_path: Path) -> None:
    process, screen = start(tmp_path, "bash", "-c", "stty raw -echo; echo go; sleep 0.2; head -c 200000 | wc -c")
    try:
        read_until(process, screen, "^go")
        process.write(b"x" * 200_000)
        assert process.pending
        read_until(process, screen, "200000")
        assert not process.pending
    finally:
        process.hangup()


def test_a_missing_folder_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ShellError, match="cannot be started"):
        start(tmp_path / "gone", "bash")


def test_status_as_a_shell_says_it() -> None:
    assert [shell_status(status) for status in (0, 7, -9)] == [0, 7, 137]
