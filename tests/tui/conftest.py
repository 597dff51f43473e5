"""The app on a course of its own, with the real sandbox: one per test process, one progress store per test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

os.environ["TEXTUAL_ANIMATIONS"] = "none"  # read when textual is imported

from lab.backends.runtime import stop_sandbox
from lab.progress import Store
from lab.tui.app import LabApp
from lab.tui.desk import Desk
from tests.tui.snapshot import Snapshots

COURSE = Path(__file__).parent / "course"
SNAPSHOTS = Path(__file__).parent / "snapshots"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--snapshot-update", action="store_true", help="write the screens as they are now")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Textual runs on asyncio."""
    return "asyncio"


@pytest.fixture(scope="session")
def _places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Directories of this test process's own; the sandbox that runs in them is ended with it."""
    root = tmp_path_factory.mktemp("lab")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("AWS_", "LAB_"))]:
            patch.delenv(name)
        patch.setenv("LAB_DATA_DIR", str(root / "data"))
        patch.setenv("LAB_RUNTIME_DIR", str(root / "run"))
        patch.setenv("LAB_CONTENT_DIR", str(COURSE))
        (root / "home").mkdir()
        patch.setenv("HOME", str(root / "home"))
        patch.setenv("SHELL", "/bin/bash")
        patch.setenv("LC_ALL", "C.UTF-8")
        yield root
        stop_sandbox()


@pytest.fixture(autouse=True)
def _clean(_places: Path) -> None:
    """Every test begins with exercises that nobody has started."""
    shutil.rmtree(_places / "data" / "worlds", ignore_errors=True)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "progress.sqlite3")


@pytest.fixture
def desk(store: Store, tmp_path: Path) -> Iterator[Desk]:
    """Access to the lab that leaves the sandbox running for the next test."""
    made = SharedDesk(store=store, workspace_root=tmp_path / "work")
    yield made
    made.close()


class SharedDesk(Desk):
    """A desk that did not start the sandbox, as far as it knows."""

    def close(self) -> None:
        self._started_sandbox = False
        super().close()


MakeApp = Callable[..., LabApp]


@pytest.fixture
def make_app(desk: Desk) -> MakeApp:
    def make(*, exercise: str = "", desk: Desk = desk) -> LabApp:
        return LabApp(desk, exercise=exercise)

    return make


@pytest.fixture
def snapshot(request: pytest.FixtureRequest) -> Snapshots:
    return Snapshots(SNAPSHOTS, update=bool(request.config.getoption("--snapshot-update")))
