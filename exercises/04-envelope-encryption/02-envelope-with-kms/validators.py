"""What 4.2 checks: three envelopes that open, no data key in clear, and a reader that refuses a moved object."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass

from lab.exercise.api import ClientError, Verdict, World, not_yet, passed

NAMES = ("a.txt", "b.txt", "c.txt")

#: Four readers that start at once take two seconds; a busy machine must not look like a reader that hangs.
READER_SECONDS = 20.0

#: Runs in the copy of the learner's folder: moves one object in the fork, then reads all four.
HARNESS = """
import os, subprocess, sys
import boto3
bucket = os.environ["LAB_BUCKET_ENV"]
s3 = boto3.client("s3")
s3.copy_object(Bucket=bucket, Key="moved.txt", CopySource={"Bucket": bucket, "Key": "a.txt"})
runs = [
    subprocess.Popen([sys.executable, "get_env.py", name, "lab-out-" + name], stdin=subprocess.DEVNULL)
    for name in ("a.txt", "b.txt", "c.txt", "moved.txt")
]
for run in runs:
    run.wait()
"""


@dataclass(frozen=True)
class Envelope:
    """One object as it is stored, and what could be made of it."""

    name: str
    metadata: Mapping[str, str]
    body: bytes
    data_key: bytes = b""
    problem: Verdict | None = None


def stored(world: World) -> Verdict:
    """Each object opens with its own data key and gives the file's bytes."""
    envelopes = [_envelope(world, name) for name in NAMES]
    for envelope in envelopes:
        if envelope.problem is not None:
            return envelope.problem
    if len({envelope.data_key for envelope in envelopes}) < len(envelopes):
        return not_yet("one-data-key")
    if len({envelope.metadata["x-lab-nonce"] for envelope in envelopes}) < len(envelopes):
        return not_yet("one-nonce")
    for envelope in envelopes:
        if verdict := _opens(world, envelope):
            return verdict
    return passed()


def _envelope(world: World, name: str) -> Envelope:
    """The object with its data key, or what is wrong with it."""
    bucket = world.name("bucket.env")
    try:
        answer = world.clients().s3.get_object(Bucket=bucket, Key=name)
    except ClientError:
        return Envelope(name, {}, b"", problem=not_yet("not-stored", object=name))
    metadata, body = answer["Metadata"], answer["Body"].read(1 << 20)
    plain = world.read_file(f"plain/{name}")
    if plain is not None and plain in body:
        return Envelope(name, metadata, body, problem=not_yet("stored-in-clear", object=name))
    edk, nonce = _decoded(metadata.get("x-lab-edk")), _decoded(metadata.get("x-lab-nonce"))
    if edk is None:
        return Envelope(name, metadata, body, problem=not_yet("no-edk", object=name))
    if nonce is None or len(nonce) != 12:
        length = 0 if nonce is None else len(nonce)
        return Envelope(name, metadata, body, problem=not_yet("bad-nonce", object=name, length=length))
    if len(edk) == 32:
        return Envelope(name, metadata, body, problem=not_yet("clear-key-as-edk", object=name))
    kms = world.clients().kms
    try:
        data_key = kms.decrypt(CiphertextBlob=edk, EncryptionContext=_context(world, name))["Plaintext"]
    except ClientError as error:
        return Envelope(name, metadata, body, problem=_why_closed(world, name, edk, error))
    if len(data_key) != 32:
        problem = not_yet("not-a-data-key", object=name, length=len(data_key))
        return Envelope(name, metadata, body, problem=problem)
    return Envelope(name, metadata, body, data_key)


def _why_closed(world: World, name: str, edk: bytes, error: ClientError) -> Verdict:
    """Which context opens the encrypted data key, if the right one does not."""
    if error.response["Error"]["Code"] != "InvalidCiphertextException":
        return not_yet("unknown-state", object=name, code=error.response["Error"]["Code"])
    kms = world.clients().kms
    candidates: dict[str, dict[str, str]] = {"no-context": {}}
    others = {other: _context(world, other) for other in NAMES if other != name}
    candidates |= {f"context-of-{other}": context for other, context in others.items()}
    for code, context in candidates.items():
        try:
            kms.decrypt(CiphertextBlob=edk, EncryptionContext=context)
        except ClientError:
            continue
        return not_yet("no-context" if code == "no-context" else "one-context", object=name)
    return not_yet("other-context", object=name)


def _opens(world: World, envelope: Envelope) -> Verdict | None:
    nonce = base64.b64decode(envelope.metadata["x-lab-nonce"])
    context = _context(world, envelope.name)
    aad = json.dumps(context, sort_keys=True, separators=(",", ":")).encode()
    plain = world.aead_open(envelope.data_key, nonce, envelope.body, aad)
    if plain is None:
        if world.aead_open(envelope.data_key, nonce, envelope.body, b"") is not None:
            return not_yet("no-associated-data", object=envelope.name)
        if world.aead_open(envelope.data_key, nonce, envelope.body, json.dumps(context).encode()) is not None:
            return not_yet("other-associated-data", object=envelope.name)
        return not_yet("does-not-open", object=envelope.name)
    if plain != world.read_file(f"plain/{envelope.name}"):
        return not_yet("other-content", object=envelope.name)
    return None


def no_key_left(world: World) -> Verdict:
    """Neither the folder nor the metadata holds a data key."""
    envelopes = [_envelope(world, name) for name in NAMES]
    needles = {form for envelope in envelopes if envelope.data_key for form in _forms(envelope.data_key)}
    for envelope in envelopes:
        for name, value in envelope.metadata.items():
            if any(needle in value.encode() for needle in needles):
                return not_yet("key-in-metadata", object=envelope.name, member=name)
    for path in sorted(world.workspace.rglob("*")):
        relative = path.relative_to(world.workspace).as_posix()
        content = world.read_file(relative) or b""
        if any(needle in content for needle in needles):
            return not_yet("key-in-file", file=relative)
    return passed()


def reads(world: World) -> Verdict:
    """The reader gives the plaintext of each object, and nothing for one under another name."""
    source = world.read_file("get_env.py")
    if source is None:
        return not_yet("missing-file", file="get_env.py")
    if b"get_env.py is not written yet" in source:
        return not_yet("reader-not-written")
    if any(world.head(world.name("bucket.env"), name) is None for name in NAMES):
        return not_yet("nothing-to-read")
    run = world.run_learner("lab_harness.py", files={"lab_harness.py": HARNESS.encode()}, seconds=READER_SECONDS)
    if run.stopped_by:
        return not_yet("reader-stopped", limit=run.stopped_by)
    for name in NAMES:
        found = run.files.get(f"lab-out-{name}")
        if found is None:
            return not_yet("reader-wrote-nothing", object=name)
        if found != world.read_file(f"plain/{name}"):
            return not_yet("reader-wrong-content", object=name)
    if run.files.get("lab-out-moved.txt"):
        return not_yet("moved-object-opened")
    if "lab-out-moved.txt" in run.files:
        return not_yet("moved-object-left-file")
    return passed()


def figures(world: World) -> Mapping[str, str]:
    """Data keys made for the learner, and objects stored."""
    made = [
        event
        for event in world.events(step="kms")
        if event.data["operation"] == "GenerateDataKey" and event.data["via"] is None and event.data["outcome"] == "ok"
    ]
    return {"data_keys": str(len(made))}


def _context(world: World, name: str) -> dict[str, str]:
    return {"bucket": world.name("bucket.env"), "key": name}


def _decoded(text: str | None) -> bytes | None:
    if not text:
        return None
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return None


def _forms(key: bytes) -> tuple[bytes, ...]:
    """The key as bytes, as hexadecimal text in both cases, and as base64 without padding."""
    return key, key.hex().encode(), key.hex().upper().encode(), base64.b64encode(key).rstrip(b"=")
