"""What this machine has, what is missing, and the command that mends it. Knows no screen."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lab import paths
from lab.errors import LabError

State = Literal["ok", "missing", "advice"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        state: ``missing`` stops exercises, ``advice`` does not.
        found: What is there.
        mend: The command or the step that mends it, '' where nothing is to mend.
    """

    id: str
    state: State
    found: str
    mend: str = ""


@dataclass(frozen=True, slots=True)
class _Tool:
    """A program that must be there, in at least a version.

    Attributes:
        least: The lowest version that will do, () for any.
        needed: Whether exercises need it; else it is for ``make test`` only.
    """

    name: str
    arguments: tuple[str, ...]
    least: tuple[int, ...]
    needed: bool


_TOOLS = (
    _Tool("bash", ("--version",), (), needed=True),
    _Tool("openssl", ("version",), (3,), needed=True),
    _Tool("curl", ("--version",), (7, 75), needed=True),
    _Tool("git", ("--version",), (), needed=False),
    _Tool("make", ("--version",), (), needed=False),
    _Tool("gcc", ("--version",), (), needed=False),
)


def look(workspace_root: Path | None = None) -> Iterator[Finding]:
    """Every finding, the quick ones first."""
    yield _python()
    for tool in _TOOLS:
        yield _tool(tool)
    yield _aws()
    yield _terminal()
    yield _encoding()
    yield _directory("data", paths.data_dir, "set LAB_DATA_DIR to a directory of your own")
    yield _directory("runtime", paths.runtime_dir, "set LAB_RUNTIME_DIR to a directory of your own")
    yield _directory("workspaces", lambda: _existing(workspace_root), "lab --workspace DIR names another place")
    yield _content()
    yield _progress()
    yield _sandbox()


def _python() -> Finding:
    # An older one than the lab needs does not get this far.
    return Finding("python", "ok", ".".join(str(part) for part in sys.version_info[:3]))


def _tool(tool: _Tool) -> Finding:
    missing: State = "missing" if tool.needed else "advice"
    purpose = "" if tool.needed else ", for make test only"
    program = shutil.which(tool.name)
    if program is None:
        return Finding(tool.name, missing, f"not found{purpose}", _install(tool.name))
    version = _version(program, tool.arguments)
    if version is None:
        return Finding(tool.name, missing, f"{program} does not answer{purpose}", _install(tool.name))
    text = ".".join(str(part) for part in version)
    if version < tool.least:
        least = ".".join(str(part) for part in tool.least)
        return Finding(tool.name, missing, f"{text}, {least} is needed", _install(tool.name))
    return Finding(tool.name, "ok", text)


def _version(program: str, arguments: tuple[str, ...]) -> tuple[int, ...] | None:
    """The first version number that the program says; None where it says none."""
    try:
        answer = subprocess.run(
            [program, *arguments], capture_output=True, text=True, timeout=10, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r"(\d+(?:\.\d+)+)", answer.stdout + answer.stderr)
    return tuple(int(part) for part in match[1].split(".")) if match else None


def _install(name: str) -> str:
    """The command of this system's package manager."""
    package = {"gcc": {"apt-get": "build-essential", "brew": "gcc"}}.get(name, {})
    for manager, command in (
        ("brew", "brew install"),
        ("apt-get", "sudo apt-get install"),
        ("dnf", "sudo dnf install"),
        ("pacman", "sudo pacman -S"),
        ("apk", "sudo apk add"),
        ("zypper", "sudo zypper install"),
    ):
        if shutil.which(manager):
            return f"{command} {package.get(manager, name)}"
    return f"install {name} with your system's package manager"


def _aws() -> Finding:
    """The AWS CLI: on the path, or installed beside the lab's Python, where its shell finds it too."""
    beside = Path(sys.executable).parent / "aws"
    program = shutil.which("aws") or (str(beside) if os.access(beside, os.X_OK) else None)
    if program is None:
        return Finding("aws", "missing", "the AWS CLI was not found", "pip install 's3-encryption-lab[cli]'")
    version = _version(program, ("--version",))
    text = ".".join(str(part) for part in version) if version else "found"
    return Finding("aws", "ok", f"{text} ({program})")


def _terminal() -> Finding:
    if sys.__stdout__ is None or not sys.__stdout__.isatty():
        return Finding("terminal", "ok", "no terminal: commands work, the app needs one")
    size = shutil.get_terminal_size()
    text = f"{size.columns}x{size.lines}"
    if size.columns < 80 or size.lines < 24:
        return Finding("terminal", "advice", f"{text}, the app wants 80x24", "make the window larger")
    return Finding("terminal", "ok", text)


def _encoding() -> Finding:
    encoding = (getattr(sys.__stdout__, "encoding", None) or "none").lower()
    if encoding.replace("-", "") == "utf8":
        return Finding("encoding", "ok", "UTF-8")
    return Finding("encoding", "advice", f"{encoding}, the app draws with UTF-8", "export LC_ALL=C.UTF-8")


def _directory(name: str, find: Callable[[], Path], mend: str) -> Finding:
    try:
        directory = find()
        probe = directory / f".doctor-{os.getpid()}"
        probe.write_bytes(b"")
        probe.unlink()
    except LabError as error:
        return Finding(name, "missing", error.message, mend)
    except OSError as error:
        return Finding(name, "missing", f"{error.filename} cannot be written ({error.strerror})", mend)
    return Finding(name, "ok", str(directory))


def _existing(root: Path | None) -> Path:
    """Where workspaces are made; before the first one, the directory that will hold it."""
    root = (root or paths.default_workspace_root()).absolute()
    while not root.exists():
        root = root.parent
    return root


def _content() -> Finding:
    from lab.course import load_course

    try:
        course = load_course()
    except LabError as error:
        return Finding("course", "missing", error.message, error.next_step)
    text = f"{len(course.lessons)} lessons, {len(course.exercises)} exercises"
    if course.problems:
        return Finding("course", "advice", f"{text}, {len(course.problems)} files cannot be read", "lab list --debug")
    return Finding("course", "ok", text)


def _progress() -> Finding:
    from lab.progress import open_store

    store = open_store()
    if store.saving:
        return Finding("progress", "ok", f"{len(store.events())} events{'; ' + store.notice if store.notice else ''}")
    return Finding("progress", "advice", store.notice, "make its directory writable, or set LAB_DATA_DIR")


def _sandbox() -> Finding:
    """Whether it comes up; one that was started only to see that is ended again."""
    from lab.backends import open_backend
    from lab.backends.runtime import find_sandbox, stop_sandbox

    try:
        ran_before = find_sandbox() is not None
        backend = open_backend("sandbox")
        address = backend.endpoints().https
        backend.close()
        if not ran_before:
            stop_sandbox(only_unused=True)
    except LabError as error:
        return Finding("sandbox", "missing", error.message, error.next_step)
    return Finding("sandbox", "ok", address)
