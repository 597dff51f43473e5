"""``python -m lab.sandbox``: start, say when ready, serve until told to end.

Exit status 0 after a clean end, 2 for a wrong command line, 3 where it cannot start (one sentence on stderr).
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import signal
import sys
from pathlib import Path

EXIT_CANNOT_START = 3
ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def main(arguments: list[str] | None = None) -> int:
    """Run the sandbox; returns the exit status."""
    options = _parse(sys.argv[1:] if arguments is None else arguments)
    for name in [name for name in os.environ if name.startswith(("AWS_", "BOTO_", "MOTO_"))]:
        del os.environ[name]  # before anything of moto or botocore is imported: nothing outside may shine through

    os.umask(0o077)
    gc.disable()  # what is imported from here on stays: looking through it again and again only delays the start
    for number in ENDING:
        signal.signal(number, lambda *_: sys.exit(0))  # what has been made so far is taken away again

    from lab.sandbox.control import SocketError
    from lab.sandbox.process import SandboxProcess, Settings, StartError
    from lab.sandbox.server import PortTakenError

    settings = Settings(
        state=options.state,
        runtime=options.runtime,
        https_port=options.https_port,
        http_port=options.http_port,
        linger=None if options.serve else options.linger,
    )
    try:
        process = SandboxProcess(settings)
    except (StartError, SocketError, PortTakenError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - the one sentence
        return EXIT_CANNOT_START
    try:
        for number in ENDING:
            signal.signal(number, lambda *_: process.request_stop())
        process.start()
        gc.freeze()
        gc.enable()
        credential = process.bare_credential()
        ready = {
            "https": process.https,
            "http": process.http,
            "ca_bundle": str(process.ca_bundle),
            "region": "us-east-1",
            "access_key_id": credential.access_key_id,
            "secret_access_key": credential.secret_access_key,
            "control": str(process.control),
        }
        _say(json.dumps(ready) if options.json else _describe(ready))
        process.wait()
    finally:
        process.close()
    return 0


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m lab.sandbox", description="An AWS of your own on loopback: S3, KMS, STS, IAM."
    )
    parser.add_argument("--state", type=Path, metavar="DIR", help="keep everything here (default: a private directory)")
    parser.add_argument("--runtime", type=Path, metavar="DIR", help="directory of the control socket")
    parser.add_argument("--https-port", type=int, default=0, metavar="PORT")
    parser.add_argument("--http-port", type=int, default=0, metavar="PORT")
    parser.add_argument(
        "--linger", type=float, default=900.0, metavar="SECONDS", help="end so long after the last control client"
    )
    parser.add_argument("--serve", action="store_true", help="only end when told to")
    parser.add_argument("--json", action="store_true", help="say ready in one line of JSON")
    return parser.parse_args(arguments)


def _describe(ready: dict[str, str]) -> str:
    return "\n".join(
        (
            f"The sandbox is ready at {ready['https']} and {ready['http']}.",
            f"  export AWS_ENDPOINT_URL={ready['https']}",
            f"  export AWS_CA_BUNDLE={ready['ca_bundle']}",
            f"  export AWS_REGION={ready['region']}",
            f"  export AWS_ACCESS_KEY_ID={ready['access_key_id']}",
            f"  export AWS_SECRET_ACCESS_KEY={ready['secret_access_key']}",
        )
    )


def _say(text: str) -> None:
    """Write to stdout, which whoever started us may have closed."""
    try:
        print(text, flush=True)  # noqa: T201 - the ready line
    except OSError:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - so that nothing fails at exit


if __name__ == "__main__":
    sys.exit(main())
