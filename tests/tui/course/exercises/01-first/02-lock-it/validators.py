from lab.exercise.api import Verdict, World, not_yet, passed


def locked(world: World) -> Verdict:
    mode = (world.workspace / "key.bin").stat().st_mode
    return not_yet("unknown-state", mode=oct(mode)) if mode & 0o077 else passed()
