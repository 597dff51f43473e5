"""The progress store: SQLite in WAL mode, append-only, safe to kill at any moment, and never in the learner's way.

Where it cannot be written (a full or read-only disk, a store of a newer version, a second app), the lab works on:
events are kept in memory and ``notice`` says in one sentence why they are not saved.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from lab.errors import LabError
from lab.progress import schema
from lab.progress.record import ProgressEvent
from lab.progress.standing import Standing, last_place, standings

_MEMBERS = ("uuid", "at", "version", "exercise", "check", "verb", "verdict", "diagnosis", "duration")
_COLUMNS = ", ".join(f'"{name}"' for name in _MEMBERS)
_INSERT = f"INSERT OR IGNORE INTO events ({_COLUMNS}) VALUES ({', '.join('?' * len(_MEMBERS))})"  # noqa: S608 - constants
_SELECT = f"SELECT {_COLUMNS} FROM events ORDER BY at, uuid"  # noqa: S608 - constants
_BUSY_SECONDS = 5.0


class Store:
    """What the learner has done, on disk where that is possible.

    Args:
        file: The SQLite file; it and its directory are made where they are missing.
        read_only: Read what is there and save nothing (the second app on one store).
        steps: Versions of the tables; only tests give others.

    Attributes:
        notice: One sentence for the learner when something is not as it should be, else ''.
        saving: Whether events go to the disk.
    """

    def __init__(self, file: Path, *, read_only: bool = False, steps: Sequence[Sequence[str]] = schema.STEPS) -> None:
        self.file = file
        self.notice = ""
        self.saving = False
        self._steps = steps
        self._memory: list[ProgressEvent] = []
        self._lock = threading.Lock()
        self._readable = True
        if read_only:
            self.notice = "Another window of the lab is open: this one reads your progress and saves none."
            return
        self._open()

    def append(self, *events: ProgressEvent) -> None:
        """Keep events; all of them or none. Where the disk refuses, they are kept in memory and ``notice`` says so."""
        self.merge(events)

    def merge(self, events: Iterable[ProgressEvent]) -> int:
        """Keep those events whose uuid is new, and return how many that were."""
        rows = list(events)
        with self._lock:
            if self.saving:
                try:
                    return self._insert(rows)
                except sqlite3.Error as error:
                    self._stop_saving(f"Your progress cannot be saved now ({error}); the lab goes on without saving.")
            known = {event.uuid for event in self._read()}
            fresh = {event.uuid: event for event in rows if event.uuid not in known}
            self._memory.extend(fresh.values())
            return len(fresh)

    def events(self) -> list[ProgressEvent]:
        """Everything, oldest first."""
        with self._lock:
            return self._read()

    def standings(self) -> dict[str, Standing]:
        """Where the learner stands, by exercise."""
        return standings(self.events())

    def standing(self, exercise: str) -> Standing:
        """Where the learner stands in one exercise; a new one where nothing was done."""
        return self.standings().get(exercise) or Standing(exercise)

    def last_place(self) -> str:
        """Where something was done last."""
        return last_place(self.events())

    def _open(self) -> None:
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._prepare()
        except sqlite3.OperationalError as error:
            self._stop_saving(f"Your progress cannot be saved in {self.file} ({error}); the lab works without saving.")
        except sqlite3.DatabaseError:
            self._move_aside()
        except OSError as error:
            self._stop_saving(
                f"Your progress cannot be saved in {self.file} ({error.strerror}); the lab works without saving."
            )

    def _prepare(self) -> None:
        """Look at the version, migrate an older store after a backup, leave a newer one alone."""
        with self._connect() as connection:
            version = schema.version_of(connection)
            if version > len(self._steps):
                self._readable = False
                self._stop_saving(
                    f"{self.file} was written by a newer lab and is left as it is: "
                    "this version starts without your progress and saves none."
                )
                return
            if connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
                raise sqlite3.DatabaseError("quick_check found damage")
            connection.execute("PRAGMA journal_mode = WAL")
            if version < len(self._steps):
                if version:
                    self._back_up(connection, version)
                schema.migrate(connection, self._steps)
            self.file.chmod(0o600)
            self.saving = True

    def _back_up(self, connection: sqlite3.Connection, version: int) -> None:
        backup = self.file.with_name(f"{self.file.name}.version-{version}")
        with contextlib.closing(sqlite3.connect(backup)) as copy:
            connection.backup(copy)
        backup.chmod(0o600)

    def _move_aside(self) -> None:
        """The file is damaged: keep it under another name, begin a new one, and bring over what can still be read."""
        aside = self.file.with_name(f"{self.file.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
        try:
            rescued = self._rescue()
            for suffix in ("", "-wal", "-shm"):
                part = self.file.with_name(self.file.name + suffix)
                if part.exists():
                    part.rename(aside.with_name(aside.name + suffix))
            self._prepare()
            self._insert(rescued)
            self.notice = (
                f"Your progress store was damaged: it is kept as {aside.name}, "
                f"and {len(rescued)} events could be read from it."
            )
        except (sqlite3.Error, OSError) as error:
            self._stop_saving(f"Your progress store {self.file} is damaged ({error}); the lab works without saving.")

    def _rescue(self) -> list[ProgressEvent]:
        rescued: list[ProgressEvent] = []
        # By primary key and without an index: rows before the damaged page can still be read.
        query = f"SELECT {_COLUMNS} FROM events NOT INDEXED"  # noqa: S608 - constants
        with contextlib.suppress(sqlite3.Error), self._connect() as connection:
            for row in connection.execute(query):
                with contextlib.suppress(ValueError):
                    rescued.append(ProgressEvent.from_json(dict(zip(_MEMBERS, row, strict=True))))
        return rescued

    @contextlib.contextmanager
    def _connect(self, *, immutable: bool = False) -> Iterator[sqlite3.Connection]:
        """A connection for one short piece of work: the app's threads and other processes take turns."""
        address = f"{self.file.absolute().as_uri()}?mode=ro&immutable=1" if immutable else str(self.file)
        connection = sqlite3.connect(address, timeout=_BUSY_SECONDS, isolation_level=None, uri=immutable)
        try:
            yield connection
        finally:
            connection.close()

    def _insert(self, events: Iterable[ProgressEvent]) -> int:
        rows = [tuple(getattr(event, name) for name in _MEMBERS) for event in events]
        with self._connect() as connection:
            connection.execute("BEGIN IMMEDIATE")
            before = connection.total_changes
            connection.executemany(_INSERT, rows)
            connection.execute("COMMIT")
            return connection.total_changes - before

    def _read(self) -> list[ProgressEvent]:
        saved: list[ProgressEvent] = []
        if self._readable and self.file.exists():
            try:
                saved = self._rows(immutable=False)
            except sqlite3.Error:
                # A read-only disk: SQLite cannot make its shared-memory file, but nobody else writes there either.
                with contextlib.suppress(sqlite3.Error):
                    saved = self._rows(immutable=True)
        return saved + self._memory

    def _rows(self, *, immutable: bool) -> list[ProgressEvent]:
        found = []
        with self._connect(immutable=immutable) as connection:
            for row in connection.execute(_SELECT):
                with contextlib.suppress(ValueError):
                    found.append(ProgressEvent.from_json(dict(zip(_MEMBERS, row, strict=True))))
        return found

    def _stop_saving(self, notice: str) -> None:
        self.saving = False
        self.notice = notice


def open_store(*, read_only: bool = False) -> Store:
    """The learner's store in its usual place; where there is no such place, one in memory that says so."""
    from lab import paths

    try:
        return Store(paths.progress_file(), read_only=read_only)
    except LabError as error:
        store = Store(Path("/nonexistent/progress.sqlite3"), read_only=True)
        store.notice = f"{error.message} The lab works without saving."
        return store
