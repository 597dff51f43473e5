"""Saving a file and doing something with the learner's tools both lead to one call, soon."""

from __future__ import annotations

import queue
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from typing import cast

import pytest

from lab.errors import SandboxLostError
from lab.exercise.session import Session
from lab.exercise.watch import Reason, Watcher
from tests.exercise.fake import FakeBackend, FakeSubscription, FakeWorld

Changes = queue.SimpleQueue[frozenset[Reason]]


@pytest.fixture
def files_session(new_session: Callable[..., Session]) -> Session:
    session = new_session("files-only")
    session.start()
    return session


def put(session: Session, principal: str = "default") -> None:
    world = cast("FakeWorld", session.handle)
    world.client(principal, "s3").put_object(Bucket=session.names["bucket.vault"], Key="k", Body=b"x")


def test_a_saved_file(files_session: Session) -> None:
    changes: Changes = queue.SimpleQueue()
    with Watcher(files_session, changes.put):
        (files_session.workspace / "done.txt").write_text("x")
        assert changes.get(timeout=5) == {"files"}


def test_the_learners_requests_and_nobody_elses(session: Session) -> None:
    changes: Changes = queue.SimpleQueue()
    with Watcher(session, changes.put):
        put(session, "builder")
        session.check()
        assert changes.empty()
        put(session)
        assert changes.get(timeout=5) == {"state"}


def test_changes_that_come_together_are_one(session: Session) -> None:
    changes: Changes = queue.SimpleQueue()
    with Watcher(session, changes.put):
        put(session)
        (session.workspace / "a").write_text("x")
        put(session)
        (session.workspace / "b").write_text("x")
        assert changes.get(timeout=5) == {"files", "state"}
        with pytest.raises(queue.Empty):
            changes.get(timeout=0.3)


@pytest.mark.parametrize("name", [".note.txt.swp", "note.txt~", "4913", ".git/index", "__pycache__/x.pyc"])
def test_what_editors_leave_is_passed_by(files_session: Session, name: str) -> None:
    changes: Changes = queue.SimpleQueue()
    with Watcher(files_session, changes.put):
        path = files_session.workspace / name
        if path.parent != files_session.workspace:
            path.parent.mkdir()
        path.write_text("x")
        (files_session.workspace / "real.txt").write_text("x")
        assert changes.get(timeout=5) == {"files"}
    path.unlink()


def test_a_lost_back_end_is_told_once(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    def events(self: FakeSubscription) -> Iterator[object]:
        raise SandboxLostError("gone")
        yield

    monkeypatch.setattr(FakeSubscription, "__iter__", events)
    changes: Changes = queue.SimpleQueue()
    with Watcher(session, changes.put):
        assert changes.get(timeout=5) == {"lost"}


def test_nothing_is_left_running(files_session: Session) -> None:
    before = threading.active_count()
    watcher = Watcher(files_session, lambda _: None)
    watcher.start()
    watcher.stop()
    watcher.stop()
    assert threading.active_count() == before


def test_from_save_to_verdict_in_time(files_session: Session) -> None:
    verdicts: queue.SimpleQueue[tuple[str, float]] = queue.SimpleQueue()

    def check(_: frozenset[Reason]) -> None:
        verdicts.put((files_session.check().verdict, time.monotonic()))

    times = []
    done = files_session.workspace / "done.txt"
    with Watcher(files_session, check):
        for turn in range(10):
            began = time.monotonic()
            if turn % 2:
                done.unlink()
            else:
                done.write_text("x")
            verdict, at = verdicts.get(timeout=5)
            assert verdict == ("not_yet" if turn % 2 else "passed")
            times.append(at - began)
    # The goal is 150 ms at the 95th percentile; the middle is what a busy machine still shows truly.
    assert statistics.median(times) < 0.15


def test_the_back_end_is_not_asked_in_a_loop(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def events(*_: object, **__: object) -> list[object]:
        asked.append(1)
        return []

    monkeypatch.setattr(FakeWorld, "events", events)
    changes: Changes = queue.SimpleQueue()
    with Watcher(session, changes.put), pytest.raises(queue.Empty):
        changes.get(timeout=0.4)
    assert asked == []


def test_a_backend_without_events(new_session: Callable[..., Session]) -> None:
    session = new_session("files-only", FakeBackend("endpoint", without=frozenset({"events", "snapshot"})))
    session.start()
    changes: Changes = queue.SimpleQueue()
    with Watcher(session, changes.put):
        (session.workspace / "done.txt").write_text("x")
        assert changes.get(timeout=5) == {"files"}
