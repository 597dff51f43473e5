"""Every command of a learner's day, with its exit status and what it prints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema  # type: ignore[import-untyped]
import pytest

import lab as package
from lab.cli import main
from tests.cli.conftest import Lab
from tests.exercise.fake import FakeBackend, FakeWorld


def schema(name: str) -> Any:
    return json.loads((Path(package.__file__).parent / "schemas" / f"{name}.json").read_text())


def put(backend: FakeBackend, tmp_path: Path) -> None:
    world = backend.worlds["store-it"]
    bucket = world.state["buckets"][0]
    body = (tmp_path / "work/store-it/note.txt").read_bytes()
    world.client("default", "s3").put_object(Bucket=bucket, Key="note.txt", Body=body)


def marker(tmp_path: Path) -> str:
    record = json.loads((tmp_path / "data/worlds/store-it.sandbox/world.json").read_text())
    return str(record["facts"]["marker"])


def test_a_day(lab: Lab, backend: FakeBackend, tmp_path: Path) -> None:
    started = lab("start", "1.1")
    assert started.status == 0
    assert f"Workspace: {tmp_path}/work/store-it" in started.out
    assert "lab predict 1.1" in started.out
    # From here on, the exercise used last is meant.
    brief = lab("brief")
    bucket = backend.worlds["store-it"].state["buckets"][0]
    assert f"Put `note.txt` into `{bucket}`" in " ".join(brief.out.split())
    assert "note.txt is stored (stored)" in brief.out
    question = lab("predict")
    assert (question.status, "Answer: lab predict 1.1 CHOICE" in question.out) == (1, True)
    assert lab("predict", "1.1", "other").out.startswith("Recorded: something else")
    first = lab("check")
    assert first.status == 1
    assert "✗ note.txt is stored  not yet" in first.out
    assert "help: lab hint 1.1 stored" in first.out
    assert "It waits for" in first.out
    hint = lab("hint")
    assert "hint 1 of 4" in hint.out
    put(backend, tmp_path)
    (tmp_path / "work/store-it/answers.json").write_text(json.dumps({"marker": marker(tmp_path)}))
    passed = lab("check")
    assert passed.status == 0
    assert "Passed: 3 of 3 checks." in passed.out
    assert "You predicted: something else. The run showed: 200 OK." in passed.out
    assert "You expected a refusal." in passed.out
    assert "What happened\n=====" in lab("explain").out
    (tmp_path / "work/store-it/answers.json").unlink()
    changed = lab("check")
    assert changed.status == 1
    assert "the state has changed since" in changed.out
    reset = lab("reset")
    assert reset.status == 0
    assert "is as at the start" in reset.out
    assert "passed" in lab("list").out


def test_list_as_json(lab: Lab) -> None:
    ran = lab("list", "--json")
    document = json.loads(ran.out)
    jsonschema.validate(document, schema("list"))
    assert [lesson["number"] for lesson in document["lessons"]] == [1, 2]
    assert document["lessons"][0]["exercises"][0]["checks"] == {"passed": 0, "total": 3}
    lab("start", "1.1")
    lab("check", "1.1")
    first = json.loads(lab("list", "--json").out)["lessons"][0]["exercises"][0]
    assert (first["state"], first["checks"]["passed"]) == ("started", 1)


def test_check_as_json(lab: Lab, backend: FakeBackend, tmp_path: Path) -> None:
    lab("start", "1.1")
    ran = lab("check", "1.1", "--json")
    document = json.loads(ran.out)
    jsonschema.validate(document, schema("check"))
    assert (document["verdict"], document["exit"], ran.status) == ("not_yet", 1, 1)
    assert [check["state"] for check in document["checks"]] == ["not_yet", "waiting", "passed"]
    assert document["questions"][0]["state"] == "open"
    lab("predict", "1.1", "200")
    put(backend, tmp_path)
    (tmp_path / "work/store-it/answers.json").write_text(json.dumps({"marker": marker(tmp_path)}))
    document = json.loads(lab("check", "1.1", "--json").out)
    jsonschema.validate(document, schema("check"))
    assert document["passed_at"] > 0


def test_junit(lab: Lab, tmp_path: Path) -> None:
    lab("start", "1.1")
    file = tmp_path / "report.xml"
    assert lab("check", "1.1", "--junit", str(file)).status == 1
    suite = ET.parse(file).getroot().find("testsuite")  # noqa: S314 - we wrote it
    assert suite is not None
    assert suite.attrib | {"time": ""} == {
        "name": "1.1 Store it", "tests": "3", "failures": "1", "errors": "0", "skipped": "1", "time": "",
    }  # fmt: skip
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert failure.get("type") == "not-stored"
    assert lab("check", "1.1", "--junit", "/proc/none/x.xml").status == 3


def test_the_lab_at_fault(lab: Lab, backend: FakeBackend) -> None:
    lab("start", "1.1")
    backend.lost = True
    ran = lab("check", "1.1", "--json")
    assert ran.status == 3
    jsonschema.validate(json.loads(ran.out), schema("check"))
    assert lab("check", "1.1").out.count("Traceback") == 0


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["check", "1.9"], 2, "Did you mean 1.2 or 1.1?"),
        (["start", "stor-it"], 2, "Did you mean store-it?"),
        (["check"], 2, "Which exercise?"),
        (["check", "1.1"], 1, "has not been started"),
        (["explain", "1.1"], 1, "comes after the pass"),
        (["reset", "1.1"], 1, "has not been started"),
        (["predict", "1.2"], 2, "asks nothing"),
        (["hint", "1.1", "nothing"], 2, "There are: stored, answered, script."),
        (["lesson", "9"], 2, "There is no lesson"),
        (["lesson", "1", "7"], 2, "has 3 pages"),
        (["reset", "--all"], 2, "add --yes"),
        (["xray", "rest", "1.1", "--raw"], 2, "belong to lab xray wire"),
        (["progress", "import", "/nonexistent"], 3, "cannot be read"),
        (["progress", "export", "/nonexistent/x"], 3, "cannot be written"),
        ([], 2, "needs a terminal"),
    ],
)
def test_errors_are_one_sentence_and_a_next_step(lab: Lab, arguments: list[str], status: int, said: str) -> None:
    ran = lab(*arguments)
    assert ran.status == status
    assert said in ran.err
    assert ran.err.startswith("lab: ")
    assert "Traceback" not in ran.err
    assert ran.err.count("\n") <= 2


def test_an_unforeseen_error_shows_no_message(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("the-secret")

    monkeypatch.setattr("lab.cli.place.load_course", broken)
    ran = lab("list")
    assert ran.status == 3
    assert "KeyError" in ran.err
    assert "the-secret" not in ran.err
    assert "the-secret" in lab("list", "--debug").err


@pytest.mark.parametrize("arguments", [["nonsense"], ["check", "--nonsense"], ["xray", "nothing"], ["--backend", "x"]])
def test_a_wrong_command_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert "usage: lab" in capsys.readouterr().err


def test_global_options_stand_before_and_after() -> None:
    from lab.cli.parser import parse

    before = parse(["--backend", "endpoint", "--debug", "check", "1.1"])
    after = parse(["check", "1.1", "--backend", "endpoint", "--debug"])
    assert (before.backend, before.debug) == (after.backend, after.debug) == ("endpoint", True)
    assert parse(["check"]).backend == "sandbox"


def test_blocked_is_status_4(lab: Lab, backend: FakeBackend) -> None:
    backend.capabilities -= {"events"}
    ran = lab("start", "1.1")
    assert ran.status == 4
    assert "events" in ran.err


def test_solution_then_explain(lab: Lab) -> None:
    lab("start", "1.1")
    ran = lab("solution", "1.1")
    assert ran.status == 0
    assert ran.out.index("reference.sh") < ran.out.index("boto.py")
    assert lab("explain", "1.1").status == 0


def test_lessons_in_plain_text(lab: Lab) -> None:
    ran = lab("lesson", "first")
    assert ran.status == 0
    assert "Store\n-----" in ran.out
    assert "    ## not a heading" in ran.out
    assert "Next page: lab lesson 1 2" in lab("lesson", "1", "1").out


def test_reset_all(lab: Lab, tmp_path: Path) -> None:
    lab("start", "1.2")
    (tmp_path / "work/files-only/done.txt").write_text("mine")
    assert lab("check", "1.2").status == 0
    ran = lab("reset", "--all", "--yes")
    assert ran.status == 0
    assert "are kept in" in ran.out
    assert (tmp_path / "work/files-only.before-reset-1/done.txt").read_text() == "mine"
    assert "passed" not in lab("list").out
    assert lab("check", "1.2").status == 1


def test_progress_moves_to_another_machine(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lab("start", "1.2")
    (tmp_path / "work/files-only/done.txt").touch()
    lab("check", "1.2")
    file = tmp_path / "progress.jsonl"
    assert lab("progress", "export", str(file)).status == 0
    lines = file.read_text().splitlines()
    assert lab("progress", "export").out.splitlines() == lines
    monkeypatch.setenv("LAB_DATA_DIR", str(tmp_path / "other"))
    assert f"{len(lines)} new events of {len(lines)}." in lab("progress", "import", str(file)).out
    assert f"0 new events of {len(lines)}." in lab("progress", "import", str(file)).out
    assert "1 of 2 exercises passed." in lab("progress").out


def test_doctor(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    document = json.loads(lab("doctor", "--json").out)
    jsonschema.validate(document, schema("doctor"))
    assert {"python", "openssl", "curl", "aws", "data", "sandbox", "encoding"} <= {
        one["id"] for one in document["checks"]
    }
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr("sys.executable", "/nonexistent/python")
    ran = lab("doctor")
    assert ran.status == 1
    assert "the AWS CLI was not found  → pip install 's3-encryption-lab[cli]'" in ran.out
    assert "✗ openssl" in ran.out
    assert "○ gcc        not found, for make test only" in ran.out


def test_doctor_knows_versions(tmp_path: Path, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "curl"
    old.write_text("#!/bin/sh\necho 'curl 7.60.0 (x86_64)'\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    ran = lab("doctor")
    assert "✗ curl       7.60.0, 7.75 is needed  → " in ran.out


def test_a_store_that_cannot_be_written_is_said_once(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").mkdir(mode=0o700)
    (tmp_path / "data/progress.sqlite3").mkdir()
    ran = lab("list")
    assert ran.status == 0
    assert ran.err.count("without saving") == 1


def test_xray(lab: Lab) -> None:
    lab("start", "1.1")
    assert lab("xray", "keys").status == 0
    document = json.loads(lab("xray", "keys", "--json").out)
    assert document["view"] == "keys"
    raw = lab("xray", "wire", "--raw")
    assert (raw.status, raw.out) == (1, "")


def test_watch_shows_every_change(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each change is a line of JSON; ctrl+c ends it with the last verdict's status."""
    from lab.exercise.session import Session

    lab("start", "1.2")
    checked = Session.check
    turns = 0

    def check(session: Session) -> Any:
        nonlocal turns
        turns += 1
        report = checked(session)
        if turns == 2:
            raise KeyboardInterrupt
        return report

    from lab.cli import checking

    show = checking._show

    def shown(*arguments: Any) -> None:
        show(*arguments)
        (tmp_path / "work/files-only/done.txt").touch()

    monkeypatch.setattr(Session, "check", check)
    monkeypatch.setattr(checking, "_show", shown)
    ran = lab("check", "1.2", "--watch", "--json")
    assert ran.status == 1
    assert [json.loads(line)["verdict"] for line in ran.out.splitlines()] == ["not_yet"]


def test_fake_is_used(backend: FakeBackend, lab: Lab) -> None:
    lab("start", "1.2")
    assert isinstance(backend.worlds["files-only"], FakeWorld)
