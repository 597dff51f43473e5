from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab.cli import main
from tests.exercise.fake import FakeBackend

CONTENT = Path(__file__).parent.parent / "exercise" / "fixture"


@dataclass(frozen=True)
class Ran:
    status: int
    out: str
    err: str


Lab = Callable[..., Ran]


@pytest.fixture
def backend() -> FakeBackend:
    return FakeBackend()


@pytest.fixture
def lab(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], backend: FakeBackend
) -> Lab:
    """The command line in this process, on the fixture's course and a back end in memory."""
    monkeypatch.setenv("LAB_CONTENT_DIR", str(CONTENT))
    monkeypatch.setenv("LAB_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("LAB_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.delenv("LAB_EXERCISE", raising=False)
    monkeypatch.setattr("lab.backends.open_backend", lambda *_, **__: backend)

    def run(*arguments: str) -> Ran:
        capsys.readouterr()
        status = main(["--workspace", str(tmp_path / "work"), *arguments])
        captured = capsys.readouterr()
        return Ran(status, captured.out, captured.err)

    return run
