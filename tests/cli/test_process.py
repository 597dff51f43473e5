"""The command as a process: what it loads, and how it ends when it is interrupted or nobody reads on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import CONTENT

HEAVY = {"textual", "rich", "boto3", "botocore", "moto", "cryptography", "markdown_it", "pyte", "watchfiles"}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {
        **os.environ,
        "LAB_CONTENT_DIR": str(CONTENT),
        "LAB_DATA_DIR": str(tmp_path / "data"),
        "LAB_RUNTIME_DIR": str(tmp_path / "run"),
    }


def loaded(program: str, environment: dict[str, str]) -> set[str]:
    program += "\nprint(*sorted({name.split('.')[0] for name in sys.modules}), file=sys.stderr)"
    ran = subprocess.run(
        [sys.executable, "-c", "import sys\n" + program], env=environment, capture_output=True, text=True, check=True
    )
    return set(ran.stderr.splitlines()[-1].split())


def test_importing_loads_nothing_heavy(environment: dict[str, str]) -> None:
    assert not loaded("import lab.cli", environment) & (HEAVY | {"sqlite3", "platformdirs"})


@pytest.mark.parametrize("command", ["list", "list --json", "progress"])
def test_listing_loads_nothing_heavy(command: str, environment: dict[str, str]) -> None:
    assert not loaded(f"from lab.cli import main; main({command.split()!r})", environment) & HEAVY


def test_help_and_version(environment: dict[str, str]) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "lab", "--help"], env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0
    for command in ("list", "start", "brief", "shell", "predict", "check", "hint", "solution", "explain", "reset",
                    "xray", "doctor", "sandbox", "progress", "dev"):  # fmt: skip
        assert f"\n    {command} " in ran.stdout
    ran = subprocess.run([sys.executable, "-m", "lab.cli", "--version"], capture_output=True, text=True, check=True)
    assert ran.stdout.startswith("lab ")


def test_nobody_reads_on(environment: dict[str, str]) -> None:
    read, write = os.pipe()
    os.close(read)
    ran = subprocess.run(
        [sys.executable, "-m", "lab", "list"], env=environment, stdout=write, stderr=subprocess.PIPE, check=False
    )
    os.close(write)
    assert ran.returncode == 128 + signal.SIGPIPE
    assert ran.stderr == b""


def test_interrupted(environment: dict[str, str]) -> None:
    program = (
        "import lab.cli.course, os, signal, sys\n"
        "lab.cli.course.list_course = lambda options: os.kill(os.getpid(), signal.SIGINT) or input()\n"
        "from lab.cli import main; sys.exit(main(['list']))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert ran.returncode == -signal.SIGINT
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(
    ("variables", "encoding"), [({"PYTHONIOENCODING": "ascii"}, "ascii"), ({"PYTHONIOENCODING": "latin-1"}, "latin-1")]
)
def test_terminals_without_our_characters(
    variables: dict[str, str], encoding: str, environment: dict[str, str]
) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "lab", "list"], env=environment | variables, capture_output=True, check=False
    )
    assert ran.returncode == 0
    assert "o 1.1" in ran.stdout.decode(encoding)


def test_no_color_in_a_pipe(environment: dict[str, str]) -> None:
    ran = subprocess.run([sys.executable, "-m", "lab", "list"], env=environment, capture_output=True, check=False)
    assert b"\x1b" not in ran.stdout


@pytest.mark.parametrize(("variables", "colored"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_color_on_a_terminal_where_it_is_wanted(
    variables: dict[str, str], colored: bool, environment: dict[str, str]
) -> None:
    import pty

    master, slave = pty.openpty()
    environment = environment | {"TERM": "xterm"} | variables
    if "NO_COLOR" not in variables:
        environment.pop("NO_COLOR", None)
    ran = subprocess.run(
        [sys.executable, "-m", "lab", "list"], env=environment, stdout=slave, stdin=slave, stderr=slave, check=False
    )
    os.close(slave)
    text = os.read(master, 65536)
    os.close(master)
    assert ran.returncode == 0
    assert (b"\x1b[" in text) == colored
