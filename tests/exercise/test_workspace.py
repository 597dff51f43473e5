"""The learner's folder: whatever happens to it, a reset brings the start back and loses nothing."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from lab.exercise.workspace import Workspace

NAMES = st.sampled_from(["a", "b.txt", "d/x", "d/y", "e/f/g"])
CONTENT = st.binary(max_size=8)
TREES = st.dictionaries(NAMES, CONTENT, max_size=5)


def write(root: Path, tree: dict[str, bytes]) -> None:
    for name, data in tree.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def read(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@settings(max_examples=60, deadline=None)
@given(start=TREES, changes=TREES, removed=st.sets(NAMES))
def test_reset_is_the_start_and_nothing_is_lost(
    start: dict[str, bytes], changes: dict[str, bytes], removed: set[str]
) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "work"
        workspace = Workspace(folder, Path(temporary) / "start")
        workspace.clear()
        write(folder, start)
        workspace.keep_start()
        for name in removed & start.keys():
            (folder / name).unlink()
        write(folder, changes)
        before = read(folder)
        moved = workspace.put_back()
        assert read(folder) == start
        aside = read(moved) if moved else {}
        assert aside == {name: data for name, data in before.items() if start.get(name) != data}
        assert workspace.put_back() is None


def test_clear_moves_only_what_is_the_learners(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "work", tmp_path / "start")
    assert workspace.clear() is None
    write(workspace.directory, {"ours": b"1", "d/ours": b"2"})
    workspace.keep_start()
    write(workspace.directory, {"mine": b"3", "d/mine": b"4"})
    moved = workspace.clear()
    assert moved is not None
    assert read(moved) == {"mine": b"3", "d/mine": b"4"}
    assert list(workspace.directory.iterdir()) == []


def test_a_file_where_a_directory_was(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "work", tmp_path / "start")
    workspace.clear()
    write(workspace.directory, {"d/x": b"1"})
    workspace.keep_start()
    (workspace.directory / "d/x").unlink()
    (workspace.directory / "d").rmdir()
    (workspace.directory / "d").write_bytes(b"file")
    moved = workspace.put_back()
    assert moved is not None
    assert read(workspace.directory) == {"d/x": b"1"}
    assert read(moved) == {"d": b"file"}


def test_asides_are_numbered(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "work", tmp_path / "start")
    workspace.clear()
    workspace.keep_start()
    places = []
    for _ in range(3):
        (workspace.directory / "x").write_text("x")
        places.append(workspace.put_back())
    assert [place.name for place in places if place] == [f"work.before-reset-{number}" for number in (1, 2, 3)]


def test_permission_bits_count_and_come_back(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "work", tmp_path / "start")
    workspace.clear()
    (workspace.directory / "key").write_text("k")
    (workspace.directory / "key").chmod(0o644)
    workspace.keep_start()
    (workspace.directory / "key").chmod(0o600)
    assert workspace.put_back() is not None
    assert (workspace.directory / "key").stat().st_mode & 0o777 == 0o644
