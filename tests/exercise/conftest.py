from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lab.course import Course, load_course
from lab.exercise.session import Session
from lab.progress import Store
from tests.exercise.fake import FakeBackend

FIXTURE = Path(__file__).parent / "fixture"


@pytest.fixture(autouse=True)
def _own_directories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("LAB_RUNTIME_DIR", str(tmp_path / "run"))


@pytest.fixture(scope="session")
def course() -> Course:
    return load_course(FIXTURE)


@pytest.fixture
def backend() -> FakeBackend:
    return FakeBackend()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "data" / "progress.sqlite3")


@pytest.fixture
def new_session(course: Course, backend: FakeBackend, store: Store, tmp_path: Path) -> Callable[..., Session]:
    def make(exercise: str = "store-it", back_end: FakeBackend = backend) -> Session:
        return Session(course.exercise(exercise), back_end, store, course_version="1", workspace_root=tmp_path / "work")

    return make


@pytest.fixture
def session(new_session: Callable[..., Session]) -> Session:
    started = new_session()
    started.start()
    return started
