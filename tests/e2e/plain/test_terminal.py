"""Where output goes and how a command is ended: terminals of any width, pipes that close, other locales, ctrl+c."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator

import pytest

from tests.e2e.plain.harness import CONTENT, Lab, Running, until
from tests.e2e.plain.terminal import terminal

#: One worker, one lab.
pytestmark = pytest.mark.xdist_group("plain-terminal")

COMMANDS = [
    "list", "lesson 9", "start 9.2", "brief 9.2", "check 9.2", "hint 9.2", "solution 9.2", "explain 9.2",
    "xray wire 9.2", "xray rest 9.2", "xray keys 9.2", "xray policy 9.2", "predict 6.3", "doctor", "progress",
    "sandbox status", "--help", "check --help",
]  # fmt: skip


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    lab = Lab(tmp_path_factory.mktemp("begun"))
    for exercise in ("9.2", "6.3"):
        lab.done("start", exercise)
    solution = CONTENT / "exercises" / "09-sse-c" / "02-45-bytes" / "solutions" / "boto.py"
    assert lab.shell("9.2", f"python {solution}").returncode == 0
    lab.run("check", "9.2")
    yield lab
    lab.end()


# ---- where it goes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_a_terminal_of_twenty_columns(command: str, begun: Lab) -> None:
    with terminal(begun, command, columns=20) as shown:
        assert shown.end() in (0, 1)
        assert "Traceback" not in shown.text
        assert "mistake of its own" not in shown.text


def test_colors_are_for_terminals_that_want_them(begun: Lab) -> None:
    with terminal(begun, "check 9.2") as shown:
        shown.end()
        assert "\x1b[32m" in shown.text
    with terminal(begun, "check 9.2", NO_COLOR="1") as shown:
        shown.end()
        assert "\x1b" not in shown.text
    with terminal(begun, "check 9.2", TERM="dumb") as shown:
        shown.end()
        assert "\x1b" not in shown.text


@pytest.mark.parametrize("command", COMMANDS)
def test_a_pipe_gets_text_alone(command: str, begun: Lab) -> None:
    answer = begun.run(*command.split())
    assert answer.returncode in (0, 1)
    assert "\x1b" not in answer.stdout + answer.stderr
    assert answer.stdout.strip()


@pytest.mark.parametrize("command", ["list", "lesson 9", "solution 9.2", "xray wire 9.2 --json", "check 9.2", "--help"])
def test_a_reader_that_has_enough(command: str, begun: Lab) -> None:
    """``lab … | head -1``: no word about it, and the status of a program that SIGPIPE ended."""
    reading, writing = os.pipe()
    os.close(reading)
    answer = begun.run(*command.split(), stdout=writing)
    os.close(writing)
    assert answer.returncode == 128 + signal.SIGPIPE
    assert "Pipe" not in answer.stderr
    assert "ignored" not in answer.stderr


@pytest.mark.parametrize("closed", [0, 1, 2])
@pytest.mark.parametrize("command", ["list", "check 9.2", "start nonsense", "shell 9.2 -c true"])
def test_a_stream_that_was_closed(command: str, closed: int, begun: Lab) -> None:
    answer = begun.run(*command.split(), preexec_fn=lambda: os.close(closed))
    assert answer.returncode == (2 if "nonsense" in command else 0)
    assert "Error" not in answer.stderr


def test_a_full_disk_behind_the_output(begun: Lab) -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        answer = begun.run("list", stdout=full)
    assert answer.returncode == 3
    assert "Traceback" not in answer.stderr
    assert "No space left on device" in answer.stderr


@pytest.mark.parametrize("command", [*COMMANDS, "list --json", "check 9.2 --json", "xray rest 9.2 --json"])
def test_another_locale(command: str, begun: Lab) -> None:
    # PYTHONIOENCODING stands for a machine whose C library has no UTF-8 in its C locale.
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}
    answer = begun.run(*command.split(), environment=plain)
    assert answer.returncode in (0, 1), answer.stderr
    assert "mistake of its own" not in answer.stderr
    assert answer.stdout.isascii()
    if "--json" in command:
        reference = begun.run(*command.split())
        same: Callable[[str], object] = lambda text: _timeless(json.loads(text))  # noqa: E731
        assert same(answer.stdout) == same(reference.stdout)


def _timeless(value: object) -> object:
    if isinstance(value, dict):
        return {name: _timeless(part) for name, part in value.items() if name != "seconds"}
    return [_timeless(part) for part in value] if isinstance(value, list) else value


# ---- how it ends -----------------------------------------------------------------------------------------------------


def test_ctrl_c_ends_a_watch_with_the_last_verdict(begun: Lab) -> None:
    with begun.start("check", "9.2", "--watch", "--json") as watch:
        assert json.loads(watch.line())["verdict"] == "passed"
        watch.interrupt()
        status, rest, errors = watch.end()
    assert (status, rest, errors) == (0, "", "")


def test_a_watch_tells_through_a_pipe_what_the_learner_does_beside_it(lab: Lab) -> None:
    """Files, requests, predictions and resets that other commands made."""
    lab.done("start", "6.3")
    with lab.start("check", "6.3", "--watch", "--json") as watch:
        assert _questions(watch) == {"get-kms": "open", "get-s3": "open", "put-new": "open"}
        lab.done("predict", "6.3", "400", "--question", "get-kms")
        (lab.workspace("pull-the-plug") / "note.txt").write_text("saved")
        assert _questions(watch)["get-kms"] == "recorded"
        solution = CONTENT / "exercises" / "06-sse-kms" / "03-pull-the-plug" / "solutions" / "boto.py"
        assert lab.shell("6.3", f"python {solution}").returncode == 0
        until(lambda: _questions(watch)["get-kms"] == "answered", "the run was seen")
        lab.done("reset", "6.3")
        until(lambda: _questions(watch)["get-kms"] == "recorded", "the reset was seen")
        watch.interrupt()
        status, _, errors = watch.end()
    assert (status, errors) == (1, "")
    assert lab.json("check", "6.3", status=1)["questions"][0]["choice"] == "400"


def _questions(watch: Running) -> dict[str, str]:
    return {question["id"]: question["state"] for question in json.loads(watch.line())["questions"]}


def test_a_watch_says_when_the_sandbox_was_lost(lab: Lab) -> None:
    lab.done("start", "9.2")
    with lab.start("check", "9.2", "--watch", "--json") as watch:
        watch.line()
        lab.kill_sandbox()
        status, _, errors = watch.end()
    assert status == 3
    assert "lab: The sandbox stopped." in errors
    assert "lab start 9.2" in errors


def test_ctrl_c_in_the_shell_belongs_to_the_program_in_it(begun: Lab) -> None:
    with terminal(begun, "shell 9.2") as shell:
        shell.read_until(r"lab 9\.2")
        shell.type("sleep 100\n")
        until(lambda: any("sleep 100" in command for command in begun.processes().values()), "sleep runs")
        shell.type("\x03")
        shell.type("echo still-$((40+2))-here\n")
        shell.read_until("still-42-here")
        shell.type("exit 7\n")
        assert shell.end() == 7
        assert "Traceback" not in shell.text
    assert not [command for command in begun.processes().values() if "sleep" in command]


def test_ctrl_c_ends_a_command_as_it_ends_any_other(begun: Lab) -> None:
    with terminal(begun, "shell 9.2 -c cat") as shell:
        until(lambda: any(command.strip() == "cat" for command in begun.processes().values()), "cat runs")
        shell.type("\x03")
        assert shell.end() == 130


def test_a_terminal_that_goes_away_takes_its_shell_along(begun: Lab) -> None:
    with terminal(begun, "shell 9.2") as shell:
        shell.read_until(r"lab 9\.2")
        shell.type("sleep 100 & sleep 100\n")
        until(lambda: sum("sleep 100" in command for command in begun.processes().values()) == 2, "both run")
    sandbox = {int(begun.runtime_record()["pid"])}
    until(lambda: set(begun.processes()) == sandbox, "only the sandbox lives")


def test_a_watch_that_is_killed_leaves_the_sandbox_alone_and_a_stop_leaves_nothing(lab: Lab) -> None:
    lab.done("start", "9.2")
    with lab.start("check", "9.2", "--watch", "--json") as watch:
        watch.line()
        watch.process.kill()
        watch.process.wait(10)
        until(lambda: set(lab.processes()) == {int(lab.runtime_record()["pid"])}, "only the sandbox lives")
    assert lab.done("sandbox", "stop") == "The sandbox has ended; its worlds are kept.\n"
    assert lab.processes() == {}
    assert lab.done("sandbox", "stop") == "The sandbox was not running.\n"
    assert lab.run("sandbox", "status").returncode == 1
