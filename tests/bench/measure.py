"""Measuring: interleaved runs, medians, and one table row per comparison."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

ROUNDS = 7


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Attributes:
        goal: What is aimed for, in words; '' where nothing is.
        met: Whether it was reached; None where there is no goal.
    """

    what: str
    ours: str
    theirs: str
    ratio: str
    goal: str = ""
    met: bool | None = None


def interleaved(
    ours: Callable[[], float], theirs: Callable[[], float], rounds: int = ROUNDS
) -> tuple[list[float], list[float]]:
    """Run both in turn, so that a busy minute hits both alike."""
    first: list[float] = []
    second: list[float] = []
    for number in range(rounds):
        pairs = [(first, ours), (second, theirs)]
        for into, run in pairs if number % 2 == 0 else reversed(pairs):
            into.append(run())
    return first, second


def seconds(action: Callable[[], object]) -> float:
    """How long the action takes."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def p95(values: list[float]) -> float:
    """The value that 95 of 100 stay below."""
    return sorted(values)[max(0, round(0.95 * len(values)) - 1)]


def compared(
    what: str, ours: list[float], theirs: list[float], unit: str, *, goal: float | None = None, more_is_better: bool
) -> Row:
    """A row with medians and their ratio.

    Args:
        what: What was measured.
        ours: Our values.
        theirs: The other side's.
        unit: Of both.
        goal: The ratio ours / theirs that is aimed for.
        more_is_better: Whether the ratio should be at least or at most the goal.
    """
    mine, other = statistics.median(ours), statistics.median(theirs)
    ratio = mine / other
    words = "" if goal is None else f"{'≥' if more_is_better else '≤'} {goal}"
    met = None if goal is None else (ratio >= goal if more_is_better else ratio <= goal)
    return Row(what, f"{mine:,.4g} {unit}", f"{other:,.4g} {unit}", f"{ratio:.2f}", words, met)


def absolute(what: str, value: float, unit: str, *, goal: float | None = None, more_is_better: bool = False) -> Row:
    """A row with one figure and a goal in the same unit."""
    words = "" if goal is None else f"{'≥' if more_is_better else '≤'} {goal:g} {unit}"
    met = None if goal is None else (value >= goal if more_is_better else value <= goal)
    return Row(what, f"{value:,.4g} {unit}", "", "", words, met)


def table(rows: list[Row]) -> str:
    """The rows as a Markdown table."""
    lines = ["| measured | lab | compared with | ratio | goal | |", "|---|---|---|---|---|---|"]
    marks = {True: "met", False: "missed", None: ""}
    lines += [f"| {r.what} | {r.ours} | {r.theirs} | {r.ratio} | {r.goal} | {marks[r.met]} |" for r in rows]
    return "\n".join(lines)


@contextmanager
def progress(name: str) -> Iterator[None]:
    """Say what is being measured, on stderr."""
    import sys

    print(f"… {name}", file=sys.stderr, flush=True)
    yield
