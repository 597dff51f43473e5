"""The state directory: whole files or none, and a broken one takes nothing else with it."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from lab.sandbox.graph import NotKeepableError, decode, encode
from lab.sandbox.state import Keeper, StateDirectory


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def directory(tmp_path: Path, said: list[str]) -> StateDirectory:
    return StateDirectory(tmp_path, "moto 1", said.append)


@pytest.mark.parametrize("realm_id", ["ssec-45-bytes", "~bare", "a/b", "..", "Ä %2E", "x.json"])
def test_what_was_written_is_read(directory: StateDirectory, realm_id: str) -> None:
    directory.write_state(realm_id, encode({"a": 1}))
    directory.write_snapshot(realm_id, "start/1", encode([1]))
    found = directory.load()
    assert list(found) == [realm_id]
    assert found[realm_id].state == encode({"a": 1})
    assert found[realm_id].snapshots == {"start/1": encode([1])}


def test_files_are_private_and_below_realms(directory: StateDirectory, tmp_path: Path) -> None:
    directory.write_state("..", encode(1))
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path.parent.parent for path in files] == [tmp_path / "realms"]
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in files)
    assert all(path.stat().st_mode & 0o777 == 0o700 for path in tmp_path.rglob("*") if path.is_dir())


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"format": 1}', b'{"format": 7, "software": "moto 1", "document": {}}',
     b'{"format": 1, "software": "moto 2", "document": {}}', b"\xff\xfe"],
)  # fmt: skip
def test_a_broken_or_foreign_file_is_moved_aside_and_the_others_load(
    directory: StateDirectory, tmp_path: Path, said: list[str], content: bytes
) -> None:
    directory.write_state("good", encode(1))
    directory.write_state("bad", encode(2))
    broken = tmp_path / "realms" / "bad" / "state.json"
    broken.write_bytes(content)
    assert list(directory.load()) == ["good"]
    assert not broken.exists()
    assert broken.with_name("state.json.set-aside-1").read_bytes() == content
    assert len(said) == 1
    assert "state.json.set-aside-1" in said[0]
    assert directory.set_aside_count == 1
    assert list(directory.load()) == ["good"]  # and it is said once


def test_a_second_broken_file_does_not_replace_the_first(directory: StateDirectory, tmp_path: Path) -> None:
    for content in (b"one", b"two"):
        directory.write_state("bad", encode(1))
        (tmp_path / "realms" / "bad" / "state.json").write_bytes(content)
        directory.load()
    assert {path.read_bytes() for path in tmp_path.rglob("*.set-aside-*")} == {b"one", b"two"}


def test_a_broken_snapshot_leaves_the_state(directory: StateDirectory, tmp_path: Path) -> None:
    directory.write_state("w", encode(1))
    directory.write_snapshot("w", "start", encode(2))
    (tmp_path / "realms" / "w" / "snapshot-start.json").write_text("{")
    found = directory.load()
    assert found["w"].snapshots == {}


def test_removed_realms_are_gone(directory: StateDirectory, tmp_path: Path) -> None:
    directory.write_state("w", encode(1))
    directory.write_snapshot("w", "start", encode(2))
    directory.remove("w")
    directory.remove("w")
    assert directory.load() == {}
    assert list((tmp_path / "realms").iterdir()) == []


def test_a_write_that_fails_leaves_the_old_file(
    directory: StateDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory.write_state("w", encode(1))

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lab.sandbox.state.os.write", full)
    with pytest.raises(OSError, match="No space"):
        directory.write_state("w", encode(2))
    monkeypatch.undo()
    assert directory.load()["w"].state == encode(1)
    assert [path.name for path in (tmp_path / "realms" / "w").iterdir()] == ["state.json"]


def test_the_clock_is_kept(directory: StateDirectory, tmp_path: Path, said: list[str]) -> None:
    assert directory.clock_offset() == 0.0
    directory.keep_clock_offset(86400.5)
    assert directory.clock_offset() == 86400.5
    (tmp_path / "clock.json").write_text(json.dumps({"offset": "soon"}))
    assert directory.clock_offset() == 0.0
    assert len(said) == 1


WRITER = """
import sys
from pathlib import Path
from lab.sandbox.graph import encode
from lab.sandbox.state import StateDirectory
directory = StateDirectory(Path(sys.argv[1]), "moto 1", print)
for number in range(10**6):
    directory.write_state("w", encode({"number": number, "padding": "x" * 50_000}))
    print(number, flush=True)
"""


@pytest.mark.parametrize("acknowledged", [1, 4, 9])
def test_a_kill_leaves_the_old_state_or_the_new(directory: StateDirectory, tmp_path: Path, acknowledged: int) -> None:
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    last = -1
    while last < acknowledged:
        last = int(writer.stdout.readline())
    writer.kill()
    seen = [int(line) for line in writer.communicate()[0].split()]
    state = decode(directory.load()["w"].state)
    assert state["number"] in {max([last, *seen]), max([last, *seen]) + 1}
    assert len(state["padding"]) == 50_000
    directory.write_state("w", encode(1))  # what the dead writer left behind is in nobody's way
    directory.remove("w")
    assert list((tmp_path / "realms").iterdir()) == []


class Written:
    """Counts what the keeper writes; may hold it up or fail."""

    def __init__(self) -> None:
        self.realms: list[str] = []
        self.settled = threading.Event()
        self.go = threading.Event()
        self.go.set()
        self.begun = threading.Event()

    def write(self, realm_id: str) -> None:
        self.begun.set()
        assert self.go.wait(5)
        if realm_id == "bad":
            raise NotKeepableError("objects of x:Y cannot be kept")
        self.realms.append(realm_id)


def test_a_change_is_written_soon_and_changes_meanwhile_once() -> None:
    written = Written()
    said: list[str] = []
    keeper = Keeper(written.write, written.settled.set, said.append)
    try:
        written.go.clear()
        keeper.changed("a")
        assert written.begun.wait(5)
        for _ in range(50):
            keeper.changed("b")
        written.go.set()
        assert written.settled.wait(5)
    finally:
        keeper.close()
    assert written.realms == ["a", "b"]
    assert said == []


def test_closing_writes_what_is_left_and_a_failure_stops_nobody_else() -> None:
    written = Written()
    said: list[str] = []
    keeper = Keeper(written.write, written.settled.set, said.append)
    keeper.changed("bad")
    keeper.changed("good")
    keeper.close()
    assert "good" in written.realms
    assert said == ['The world "bad" could not be saved: objects of x:Y cannot be kept.']


def test_a_forgotten_realm_is_not_written_afterwards() -> None:
    written = Written()
    keeper = Keeper(written.write, written.settled.set, print)
    written.go.clear()
    keeper.changed("a")
    assert written.begun.wait(5)
    keeper.changed("b")
    forgetting = threading.Thread(target=keeper.forget, args=("b",))
    forgetting.start()
    written.go.set()
    forgetting.join(5)
    assert not forgetting.is_alive()
    keeper.close()
    assert "b" not in written.realms
