"""What a learner's program may do while a check runs it: the check ends in time, says why, and nothing lives on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.plain.harness import CONTENT, Lab, until

EXERCISE = "envelope-with-kms"
SOLUTION = CONTENT / "exercises" / "04-envelope-encryption" / "02-envelope-with-kms" / "solutions" / "reference.sh"
#: The limit of the check, and what a slow machine adds.
SECONDS = 45.0

#: Starts a process of its own session that has let go of everything, as daemons do.
DAEMON = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.closerange(0, 256)
        time.sleep(600)
    os._exit(0)
"""

LOOPS = """
import signal
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
os.closerange(0, 256)
while True:
    pass
"""

#: One worker, one lab.
pytestmark = pytest.mark.xdist_group("plain-learner_scripts")

#: More processes than a run may have, one by one and asleep: each one doubling would take the machine from other tests.
FORKS = """
import os, time
for _ in range(100):
    if os.fork() == 0:
        time.sleep(60)
        os._exit(0)
    time.sleep(0.01)
time.sleep(60)
"""

FILLS_MEMORY = """
held = []
while True:
    held.append(bytearray(64 << 20))
"""


@pytest.fixture(scope="module")
def solved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Exercise 4.2 with objects that are right; only the reader changes."""
    lab = Lab(tmp_path_factory.mktemp("scripts"))
    lab.done("start", "4.2")
    assert lab.shell("4.2", f"bash {SOLUTION}").returncode == 0
    shutil.copy(_reader(lab), lab.root / "right.py")
    yield lab
    lab.end()


def _reader(lab: Lab) -> Path:
    return lab.workspace(EXERCISE) / "get_env.py"


def _sandbox(lab: Lab) -> set[int]:
    return {int(lab.runtime_record()["pid"])}


def _judged(lab: Lab, source: str) -> dict[str, str]:
    """Check with this reader: the state of the check that runs it, and its diagnosis; nothing is left."""
    _reader(lab).write_text(source)
    began = time.monotonic()
    report = lab.run("check", "4.2", "--json")
    assert time.monotonic() - began < SECONDS
    assert report.returncode in (0, 1), report.stderr
    until(lambda: set(lab.processes()) == _sandbox(lab), "only the sandbox lives")
    reads: dict[str, str] = next(check for check in json.loads(report.stdout)["checks"] if check["id"] == "reads")
    return reads


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "limit"),
    [
        pytest.param(DAEMON + LOOPS, "time", id="loops for ever, deaf, without files, beside a daemon"),
        pytest.param(FORKS, "processes", id="forks a bomb"),
        pytest.param(FILLS_MEMORY, "memory", id="takes all memory"),
    ],
)
def test_a_reader_that_misbehaves_is_ended_at_its_limit(source: str, limit: str, solved: Lab) -> None:
    reads = _judged(solved, source)
    assert (reads["state"], reads["diagnosis"]) == ("not_yet", "reader-stopped")
    assert limit in reads["observed"]


@pytest.mark.slow
def test_a_reader_that_leaves_a_daemon_is_judged_by_its_files(solved: Lab) -> None:
    right = (solved.root / "right.py").read_text()
    assert _judged(solved, right.replace("\nmain()\n", f"\n{DAEMON}\nmain()\n"))["state"] == "passed"


@pytest.mark.slow
@pytest.mark.parametrize(
    "source",
    [
        "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\n",
        "import os, sys\nos.closerange(0, 256)\nos._exit(3)\n",
        "import os\nos.kill(0, 9)\n",
        "raise SystemExit(1)\n",
        "not python at all (\n",
        "",
    ],
)
def test_a_reader_that_ends_early_wrote_nothing(source: str, solved: Lab) -> None:
    reads = _judged(solved, source)
    assert (reads["state"], reads["diagnosis"]) == ("not_yet", "reader-wrote-nothing")


@pytest.mark.slow
def test_what_a_check_runs_ends_with_the_check(solved: Lab) -> None:
    """Whoever kills the lab in the middle kills what it started."""
    flag = solved.root / "runs"
    _reader(solved).write_text(f"import pathlib\npathlib.Path({str(flag)!r}).touch()\n{DAEMON}{LOOPS}")
    with solved.start("check", "4.2", "--watch", start_new_session=True) as watch:
        until(flag.exists, "the reader runs")
        assert any("get_env.py" in command for command in solved.processes().values())
        os.kill(watch.process.pid, signal.SIGKILL)
        watch.process.wait(10)
        until(lambda: set(solved.processes()) == _sandbox(solved), "only the sandbox lives", 30)


@pytest.mark.slow
def test_an_interrupted_check_leaves_nothing(solved: Lab) -> None:
    flag = solved.root / "runs-again"
    _reader(solved).write_text(f"import pathlib\npathlib.Path({str(flag)!r}).touch()\n{DAEMON}{LOOPS}")
    with solved.start("check", "4.2") as check:
        until(flag.exists, "the reader runs")
        check.interrupt()
        status, _, errors = check.end(40)
    assert status == -signal.SIGINT
    assert "Traceback" not in errors
    until(lambda: set(solved.processes()) == _sandbox(solved), "only the sandbox lives", 30)
