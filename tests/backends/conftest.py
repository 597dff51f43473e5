"""A real sandbox of the tests' own, started as the lab starts it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.backends import runtime
from lab.backends.sandbox import SandboxBackend


@pytest.fixture
def lab_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data directory and a short runtime directory of this test's own; whatever it starts is ended."""
    short = Path(tempfile.mkdtemp(prefix="s3lab-"))
    monkeypatch.setenv("LAB_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("LAB_RUNTIME_DIR", str(short))
    yield tmp_path
    runtime.stop_sandbox()
    shutil.rmtree(short, ignore_errors=True)


@pytest.fixture(scope="module")
def backend() -> Iterator[SandboxBackend]:
    """One open sandbox for a module."""
    home = Path(tempfile.mkdtemp(prefix="s3lab-"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_DATA_DIR", str(home / "data"))
        patch.setenv("LAB_RUNTIME_DIR", str(home / "run"))
        made = SandboxBackend()
        try:
            made.open()
            yield made
        finally:
            made.close()
            runtime.stop_sandbox()
            shutil.rmtree(home, ignore_errors=True)
