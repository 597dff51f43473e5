"""One sandbox per test process, in a home of its own, for every exercise that the process is given."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from lab.author.home import ProofHome
from lab.author.mask import MaskedBackend
from lab.author.prove import Outcome, Proof, Prover
from lab.course import Exercise


@dataclass(frozen=True)
class Gate:
    """Proves in its own home, whatever other tests do to the environment."""

    home: ProofHome
    prover: Prover

    def prove(self, exercise: Exercise, proof: Proof) -> Outcome:
        with self.home.entered():
            return self.prover.prove(exercise, proof)

    def figures(self, exercise: Exercise) -> dict[str, str]:
        with self.home.entered():
            return self.prover.figures(exercise)


@pytest.fixture(scope="session")
def gate() -> Iterator[Gate]:
    home = ProofHome()
    backend = MaskedBackend()
    try:
        with home.entered():
            backend.open()
        yield Gate(home, Prover(home, backend))
    finally:
        with home.entered():
            backend.close()
        home.close()
