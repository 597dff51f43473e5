"""Private files: written whole or not at all, readable by this user alone."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from lab.errors import ShellError


def write_private(path: Path, text: str, mode: int = 0o600) -> None:
    """Replace a file in one step, so that a reader sees the old text or the new, never half of it.

    Raises:
        ShellError: The file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(text)
            Path(temporary).chmod(mode)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ShellError(
            f"The file {path} cannot be written ({error.strerror}).",
            "Free some space or set LAB_DATA_DIR to another place.",
        ) from error


def read_text(path: Path) -> str | None:
    """The file's text, None where there is no readable file."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
