"""The app as it is installed, in a terminal: from the first frame to the last process."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from .terminal import DEADLINE_SECONDS, LAB, Terminal, environment_in

Open = Callable[..., Terminal]


@pytest.fixture
def root() -> Iterator[Path]:
    """A short path, for sockets."""
    directory = Path(tempfile.mkdtemp(prefix="lab-e2e-"))
    yield directory
    subprocess.run([LAB, "sandbox", "stop"], env=environment_in(directory), capture_output=True, check=False)
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def open_lab(root: Path) -> Iterator[Open]:
    opened: list[Terminal] = []

    def make(*arguments: str, columns: int = 100, lines: int = 30) -> Terminal:
        terminal = Terminal(*arguments, environment=environment_in(root), columns=columns, lines=lines)
        opened.append(terminal)
        return terminal

    yield make
    for terminal in opened:
        terminal.close()


def processes_of(root: Path) -> list[str]:
    """Every process that belongs to this learner, the sandbox included."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("LAB_DATA_DIR") == str(root / "data"):
                found.append(" ".join(process.cmdline()))
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
    return found


def gone(root: Path, what: str = "", seconds: float = 20.0) -> None:
    """Wait until nothing of the learner's runs any more (or nothing whose command holds ``what``)."""
    end = time.monotonic() + seconds
    while left := [command for command in processes_of(root) if what in command]:
        assert time.monotonic() < end, left
        time.sleep(0.05)


def open_exercise(terminal: Terminal, words: str, number: str) -> None:
    """From the course into an exercise, by its search."""
    terminal.expect("sandbox ● ready")
    terminal.send("/")
    terminal.expect("words of a title")
    terminal.send(words)
    terminal.expect(rf"○ {number} ")
    terminal.send("\r")
    terminal.expect(rf"lab {number} \$")


def test_an_exercise_from_start_to_pass_and_nothing_left(open_lab: Open, root: Path) -> None:
    terminal = open_lab()
    open_exercise(terminal, "45 bytes", "9.2")
    terminal.expect("0 of 3 passed")
    terminal.send("i")
    terminal.expect(r"\^\] Leave shell")
    terminal.send("chmod 600 *.txt; (umask 77; base64 -d sse-c-key.txt >key.bin)\r")
    put = (
        "import boto3,os; boto3.client('s3').put_object(Bucket=os.environ['LAB_BUCKET_VAULT'],Key='secret-file.txt',"
        "Body=open('secret-file.txt','rb'),SSECustomerAlgorithm='AES256',SSECustomerKey=open('key.bin','rb').read())"
    )
    terminal.send(f'python -c "{put}"\r')
    terminal.expect("all passed")
    terminal.send("\x1d")
    terminal.expect("e Explain")
    terminal.send("e")
    terminal.expect("What happened")
    terminal.send("\x1b")
    terminal.expect("all passed")
    terminal.send("\x1b")
    terminal.expect(r"✓ 9\.2")
    terminal.send("q")
    assert terminal.wait() == 0
    assert not terminal.screen.alternate
    assert terminal.screen.cursor.visible
    assert not terminal.screen.mouse
    assert not terminal.screen.bracketed_paste
    gone(root)


def test_the_window_may_be_any_size(open_lab: Open) -> None:
    terminal = open_lab(columns=80, lines=24)
    terminal.expect("sandbox ● ready")
    for columns, lines in ((200, 60), (40, 10), (80, 24)):
        terminal.resize(columns, lines)
        terminal.expect("Open")
    terminal.send("q")
    assert terminal.wait() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_shell_too(open_lab: Open, root: Path, number: signal.Signals) -> None:
    terminal = open_lab()
    open_exercise(terminal, "45 bytes", "9.2")
    terminal.send("i")
    terminal.expect(r"\^\] Leave shell")
    terminal.send("sleep 1000 &\r")
    terminal.expect(r"\[1\]")
    os.kill(terminal.process.pid, number)
    assert terminal.wait() == 128 + number
    assert not terminal.screen.alternate
    gone(root)


def test_closing_the_window_leaves_nothing(open_lab: Open, root: Path) -> None:
    terminal = open_lab()
    open_exercise(terminal, "45 bytes", "9.2")
    terminal.close()
    gone(root)


def test_closing_the_window_while_much_is_drawn_leaves_nothing(open_lab: Open, root: Path) -> None:
    terminal = open_lab()
    open_exercise(terminal, "45 bytes", "9.2")
    terminal.send("i")
    terminal.expect(r"\^\] Leave shell")
    terminal.send("while :; do echo $RANDOM; done\r")
    terminal.expect(r"\d{4,5}[^\n]*\n[^\n]*\d{4,5}")
    time.sleep(0.5)  # nobody reads: what is drawn piles up
    end = time.monotonic()
    terminal.close()
    assert time.monotonic() - end < DEADLINE_SECONDS  # it ended by itself
    gone(root)


def test_closing_the_window_over_the_full_screen_shell_leaves_nothing(open_lab: Open, root: Path) -> None:
    terminal = open_lab()
    open_exercise(terminal, "45 bytes", "9.2")
    terminal.send("f")
    terminal.expect(r"\Alab 9\.2 \$|^lab 9\.2 \$ ?\Z")
    terminal.send("sleep 1000 &\r")
    terminal.expect(r"\[1\]")
    terminal.close()
    gone(root)


def test_a_window_that_says_more_than_once_that_it_closes_leaves_nothing(open_lab: Open, root: Path) -> None:
    """The kernel, the window and the shell around us each hang up, some while the sandbox is being stopped."""
    terminal = open_lab()
    open_exercise(terminal, "45 bytes", "9.2")
    end = time.monotonic() + 60
    while terminal.process.poll() is None:
        assert time.monotonic() < end
        os.kill(terminal.process.pid, signal.SIGHUP)
        terminal.glance(0.02)
    gone(root)


def test_a_kill_loses_no_progress_and_no_world(open_lab: Open, root: Path) -> None:
    terminal = open_lab()
    open_exercise(terminal, "45 bytes", "9.2")
    terminal.send("i")
    terminal.expect(r"\^\] Leave shell")
    terminal.send("chmod 600 *.txt; touch mine\r")
    terminal.expect("1 of 3 passed")
    os.kill(terminal.process.pid, signal.SIGKILL)
    terminal.wait()
    gone(root, what="bash")
    again = open_lab()
    again.expect(r"● 9\.2")
    again.send("\r")
    again.expect("1 of 3 passed")
    again.send("i")
    again.expect(r"\^\] Leave shell")
    again.send("ls\r")
    again.expect("mine")


@pytest.mark.parametrize("leave", ["exit\r", "kill -9 $$\r"])
def test_the_full_screen_shell_comes_back(open_lab: Open, leave: str) -> None:
    terminal = open_lab()
    open_exercise(terminal, "45 bytes", "9.2")
    terminal.send("f")
    terminal.expect(r"\Alab 9\.2 \$|^lab 9\.2 \$ ?\Z")
    terminal.send("echo $LAB_EXERCISE\r")
    terminal.expect("^ssec-45-bytes$")
    terminal.send(leave)
    terminal.expect("0 of 3 passed")
    terminal.send("q\x1b")
    terminal.expect("Course")
    terminal.send("q")
    assert terminal.wait() == 0


def test_a_second_window_reads_and_does_not_save(open_lab: Open) -> None:
    first = open_lab()
    first.expect("sandbox ● ready")
    second = open_lab()
    second.expect("Another window")
    second.send("q")
    assert second.wait() == 0
    first.send("q")
    assert first.wait() == 0
