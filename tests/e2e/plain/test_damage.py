"""Files that are damaged, folders that are gone, a sandbox that is killed: the lab says what it saw and goes on."""

from __future__ import annotations

import json
import sqlite3

import pytest

from tests.e2e.plain.harness import CONTENT, Lab, tree, until

EXERCISE = "ssec-45-bytes"
SOLUTION = CONTENT / "exercises" / "09-sse-c" / "02-45-bytes" / "solutions" / "boto.py"


# ---- the workspace ---------------------------------------------------------------------------------------------------


def test_a_workspace_that_was_removed_comes_back_as_at_the_start(lab: Lab) -> None:
    lab.done("start", "9.2")
    before = tree(lab.workspace(EXERCISE))
    lab.workspace(EXERCISE).rename(lab.root / "gone")
    assert lab.json("check", "9.2", status=1)["verdict"] == "not_yet"
    assert tree(lab.workspace(EXERCISE)) == before


def test_a_file_in_the_workspaces_place_is_named_and_moved_aside_by_a_reset(lab: Lab) -> None:
    lab.done("start", "9.2")
    before = tree(lab.workspace(EXERCISE))
    lab.workspace(EXERCISE).rename(lab.root / "gone")
    lab.workspace(EXERCISE).write_text("mine")
    for command in ("check", "start", "shell"):
        answer = lab.run(command, "9.2")
        assert answer.returncode == 3
        assert f"{lab.workspace(EXERCISE)} is not a directory." in answer.stderr
        assert "lab reset" in answer.stderr
    assert "are kept in" in lab.done("reset", "9.2")
    assert (lab.work / f"{EXERCISE}.before-reset-1").read_text() == "mine"
    assert tree(lab.workspace(EXERCISE)) == before


# ---- private files ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "{", '{"exercise": 1', "[]", '{"exercise": "x", "predictions": {}, "more": 1}'])
def test_a_damaged_record_of_a_world(text: str, shared: Lab) -> None:
    shared.done("start", "8.1")
    shared.record("dsse-two-layers").write_text(text)
    answer = shared.run("check", "8.1")
    assert answer.returncode == 3
    assert "is damaged, so its world is not found." in answer.stderr
    assert "Build it again: lab start 8.1." in answer.stderr
    (shared.workspace("dsse-two-layers") / "mine.txt").write_text("mine")
    assert "has been built again" in shared.done("start", "8.1")
    assert [path.read_text() for path in shared.work.glob("dsse-two-layers.before-reset-*/mine.txt")][-1] == "mine"
    assert shared.json("check", "8.1", status=1)["verdict"] == "not_yet"


def test_a_damaged_progress_store_is_kept_and_replaced(lab: Lab) -> None:
    lab.done("hint", "9.2")
    store = lab.data / "progress.sqlite3"
    damaged = store.read_bytes()[:3000]
    for part in lab.data.glob("progress.sqlite3-*"):
        part.unlink()
    store.write_bytes(damaged)
    answer = lab.run("list")
    assert answer.returncode == 0
    assert "Your progress store was damaged: it is kept as progress.sqlite3.damaged-" in answer.stderr
    (kept,) = lab.data.glob("progress.sqlite3.damaged-*")
    assert kept.read_bytes() == damaged
    assert lab.run("list").stderr == ""
    lab.done("hint", "9.2")
    assert "hint 2 of 4" in lab.done("hint", "9.2")


def test_a_store_of_a_newer_lab_is_left_alone(lab: Lab) -> None:
    lab.done("hint", "9.2")
    store = lab.data / "progress.sqlite3"
    with sqlite3.connect(store) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = store.read_bytes()
    answer = lab.run("hint", "9.2")
    assert answer.returncode == 0
    assert "was written by a newer lab and is left as it is" in answer.stderr
    assert store.read_bytes() == before


def test_a_directory_in_the_stores_place_costs_progress_only(lab: Lab) -> None:
    (lab.data / "progress.sqlite3").mkdir(parents=True)
    answer = lab.run("start", "9.2")
    assert answer.returncode == 0
    assert "the lab works without saving" in answer.stderr
    assert lab.shell("9.2", f"python {SOLUTION}").returncode == 0
    assert lab.json("check", "9.2")["verdict"] == "passed"


# ---- the sandbox -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", [None, "", "{", '{"pid": 1, "began": "1"}', '{"pid": 999999999, "began": "1", "starting": true}']
)
def test_a_sandbox_whose_runtime_file_is_damaged_is_found_again(text: str | None, shared: Lab) -> None:
    shared.done("start", "9.2")
    process = shared.runtime_record()["pid"]
    file = shared.runtime / "sandbox.json"
    file.unlink() if text is None else file.write_text(text)
    assert shared.run("check", "9.2").returncode in (0, 1)
    assert shared.runtime_record()["pid"] == process


def test_one_sandbox_keeps_a_data_directory_from_whatever_runtime_directory(lab: Lab) -> None:
    lab.done("start", "9.2")
    process = lab.runtime_record()["pid"]
    elsewhere = {"LAB_RUNTIME_DIR": str(lab.root / "other")}
    assert lab.run("check", "9.2", environment=elsewhere).returncode == 1
    assert json.loads((lab.root / "other" / "sandbox.json").read_text())["pid"] == process
    answer = lab.run("sandbox", "serve", "--state", lab.data / "sandbox")
    assert answer.returncode == 3
    assert answer.stderr == f"Another sandbox keeps its state in {lab.data / 'sandbox'}.\n"
    assert lab.run("check", "9.2").returncode == 1


def test_a_sandbox_that_cannot_be_reached_any_more_is_replaced(lab: Lab) -> None:
    lab.done("start", "9.2")
    assert lab.shell("9.2", f"python {SOLUTION}").returncode == 0
    process = lab.runtime_record()["pid"]
    for file in lab.runtime.iterdir():
        file.unlink()
    assert lab.json("check", "9.2")["verdict"] == "passed"
    assert lab.runtime_record()["pid"] != process
    assert process not in lab.processes()


def test_a_sandbox_killed_before_a_check_costs_nothing(lab: Lab) -> None:
    lab.done("start", "9.2")
    assert lab.shell("9.2", f"python {SOLUTION}").returncode == 0
    assert lab.json("check", "9.2")["verdict"] == "passed"
    lab.kill_sandbox()
    assert lab.json("check", "9.2")["verdict"] == "passed"


@pytest.mark.slow
def test_a_sandbox_killed_during_a_check_is_the_labs_fault(lab: Lab) -> None:
    solution = CONTENT / "exercises" / "04-envelope-encryption" / "02-envelope-with-kms" / "solutions" / "reference.sh"
    lab.done("start", "4.2")
    assert lab.shell("4.2", f"bash {solution}").returncode == 0
    reader = lab.workspace("envelope-with-kms") / "get_env.py"
    right = reader.read_text()
    # The reader says that it runs, and gives the killer the time that it needs.
    flag = lab.root / "running"
    reader.write_text(f"import pathlib, time\npathlib.Path({str(flag)!r}).touch()\ntime.sleep(0.5)\n")
    with lab.start("check", "4.2", "--json") as check:
        until(flag.exists, "the reader runs")
        lab.kill_sandbox()
        status, out, errors = check.end(60)
    assert status == 3, (out, errors)
    report = json.loads(out)
    assert report["verdict"] == "lab_fault"
    states = {check["id"]: check["state"] for check in report["checks"]}
    assert states == {"stored": "passed", "no-key-left": "passed", "reads": "lab_fault"}
    (fault,) = [check["observed"] for check in report["checks"] if check["state"] == "lab_fault"]
    assert "sandbox" in fault
    assert "your work is kept" in fault
    reader.write_text(right)
    assert lab.json("check", "4.2")["verdict"] == "passed"
