"""The gate: one test per exercise and thing to prove, so that a failure names both.

Proofs that share an exercise's solved world go to one process (``--dist loadgroup``), the others where there is room.
"""

from __future__ import annotations

import pytest

from lab.author.prove import Proof, proofs_of
from lab.course import Exercise, load_course
from tests.exercises.conftest import Gate

COURSE = load_course()


CASES = [
    pytest.param(
        exercise,
        proof,
        id=f"{exercise.number}-{exercise.id}-{proof.id}",
        marks=[pytest.mark.xdist_group(exercise.id)] if proof.needs_solution else [],
    )
    for exercise in COURSE.exercises
    for proof in proofs_of(exercise)
]


@pytest.mark.parametrize(("exercise", "proof"), CASES)
def test_proved(gate: Gate, exercise: Exercise, proof: Proof) -> None:
    outcome = gate.prove(exercise, proof)
    assert not outcome.problems, "\n".join((f"{exercise.number} {proof.id}", *outcome.problems))


def test_every_exercise_can_be_read() -> None:
    assert not COURSE.problems
    assert len(COURSE.exercises) >= 9


def test_nothing_is_proved_by_being_left_out() -> None:
    for exercise in COURSE.exercises:
        # Start, what is written, ten times the same, two solutions, five wrong answers, a mutant per check.
        assert len(proofs_of(exercise)) >= 3 + 2 + 5 + len(exercise.checks), exercise.id


@pytest.mark.xdist_group("count-the-calls")
def test_calls_are_within_the_bounds_that_the_lesson_states(gate: Gate) -> None:
    # Without a Bucket Key every request is a call; with one, each requester costs at least one.
    figures = {name: int(value) for name, value in gate.figures(COURSE.exercise("count-the-calls")).items()}
    assert figures["plain_one_role"] == figures["plain_four_roles"] == 200
    assert 1 <= figures["bucket_key_one_role"] < 4 <= figures["bucket_key_four_roles"] <= 20
