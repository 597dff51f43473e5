"""The app in a terminal: first frame and lesson beside a Textual hello-world, keys, idling, memory, the command."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.bench.measure import ROUNDS, Row, absolute, compared, interleaved, p95, progress, seconds
from tests.bench.terminal import PtyProgram

LAB = str(Path(sys.executable).with_name("lab"))
HELLO = [sys.executable, str(Path(__file__).with_name("hello.py"))]
NAME = "S3 Encryption Lab"
LESSON, LESSON_TEXT = "lesson/sse-c", "With server-side encryption with customer-provided keys"
EXERCISE, EXERCISE_TITLE = "ssec-45-bytes", "45 bytes is not a key"
KEYS = 60
IDLE_SECONDS = 20.0


@dataclass(frozen=True)
class Home:
    """A learner of our own: progress, sandbox, workspaces and home directory under one temporary directory."""

    root: Path

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the programs that are measured."""
        return {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.root),
            "LANG": "C.UTF-8",
            "SHELL": "/bin/bash",
            "LAB_DATA_DIR": str(self.root / "data"),
            "LAB_RUNTIME_DIR": str(self.root / "run"),
        }

    def lab(self, *arguments: str) -> str:
        """Run a command of the lab; give what it prints."""
        return subprocess.run(
            [LAB, *arguments], env=self.environment, check=True, capture_output=True, text=True
        ).stdout

    def app(self) -> PtyProgram:
        """Start the app."""
        return PtyProgram([LAB], self.environment)

    def last_place(self, place: str) -> None:
        """Let the learner have been there last."""
        from lab.progress import ProgressEvent, Store

        Store(self.root / "data" / "progress.sqlite3").append(ProgressEvent("open", exercise=place))

    def sandbox_pid(self) -> int:
        """The process of the sandbox."""
        return int(json.loads((self.root / "run" / "sandbox.json").read_text())["pid"])


@contextmanager
def home() -> Iterator[Home]:
    """A learner who was here before: the sandbox's authority exists, and so does the progress store."""
    root = Path(tempfile.mkdtemp(prefix="lab-bench-"))
    place = Home(root)
    try:
        with place.app() as app:
            app.wait_for("● ready")
        yield place
    finally:
        subprocess.run([LAB, "sandbox", "stop"], env=place.environment, check=False, capture_output=True)
        shutil.rmtree(root, ignore_errors=True)


def first_frame(at: Home) -> float:
    """Exec to the first frame of the app."""
    with at.app() as app:
        return app.wait_for(NAME)


def hello_frame(at: Home) -> float:
    """Exec to the first frame of hello-world."""
    with PtyProgram(HELLO, at.environment) as hello:
        return hello.wait_for("Hello, world")


def lesson_text(at: Home) -> float:
    """Exec to the text of the lesson that was read last; Enter is pressed as soon as the course shows it."""
    with at.app() as app:
        app.wait_for("9  SSE-C")
        app.press("\r")
        return app.wait_for(LESSON_TEXT)


def until(at: Home, text: str) -> float:
    """Exec to a text of the app."""
    with at.app() as app:
        return app.wait_for(text)


def key_times(app: PtyProgram, keys: list[tuple[str, str]]) -> list[float]:
    """Milliseconds from a key to the end of the frame that shows its text; nothing else is painted meanwhile."""
    times = []
    for key, text in keys:
        app.forget()
        pressed = app.press(key)
        app.wait_for(text, whole_frame=True)
        times.append((time.perf_counter() - pressed) * 1000)
    return times


def _start_rows(at: Home) -> list[Row]:
    with progress("exec to first frame"):
        ours, theirs = interleaved(lambda: first_frame(at), lambda: hello_frame(at))
        first = compared("exec → first frame (hello-world)", ours, theirs, "s", goal=1.25, more_is_better=False)
    at.last_place(LESSON)
    with progress("exec to a lesson's text"):
        ours, theirs = interleaved(lambda: lesson_text(at), lambda: hello_frame(at))
        lesson = compared("exec → lesson readable (hello-world)", ours, theirs, "s", goal=2.5, more_is_better=False)
    with progress("exec to course list, to sandbox ready, lab list"):
        listed = statistics.median(until(at, "9  SSE-C") for _ in range(ROUNDS))
        ready = statistics.median(until(at, "● ready") for _ in range(ROUNDS))
        command = statistics.median(seconds(lambda: at.lab("list", "--json")) for _ in range(ROUNDS))
    return [
        first,
        lesson,
        absolute("exec → course list", listed, "s"),
        absolute("exec → sandbox ready, seen in the app", ready, "s"),
        absolute("exec → end of lab list --json", command, "s"),
    ]


def _course_keys(at: Home) -> list[float]:
    at.last_place("lesson/on-the-wire")
    with at.app() as app:
        app.wait_for("● ready", "On the wire")
        return key_times(app, [("\x1b[B", "openssl enc"), ("\x1b[A", "On the wire")] * (KEYS // 2))


def _workbench_rows(at: Home) -> list[Row]:
    at.last_place(EXERCISE)
    with at.app() as app:
        app.wait_for("● ready", EXERCISE_TITLE)
        app.press("\r")
        app.wait_for("0 of 3 passed")
        app.press("i")
        app.wait_for("$ ")
        with progress("keys in the shell"):
            typed = key_times(app, [(letter, letter) for letter in "JKQXZV" * (KEYS // 6)])
        app.forget()
        app.press("\x03")
        with progress("idle"):
            app.forget(1.0)
            idle = _idle_share(app, [app.process.pid, at.sandbox_pid()])
        with progress("memory after an exercise"):
            app.press(f"bash {_solution()}\r")
            app.wait_for("Passed")
            app.forget(1.0)
            rows = _memory_rows(app.process.pid, at.sandbox_pid())
    return [
        absolute("key → paint in the shell, p95", p95(typed), "ms", goal=25),
        absolute("key → paint in the shell, median", statistics.median(typed), "ms"),
        absolute("idle: app and sandbox", idle * 100, "% of a core", goal=0.3),
        *rows,
    ]


def _solution() -> Path:
    """The reference solution; it takes its names from the shell's variables."""
    from lab.course import load_course

    return load_course().exercise(EXERCISE).solutions_directory / "reference.sh"


def _idle_share(app: PtyProgram, pids: list[int]) -> float:
    """The share of one core that these processes take while nothing happens."""
    before = sum(_cpu_nanoseconds(pid) for pid in pids)
    taken = seconds(lambda: app.read_for(IDLE_SECONDS))
    return (sum(_cpu_nanoseconds(pid) for pid in pids) - before) / 1e9 / taken


def _cpu_nanoseconds(pid: int) -> int:
    """Time on a processor; finer than the clock ticks of ``/proc/PID/stat``."""
    return sum(int(task.read_text().split()[0]) for task in Path(f"/proc/{pid}/task").glob("*/schedstat"))


def _memory_rows(app: int, sandbox: int) -> list[Row]:
    children = [child.pid for child in psutil.Process(app).children(recursive=True) if child.pid != sandbox]
    mine, other, rest = pss(app), pss(sandbox), sum(pss(pid) for pid in children)
    return [
        absolute("memory after an exercise: app and sandbox", mine + other, "MiB", goal=200),
        absolute("… the app", mine, "MiB"),
        absolute("… the sandbox", other, "MiB"),
        absolute("… besides: the learner's shell", rest, "MiB"),
    ]


def pss(pid: int) -> float:
    """Memory in MiB, what is shared counted in parts."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0


def rows() -> list[Row]:
    """Everything about the app."""
    with home() as at:
        found = _start_rows(at)
        with progress("keys in the course list"):
            moved = _course_keys(at)
        found += [
            absolute("key → paint in the course, p95", p95(moved), "ms", goal=25),
            absolute("key → paint in the course, median", statistics.median(moved), "ms"),
        ]
        return found + _workbench_rows(at)
