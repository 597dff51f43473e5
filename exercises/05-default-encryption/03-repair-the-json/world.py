"""The world of 5.3: a new bucket, a key with an alias, and another key nobody should pick."""

from __future__ import annotations

from lab.exercise.api import WorldBuilder


def build(world: WorldBuilder) -> None:
    """Make the bucket, both keys and the alias."""
    world.create_bucket("docs")
    world.create_key("main", Description="For the docs bucket")
    world.create_key("spare", Description="For something else")
    world.create_alias("docs", key="main")
