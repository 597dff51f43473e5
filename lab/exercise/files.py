"""Copying and comparing trees of files: regular files, directories and links; pipes and devices are passed by."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from lab.errors import WorkspaceError


def walk(root: Path) -> Iterator[Path]:
    """Every regular file and link below the root, sorted, links not followed."""
    for directory, names, files in os.walk(root):
        names.sort()
        linked = [name for name in names if (Path(directory) / name).is_symlink()]
        for name in sorted(files + linked):
            path = Path(directory) / name
            if path.is_symlink() or stat.S_ISREG(path.lstat().st_mode):
                yield path


def directories(root: Path) -> list[Path]:
    """Every directory below the root, outermost first, links not followed."""
    return [Path(place) / name for place, names, _ in os.walk(root) for name in sorted(names)
            if not (Path(place) / name).is_symlink()]  # fmt: skip


def copy_file(source: Path, target: Path) -> None:
    """One file or link with its permission bits; directories are made."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_symlink():
        target.symlink_to(source.readlink())
    else:
        shutil.copyfile(source, target)
        target.chmod(stat.S_IMODE(source.stat().st_mode))


def copy_tree(source: Path, target: Path, largest: int | None = None) -> None:
    """Everything of one directory into another; files above ``largest`` bytes are left out.

    Raises:
        WorkspaceError: The disk refuses.
    """
    try:
        target.mkdir(parents=True, exist_ok=True)
        for directory in directories(source):
            (target / directory.relative_to(source)).mkdir(parents=True, exist_ok=True)
        for file in walk(source):
            if largest is None or file.lstat().st_size <= largest:
                copy_file(file, target / file.relative_to(source))
    except OSError as error:
        raise disk_refused(error) from error


def same(first: Path, second: Path) -> bool:
    """Whether both are the same kind of thing with the same content and permission bits."""
    if not os.path.lexists(first) or not os.path.lexists(second):
        return False
    if first.is_symlink() or second.is_symlink():
        return first.is_symlink() and second.is_symlink() and first.readlink() == second.readlink()
    one, two = first.stat(), second.stat()
    if not (stat.S_ISREG(one.st_mode) and stat.S_ISREG(two.st_mode)):
        return False
    if (one.st_size, stat.S_IMODE(one.st_mode)) != (two.st_size, stat.S_IMODE(two.st_mode)):
        return False
    return first.read_bytes() == second.read_bytes()


def disk_refused(error: OSError) -> WorkspaceError:
    """The error for a disk that is full, read-only or not ours."""
    if isinstance(error, FileExistsError) and error.filename:
        return WorkspaceError(
            f"The workspace cannot be used: {error.filename} is not a directory.",
            "Move it away, or let lab reset do that: it keeps what it moves.",
        )
    where = f" {error.filename}" if error.filename else ""
    mend = "Free some space" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "Make it writable"
    return WorkspaceError(
        f"The workspace cannot be used:{where} ({error.strerror}).",
        f"{mend}, or name another place with --workspace DIR.",
    )
