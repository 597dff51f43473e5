"""The world of 4.2: an empty bucket and a KMS key with an alias; the files come from files/."""

from __future__ import annotations

from lab.exercise.api import WorldBuilder


def build(world: WorldBuilder) -> None:
    """Make bucket, key and alias, and three files with content that occurs nowhere else."""
    world.create_bucket("env")
    world.create_key("main", Description="Wraps the data keys of the envelope exercise")
    world.create_alias("envelope", key="main")
    for name in ("a", "b", "c"):
        world.write_file(f"plain/{name}.txt", f"File {name}: {world.random_text(f'content-{name}', 24)}\n")
