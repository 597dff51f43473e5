"""What is said when a command fails: what happened, what to do, and with ``--debug`` where."""

from __future__ import annotations

import sys
import traceback

from lab.cli import drop_output
from lab.errors import EXIT_LAB_FAULT, LabError


def report(error: Exception, *, debug: bool) -> int:
    """Say it on standard error and give the exit status."""
    try:
        sys.stdout.flush()
    except OSError as refused:
        drop_output()
        error = LabError(f"The output cannot be written ({refused.strerror}).", "Send it somewhere else.")
    if isinstance(error, LabError):
        lines = [error.message, *([error.next_step] if error.next_step else [])]
        status = error.exit_status
    else:
        # The message may quote what must not be shown; the class and the place do not.
        place = traceback.extract_tb(error.__traceback__)[-1:]
        where = f" in {place[0].name}" if place else ""
        lines = [f"The lab made a mistake of its own ({type(error).__name__}{where}).", "--debug shows where."]
        status = EXIT_LAB_FAULT
    print("lab: " + "\n     ".join(lines), file=sys.stderr)
    if debug:
        traceback.print_exception(error)
    return status
