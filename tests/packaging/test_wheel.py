"""The built wheel where the checkout was never seen: lessons, exercises, schemas, and a running lab."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, CHECKOUT],
        check=True,
        capture_output=True,
    )
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the wheel; its dependencies are those of this one, by path, without this checkout."""
    home = tmp_path_factory.mktemp("environment")
    venv.create(home, with_pip=False, symlinks=True)
    python = home / "bin" / "python"
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel],
        check=True,
        capture_output=True,
        env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
    )
    answer = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    # A path file inside a directory that is itself added by a path file is not read: the editable checkout stays out.
    Path(answer.stdout.strip(), "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return home / "bin"


@pytest.fixture
def elsewhere(tmp_path: Path) -> dict[str, str]:
    """An environment of its own, run from a directory that is not the checkout."""
    names = ("PATH", "LANG", "LC_ALL")
    environment = {name: os.environ[name] for name in names if name in os.environ}
    return environment | {
        "HOME": str(tmp_path),
        "LAB_DATA_DIR": str(tmp_path / "data"),
        "LAB_RUNTIME_DIR": str(tmp_path / "run"),
    }


def test_the_wheel_holds_content_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert any(name.startswith("lab/content/lessons/") for name in names)
    assert any(name.endswith("/exercise.toml") for name in names)
    assert "lab/sandbox/operations.toml" in names
    assert not [name for name in names if name.startswith(("tests/", "docs/", ".ci/"))]
    assert not [name for name in names if "__pycache__" in name]


def test_the_installed_lab_is_not_the_checkout(installed: Path, elsewhere: dict[str, str], tmp_path: Path) -> None:
    answer = subprocess.run(
        [installed / "python", "-c", "import lab; print(lab.__file__)"],
        check=True, capture_output=True, text=True, cwd=tmp_path, env=elsewhere,
    )  # fmt: skip
    assert str(CHECKOUT) not in answer.stdout


@pytest.mark.parametrize("command", ["lab", "s3-encryption-lab"])
def test_both_commands_list_the_course(
    command: str, installed: Path, elsewhere: dict[str, str], tmp_path: Path
) -> None:
    answer = subprocess.run(
        [installed / command, "list", "--json"], check=True, capture_output=True, text=True, cwd=tmp_path, env=elsewhere
    )
    listed = json.loads(answer.stdout)
    exercises = [exercise["id"] for lesson in listed["lessons"] for exercise in lesson["exercises"]]
    assert len(exercises) >= 9
    assert "ssec-45-bytes" in exercises


def test_an_exercise_runs_from_the_wheel(installed: Path, elsewhere: dict[str, str], tmp_path: Path) -> None:
    def lab(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [installed / "lab", "--workspace", tmp_path / "work", *arguments],
            check=False, capture_output=True, text=True, cwd=tmp_path, env=elsewhere, timeout=120,
        )  # fmt: skip

    try:
        started = lab("start", "9.2")
        assert started.returncode == 0, started.stderr
        checked = lab("check", "9.2", "--json")
        assert checked.returncode == 1, checked.stderr
        assert {check["state"] for check in json.loads(checked.stdout)["checks"]} <= {"not_yet", "waiting"}
    finally:
        lab("sandbox", "stop")
