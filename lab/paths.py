"""Where things lie on disk: content, the learner's workspaces, progress, the sandbox's state and its runtime files.

Every directory can be moved by an environment variable of the lab (never by an ``AWS_*`` one): ``LAB_DATA_DIR`` for
progress and state, ``LAB_RUNTIME_DIR`` for sockets and locks, ``LAB_CONTENT_DIR`` for lessons and exercises.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

import platformdirs

from lab.errors import CourseError, LabError

APP_NAME = "s3-encryption-lab"


def content_dir() -> Path:
    """The directory that holds ``lessons/`` and ``exercises/``.

    Raises:
        CourseError: Neither the installed package nor a checkout holds them.
    """
    override = os.environ.get("LAB_CONTENT_DIR")
    package = Path(__file__).resolve().parent
    candidates = [Path(override)] if override else [package / "content", package.parent]
    for candidate in candidates:
        if (candidate / "lessons").is_dir() and (candidate / "exercises").is_dir():
            return candidate
    raise CourseError("The lessons and exercises are not where they should be.", "Install the lab again.")


def data_dir() -> Path:
    """Progress, worlds and the sandbox's state, mode 0700; made where it is missing."""
    override = os.environ.get("LAB_DATA_DIR")
    return private_directory(Path(override) if override else Path(platformdirs.user_data_path(APP_NAME)))


def state_dir() -> Path:
    """The sandbox's disk: sealed blobs, keys and account state."""
    return private_directory(data_dir() / "sandbox")


def progress_file() -> Path:
    """The SQLite store of what the learner has done."""
    return data_dir() / "progress.sqlite3"


def runtime_dir() -> Path:
    """A short private directory for sockets and locks, one per data directory.

    Unix socket paths are limited to about 100 bytes (104 on macOS), so the name is a digest and not the data path.
    """
    override = os.environ.get("LAB_RUNTIME_DIR")
    if override:
        return private_directory(Path(override), "LAB_RUNTIME_DIR")
    digest = hashlib.sha256(str(data_dir().resolve()).encode()).hexdigest()[:12]
    base = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
    return private_directory(base / f"s3lab-{os.getuid()}-{digest}", "LAB_RUNTIME_DIR")


def default_workspace_root() -> Path:
    """Where workspaces go when the learner names no place: Documents, or home where there is none."""
    documents = Path(platformdirs.user_documents_path())
    return (documents if documents.is_dir() else Path.home()) / APP_NAME


def private_directory(path: Path, variable: str = "LAB_DATA_DIR") -> Path:
    """Make the directory if need be, readable by this user alone.

    Args:
        path: The directory.
        variable: What moves it elsewhere, for the next step of the error.

    Raises:
        LabError: It cannot be made, or belongs to somebody else.
    """
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        if path.stat().st_uid != os.getuid():
            raise LabError(f"{path} belongs to another user.", f"Set {variable} to a directory of your own.")
        if path.stat().st_mode & 0o077:
            path.chmod(0o700)
    except OSError as error:
        raise LabError(
            f"The directory {path} cannot be used ({error.strerror}).",
            f"Make it writable, or set {variable} to another place.",
        ) from error
    return path
