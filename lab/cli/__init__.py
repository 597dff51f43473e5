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

    options = parse(sys.argv[1:] if arguments is None else list(arguments))
    try:
        status = options.run(options)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return _end_by_interrupt()
    except BrokenPipeError:
        # Whoever read our output has enough. What is still buffered must not be tried again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except Exception as error:  # noqa: BLE001 - the boundary: everything becomes a sentence
        from lab.cli.failure import report

        return report(error, debug=options.debug)
    return int(status)


def _end_by_interrupt() -> int:
    """End as programs do that ctrl+c ends, so that a script around us stops too."""
    sys.stdout.write("\n")
    sys.stdout.flush()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGINT)
    return 128 + signal.SIGINT
