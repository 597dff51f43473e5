"""Keeping worlds across restarts: one file per world and per snapshot, replaced as a whole, written behind the answers.

A file is written beside its place, flushed to the disk and renamed over it: whatever kills the sandbox, the old or the
new state is there. A file that cannot be read is moved aside with one line that says so; the other worlds load.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, unquote

from lab.sandbox.graph import Document, ForeignDocumentError, NotKeepableError

#: Version of what stands around a document; the document has a format of its own.
FILE_FORMAT: Final = 1

_STATE_FILE: Final = "state.json"
_SNAPSHOT_PREFIX: Final = "snapshot-"
_CLOCK_FILE: Final = "clock.json"


@dataclass(slots=True)
class SavedRealm:
    """What the disk holds of one realm: its state and its snapshots by label."""

    state: Document
    snapshots: dict[str, Document] = field(default_factory=dict)


class StateDirectory:
    """The files of one state directory.

    Args:
        directory: The state directory; ``realms/`` below it is ours.
        software: What the documents depend on beside our own format (moto's version): others are foreign.
        complain: Takes one line for the sandbox's log.

    Attributes:
        set_aside_count: How many files were moved aside in this life.
    """

    def __init__(self, directory: Path, software: str, complain: Callable[[str], None]) -> None:
        self._root = directory
        self._realms = directory / "realms"
        self._software = software
        self._complain = complain
        self.set_aside_count = 0

    def load(self) -> dict[str, SavedRealm]:
        """Every realm that can be read, by id; what cannot be read is moved aside."""
        found: dict[str, SavedRealm] = {}
        if not self._realms.is_dir():
            return found
        for directory in sorted(path for path in self._realms.iterdir() if path.is_dir()):
            realm_id = name_in(directory.name)
            for left_over in directory.glob("*.tmp"):  # of a write that a kill cut short
                left_over.unlink()
            state = self._read(directory / _STATE_FILE)
            if state is None:
                continue
            saved = found[realm_id] = SavedRealm(state)
            for path in sorted(directory.glob(f"{_SNAPSHOT_PREFIX}*.json")):
                document = self._read(path)
                if document is not None:
                    saved.snapshots[name_in(path.name[len(_SNAPSHOT_PREFIX) : -len(".json")])] = document
        return found

    def write_state(self, realm_id: str, document: Document) -> None:
        """Replace the realm's saved state."""
        self._write(self._directory(realm_id) / _STATE_FILE, document)

    def write_snapshot(self, realm_id: str, label: str, document: Document) -> None:
        """Replace the saved snapshot of that label."""
        self._write(self._directory(realm_id) / f"{_SNAPSHOT_PREFIX}{file_name(label)}.json", document)

    def set_aside(self, realm_id: str, reason: str, label: str | None = None) -> None:
        """Move a file that was read but whose document makes no sense out of the way."""
        name = _STATE_FILE if label is None else f"{_SNAPSHOT_PREFIX}{file_name(label)}.json"
        self._set_aside(self._directory(realm_id) / name, reason)

    def remove(self, realm_id: str) -> None:
        """Forget the realm and its snapshots; files set aside stay."""
        directory = self._directory(realm_id)
        if not directory.is_dir():
            return
        # The state goes first: a realm without it does not load, whatever happens next.
        (directory / _STATE_FILE).unlink(missing_ok=True)
        for path in [*directory.glob(f"{_SNAPSHOT_PREFIX}*.json"), *directory.glob("*.tmp")]:
            path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # not empty: something was set aside
            directory.rmdir()

    def clock_offset(self) -> float:
        """By how many seconds the clock was ahead of the machine's when it was last moved."""
        path = self._root / _CLOCK_FILE
        try:
            return max(0.0, float(json.loads(path.read_bytes())["offset"]))
        except FileNotFoundError:
            return 0.0
        except (OSError, ValueError, LookupError, TypeError):
            self._set_aside(path, "damaged")
            return 0.0

    def keep_clock_offset(self, seconds: float) -> None:
        """Remember how far the clock was moved."""
        replace_file(self._root / _CLOCK_FILE, json.dumps({"offset": seconds}).encode())

    def _directory(self, realm_id: str) -> Path:
        return self._realms / file_name(realm_id)

    def _write(self, path: Path, document: Document) -> None:
        for directory in (self._realms, path.parent):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        record = {"format": FILE_FORMAT, "software": self._software, "document": document}
        replace_file(path, json.dumps(record, separators=(",", ":")).encode())

    def _read(self, path: Path) -> Document | None:
        try:
            record: Any = json.loads(path.read_bytes())
            if record["format"] != FILE_FORMAT:
                raise ForeignDocumentError(f"format {record['format']!r} instead of {FILE_FORMAT}")
            if record["software"] != self._software:
                raise ForeignDocumentError(f"written by {record['software']}, this is {self._software}")
            document: Document = record["document"]
            return document
        except FileNotFoundError:
            return None
        except ForeignDocumentError as error:
            self._set_aside(path, str(error))
        except OSError as error:
            self._complain(f"{path} cannot be read ({error.strerror}) and is left as it is.")
        except (ValueError, LookupError, TypeError):
            self._set_aside(path, "damaged")
        return None

    def _set_aside(self, path: Path, reason: str) -> None:
        for number in range(1, 1000):
            target = path.with_name(f"{path.name}.set-aside-{number}")
            if not target.exists():
                break
        with contextlib.suppress(OSError):
            path.rename(target)
            self.set_aside_count += 1
            self._complain(f"{path} cannot be used ({reason}); it was moved to {target.name}.")


class Keeper:
    """Writes what changed in the background: right after the change, several changes at once where they come fast.

    Args:
        write: Writes one realm's state; called from the keeper's thread only, or from :meth:`flush`.
        settled: Called when nothing is left to write.
        complain: Takes one line for the sandbox's log.
    """

    #: After a write the keeper rests this many times as long as the write took, so that it never takes the machine.
    _REST: Final = 4.0
    #: How soon a write that the disk refused is tried again.
    _AGAIN_SECONDS: Final = 5.0

    def __init__(
        self, write: Callable[[str], None], settled: Callable[[], None], complain: Callable[[str], None]
    ) -> None:
        self._write = write
        self._settled = settled
        self._complain = complain
        self._changed: set[str] = set()
        self._refused: set[str] = set()
        self._condition = threading.Condition()
        self._writing = threading.Lock()
        self._closing = False
        self._thread: threading.Thread | None = None

    def changed(self, realm_id: str) -> None:
        """This realm should be written soon."""
        with self._condition:
            self._changed.add(realm_id)
            if self._thread is None and not self._closing:
                self._thread = threading.Thread(target=self._run, name="state-keeper", daemon=True)
                self._thread.start()
            self._condition.notify_all()

    def forget(self, realm_id: str) -> None:
        """Nothing of this realm needs writing any more; returns when no write of it is under way."""
        with self._condition:
            self._changed.discard(realm_id)
            self._refused.discard(realm_id)
        with self._writing:
            pass

    def flush(self) -> None:
        """Write everything that changed, now, in this thread."""
        with self._writing:
            with self._condition:
                pending, self._changed = self._changed | self._refused, set()
                known, self._refused = self._refused, set()
            for realm_id in sorted(pending):
                try:
                    self._write(realm_id)
                except Exception as error:  # noqa: BLE001 - one world that cannot be kept must not stop the others
                    reason = str(error) if isinstance(error, NotKeepableError | OSError) else type(error).__name__
                    if realm_id not in known:
                        self._complain(f'The world "{realm_id}" could not be saved: {reason}.')
                    if isinstance(error, OSError):
                        self._refused.add(realm_id)  # a full disk has room again some day
            if pending:
                self._settled()

    def close(self) -> None:
        """Write what is left and end the thread."""
        with self._condition:
            self._closing = True
            self._condition.notify_all()
        if self._thread is not None:
            self._thread.join()
        self.flush()

    def _run(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(
                    lambda: self._changed or self._closing, timeout=self._AGAIN_SECONDS if self._refused else None
                )
                if self._closing:
                    return
            began = time.monotonic()
            self.flush()
            with self._condition:
                self._condition.wait_for(lambda: self._closing, timeout=self._REST * (time.monotonic() - began))


def file_name(identifier: str) -> str:
    """The id as a file name: never empty, never a path."""
    return quote(identifier, safe="~").replace(".", "%2E") or "%"


def name_in(file: str) -> str:
    """The id that :func:`file_name` made this of."""
    return "" if file == "%" else unquote(file)


def replace_file(path: Path, content: bytes) -> None:
    """Put the content where ``path`` is, as a whole or not at all."""
    with _beside(path) as (file, temporary):
        _write_all(file, content)
        os.fsync(file)
        temporary.replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


@contextlib.contextmanager
def _beside(path: Path) -> Iterator[tuple[int, Path]]:
    file, name = tempfile.mkstemp(prefix=f".{path.name}-", suffix=".tmp", dir=path.parent)  # mode 600
    try:
        yield file, Path(name)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    finally:
        os.close(file)


def _write_all(file: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(file, view) :]
