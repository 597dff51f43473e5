"""The progress store: what was done is kept, whatever happens to the process, the file or the disk."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from lab.progress import ProgressEvent, Store, open_store
from lab.progress.schema import STEPS
from lab.progress.turn import AppLock


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "progress.sqlite3"


def check(verdict: str = "passed", **members: object) -> ProgressEvent:
    return ProgressEvent("check", exercise="store-it", check="stored", verdict=verdict, **members)  # type: ignore[arg-type]


def test_what_is_kept_is_there_again(file: Path) -> None:
    events = [ProgressEvent("start", exercise="store-it"), check(duration=0.25, diagnosis="d"), check()]
    Store(file).append(*events)
    store = Store(file)
    assert store.events() == sorted(events, key=lambda event: (event.at, event.uuid))
    assert (store.saving, store.notice) == (True, "")
    assert file.stat().st_mode & 0o777 == 0o600


def test_the_store_is_append_only(file: Path) -> None:
    Store(file).append(check())
    connection = sqlite3.connect(file)
    for statement in ("DELETE FROM events", "UPDATE events SET verdict = 'x'"):
        with pytest.raises(sqlite3.IntegrityError, match="events are kept"):
            connection.execute(statement)
    connection.close()


def test_threads_and_processes_take_turns(file: Path) -> None:
    store, other = Store(file), Store(file)

    def write(chosen: Store) -> None:
        for _ in range(20):
            chosen.append(check())

    threads = [threading.Thread(target=write, args=(chosen,)) for chosen in (store, other, store)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.events()) == 60


WRITER = """
import sys
from pathlib import Path
from lab.progress import ProgressEvent, Store
store = Store(Path(sys.argv[1]))
number = 0
while True:
    first = ProgressEvent("hint", exercise="a", check="c", verdict=str(number))
    store.append(first, ProgressEvent("check", exercise="a", check="c", verdict=str(number)))
    print(number, flush=True)
    number += 1
"""


def test_killed_at_any_moment(file: Path) -> None:
    """Every acknowledged pair is there, no half pair, and the store opens without a word."""
    chance = random.Random(7)
    acknowledged = 0
    for _ in range(6):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(file)], stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        for _ in range(chance.randint(1, 40)):
            assert writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
        acknowledged += 1 + int(([*writer.stdout][-1:] or ["0"])[0])
        writer.wait()
        writer.stdout.close()
        store = Store(file)
        assert (store.saving, store.notice) == (True, "")
        events = store.events()
        assert len(events) % 2 == 0
        assert len(events) >= acknowledged
        acknowledged = len(events) // 2


def test_a_newer_store_is_not_touched(file: Path) -> None:
    Store(file).append(check())
    connection = sqlite3.connect(file)
    connection.execute(f"PRAGMA user_version = {len(STEPS) + 1}")
    connection.close()
    before = file.read_bytes()
    store = Store(file)
    assert not store.saving
    assert "newer lab" in store.notice
    store.append(check())
    assert len(store.events()) == 1
    assert file.read_bytes() == before


def test_an_older_store_migrates_with_a_backup(file: Path) -> None:
    Store(file).append(check())
    store = Store(file, steps=[*STEPS, ["ALTER TABLE events ADD COLUMN later TEXT NOT NULL DEFAULT ''"]])
    assert (store.saving, len(store.events())) == (True, 1)
    backup = file.with_name("progress.sqlite3.version-1")
    assert len(Store(backup).events()) == 1
    assert "newer" in Store(file).notice


def test_a_migration_that_fails_changes_nothing(file: Path) -> None:
    Store(file).append(check())
    store = Store(file, steps=[*STEPS, ["ALTER TABLE events ADD COLUMN later TEXT", "nonsense"]])
    assert not store.saving
    assert store.notice
    again = Store(file)
    assert (again.saving, len(again.events())) == (True, 1)


@pytest.mark.parametrize("damage", ["text", "head", "middle"])
def test_a_damaged_store_is_moved_aside(file: Path, damage: str) -> None:
    store = Store(file)
    store.append(*(check(diagnosis=f"d{number}") for number in range(400)))
    data = bytearray(file.read_bytes())
    if damage == "text":
        data = bytearray(b"this is not a database, " * 100)
    elif damage == "head":
        data[:64] = bytes(64)
    else:
        data[8192:12288] = random.Random(1).randbytes(4096)
    file.write_bytes(data)
    store = Store(file)
    assert store.saving
    assert "damaged" in store.notice
    (aside,) = file.parent.glob("progress.sqlite3.damaged-*")
    assert aside.read_bytes() == data
    rescued = len(store.events())
    assert f"and {rescued} events" in store.notice
    store.append(check())
    again = Store(file)
    assert (len(again.events()), again.notice) == (rescued + 1, "")


def test_where_nothing_can_be_written_the_lab_works_on(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    store = Store(tmp_path / "file" / "progress.sqlite3")
    assert not store.saving
    assert store.notice.count(".") >= 1
    assert "\n" not in store.notice
    store.append(check())
    assert store.standing("store-it").checks == {"stored": "passed"}


def test_a_disk_that_becomes_read_only(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(file)
    store.append(check("not_yet"))

    def refuse(*_: object) -> int:
        raise sqlite3.OperationalError("attempt to write a readonly database")

    monkeypatch.setattr(Store, "_insert", refuse)
    store.append(check())
    assert "goes on without saving" in store.notice
    assert [event.verdict for event in store.events()] == ["not_yet", "passed"]


def test_the_second_app_reads_only(file: Path, tmp_path: Path) -> None:
    lock = tmp_path / "app.lock"
    with AppLock(lock) as first, AppLock(lock) as second:
        assert (first, second) == (True, False)
        Store(file).append(check())
        store = Store(file, read_only=not second)
        assert "Another window" in store.notice
        store.append(check())
        assert len(store.events()) == 2
        # Commands write in short transactions, also while an app is open.
        Store(file).append(check())
        assert len(Store(file).events()) == 2
    assert AppLock(lock).acquire()


def test_the_lock_goes_with_its_process(tmp_path: Path) -> None:
    lock = tmp_path / "app.lock"
    program = (
        "import sys, time; from pathlib import Path; from lab.progress.turn import AppLock\n"
        "kept = AppLock(Path(sys.argv[1])); print(kept.acquire(), flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", program, str(lock)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "True\n"
    assert not AppLock(lock).acquire()
    holder.kill()
    holder.wait()
    holder.stdout.close()
    assert AppLock(lock).acquire()


def test_the_usual_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_DATA_DIR", str(tmp_path / "here"))
    open_store().append(check())
    assert len(open_store().events()) == 1
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LAB_DATA_DIR", str(tmp_path / "file" / "x"))
    store = open_store()
    assert "works without saving" in store.notice
    store.append(check())
    assert len(store.events()) == 1


def test_opening_is_quick(file: Path) -> None:
    Store(file).append(*(check() for _ in range(5000)))
    began = time.process_time()
    Store(file).standings()
    assert time.process_time() - began < 0.5
