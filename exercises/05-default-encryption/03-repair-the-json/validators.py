"""What 5.3 checks: the bucket's default, and an upload without a header that came after it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from lab.exercise.api import ClientError, Event, Verdict, World, not_yet, passed

PROBE = "probe.txt"
CONFIGURATION = "cfg.json"


def default(world: World) -> Verdict:
    """The default is aws:kms, its key resolves to main, and the Bucket Key is on."""
    rule = _rule(world)
    by_default = rule.get("ApplyServerSideEncryptionByDefault", {})
    mode = by_default.get("SSEAlgorithm", "AES256")
    if mode == "AES256":
        return _not_applied(world)
    if mode != "aws:kms":
        return not_yet("wrong-mode", mode=mode)
    named = by_default.get("KMSMasterKeyID")
    if not named:
        return not_yet("no-key")
    key = _resolve(world, named)
    if key is None:
        return not_yet("unknown-key", named=named)
    if key != world.name("key.main"):
        return not_yet("other-key", key=key)
    if not rule.get("BucketKeyEnabled"):
        return not_yet("no-bucket-key")
    return passed(named_by=_form(named))


def _rule(world: World) -> dict[str, Any]:
    answer = world.clients().s3.get_bucket_encryption(Bucket=world.name("bucket.docs"))
    return dict(answer["ServerSideEncryptionConfiguration"]["Rules"][0])


def _resolve(world: World, named: str) -> str | None:
    try:
        return world.clients().kms.describe_key(KeyId=named)["KeyMetadata"].get("Arn")
    except ClientError:
        return None


def _form(named: str) -> str:
    if ":alias/" in named or named.startswith("alias/"):
        return "an alias"
    return "its ARN" if named.startswith("arn:") else "its id"


def _not_applied(world: World) -> Verdict:
    """Nothing is applied yet: say what is wrong with the file, if it is the file."""
    text = (world.read_file(CONFIGURATION) or b"").decode("utf-8", "replace")
    if not text:
        return not_yet("not-applied")
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        return not_yet(_syntax(text, error.pos), line=error.lineno, column=error.colno, problem=error.msg)
    return not_yet(_member(document))


def _syntax(text: str, position: int) -> str:
    """What stopped the parser there, so that the diagnosis and the client's message speak of the same place."""
    before, after = text[:position].rstrip(), text[position:]
    if after.startswith(("#", "//", "/*")):
        return "json-comment"
    # Python before 3.13 stops at the bracket, later ones at the comma.
    if re.match(r",\s*[}\]]", after) or (before.endswith(",") and after[:1] in {"}", "]"}):
        return "json-trailing-comma"
    return "json-syntax"


def _member(document: Any) -> str:
    text = json.dumps(document)
    if '"KMSMasterKeyId"' in text or '"KmsMasterKeyId"' in text:
        return "member-name"
    if re.search(r'"BucketKeyEnabled": "', text):
        return "boolean-as-text"
    return "not-applied"


def probe(world: World) -> Verdict:
    """The newest probe.txt came without a header, after the configuration, and has the default's key."""
    bucket = world.name("bucket.docs")
    head = world.head(bucket, PROBE)
    if head is None:
        return _no_probe(world)
    writes = [event for event in world.events(step="sse") if event.data["key"] == PROBE]
    if writes and writes[-1].data["decided_by"] == "header":
        return not_yet("explicit-header")
    if head.get("ServerSideEncryption") != "aws:kms" or not writes or writes[-1].seq < _configured(world):
        return not_yet("before-configuration", mode=head.get("ServerSideEncryption", "none"))
    if head.get("SSEKMSKeyId") != world.name("key.main"):
        return not_yet("probe-other-key", key=head.get("SSEKMSKeyId", ""))
    if not head.get("BucketKeyEnabled"):
        return not_yet("probe-no-bucket-key")
    return passed()


def _no_probe(world: World) -> Verdict:
    refused = [event for event in world.events(step="answer") if str(event.data["code"]).startswith("KMS.")]
    if refused:
        return not_yet("key-not-found", code=refused[-1].data["code"])
    return not_yet("nothing-uploaded")


def _configured(world: World) -> int:
    """The sequence number of the last configuration that S3 took, 0 where there is none."""
    asked = {event.data["request_id"] for event in world.events(step="request") if _configures(event)}
    taken = [
        event.seq
        for event in world.events(step="answer")
        if event.data["request_id"] in asked and event.data["status"] == 200
    ]
    return max(taken, default=0)


def _configures(event: Event) -> bool:
    return bool(event.data["operation"] == "PutBucketEncryption")


def figures(world: World) -> Mapping[str, str]:
    """Who decided for the last upload, and how the default names its key."""
    words = {"header": "the request's header", "bucket_default": "the bucket's default", "fallback": "S3's own default"}
    writes = [event for event in world.events(step="sse") if event.data["key"] == PROBE]
    found: dict[str, str] = {}
    if writes:
        decided = str(writes[-1].data["decided_by"])
        found["decided_by"] = words.get(decided, decided)
    named = _rule(world).get("ApplyServerSideEncryptionByDefault", {}).get("KMSMasterKeyID")
    if named:
        found["named_by"] = _form(named)
    return found
