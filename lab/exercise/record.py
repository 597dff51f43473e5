"""What the lab remembers of one exercise's world, outside the workspace and readable by this user alone.

Names, private facts of ``build``, predictions with the events they came before, and where the workspace is.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import secrets
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab import paths
from lab.errors import LabError

_BYTES = "$bytes"
_WORLD = "world.json"
_ASKED = "asked.json"


@dataclass(frozen=True, slots=True)
class Prediction:
    """An answer given before the run.

    Attributes:
        seq: The last event of the learner's that had happened when it was given.
    """

    choice: str
    seq: int
    at: float


@dataclass(slots=True)
class WorldRecord:
    """One world as it was built.

    Attributes:
        suffix: The eight hex digits that every name ends in.
        seed: Makes the random values of a repeated build the same; private.
        names: Rendered names by logical name.
        facts: What ``build`` kept; private.
        began: The last event before this world was built; older ones are of a world that is gone.
        since: Events up to this one belong to the build or to the time before the last reset.
        built: False while a build runs or after it was interrupted.
        figures: What was measured when the exercise was passed, for the explanation and for lessons.
    """

    exercise: str
    version: int = 0
    workspace: str = ""
    suffix: str = field(default_factory=lambda: secrets.token_hex(4))
    seed: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)
    names: dict[str, str] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict, repr=False)
    began: int = 0
    since: int = 0
    built: bool = False
    predictions: dict[str, Prediction] = field(default_factory=dict)
    figures: dict[str, str] = field(default_factory=dict)


def directory_of(back_end: str, exercise: str) -> Path:
    """Everything private of one exercise's world on one back end."""
    return paths.private_directory(paths.private_directory(paths.data_dir() / "worlds") / f"{exercise}.{back_end}")


def load(directory: Path) -> WorldRecord | None:
    """The record in this directory; None where there is none, or one that cannot be read any more."""
    try:
        members = json.loads((directory / _WORLD).read_text(encoding="utf-8"), object_hook=_bytes_from)
        members["predictions"] = {name: Prediction(**value) for name, value in members["predictions"].items()}
        return WorldRecord(**members)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def save(directory: Path, record: WorldRecord) -> None:
    """Replace the record in one step, mode 0600.

    Raises:
        LabError: The disk refuses, or a fact is of a kind that JSON cannot hold.
    """
    members = {name: getattr(record, name) for name in WorldRecord.__dataclass_fields__}
    members["predictions"] = {
        name: {"choice": value.choice, "seq": value.seq, "at": value.at} for name, value in record.predictions.items()
    }
    try:
        text = json.dumps(members, default=_bytes_to, indent=1)
    except (TypeError, ValueError) as error:
        raise LabError(f"A private fact of {record.exercise} cannot be kept: it is no JSON value.") from error
    _replace(directory / _WORLD, text)


def stamp(directory: Path) -> tuple[int, int] | None:
    """What is another one after every :func:`save`, by whatever process; None where there is no record."""
    try:
        found = (directory / _WORLD).stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


def save_asked(directory: Path, asked: list[dict[str, Any]]) -> None:
    """Keep what the last run of the checks asked the policies, for the policy view of whatever command comes next.

    Raises:
        LabError: The disk refuses.
    """
    if asked != load_asked(directory):
        _replace(directory / _ASKED, json.dumps(asked))


def load_asked(directory: Path) -> list[dict[str, Any]]:
    """What the last run of the checks asked the policies; empty where it asked nothing."""
    try:
        asked = json.loads((directory / _ASKED).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return asked if isinstance(asked, list) else []


def _replace(file: Path, text: str) -> None:
    """Put the text where the file is, as a whole or not at all, mode 0600."""
    try:
        descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.stem}-")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(text)
            Path(temporary).replace(file)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
            raise
    except OSError as error:
        raise LabError(
            f"The lab cannot write to {file.parent} ({error.strerror}).",
            "Free some space, or set LAB_DATA_DIR to another place.",
        ) from error


def saved_figures(exercise: str, back_end: str = "sandbox") -> dict[str, str]:
    """What was measured when the exercise was passed; empty where it was not."""
    record = load(directory_of(back_end, exercise))
    return record.figures if record else {}


def _bytes_to(value: object) -> dict[str, str]:
    if isinstance(value, bytes | bytearray):
        return {_BYTES: base64.b64encode(value).decode()}
    raise TypeError(type(value).__name__)


def _bytes_from(members: dict[str, Any]) -> Any:
    return base64.b64decode(members[_BYTES]) if members.keys() == {_BYTES} else members
