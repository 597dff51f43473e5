"""The gate: every proof of every exercise, on as many sandboxes as there are processors, told as one table.

Each worker is a process with a home of its own, because an exercise has one world per data directory. A worker is given
one unit at a time: the proofs that share an exercise's solved world, or a single other one.
"""

from __future__ import annotations

import multiprocessing
import os
import queue
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lab.author.home import ProofHome
from lab.author.mask import MaskedBackend
from lab.author.prove import Outcome, Proof, Prover, proofs_of
from lab.author.table import table
from lab.course import Course, load_course
from lab.errors import LabError

if TYPE_CHECKING:
    from multiprocessing.queues import Queue

Told = Callable[[Outcome], None]

_LEGEND: Final = (
    "mutants: noticed of those that must be, + those that survive for a reason that is written down",
    "other: what is written; nothing passes at the start; ten runs, one verdict, nothing changed",
)
_HEAD: Final = ("exercise", "solutions", "wrong answers", "predictions", "mutants", "other", "seconds")


@dataclass(frozen=True, slots=True)
class GateResult:
    """What the gate found.

    Attributes:
        outcomes: By exercise's id, in the order of the proofs.
        seconds: By the clock, all workers together.
        workers: How many there were.
    """

    outcomes: dict[str, list[Outcome]]
    seconds: float
    workers: int

    @property
    def passed(self) -> bool:
        """Whether everything is proved."""
        return not any(outcome.problems for found in self.outcomes.values() for outcome in found)


def units_of(proofs: Sequence[Proof]) -> list[tuple[Proof, ...]]:
    """What one worker does in one go: the solved world is shared, everything else stands alone."""
    shared = tuple(proof for proof in proofs if proof.needs_solution or proof.kind in ("written", "start"))
    return [shared, *((proof,) for proof in proofs if proof not in shared)]


def run_gate(course: Course, exercises: Sequence[str], *, workers: int = 0, told: Told | None = None) -> GateResult:
    """Prove exercises.

    Args:
        course: Where they are.
        exercises: Their ids.
        workers: How many processes; as many as there are processors where 0.
        told: Is called with each outcome as it comes.

    Raises:
        LabError: A worker came to grief, or an exercise cannot be read.
    """
    began = time.monotonic()
    proofs = {name: proofs_of(course.exercise(name)) for name in exercises}
    # Long ones first: what shares a solved world takes longest.
    units = sorted((unit for found in proofs.values() for unit in units_of(found)), key=len, reverse=True)
    workers = min(workers or os.cpu_count() or 1, len(units))
    outcomes: dict[Proof, Outcome] = {}
    homes = [ProofHome() for _ in range(workers)]
    try:
        for outcome in _outcomes(units, homes):
            outcomes[outcome.proof] = outcome
            if told is not None:
                told(outcome)
    finally:
        for home in homes:
            home.close()
    ordered = {name: [outcomes[proof] for proof in found] for name, found in proofs.items()}
    return GateResult(ordered, time.monotonic() - began, workers)


def _outcomes(units: Sequence[tuple[Proof, ...]], homes: Sequence[ProofHome]) -> Iterable[Outcome]:
    # Started afresh and not forked: a fork would share this process's threads' locks.
    context = multiprocessing.get_context("spawn")
    places: Queue[str] = context.Queue()
    for home in homes:
        places.put(str(home.directory))
    with ProcessPoolExecutor(len(homes), mp_context=context, initializer=_enter, initargs=(places,)) as pool:
        waiting: set[Future[list[Outcome]]] = {pool.submit(_prove, unit) for unit in units}
        try:
            while waiting:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    yield from future.result()
        except Exception as error:
            pool.shutdown(wait=False, cancel_futures=True)
            if isinstance(error, LabError):
                raise
            raise LabError(f"A worker of the gate came to grief ({type(error).__name__}: {error}).") from error


_worker: dict[str, Any] = {}


def _enter(places: Queue[str]) -> None:
    """In a worker: take a home and stay in it."""
    try:
        home = ProofHome(Path(places.get(timeout=5)))
    except queue.Empty:  # a worker that takes the place of one that died
        home = ProofHome()
    for name in ("LAB_EXERCISE", "LAB_WORKSPACE"):
        os.environ.pop(name, None)
    os.environ.update(home.variables())
    backend = MaskedBackend()
    backend.open()
    _worker["course"], _worker["prover"] = load_course(), Prover(home, backend)


def _prove(unit: tuple[Proof, ...]) -> list[Outcome]:
    """In a worker: one unit."""
    course: Course = _worker["course"]
    prover: Prover = _worker["prover"]
    return [prover.prove(course.exercise(proof.exercise), proof) for proof in unit]


def told_as_table(course: Course, result: GateResult) -> list[str]:
    """One line per exercise, and one below for all."""
    rows = []
    for name, outcomes in result.outcomes.items():
        exercise = course.exercise(name)
        rows.append(_row(f"{exercise.number} {exercise.id}", outcomes))
    everything = [outcome for found in result.outcomes.values() for outcome in found]
    lines = table(_HEAD, [*rows, _row("all", everything)])
    how = f"{result.seconds:.0f} seconds by the clock, {result.workers} at a time."
    lines += ["", how, *_LEGEND]
    return lines


def _row(title: str, outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    def share(*kinds: str) -> str:
        found = [outcome for outcome in outcomes if outcome.proof.kind in kinds]
        return f"{sum(not outcome.problems for outcome in found)}/{len(found)}" if found else "-"

    mutants = [outcome for outcome in outcomes if outcome.proof.kind == "mutant"]
    justified = sum(outcome.justified for outcome in mutants)
    killed = sum(not outcome.problems for outcome in mutants) - justified
    return (
        title,
        share("solution"),
        share("wrong"),
        share("comparison"),
        f"{killed}/{len(mutants) - justified}" + (f" +{justified}" if justified else ""),
        share("written", "start", "repeat"),
        f"{sum(outcome.seconds for outcome in outcomes):.0f}",
    )
