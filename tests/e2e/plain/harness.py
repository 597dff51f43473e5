"""The installed ``lab`` command in a home of its own, run as a learner runs it, and every process that comes of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

CONTENT = Path(__file__).resolve().parents[3]
COMMAND = Path(sys.executable).with_name("lab")
#: Stands in the environment of everything that a test starts, and of all that this starts in turn.
MARKER = "LAB_TEST_MARKER"

Answer = subprocess.CompletedProcess[str]


@dataclass
class Lab:
    """One home, one data directory, one sandbox.

    Attributes:
        root: A directory of the test's own.
        extra: What the learner's environment holds besides.
        program: The command itself.
    """

    root: Path
    extra: dict[str, str] = field(default_factory=dict)
    program: Path = COMMAND
    marker: str = field(default_factory=lambda: uuid.uuid4().hex)

    def __post_init__(self) -> None:
        for directory in (self.home, self.elsewhere, self.temporary):
            directory.mkdir(parents=True, exist_ok=True)

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def runtime(self) -> Path:
        return self.root / "run"

    @property
    def work(self) -> Path:
        return self.root / "work"

    @property
    def elsewhere(self) -> Path:
        """Where commands are run: neither the checkout nor a workspace."""
        return self.root / "elsewhere"

    @property
    def temporary(self) -> Path:
        """Where programs leave what is to be gone with them."""
        return self.root / "tmp"

    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(self.home),
            "TMPDIR": str(self.temporary),
            "SHELL": "/bin/bash",
            "LAB_DATA_DIR": str(self.data),
            "LAB_RUNTIME_DIR": str(self.runtime),
            MARKER: self.marker,
        } | self.extra

    def command(self, *arguments: str | Path) -> list[str]:
        return [str(self.program), "--workspace", str(self.work), *map(str, arguments)]

    def run(self, *arguments: str | Path, environment: Mapping[str, str] | None = None, **options: Any) -> Answer:
        """Run one command to its end."""
        usual: dict[str, Any] = {"cwd": self.elsewhere, "stdin": subprocess.DEVNULL, "timeout": 120, "text": True}
        return subprocess.run(
            self.command(*arguments),
            check=False,
            env=self.environment() | dict(environment or {}),
            **(usual | {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options),
        )

    def start(self, *arguments: str | Path, environment: Mapping[str, str] | None = None, **options: Any) -> Running:
        """Start one command and leave it running."""
        usual: dict[str, Any] = {"cwd": self.elsewhere, "stdin": subprocess.DEVNULL, "text": True}
        return Running(
            subprocess.Popen(
                self.command(*arguments),
                env=self.environment() | dict(environment or {}),
                **(usual | {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options),
            )
        )

    def done(self, *arguments: str | Path, **options: Any) -> str:
        """Run a command that must end well; what it said."""
        answer = self.run(*arguments, **options)
        assert answer.returncode == 0, (arguments, answer.returncode, answer.stdout, answer.stderr)
        return str(answer.stdout)

    def json(self, *arguments: str | Path, status: int = 0, **options: Any) -> Any:
        """What a command says with ``--json``."""
        answer = self.run(*arguments, "--json", **options)
        assert answer.returncode == status, (arguments, answer.returncode, answer.stdout, answer.stderr)
        return json.loads(answer.stdout)

    def shell(self, exercise: str, script: str, **options: Any) -> Answer:
        """Run a script in the learner's shell."""
        return self.run("shell", exercise, "-c", script, **options)

    def workspace(self, exercise: str) -> Path:
        return self.work / exercise

    def record(self, exercise: str) -> Path:
        """The private record of an exercise's world."""
        return self.data / "worlds" / f"{exercise}.sandbox" / "world.json"

    def runtime_record(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.runtime / "sandbox.json").read_text())
        return found

    def kill_sandbox(self) -> int:
        """End the sandbox as a machine without memory does; the number of the process that was."""
        process = int(self.runtime_record()["pid"])
        os.kill(process, signal.SIGKILL)
        until(lambda: process not in self.processes(), "the sandbox is gone")
        return process

    def processes(self) -> dict[int, str]:
        """Every living process that came of this lab, with its command line."""
        found = {}
        wanted = f"{MARKER}={self.marker}".encode()
        for directory in Path("/proc").iterdir():
            if not directory.name.isdigit() or directory.name == str(os.getpid()):
                continue
            with suppress(OSError):
                if wanted in (directory / "environ").read_bytes().split(b"\0"):
                    found[int(directory.name)] = (directory / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        return found

    def end(self) -> None:
        """End the sandbox; nothing of this lab may live then, nor lie about."""
        self.run("sandbox", "stop")
        try:
            until(lambda: not self.processes(), "no process of the lab is left")
            until(lambda: not list(self.temporary.iterdir()), "no temporary file is left")
        finally:
            for process in self.processes():
                with suppress(OSError):
                    os.kill(process, signal.SIGKILL)


class Running:
    """A command that has not ended yet."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def line(self) -> str:
        """The next line that it says; '' at its end."""
        assert self.process.stdout is not None
        return str(self.process.stdout.readline())

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)

    def end(self, seconds: float = 20.0) -> tuple[int, str, str]:
        """Wait for its end: status, rest of the output, errors."""
        out, error = self.process.communicate(timeout=seconds)
        return self.process.returncode, out or "", error or ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        with suppress(ValueError):
            self.process.communicate(timeout=20)


def until(condition: Callable[[], object], what: str, seconds: float = 15.0) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.02)


def tree(directory: Path) -> dict[str, tuple[int, bytes]]:
    """Every file below, with its mode and content."""
    return {
        str(path.relative_to(directory)): (path.stat().st_mode, path.read_bytes())
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }
