"""What @NUMBER@ checks: the object, byte by byte."""

from __future__ import annotations

from collections.abc import Mapping

from lab.exercise.api import Verdict, World, not_yet, passed

OBJECT = "note.txt"


def stored(world: World) -> Verdict:
    """The object holds the bytes of the file."""
    bucket = world.name("bucket.desk")
    head = world.head(bucket, OBJECT)
    if head is None:
        tried = any(event.data["operation"] == "PutObject" for event in world.events(step="request"))
        return not_yet("other-name" if tried else "nothing-stored")
    if head["ContentLength"] == 0:
        return not_yet("empty")
    if world.clients().s3.get_object(Bucket=bucket, Key=OBJECT)["Body"].read(1 << 20) != world.read_file(OBJECT):
        return not_yet("other-content", size=head["ContentLength"])
    return passed(size=head["ContentLength"])


def figures(world: World) -> Mapping[str, str]:
    """How many bytes were stored."""
    head = world.head(world.name("bucket.desk"), OBJECT)
    return {} if head is None else {"size": str(head["ContentLength"])}
