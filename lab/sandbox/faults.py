"""The sandbox's own faults: where they happened goes to its log file, what was being handled never does.

An exception's message, its arguments and the local variables of its frames may hold keys, tokens and bodies. So a
fault is recorded as the types of the exceptions and the lines of code they passed, and nothing else.
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType

FILE_NAME = "sandbox.log"

_logger = logging.getLogger("lab.sandbox")
_logger.propagate = False
_logger.addHandler(logging.NullHandler())


def describe_fault(error: BaseException) -> str:
    """The places that an exception and its causes passed, without any value."""
    parts: list[str] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        lines = [
            f"  {frame.filename}:{frame.lineno} in {frame.name}"
            for frame in traceback.extract_tb(current.__traceback__, limit=-30)
        ]
        parts.append("\n".join([type(current).__qualname__, *lines]))
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return "\ncaused by ".join(parts)


def record_fault(where: str, error: BaseException) -> None:
    """Write a fault to the log file, if one has been opened."""
    _logger.error("fault in %s: %s", where, describe_fault(error))


def open_log(directory: Path) -> Path:
    """Send faults to a file of this user alone, and nothing of any traceback to stderr."""
    path = directory / FILE_NAME
    path.touch(mode=0o600)
    handler = RotatingFileHandler(path, maxBytes=1 << 20, backupCount=1, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    _logger.addHandler(handler)
    logging.getLogger().addHandler(logging.NullHandler())  # libraries would else warn on stderr
    sys.excepthook = _main_fault
    threading.excepthook = _thread_fault
    return path


def close_log() -> None:
    """Close the file."""
    for handler in list(_logger.handlers):
        if isinstance(handler, RotatingFileHandler):
            _logger.removeHandler(handler)
            handler.close()


def _main_fault(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:  # noqa: ARG001
    record_fault("the main thread", error)
    sys.stderr.write(f"The sandbox ended by a fault of its own ({kind.__name__}).\n")


def _thread_fault(arguments: threading.ExceptHookArgs) -> None:
    if arguments.exc_value is not None:
        record_fault(f"thread {arguments.thread.name if arguments.thread else '?'}", arguments.exc_value)
