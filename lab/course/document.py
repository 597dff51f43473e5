"""Reading one TOML document of the course: a mistake is a :class:`CourseError` that names the file and the member."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from lab.errors import CourseError

_MISSING: Any = object()
_NAMES = {str: "a text", int: "a whole number", bool: "true or false", list: "a list", dict: "a table"}


class Table:
    """One table of a TOML document, read member by member.

    Call :meth:`done` last: a member that nobody asked for is a spelling mistake, and named as one.
    """

    def __init__(self, members: dict[str, Any], file: Path, where: str = "") -> None:
        self._members = members
        self._file = file
        self._where = where
        self._read: set[str] = set()

    def __contains__(self, name: object) -> bool:
        """Whether the member is there."""
        return name in self._members

    def names(self) -> list[str]:
        """Names of all members, in order."""
        return list(self._members)

    def values(self) -> dict[str, Any]:
        """Every member as it is, for a table whose members somebody else knows."""
        self._read.update(self._members)
        return dict(self._members)

    def problem(self, name: str, what: str) -> CourseError:
        """The error for one member: file, place, what is wrong."""
        place = f"{self._where}.{name}" if self._where else name
        return CourseError(f"{self._file}: {place}: {what}.", "Repair the file, or install the lab again.")

    def _value(self, name: str, kind: type, default: Any) -> Any:
        self._read.add(name)
        value = self._members.get(name, default)
        if value is _MISSING:
            raise self.problem(name, "is missing")
        # bool is an int in Python; TOML keeps them apart and so do we.
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise self.problem(name, f"should be {_NAMES[kind]}")
        return value

    def text(self, name: str, default: str = _MISSING) -> str:
        """A text member."""
        return str(self._value(name, str, default))

    def number(self, name: str, default: int = _MISSING) -> int:
        """A whole number."""
        return int(self._value(name, int, default))

    def flag(self, name: str, default: bool = _MISSING) -> bool:
        """A truth value."""
        return bool(self._value(name, bool, default))

    def choice(self, name: str, allowed: tuple[str, ...], default: str = _MISSING) -> str:
        """A text that is one of a few."""
        value = self.text(name, default)
        if value not in allowed:
            raise self.problem(name, f"is {value!r}, should be one of {', '.join(allowed)}")
        return value

    def texts(self, name: str, default: tuple[str, ...] = _MISSING) -> tuple[str, ...]:
        """A list of texts."""
        value = self._value(name, list, default if default is _MISSING else list(default))
        if not all(isinstance(item, str) for item in value):
            raise self.problem(name, "should hold texts only")
        return tuple(value)

    def table(self, name: str) -> Table:
        """A table; empty where it is absent."""
        return Table(self._value(name, dict, {}), self._file, f"{self._where}.{name}" if self._where else name)

    def tables(self, name: str) -> list[Table]:
        """An array of tables; empty where it is absent."""
        value = self._value(name, list, [])
        place = f"{self._where}.{name}" if self._where else name
        if not all(isinstance(item, dict) for item in value):
            raise self.problem(name, "should hold tables only")
        return [Table(item, self._file, f"{place}[{index + 1}]") for index, item in enumerate(value)]

    def done(self) -> None:
        """Say that everything has been read.

        Raises:
            CourseError: A member is there that the format does not know.
        """
        unknown = [name for name in self._members if name not in self._read]
        if unknown:
            raise self.problem(unknown[0], "is not a member that the format knows")


def read_text(file: Path) -> str:
    """The file as text.

    Raises:
        CourseError: It is absent, unreadable, or not UTF-8.
    """
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise CourseError(f"{file} cannot be read ({error.strerror}).", "Install the lab again.") from error
    except UnicodeDecodeError as error:
        raise CourseError(f"{file} is not UTF-8 text.", "Repair the file, or install the lab again.") from error


def parse(text: str, file: Path) -> Table:
    """The top table of a TOML text that stands in the file."""
    try:
        return Table(tomllib.loads(text), file)
    except tomllib.TOMLDecodeError as error:
        raise CourseError(f"{file}: not valid TOML: {error}.", "Repair the file, or install the lab again.") from error


def read(file: Path) -> Table:
    """The top table of a TOML file."""
    return parse(read_text(file), file)


def read_optional(file: Path) -> Table:
    """The top table of a TOML file, empty where there is none."""
    return read(file) if file.exists() else Table({}, file)
