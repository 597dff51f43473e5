"""The world of 8.1: an empty bucket and two KMS keys, of which DSSE-KMS can use one."""

from __future__ import annotations

from lab.exercise.api import WorldBuilder


def build(world: WorldBuilder) -> None:
    """Make the bucket and both keys."""
    world.create_bucket("records")
    world.create_key("a", Description="Key A of the ticket")
    world.create_key("b", Description="Key B of the ticket")
