from lab.exercise.api import Event, Verdict, World, not_yet, passed


def stored(world: World) -> Verdict:
    head = world.head(world.name("bucket.vault"), "note.txt")
    wanted = len(world.read_file("note.txt") or b"")
    if head is None:
        return not_yet("not-stored")
    return passed() if head["ContentLength"] == wanted else not_yet("other-size", size=head["ContentLength"])


def private(world: World) -> Verdict:
    mode = (world.workspace / "key.bin").stat().st_mode & 0o777
    return not_yet("readable", mode=oct(mode)) if mode & 0o077 else passed()


def answered(world: World) -> Verdict:
    answer = world.read_file("answer.txt")
    if answer is None:
        return not_yet("unknown-state", file="answer.txt is not there")
    if answer.strip() == b"crash":
        raise RuntimeError("a secret: AKIAIOSFODNN7EXAMPLE")
    return passed() if answer.strip() == b"S3" else not_yet("unknown-state", word=answer.decode())


def answer_mode(events: list[Event]) -> str | None:
    for event in events:
        if event.step == "sse":
            return "AES256" if event.data["algorithm"] == "AES256" else "none"
    return None


def figures(world: World) -> dict[str, str]:
    head = world.head(world.name("bucket.vault"), "note.txt")
    return {"size": str(head["ContentLength"])} if head else {}
