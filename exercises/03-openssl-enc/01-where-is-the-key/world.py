"""The world of 3.1: no AWS, a key file with a newline in it, and the notes' recipe."""

from __future__ import annotations

from lab.exercise.api import WorldBuilder


def build(world: WorldBuilder) -> None:
    """Write a 32-byte key file whose password part is 9 bytes long."""
    random = world.random_bytes("key-file", 31)
    head = bytes(byte if byte not in (0x00, 0x0A) else 0x41 for byte in random[:9])
    world.write_file("my-aes-key.bin", head + b"\n" + random[9:], mode=0o600)
    world.keep("key-file", (head + b"\n" + random[9:]).hex())
