"""What happens when the lab itself fails: one sentence for the learner, a file without secrets for the report.

Textual prints local variables when it crashes, and those may hold keys: nothing of it is used. The file names the
places in the code and the error's class; of its message only what no secret can hide in.
"""

from __future__ import annotations

import re
import time
import traceback
from pathlib import Path

from lab import __version__, paths
from lab.errors import LabError

#: Words long enough to be keys, tokens or signatures: base64, hex, access key ids.
_SECRET = re.compile(r"[A-Za-z0-9+/=_-]{16,}")
_QUOTED = re.compile(r"b?(['\"]).*?\1", re.DOTALL)


def redacted(text: str) -> str:
    """The text without anything quoted and without long words, on one line."""
    return _SECRET.sub("<removed>", _QUOTED.sub("<removed>", " ".join(text.split())))[:300]


def report_text(error: BaseException, doing: str) -> str:
    """The report: when, which version, while doing what, and the places in the code, without values."""
    lines = [
        f"S3 Encryption Lab {__version__}",
        time.strftime("%Y-%m-%d %H:%M:%S %z"),
        f"while: {doing}",
        "",
    ]
    cause: BaseException | None = error
    while cause is not None:
        lines.append(f"{type(cause).__name__}: {redacted(str(cause))}")
        lines += [
            f"  {_place(Path(frame.filename))}:{frame.lineno} in {frame.name}"
            for frame in traceback.extract_tb(cause.__traceback__)
        ]
        cause = cause.__cause__ or cause.__context__
    return "\n".join(lines) + "\n"


def _place(file: Path) -> str:
    """The file from its package on: where it is installed may name the user."""
    parts = file.parts
    for anchor in ("site-packages", "lab"):
        if anchor in parts:
            index = len(parts) - 1 - parts[::-1].index(anchor)
            return "/".join(parts[index + (anchor == "site-packages") :])
    return file.name


def write_report(error: BaseException, doing: str) -> Path | None:
    """Write the report into the data directory, mode 600; None where that cannot be written."""
    try:
        directory = paths.private_directory(paths.data_dir() / "faults")
        file = directory / f"fault-{time.strftime('%Y%m%d-%H%M%S')}.txt"
        file.write_text(report_text(error, doing), encoding="utf-8")
        file.chmod(0o600)
        for old in sorted(directory.glob("fault-*.txt"))[:-20]:
            old.unlink(missing_ok=True)
    except (OSError, LabError):
        return None
    return file


def as_lab_error(error: BaseException, doing: str) -> LabError:
    """An error of ours as it is; anything else as a sentence that takes the blame and names the report."""
    if isinstance(error, LabError):
        return error
    report = write_report(error, doing)
    where = f"The report, without secrets, is {report}." if report else "The report could not be written."
    return LabError(f"The lab failed while {doing} ({type(error).__name__}). Your work is untouched.", where)
