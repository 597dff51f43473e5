from lab.exercise.api import WorldBuilder


def build(world: WorldBuilder) -> None:
    world.create_bucket("vault")
    world.write_file("key.bin", bytes(32), mode=0o644)
