"""What 9.2 checks: the object under the right 32 bytes, key files for their owner only, no key over plain HTTP."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from lab.exercise.api import ClientError, Event, Verdict, World, not_yet, passed

OBJECT = "secret-file.txt"
KEY_FILE = "sse-c-key.txt"


def stored(world: World) -> Verdict:
    """The object opens with the 32 bytes behind the base64 text and holds the file's bytes."""
    bucket = world.name("bucket.vault")
    key = _key(world)
    s3 = world.clients().s3
    try:
        answer = s3.get_object(Bucket=bucket, Key=OBJECT, SSECustomerAlgorithm="AES256", SSECustomerKey=key)
    except ClientError as error:
        return _why_not(world, bucket, key, error)
    body = answer["Body"].read(1 << 20)
    if body != world.read_file(OBJECT, 1 << 20):
        return not_yet("other-content", size=len(body))
    return passed(bytes=len(body))


def _why_not(world: World, bucket: str, key: bytes, error: ClientError) -> Verdict:
    s3 = world.clients().s3
    if error.response["Error"]["Code"] == "NoSuchKey":
        return _nothing_stored(world)
    mode = _mode_without_key(world, bucket)
    if mode is not None:
        return not_yet("not-sse-c", mode=mode)
    text = base64.b64encode(key)[:32]
    try:
        s3.head_object(Bucket=bucket, Key=OBJECT, SSECustomerAlgorithm="AES256", SSECustomerKey=text)
    except ClientError:
        return not_yet("other-key")
    return not_yet("text-as-key")


def _mode_without_key(world: World, bucket: str) -> str | None:
    """The object's mode where HEAD wants no customer key; S3 answers 400 where it wants one."""
    try:
        plain = world.head(bucket, OBJECT)
    except ClientError:
        return None
    return None if plain is None else plain.get("ServerSideEncryption", "no server-side encryption")


def _nothing_stored(world: World) -> Verdict:
    tries = [event.data["customer_key"] for event in _customer_key_requests(world.events(step="request"))]
    length = tries[-1]["length"] if tries else 0
    if length == 45:
        return not_yet("double-base64", length=length)
    if length == 44:
        return not_yet("base64-as-key", length=length)
    if length not in (0, 32):
        return not_yet("wrong-length", length=length)
    return not_yet("nothing-stored")


def protected(world: World) -> Verdict:
    """Each file in the workspace that holds the key, raw or as base64, is closed to group and others."""
    key = _key(world)
    needles = (key, base64.b64encode(key).rstrip(b"="))
    open_files: list[str] = []
    for path in sorted(world.workspace.rglob("*")):
        name = path.relative_to(world.workspace).as_posix()
        content = world.read_file(name)
        if content is not None and any(needle in content for needle in needles) and (world.mode(name) or 0) & 0o077:
            open_files.append(name)
    if open_files:
        return not_yet("readable-by-others", files=", ".join(open_files), count=len(open_files))
    return passed()


def tls_only(world: World) -> Verdict:
    """No request of the learner's that carried a customer key came over plain HTTP."""
    plain = [event for event in _customer_key_requests(world.events(step="request")) if event.data["scheme"] == "http"]
    if plain:
        return not_yet("key-crossed-http", count=len(plain), operation=plain[-1].data["operation"])
    return passed()


def figures(world: World) -> Mapping[str, str]:
    """The lengths that S3 saw, first and last."""
    lengths = [event.data["customer_key"]["length"] for event in _customer_key_requests(world.events(step="request"))]
    if not lengths:
        return {}
    return {
        "first_length": str(lengths[0]),
        "key_length": str(lengths[-1]),
        "attempts": str(len(lengths)),
        "refused": str(sum(1 for length in lengths if length != 32)),
    }


def _customer_key_requests(events: Sequence[Event]) -> list[Event]:
    return [event for event in events if _customer_key(event) is not None]


def _customer_key(event: Event) -> Any:
    return event.data.get("customer_key")


def _key(world: World) -> bytes:
    return base64.b64decode(world.fact("key"))
