"""The world of @NUMBER@: an empty bucket."""

from __future__ import annotations

from lab.exercise.api import WorldBuilder


def build(world: WorldBuilder) -> None:
    """Make the bucket."""
    world.create_bucket("desk")
