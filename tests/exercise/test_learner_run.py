"""What a learner's script may do, and that nothing of it is left behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from lab.exercise.api import LearnerRun
from lab.exercise.learner_run import run_script


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "data.txt").write_text("data")
    return folder


def run(workspace: Path, text: str, name: str = "run.sh", **options: object) -> LearnerRun:
    (workspace / name).write_text(text)
    mark = {"LAB_TEST_MARK": str(workspace)}
    return run_script(workspace, name, lambda copy, _: {**os.environ, **mark, "COPY": str(copy)}, **options)  # type: ignore[arg-type]


def left_running(workspace: Path) -> list[psutil.Process]:
    """Processes that carry this test's mark in their environment."""
    found = []
    for process in psutil.process_iter():
        try:
            marked = process.environ().get("LAB_TEST_MARK") == str(workspace)
            if marked and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def test_it_is_judged_by_the_files_it_leaves(workspace: Path) -> None:
    script = 'cat > read.txt; cp in.txt "$1"; echo more >> data.txt; mkdir d; echo x > d/x; exit 3'
    result = run(workspace, script, args=["out name.txt"], files={"in.txt": b"in"}, stdin=b"from stdin")
    assert (result.finished, result.timed_out, result.status) == (True, False, 3)
    assert result.files["out name.txt"] == b"in"
    assert result.files["read.txt"] == b"from stdin"
    assert result.files["d/x"] == b"x\n"
    assert result.changed == {"out name.txt", "read.txt", "data.txt", "d/x"}
    assert sorted(path.name for path in workspace.iterdir()) == ["data.txt", "run.sh"]
    assert (workspace / "data.txt").read_text() == "data"


def test_python_runs_with_the_labs_own(workspace: Path) -> None:
    result = run(workspace, "import sys, pathlib\npathlib.Path('v').write_text(sys.executable)\n", "run.py")
    assert result.files["v"].decode() == sys.executable


def test_the_validators_own_script_may_drive_the_learners(workspace: Path) -> None:
    (workspace / "tool.sh").write_text('echo "$1" > "$1.out"')
    files = {"drive.sh": b"bash tool.sh one; bash tool.sh two"}
    result = run_script(workspace, "drive.sh", lambda *_: dict(os.environ), files=files)
    assert result.changed == {"one.out", "two.out"}


@pytest.mark.parametrize("script", ["none.sh", "../outside.sh", "/bin/true", ""])
def test_a_script_that_is_not_there(workspace: Path, script: str) -> None:
    (workspace.parent / "outside.sh").write_text("true")
    result = run_script(workspace, script, lambda *_: dict(os.environ))
    assert (result.finished, result.files) == (False, {})


def test_a_program_that_cannot_be_run(workspace: Path) -> None:
    result = run(workspace, "no interpreter line", "program")
    assert not result.finished


def test_time_is_limited(workspace: Path) -> None:
    began = time.monotonic()
    result = run(workspace, "echo begun > begun; sleep 60", seconds=0.5)
    assert (result.timed_out, result.stopped_by, result.status) == (True, "time", None)
    assert result.files["begun"] == b"begun\n"
    assert time.monotonic() - began < 5


def test_memory_is_limited(workspace: Path) -> None:
    result = run(workspace, "import time\nx = bytearray(1 << 30)\ntime.sleep(20)\n", "run.py", seconds=8)
    assert result.stopped_by == "memory"


def test_too_many_processes_are_stopped(workspace: Path) -> None:
    # A real bomb is stopped too, but makes the machine slow for everybody else.
    result = run(workspace, "for i in $(seq 200); do setsid sleep 61 & done; sleep 60", seconds=8)
    assert result.stopped_by == "processes"
    assert left_running(workspace) == []


ESCAPES = {
    "background": "sleep 61 & sleep 62 & echo ok > ok",
    "own session": "setsid sleep 61 & sleep 0.2; echo ok > ok",
    "daemon": "(setsid sh -c 'sleep 61 & sleep 62' >/dev/null 2>&1 &); sleep 0.2; echo ok > ok",
    "ignores signals": "setsid sh -c \"trap '' TERM HUP INT; sleep 61\" & sleep 0.2; echo ok > ok",
}


@pytest.mark.parametrize("script", ESCAPES.values(), ids=ESCAPES)
def test_no_child_survives(workspace: Path, script: str) -> None:
    result = run(workspace, script, seconds=5)
    assert result.finished
    assert result.files["ok"] == b"ok\n"
    assert left_running(workspace) == []


def test_nothing_survives_the_lab_itself(workspace: Path) -> None:
    """Killed with -9 in the middle of a run, the lab leaves no process."""
    (workspace / "run.sh").write_text("setsid sleep 61 & touch ../begun; sleep 62")
    program = (
        "import os, sys; from pathlib import Path; from lab.exercise.learner_run import run_script\n"
        "run_script(Path(sys.argv[1]), 'run.sh', lambda *_: {**os.environ, 'LAB_TEST_MARK': sys.argv[1],"
        " 'BEGUN': sys.argv[1]}, seconds=50)"
    )
    (workspace / "run.sh").write_text('setsid sleep 61 & touch "$BEGUN/begun"; sleep 62')
    lab = subprocess.Popen([sys.executable, "-c", program, str(workspace)])
    wait_until((workspace / "begun").exists)
    lab.kill()
    lab.wait()
    wait_until(lambda: left_running(workspace) == [])


def wait_until(condition: object, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_pipes_and_links_are_no_trap(workspace: Path) -> None:
    os.mkfifo(workspace / "pipe")
    (workspace / "link").symlink_to("/etc/passwd")
    (workspace / "loop").symlink_to("loop")
    result = run(workspace, "mkfifo other; ln -s /etc/hostname leak; echo ok > ok")
    assert result.files.keys() == {"data.txt", "run.sh", "ok"}
