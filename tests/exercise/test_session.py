"""One exercise from start to pass, through the session that every door uses."""

from __future__ import annotations

import json
import stat
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from lab.backends.protocol import Capability, not_capable
from lab.backends.refusal import ClientError
from lab.course import Course
from lab.errors import LabError, NotCapableError, NotYetError, UsageError, WorldGoneError
from lab.exercise.report import Report
from lab.exercise.session import Session
from lab.progress import Store
from tests.exercise.fake import FakeBackend, FakeS3, FakeWorld

NewSession = Callable[..., Session]


def put(session: Session, body: bytes | None = None, key: str = "note.txt") -> None:
    """What the learner does: with the learner's own credentials."""
    body = (session.workspace / "note.txt").read_bytes() if body is None else body
    world = cast("FakeWorld", session.handle)
    world.client("default", "s3").put_object(Bucket=session.names["bucket.vault"], Key=key, Body=body)


def answer(session: Session, marker: object) -> None:
    (session.workspace / "answers.json").write_text(json.dumps({"marker": marker}))


def marker_of(session: Session) -> str:
    record = session._record
    assert record is not None
    return str(record.facts["marker"])


def states(report: Report) -> list[str]:
    return [check.state for check in report.checks]


def test_start_lays_out_world_and_workspace(session: Session, backend: FakeBackend) -> None:
    names = session.names
    assert names["bucket.vault"].startswith("vault-")
    assert len(names["bucket.vault"]) == len("vault-") + 8
    assert names["alias.envelope"].startswith("alias/envelope-")
    note = (session.workspace / "note.txt").read_text()
    assert note == f'The note for {names["bucket.vault"]}, under {names["key.main"]}, not {{"json": true}}.\n'
    assert (session.workspace / "tools/binary.bin").read_bytes() == b"\x00\xff{bucket.vault}"
    assert (session.workspace / "copy.sh").stat().st_mode & stat.S_IXUSR
    assert stat.S_IMODE((session.workspace / "key.bin").stat().st_mode) == 0o600
    policy = json.loads(backend.worlds["store-it"].state["policy", "reader", "reader"])
    assert policy["Statement"][1]["Resource"] == names["key.main"]


def test_private_facts_are_private(session: Session, tmp_path: Path) -> None:
    record = tmp_path / "data/worlds/store-it.sandbox/world.json"
    assert stat.S_IMODE(record.stat().st_mode) == 0o600
    assert stat.S_IMODE(record.parent.stat().st_mode) == 0o700
    assert marker_of(session) in record.read_text()
    shown = repr(session._record)
    assert marker_of(session) not in shown


def test_nothing_passes_at_the_start(session: Session) -> None:
    report = session.check()
    assert states(report) == ["not_yet", "waiting", "passed"]
    assert report.verdict == "not_yet"
    assert report.exit_status == 1
    stored = report.checks[0]
    assert stored.seen == f"There is no note.txt in {session.names['bucket.vault']}."
    assert (stored.diagnosis, stored.xray, stored.hint_level) == ("not-stored", "rest", 1)


def test_the_way_to_the_pass(session: Session, store: Store) -> None:
    assert session.predict("200").state == "recorded"
    put(session, b"too short")
    first = session.check()
    assert first.checks[0].diagnosis == "other-size"
    assert "has 9 bytes" in first.checks[0].seen
    put(session)
    assert session.check().checks[1].diagnosis == "missing-file"
    answer(session, "wrong")
    unknown = session.check().checks[1]
    assert unknown.diagnosis == "unknown-state"
    assert "marker given: yes" in unknown.seen
    answer(session, marker_of(session))
    report = session.check()
    assert (report.verdict, report.exit_status, report.newly_passed) == ("passed", 0, True)
    again = session.check()
    assert (again.newly_passed, again.passed_at) == (False, report.passed_at)
    assert store.standing("store-it").state == "passed"
    size = len((session.workspace / "note.txt").read_bytes())
    assert f"has {size} bytes and (not measured) layers" in session.explain()


def test_passed_stays_passed_when_the_state_changes(session: Session) -> None:
    session.predict("200")
    put(session)
    answer(session, marker_of(session))
    assert session.check().verdict == "passed"
    (session.workspace / "answers.json").unlink()
    report = session.check()
    assert report.verdict == "not_yet"
    assert report.changed_since
    assert report.passed_at is not None
    # Figures are those of the pass.
    assert session.figures()["size"]


@pytest.mark.parametrize(
    ("text", "line"), [("{", 1), ('{"a": 1,\n "b": }', 2), ("\xff", 1)], ids=["open", "second line", "latin-1"]
)
def test_bad_json_is_named_with_its_place(session: Session, text: str, line: int) -> None:
    put(session)
    (session.workspace / "answers.json").write_bytes(text.encode("latin-1"))
    check = session.check().checks[1]
    assert check.diagnosis == "bad-json"
    assert f"line {line}" in check.seen


def test_a_prediction_is_required_and_must_come_first(session: Session) -> None:
    put(session)
    answer(session, marker_of(session))
    report = session.check()
    assert set(states(report)) == {"passed"}
    assert report.verdict == "not_yet"
    assert report.questions[0].state == "too_late"
    assert report.questions[0].answer == ""
    with pytest.raises(NotYetError, match="already shown"):
        session.predict("200")
    session.reset()
    session.predict("other")
    put(session)
    answer(session, marker_of(session))
    report = session.check()
    question = report.questions[0]
    assert report.verdict == "passed"
    assert (question.state, question.choice, question.answer, question.right) == ("answered", "other", "200", False)
    assert question.comparison == "You expected a refusal."


def test_a_prediction_may_be_changed_until_it_is_answered(session: Session) -> None:
    session.predict("200")
    session.predict("other", "status")
    assert session.questions()[0].choice == "other"
    with pytest.raises(UsageError, match="Choose one of: 200, other"):
        session.predict("404")
    with pytest.raises(UsageError, match="no question"):
        session.predict("200", "nothing")


def test_without_events_the_answer_is_the_authors(
    course: Course, store: Store, tmp_path: Path, new_session: NewSession
) -> None:
    back_end = FakeBackend("endpoint", without=frozenset({"events", "snapshot", "principals"}))
    with pytest.raises(NotCapableError, match="events"):
        new_session("store-it", back_end).start()
    exercise = course.exercise("store-it")
    exercise = replace(exercise, needs=(), principals=exercise.principals[:1])
    session = Session(exercise, back_end, store, workspace_root=tmp_path / "work")
    session.start()
    # An author's answer is not shown before the learner gave one.
    assert (session.questions()[0].state, session.questions()[0].answer) == ("open", "")
    result = session.predict("other")
    assert (result.state, result.answer, result.from_author) == ("answered", "200", True)


def test_a_validator_may_be_locked_out_elsewhere(
    course: Course, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AccessDenied to a check is our fault on the sandbox, and the learner's state on an endpoint."""

    def refuse(*_: object, **__: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied"}}, "HeadObject")

    monkeypatch.setattr(FakeS3, "head_object", refuse)
    found = {}
    for name in ("sandbox", "endpoint"):
        session = Session(course.exercise("store-it"), FakeBackend(name), store, workspace_root=tmp_path / name)
        session.start()
        found[name] = session.check().checks[0]
    assert found["sandbox"].state == "lab_fault"
    assert (found["endpoint"].state, found["endpoint"].diagnosis) == ("not_yet", "validator-locked-out")
    assert "HeadObject answered AccessDenied" in found["endpoint"].seen


def test_what_a_validator_cannot_ask_blocks_its_check(session: Session) -> None:
    def stored(world: object) -> None:
        raise not_capable("endpoint", "decide")

    session._validators_module().stored = stored  # type: ignore[attr-defined]
    check = session.check().checks[0]
    assert (check.state, "decide" in check.seen) == ("blocked", True)


def test_hints_go_step_by_step(session: Session, store: Store) -> None:
    texts = [session.hint("stored").text for _ in range(6)]
    assert texts[0] == "Which command puts an object?"
    assert texts[2].endswith(session.names["bucket.vault"])
    assert texts[3:] == ["all of it"] * 3
    assert store.standing("store-it").hints == {"stored": 4}
    session.check()
    put(session)
    session.check()
    assert session.hint().check == "answered"
    with pytest.raises(UsageError, match="There are: stored, answered, script"):
        session.hint("nothing")


def test_solution_is_a_surrender_and_opens_the_explanation(session: Session, store: Store) -> None:
    with pytest.raises(NotYetError, match="after the pass"):
        session.explain()
    files = session.solution()
    assert [file.name for file in files] == ["reference.sh", "boto.py"]
    assert session.names["bucket.vault"] in files[1].text
    assert store.standing("store-it").surrendered_at is not None
    assert "What happened" in session.explain()


def test_next_day(session: Session, new_session: NewSession) -> None:
    session.predict("200")
    put(session)
    session.check()
    later = new_session()
    assert later.start().resumed
    assert later.names == session.names
    report = later.check()
    assert report.checks[0].state == "passed"
    assert report.questions[0].state == "answered"


def test_the_world_is_gone(session: Session, backend: FakeBackend, new_session: NewSession) -> None:
    (session.workspace / "mine.txt").write_text("mine")
    names = session.names
    backend.worlds.clear()
    later = new_session()
    with pytest.raises(WorldGoneError, match=r"no longer in the sandbox.*lab start 1\.1"):
        later.check()
    started = later.start()
    assert (started.resumed, started.rebuilt) == (False, True)
    assert later.names == names
    assert started.moved_aside is not None
    assert (started.moved_aside / "mine.txt").read_text() == "mine"
    assert not (later.workspace / "mine.txt").exists()
    assert marker_of(later) == marker_of(session)


def test_not_started(new_session: NewSession) -> None:
    with pytest.raises(NotYetError, match=r"lab start 1\.1"):
        new_session().check()


def test_an_interrupted_build_is_built_again(
    new_session: NewSession, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = new_session()
    with monkeypatch.context() as patch:
        patch.setattr(FakeWorld, "snapshot", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            session.start()
    later = new_session()
    assert not later.started
    assert not later.start().resumed
    assert later.check().verdict == "not_yet"


def test_reset_brings_back_the_start_and_loses_nothing(session: Session, backend: FakeBackend) -> None:
    session.check()
    before = {path.name: path.read_bytes() for path in session.workspace.iterdir() if path.is_file()}
    put(session)
    (session.workspace / "note.txt").write_text("changed")
    (session.workspace / "mine").mkdir()
    (session.workspace / "mine/deep.txt").write_text("mine")
    (session.workspace / "copy.sh").unlink()
    began = time.monotonic()
    moved = session.reset()
    assert time.monotonic() - began < 0.3
    assert moved is not None
    assert moved.parent == session.workspace.parent
    assert (moved / "note.txt").read_text() == "changed"
    assert (moved / "mine/deep.txt").read_text() == "mine"
    after = {path.name: path.read_bytes() for path in session.workspace.iterdir() if path.is_file()}
    assert after == before
    assert not (session.workspace / "mine").exists()
    assert states(session.check()) == ["not_yet", "waiting", "passed"]
    assert session.reset() is None


def test_events_before_a_reset_do_not_count(session: Session) -> None:
    put(session)
    session.reset()
    assert session.questions()[0].state == "open"
    assert session.since == len(cast("FakeBackend", session.backend).log)


def test_predictions_outlast_a_reset_but_not_a_reset_of_everything(session: Session, new_session: NewSession) -> None:
    session.predict("other")
    session.reset()
    assert session.questions()[0].state == "recorded"
    session.forget()
    assert new_session().questions()[0].state == "open"


def test_a_removed_workspace_comes_back(session: Session, new_session: NewSession) -> None:
    import shutil

    shutil.rmtree(session.workspace)
    later = new_session()
    later.start()
    assert (later.workspace / "note.txt").exists()


def test_a_lost_back_end_is_our_fault(session: Session, backend: FakeBackend) -> None:
    backend.lost = True
    report = session.check()
    assert report.exit_status == 3
    assert report.checks[0].seen == "The sandbox is gone. Start it again."
    assert report.checks[1].state == "waiting"


def test_a_validator_that_raises_is_our_fault(session: Session) -> None:
    def stored(world: object) -> None:
        raise KeyError("the-secret-key-material")

    session._validators_module().stored = stored  # type: ignore[attr-defined]
    check = session.check().checks[0]
    assert check.state == "lab_fault"
    assert "KeyError" in check.seen
    assert "Your work is not judged by it" in check.seen
    assert "the-secret-key-material" not in repr(check) + check.seen


def test_a_validator_that_hangs_is_our_fault(session: Session) -> None:
    import threading

    release = threading.Event()

    def stored(world: object) -> None:
        release.wait(20)

    session._validators_module().stored = stored  # type: ignore[attr-defined]
    session._runner._seconds = 0.05
    check = session.check().checks[0]
    assert check.state == "lab_fault"
    assert "not finished" in check.seen
    assert "still hangs" in session.check().checks[0].seen
    release.set()


def test_blocked_where_a_capability_is_missing(new_session: NewSession) -> None:
    without: frozenset[Capability] = frozenset({"snapshot"})
    session = new_session(back_end=FakeBackend(without=without))
    session.start()
    report = session.check()
    assert [check.state for check in report.checks] == ["not_yet", "waiting", "blocked"]
    assert report.exit_status == 4
    assert "snapshots of a world" in report.checks[2].seen
    # Without snapshots a reset builds the world again.
    put(session)
    session.reset()
    assert session.check().checks[0].state == "not_yet"


def test_checks_are_written_down_when_they_turn(session: Session, store: Store) -> None:
    for _ in range(3):
        session.check()
    put(session)
    session.check()
    written = [(event.check, event.verdict) for event in store.events() if event.verb == "check"]
    assert written == [
        ("stored", "not_yet"),
        ("answered", "waiting"),
        ("script", "passed"),
        ("stored", "passed"),
        ("answered", "not_yet"),
    ]


def test_the_shell_finds_everything(session: Session) -> None:
    environment = session.environment(base={"PATH": "/usr/bin:/bin", "AWS_PROFILE": "production"})
    assert environment["LAB_BUCKET_VAULT"] == session.names["bucket.vault"]
    assert "AWS_PROFILE" not in environment
    assert "reader" in Path(environment["AWS_CONFIG_FILE"]).read_text()


def test_forks_are_dropped_and_not_counted(session: Session, backend: FakeBackend) -> None:
    session.check()
    assert backend.forks
    assert all(fork.dropped for fork in backend.forks)


def test_files_only(new_session: NewSession) -> None:
    session = new_session("1.2")
    session.start()
    assert session.check().exit_status == 1
    (session.workspace / "done.txt").touch()
    assert session.check().exit_status == 0
    with pytest.raises(UsageError, match="asks nothing"):
        session.predict("x")


def test_no_lab_error_is_without_a_sentence(new_session: NewSession) -> None:
    with pytest.raises(LabError) as caught:
        new_session().reset()
    assert caught.value.message
    assert caught.value.next_step
