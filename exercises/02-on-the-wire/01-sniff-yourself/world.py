"""The world of 2.1: a bucket behind both doors, and two files with markers that occur nowhere else."""

from __future__ import annotations

from lab.exercise.api import WorldBuilder


def build(world: WorldBuilder) -> None:
    """Make the bucket and write both files with fresh markers."""
    world.create_bucket("clinic")
    for number, name in ((1, "patient.txt"), (2, "patient-2.txt")):
        marker = world.random_text(f"marker-{number}", 20)
        world.keep(f"marker-{number}", marker)
        world.write_file(name, f"Patient record {number}\ndiagnosis: {marker}\nto be seen by the ward only\n")
