"""What 2.1 checks: what the tap recorded on both doors, and what the learner read from it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lab.exercise.api import BadJson, Verdict, World, not_yet, passed

LEAKS = "leaks.json"
KINDS = ("body", "bucket", "key", "access_key_id", "signature", "metadata", "header")
NEEDED = 4


def sniffed(world: World) -> Verdict:
    """Marker 1 stands in the recording of a plain HTTP connection."""
    marker = str(world.fact("marker-1")).encode()
    if any(marker in capture for capture in _captures(world, "http")):
        return passed()
    if world.head(world.name("bucket.clinic"), "patient.txt") is not None:
        return not_yet("only-over-tls")
    if any(event.data["scheme"] == "http" for event in world.events(step="request")):
        return not_yet("http-without-the-file")
    return not_yet("nothing-over-http")


def leaks(world: World) -> Verdict:
    """At least four members of leaks.json stand in the recording and are what their names say."""
    found = world.read_json(LEAKS)
    if isinstance(found, BadJson):
        return found.verdict()
    if found is None:
        return not_yet("missing-file", file=LEAKS)
    if not isinstance(found, dict):
        return not_yet("not-an-object")
    if secret := [name for name in found if "secret" in name.lower()]:
        return not_yet("secret-never-sent", member=secret[0])
    recording = b"\n".join(_captures(world, "http"))
    items = {kind: str(found[kind]) for kind in KINDS if found.get(kind)}
    absent = [kind for kind, text in items.items() if not text.strip() or text.encode() not in recording]
    if absent:
        return not_yet("not-in-the-recording", members=", ".join(absent))
    misnamed = [kind for kind, text in items.items() if not _fits(world, kind, text, recording)]
    if misnamed:
        return not_yet("another-kind", members=", ".join(misnamed))
    if len(items) < NEEDED:
        return not_yet("too-few", count=len(items), needed=NEEDED)
    return passed(count=len(items))


def _fits(world: World, kind: str, text: str, recording: bytes) -> bool:
    """Whether the text is an item of this kind in this recording."""
    plain = text.encode()
    if kind == "body":
        return len(text) >= 8 and plain in (world.read_file("patient.txt") or b"")
    if kind == "bucket":
        return text == world.name("bucket.clinic")
    if kind == "key":
        return text in ("patient.txt", "/patient.txt")
    if kind == "access_key_id":
        return b"Credential=" + plain + b"/" in recording
    if kind == "signature":
        return re.search(rb"[Ss]ignature=" + re.escape(plain) + rb"\b", recording) is not None
    if kind == "metadata":
        return re.search(rb"(?mi)^x-amz-meta-[^:\r\n]+: ?" + re.escape(plain) + rb"\r?$", recording) is not None
    return re.search(rb"(?m)^" + re.escape(plain.strip()) + rb"\r?$", recording) is not None and ":" in text


def hidden(world: World) -> Verdict:
    """Object 2 is there, a TLS connection of this exercise was used, and no plain recording has marker 2."""
    marker = str(world.fact("marker-2")).encode()
    if any(marker in capture for capture in _captures(world, "http")):
        return not_yet("second-in-clear")
    bucket = world.name("bucket.clinic")
    if world.head(bucket, "patient-2.txt") is None:
        return not_yet("second-missing")
    body = world.clients().s3.get_object(Bucket=bucket, Key="patient-2.txt")["Body"].read(1 << 16)
    if marker not in body:
        return not_yet("second-without-marker")
    uploads = [
        event
        for event in world.events(step="request")
        if event.data["operation"] == "PutObject" and event.data["key"] == "patient-2.txt"
    ]
    if not uploads or uploads[-1].data["tls_version"] is None:
        return not_yet("second-missing")
    if any(marker in capture for capture in _captures(world, "https")):
        return not_yet("unknown-state", scheme="https", found="marker 2 in the recording")
    return passed(tls=str(uploads[-1].data["tls_version"]))


def figures(world: World) -> Mapping[str, str]:
    """What the last TLS connection negotiated, and how much plain HTTP was recorded."""
    secure = [event.data["tls_version"] for event in world.events(step="request") if event.data["tls_version"]]
    plain = sum(connection.bytes_in for connection in world.connections() if connection.scheme == "http")
    found: dict[str, Any] = {"plain_bytes": str(plain)}
    if secure:
        found["tls_version"] = str(secure[-1])
    return found


def _captures(world: World, scheme: str) -> list[bytes]:
    """The recorded bytes from the learner's side, one entry per connection of that scheme."""
    learners = {event.connection for event in world.events(step="request")}
    return [
        world.wire(connection.number, "in")
        for connection in world.connections()
        if connection.scheme == scheme and connection.number in learners
    ]
