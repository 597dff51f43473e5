"""The command ``lab``: the app when it stands alone, and everything that the app does as subcommands.

Each command group is a module of its own and is imported only when one of its commands runs. Nothing here imports
textual, rich, boto3, moto or cryptography.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit status. Errors are a sentence and a next step, never a traceback."""
    from lab.cli.parser import parse

    _open_missing_streams()
    debug = False
    try:
        try:
            options = parse(sys.argv[1:] if arguments is None else list(arguments))
            debug = options.debug
            status = int(options.run(options))
        except SystemExit as end:  # the command line asked for help or the version, or made no sense
            status = end.code if isinstance(end.code, int) else 0
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        return _end_by_interrupt()
    except BrokenPipeError:
        drop_output()  # whoever read it has enough
        return 128 + signal.SIGPIPE
    except Exception as error:  # noqa: BLE001 - the boundary: everything becomes a sentence
        from lab.cli.failure import report

        return report(error, debug=debug)


def drop_output() -> None:
    """Forget what is still buffered, so that it is not tried again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _open_missing_streams() -> None:
    """Whoever started us may have closed some of the three; no file of ours shall take their numbers."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115 - until the end


def _end_by_interrupt() -> int:
    """End as programs do that ctrl+c ends, so that a script around us stops too."""
    sys.stdout.write("\n")
    sys.stdout.flush()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGINT)
    return 128 + signal.SIGINT
