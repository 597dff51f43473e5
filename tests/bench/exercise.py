"""One exercise on the real sandbox, without a screen: from a saved file or a request to the verdict, and reset."""

from __future__ import annotations

import os
import queue
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.backends.sandbox import SandboxBackend
from lab.course import load_course
from lab.exercise.report import Report
from lab.exercise.session import Session
from lab.exercise.watch import Watcher
from lab.progress import Store
from tests.bench.measure import Row, absolute, p95, progress, seconds

EXERCISE, BUCKET, KEY = "ssec-45-bytes", "bucket.vault", "secret-file.txt"
TURNS = 40
RESETS = 11
DEADLINE_SECONDS = 30.0

Verdicts = queue.SimpleQueue[tuple[Report, float]]


@contextmanager
def prepared() -> Iterator[Session]:
    """The exercise, on a sandbox of our own."""
    root = Path(tempfile.mkdtemp(prefix="lab-bench-"))
    kept = {name: os.environ.get(name) for name in ("LAB_DATA_DIR", "LAB_RUNTIME_DIR")}
    os.environ.update(LAB_DATA_DIR=str(root / "data"), LAB_RUNTIME_DIR=str(root / "run"))
    backend = SandboxBackend()
    try:
        backend.open()
        store = Store(root / "data" / "progress.sqlite3")
        session = Session(
            load_course().exercise(EXERCISE), backend, store, course_version="bench", workspace_root=root / "work"
        )
        yield session
    finally:
        backend.close()
        _stop()
        for name, value in kept.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        shutil.rmtree(root, ignore_errors=True)


def _stop() -> None:
    from lab.backends.runtime import stop_sandbox

    stop_sandbox()


@contextmanager
def watched(session: Session) -> Iterator[Verdicts]:
    """The reports that changes lead to, each with the moment it was there."""
    verdicts: Verdicts = queue.SimpleQueue()
    with Watcher(session, lambda _: verdicts.put((session.check(), time.perf_counter()))):
        yield verdicts


def _drained(verdicts: Verdicts) -> None:
    """Wait until no report is on its way from the change before."""
    while True:
        try:
            verdicts.get(timeout=0.4)
        except queue.Empty:
            return


def saved_file(session: Session) -> list[float]:
    """Milliseconds from the moment a file is in its place to the report."""
    target, times = session.workspace / "upload.sh", []
    text = target.read_text()
    with watched(session) as verdicts:
        for turn in range(TURNS):
            fresh = target.with_name("upload.sh.tmp")
            fresh.write_text(f"{text}# {turn}\n")
            _drained(verdicts)
            began = time.perf_counter()
            fresh.replace(target)
            times.append((verdicts.get(timeout=DEADLINE_SECONDS)[1] - began) * 1000)
    return times


def changed_state(session: Session) -> tuple[list[float], list[float]]:
    """Milliseconds from PutObject being sent, and from its answer, to the report that saw it."""
    client = session.handle.client("default", "s3")
    bucket = session.names[BUCKET]
    client.put_object(Bucket=bucket, Key=KEY, Body=b"0")
    sent, answered = [], []
    with watched(session) as verdicts:
        for turn in range(TURNS):
            _drained(verdicts)
            began = time.perf_counter()
            client.put_object(Bucket=bucket, Key=KEY, Body=str(turn).encode())
            answer = time.perf_counter()
            _, at = verdicts.get(timeout=DEADLINE_SECONDS)
            sent.append((at - began) * 1000)
            answered.append((at - answer) * 1000)
    return sent, answered


def resets(session: Session) -> list[float]:
    """Milliseconds of a reset after something was stored and a file was changed."""
    client, times = session.handle.client("default", "s3"), []
    for turn in range(RESETS):
        client.put_object(Bucket=session.names[BUCKET], Key=KEY, Body=b"x" * 65536)
        (session.workspace / "notes.txt").write_text(str(turn))
        times.append(seconds(session.reset) * 1000)
    return times


def rows() -> list[Row]:
    """Everything about one exercise."""
    with prepared() as session:
        with progress("start and first verdict"):
            start, first = seconds(session.start) * 1000, seconds(session.check) * 1000
        with progress("save to verdict"):
            saves = saved_file(session)
        with progress("PutObject to verdict"):
            sent, answered = changed_state(session)
        with progress("checks alone"):
            checks = [seconds(session.check) * 1000 for _ in range(TURNS)]
        with progress("reset"):
            back = resets(session)
    return [
        absolute("start of an exercise, once", start, "ms"),
        absolute("… its first verdict, once", first, "ms"),
        absolute("save → verdict, p95", p95(saves), "ms", goal=150),
        absolute("save → verdict, median", statistics.median(saves), "ms"),
        absolute("PutObject sent → verdict, p95", p95(sent), "ms", goal=150),
        absolute("PutObject answered → verdict, median", statistics.median(answered), "ms"),
        absolute("… of which the checks, median", statistics.median(checks), "ms"),
        absolute("reset, median", statistics.median(back), "ms", goal=300),
        absolute("reset, p95", p95(back), "ms"),
    ]
