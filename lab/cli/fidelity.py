"""``lab fidelity``: the list of AWS's behaviors, run against the sandbox or another endpoint, and the ledger of it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from lab.cli.text import note, say, say_json, tone, wrapped
from lab.conformance.catalog import Behavior
from lab.conformance.ledger import as_json, as_markdown, remark, status_of, totals
from lab.conformance.run import Result, chosen, run
from lab.errors import EXIT_DONE, EXIT_LAB_FAULT, EXIT_NOT_YET

if TYPE_CHECKING:
    from lab.backends.protocol import Backend

_MARKS: Final = {"holds": ("✓", "good"), "deviates": ("✗", "bad"), "not shown": ("○", "mark"), "fault": ("!", "bad")}


def fidelity(options: argparse.Namespace) -> int:
    """Run the checks, or show the ledger.

    Exit status 0 where everything is as the ledger says, 1 where something deviates, 3 where a check itself failed.
    """
    behaviors = chosen(options.ids)
    if options.markdown:
        say(as_markdown(behaviors).rstrip("\n"))
        return EXIT_DONE
    if options.list:
        for behavior in behaviors:
            _show(behavior, "·", "dim", status_of(behavior), remark(behavior))
        _sum_up(behaviors)
        return EXIT_DONE
    results = []
    with _backend(options) as backend:
        for result in run(backend, behaviors):
            results.append(result)
            if not options.json:
                _show_result(result)
    if options.json:
        say_json(as_json(results))
    else:
        _sum_up(behaviors)
        _verdict(results)
    if any(result.outcome == "fault" for result in results):
        return EXIT_LAB_FAULT
    return EXIT_DONE if all(result.as_listed for result in results) else EXIT_NOT_YET


@contextmanager
def _backend(options: argparse.Namespace) -> Iterator[Backend]:
    """A sandbox of its own, so that checks touch nothing of the learner's; or what the user named."""
    if options.backend == "sandbox" and not options.endpoint:
        from lab.backends.private import private_sandbox

        with private_sandbox() as backend:
            yield backend
        return
    from lab.backends import open_backend

    name = "endpoint" if options.endpoint else options.backend
    opened = open_backend(name, endpoint=options.endpoint, profile=options.profile)
    note("The checks make buckets, keys and users at this endpoint, and remove them afterwards.")
    try:
        yield opened
    finally:
        opened.close()


def _show_result(result: Result) -> None:
    mark, color = _MARKS[result.outcome]
    if result.outcome == "deviates" and result.as_listed:
        mark, color = "≠", "mark"
    elif result.outcome == "holds" and result.behavior.not_modelled:
        mark, color = "○", "mark"  # what holds is that it is refused
    _show(result.behavior, mark, color, status_of(result.behavior), result.behavior.not_modelled)
    if result.outcome == "not shown":
        say(wrapped(f"not shown: {result.seen}", "      "))
    elif result.outcome != "holds":
        say(wrapped(f"expected: {result.expected}", "      ") if result.expected else "      the check failed")
        say(wrapped(f"seen: {result.seen}", "      "))


def _show(behavior: Behavior, mark: str, color: str, status: str, more: str) -> None:
    text = wrapped(f"{behavior.says} [{behavior.grade}; {status}{f': {more}' if more else ''}]", "      ")
    say(f"{tone(mark, color)} {behavior.id} {text.lstrip()}")


def _sum_up(behaviors: list[Behavior]) -> None:
    counts = ", ".join(f"{count} {status}" for status, count in totals(behaviors).items() if count)
    say()
    say(f"{len(behaviors)} behaviors in the ledger: {counts}.")


def _verdict(results: list[Result]) -> None:
    held = sum(result.outcome == "holds" and not result.behavior.not_modelled for result in results)
    refused = sum(result.outcome == "holds" and bool(result.behavior.not_modelled) for result in results)
    hidden = sum(result.outcome == "not shown" for result in results)
    others = [result.behavior.id for result in results if not result.as_listed]
    say(
        f"{held} hold here, {refused} are refused by name, {hidden} could not be shown, "
        f"{len(others)} are not as the ledger says."
    )
    if others:
        say(f"Not as the ledger says: {', '.join(others)}.")
