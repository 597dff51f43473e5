"""Events across restarts: one file of JSON lines per realm, grown by each request before its answer has left.

What a learner did is still to be seen when the sandbox ended overnight, or was killed: whoever has an answer finds the
events behind it in the next life too. The files hold what the log holds and no secrets; they are cut to what the log
keeps at every start, and whenever they have outgrown it. Forks come and go with one run of a script: theirs are not
kept.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from lab.sandbox.faults import record_fault
from lab.sandbox.state import file_name, name_in, replace_file

Event = dict[str, Any]

#: Realm of the events that belong to none.
NOBODY: Final = ""
_SUFFIX: Final = ".jsonl"
_encode: Final = json.JSONEncoder(separators=(",", ":")).encode


class Journal:
    """The files of one state directory; not safe to use from several threads: the log's lock guards it.

    Args:
        directory: Ours alone; made where it is missing.
        keeps: Whether the events of this realm are kept, by realm and exercise.
        complain: Takes one line for the sandbox's log.
    """

    def __init__(self, directory: Path, keeps: Callable[[str, str], bool], complain: Callable[[str], None]) -> None:
        self._directory = directory
        self._keeps = keeps
        self._complain = complain
        self._descriptors: dict[str, int] = {}
        self._waiting: dict[str, list[str]] = {}
        self._lines: dict[str, int] = {}
        self._torn: set[str] = set()
        self._failed = False

    @property
    def lines(self) -> int:
        """How many lines the files have, together."""
        return sum(self._lines.values())

    def load(self) -> list[Event]:
        """Everything that was kept, by number; a line that a kill tore apart is left out."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        found: list[Event] = []
        for path in self._directory.glob(f"*{_SUFFIX}"):
            realm = name_in(path.name.removesuffix(_SUFFIX))
            lines = _lines_of(path)
            self._lines[realm] = len(lines)
            last = 0
            for line in lines:
                event = _event(line, realm)
                if event is None:
                    self._torn.add(realm)
                elif event["seq"] > last:
                    last = event["seq"]
                    found.append(event)
        found.sort(key=lambda event: int(event["seq"]))
        return found

    def add(self, event: Event) -> None:
        """Keep an event; the one that ends its request takes all that wait with it to the disk."""
        realm = event["realm"]
        if not self._keeps(realm, event["exercise"]):
            return
        try:
            line = _encode(event)
        except (TypeError, ValueError) as error:  # ours: an event holds what JSON holds; the request goes on
            record_fault("keeping an event", error)
            return
        self._waiting.setdefault(realm, []).append(line)
        if event["step"] == "answer" or realm == NOBODY:
            self._write(realm)

    def forget(self, realm: str) -> None:
        """Remove what is kept of a realm."""
        self._close(realm)
        self._waiting.pop(realm, None)
        self._lines.pop(realm, None)
        self._torn.discard(realm)
        self._path(realm).unlink(missing_ok=True)

    def trim(self, kept: Mapping[str, int]) -> None:
        """Cut every file to its last so many lines.

        Args:
            kept: How many events the log still has, by realm.
        """
        for realm in list(self._lines):
            self._write(realm)
            count = kept.get(realm, 0)
            if self._lines[realm] <= count and realm not in self._torn:
                continue
            if not count:
                self.forget(realm)
                continue
            lines = _lines_of(self._path(realm))
            if realm in self._torn:
                lines = [line for line in lines if _event(line, realm) is not None]
            self._close(realm)
            replace_file(self._path(realm), b"".join(line + b"\n" for line in lines[-count:]))
            self._lines[realm] = len(lines[-count:])
            self._torn.discard(realm)

    def close(self) -> None:
        """Write what waits and close the files."""
        for realm in list(self._waiting):
            self._write(realm)
        for realm in list(self._descriptors):
            self._close(realm)

    def _path(self, realm: str) -> Path:
        return self._directory / f"{file_name(realm)}{_SUFFIX}"

    def _write(self, realm: str) -> None:
        lines = self._waiting.pop(realm, None)
        if not lines:
            return
        text = "\n".join(lines) + "\n"
        if realm in self._torn:
            text = "\n" + text  # what was torn must not take the next line with it
        try:
            descriptor = self._descriptors.get(realm)
            if descriptor is None:
                flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
                descriptor = self._descriptors[realm] = os.open(self._path(realm), flags, 0o600)
            data = text.encode()
            if os.write(descriptor, data) < len(data):
                self._torn.add(realm)
        except OSError as error:
            self._torn.add(realm)
            if not self._failed:
                self._complain(f"Events cannot be kept across restarts ({error.strerror}).")
            self._failed = True
            return
        self._lines[realm] = self._lines.get(realm, 0) + len(lines)

    def _close(self, realm: str) -> None:
        descriptor = self._descriptors.pop(realm, None)
        if descriptor is not None:
            os.close(descriptor)


def _lines_of(path: Path) -> list[bytes]:
    try:
        content = path.read_bytes()
    except OSError:
        return []
    return [line for line in content.split(b"\n") if line]


def _event(line: bytes, realm: str) -> Event | None:
    """The event in a line; None where it is torn."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    if not isinstance(event, dict) or not isinstance(event.get("seq"), int) or event.get("realm") != realm:
        return None
    return event
