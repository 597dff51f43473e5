"""Mutants: after the reference solution one fact is changed, and the checks that own it must notice."""

from __future__ import annotations

from lab.author import ops_more, ops_s3
from lab.author.operation import OPERATIONS, MutantError, Operation, Scene, rendered
from lab.author.proofs import Mutant
from lab.exercise.api import ClientError

__all__ = ["MutantError", "Operation", "Scene", "apply", "operations", "problem"]

#: The modules that register operations.
_FAMILIES = (ops_s3, ops_more)


def operations() -> dict[str, Operation]:
    """Every operation by name, in the order of the modules."""
    return dict(OPERATIONS)


def problem(mutant: Mutant) -> str:
    """What is wrong with a mutant's operation or target, '' where nothing is."""
    known = OPERATIONS.get(mutant.op)
    return known.problem(mutant.target) if known is not None else f"there is no operation {mutant.op!r}"


def apply(mutant: Mutant, scene: Scene) -> None:
    """Change the fact.

    Raises:
        MutantError: There is nothing to change, or the target is wrong.
    """
    if wrong := problem(mutant):
        raise MutantError(f"Mutant {mutant.title}: {wrong}.")
    try:
        OPERATIONS[mutant.op].run(scene, rendered(mutant.target, scene.names))
    except ClientError as error:
        # As on AWS, not every change can be made: then another one must stand in the file.
        raise MutantError(f"Mutant {mutant.title}: {error}") from error
