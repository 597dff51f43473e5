"""The command line as data: every command, its options, and the function that runs it, named and not imported."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab import __version__

_DESCRIPTION = "Learn Amazon S3 encryption by doing it, against an AWS that answers truthfully."
_EPILOG = """\
EX is an exercise's number (9.2) or name (ssec-45-bytes). Inside lab shell, and after an exercise was started, it may
be left out. Exit status: 0 done or passed, 1 not yet, 2 wrong command line, 3 the lab is at fault, 4 this back end
cannot show it.
"""

Command = Callable[[argparse.Namespace], int]


def parse(arguments: list[str]) -> argparse.Namespace:
    """The options of one command line; ``run`` is the function to call with them."""
    # ``lab`` alone opens the app: what its first frame waits for is worth more than commands that nobody named.
    return build_parser(with_commands=bool(arguments)).parse_args(arguments)


def build_parser(*, with_commands: bool = True) -> argparse.ArgumentParser:
    """The whole command line, or only what stands before a command."""
    parser = argparse.ArgumentParser(
        prog="lab", description=_DESCRIPTION, epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"lab {__version__}")
    _add_global_options(parser, first=True)
    parser.set_defaults(run=_later("app", "app"))
    if not with_commands:
        return parser
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    _add_learning(commands)
    _add_looking(commands)
    _add_housekeeping(commands)
    return parser


def _add_global_options(parser: argparse.ArgumentParser, *, first: bool) -> None:
    """Options that may stand before the command or after it; the second place must not undo the first."""

    def default(value: object) -> Any:
        return value if first else argparse.SUPPRESS

    group = parser.add_argument_group("options of every command")
    group.add_argument(
        "--backend", choices=("sandbox", "endpoint", "aws"), default=default("sandbox"), help="where exercises run"
    )
    group.add_argument("--endpoint", metavar="URL", default=default(None), help="for --backend endpoint: its address")
    group.add_argument(
        "--profile", metavar="NAME", default=default(None), help="for --backend endpoint: your AWS profile"
    )
    group.add_argument(
        "--workspace", metavar="DIR", type=Path, default=default(None), help="the directory that holds workspaces"
    )
    group.add_argument("--debug", action="store_true", default=default(False), help="show where an error came from")


def _later(module: str, function: str) -> Command:
    """The command, imported when it is called."""

    def run(options: argparse.Namespace) -> int:
        return int(getattr(importlib.import_module(f"lab.cli.{module}"), function)(options))

    return run


def _command(
    commands: Any, name: str, where: str, summary: str, *, exercise: bool = False, prefix: str = "lab"
) -> argparse.ArgumentParser:
    """One command; ``where`` is ``module:function``."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=summary, description=summary, prog=f"{prefix} {name}"
    )
    _add_global_options(parser, first=False)
    parser.set_defaults(run=_later(*where.split(":")))
    if exercise:
        parser.add_argument("exercise", metavar="EX", nargs="?", default="", help="number or name of an exercise")
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port number")
    return int(text)


def _add_learning(commands: Any) -> None:
    listing = _command(commands, "list", "course:list_course", "lessons and exercises, and where you are")
    listing.add_argument("--json", action="store_true", help="as JSON")
    lesson = _command(commands, "lesson", "course:lesson", "read a lesson")
    lesson.add_argument("lesson", metavar="LESSON", help="number or name of a lesson")
    lesson.add_argument("page", metavar="PAGE", nargs="?", type=int, default=0, help="one page of it")
    _command(
        commands, "start", "life:start", "build the exercise's world and workspace, or go on with it", exercise=True
    )
    _command(commands, "brief", "life:brief", "print the task", exercise=True)
    shell = _command(commands, "shell", "life:shell", "a shell in the workspace", exercise=True)
    shell.add_argument("-c", dest="command", metavar="COMMAND", help="run this instead and end with its exit status")
    predict = _command(commands, "predict", "life:predict", "the question before the run", exercise=True)
    predict.add_argument("choice", metavar="CHOICE", nargs="?", default="", help="your answer")
    predict.add_argument("--question", metavar="ID", default="", help="which question, where there are several")
    check = _command(commands, "check", "checking:check", "the checks' verdict, one by one", exercise=True)
    check.add_argument("--watch", action="store_true", help="check again whenever something changes; ctrl+c ends it")
    check.add_argument("--json", action="store_true", help="as JSON")
    check.add_argument("--junit", metavar="FILE", type=Path, help="write a JUnit report too")
    hint = _command(commands, "hint", "life:hint", "the next hint", exercise=True)
    hint.add_argument("check", metavar="CHECK", nargs="?", default="", help="for which check")
    _command(commands, "solution", "life:solution", "give up and see how it is done", exercise=True)
    _command(commands, "explain", "life:explain", "what happened and why, after the pass", exercise=True)
    reset = _command(commands, "reset", "life:reset", "world and files as at the start", exercise=True)
    reset.add_argument("--all", action="store_true", help="every exercise, and all progress")
    reset.add_argument("--yes", action="store_true", help="with --all: do not ask")


def _add_looking(commands: Any) -> None:
    xray = _command(commands, "xray", "xray:xray", "see inside: the wire, the disk, the keys, the policies")
    xray.add_argument("view", choices=("wire", "rest", "keys", "policy"), help="what to look at")
    xray.add_argument("exercise", metavar="EX", nargs="?", default="", help="number or name of an exercise")
    xray.add_argument("--json", action="store_true", help="as JSON")
    xray.add_argument("--raw", action="store_true", help="wire only: the bytes themselves, as they went over the wire")
    xray.add_argument("--connection", metavar="N", type=int, default=0, help="with --raw: this connection only")
    doctor = _command(commands, "doctor", "doctor:doctor", "what is missing here, and the command that mends it")
    doctor.add_argument("--json", action="store_true", help="as JSON")
    fidelity = _command(
        commands, "fidelity", "fidelity:fidelity", "what AWS does, behavior by behavior, and whether it is so here"
    )
    fidelity.add_argument("ids", metavar="ID", nargs="*", help="a behavior (E13) or a letter (E); all of them without")
    form = fidelity.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="as JSON")
    form.add_argument("--list", action="store_true", help="the ledger alone, without running a check")
    form.add_argument("--markdown", action="store_true", help="the ledger as it is published, without running a check")


def _add_housekeeping(commands: Any) -> None:
    sandbox = _command(commands, "sandbox", "sandbox:status", "the sandbox itself")
    actions = sandbox.add_subparsers(title="actions", metavar="ACTION")
    serve = _command(
        actions, "serve", "sandbox:serve", "a sandbox of its own, for other people's tests", prefix="lab sandbox"
    )
    serve.add_argument("--json", action="store_true", help="say ready in one line of JSON")
    serve.add_argument("--state", metavar="DIR", type=Path, help="keep everything here, across restarts")
    serve.add_argument("--https-port", metavar="PORT", type=_port, default=0)
    serve.add_argument("--http-port", metavar="PORT", type=_port, default=0)
    _command(actions, "stop", "sandbox:stop", "end the sandbox that exercises use", prefix="lab sandbox")
    _command(actions, "status", "sandbox:status", "whether it runs, and where", prefix="lab sandbox")

    progress = _command(commands, "progress", "progress:summary", "what you have done")
    actions = progress.add_subparsers(title="actions", metavar="ACTION")
    export = _command(actions, "export", "progress:export", "write it as JSON lines", prefix="lab progress")
    export.add_argument("file", metavar="FILE", nargs="?", default="-", help="where to; - is standard output")
    merge = _command(actions, "import", "progress:merge", "merge JSON lines into it", prefix="lab progress")
    merge.add_argument("file", metavar="FILE", nargs="?", default="-", help="where from; - is standard input")

    dev = _command(commands, "dev", "author:dev", "the author's kit: new, lint, gate, preview, why, mutants")
    dev.add_argument("action", choices=("new", "lint", "gate", "preview", "why", "mutants"), help="what to do")
    dev.add_argument("arguments", nargs=argparse.REMAINDER, help="lab dev ACTION --help lists them")
