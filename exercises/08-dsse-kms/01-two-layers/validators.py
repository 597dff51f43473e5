"""What 8.1 checks: the object's mode and key as HEAD shows them, its bytes, and the answer to the ticket."""

from __future__ import annotations

from collections.abc import Mapping

from lab.exercise.api import BadJson, ClientError, Verdict, World, not_yet, passed

OBJECT = "record.txt"
ANSWER = "answer.json"
MEMBERS = ("kms_keys", "layer_1_applied_by", "layer_2_applied_by", "layer_2_key_managed_by")


def stored(world: World) -> Verdict:
    """HEAD shows aws:kms:dsse under key A, and GET gives the file's bytes."""
    bucket = world.name("bucket.records")
    try:
        head = world.head(bucket, OBJECT)
    except ClientError:
        return not_yet("not-dsse", mode="SSE-C")
    if head is None:
        return not_yet("nothing-stored")
    mode = head.get("ServerSideEncryption", "no server-side encryption")
    if mode != "aws:kms:dsse":
        return not_yet("not-dsse", mode=mode)
    key = head.get("SSEKMSKeyId", "")
    if key == world.name("key.b"):
        return not_yet("key-b")
    if key != world.name("key.a"):
        return not_yet(_other_key(world, key), key=key)
    body = world.clients().s3.get_object(Bucket=bucket, Key=OBJECT)["Body"].read(1 << 20)
    if body != world.read_file(OBJECT):
        return not_yet("other-content", size=len(body))
    return passed()


def _other_key(world: World, key: str) -> str:
    try:
        manager = world.clients().kms.describe_key(KeyId=key)["KeyMetadata"].get("KeyManager")
    except ClientError:
        return "other-key"
    return "managed-key" if manager == "AWS" else "other-key"


def answer(world: World) -> Verdict:
    """The four members say: one key, S3, S3, S3."""
    found = world.read_json(ANSWER)
    if isinstance(found, BadJson):
        return found.verdict()
    if found is None:
        return not_yet("missing-file", file=ANSWER)
    if not isinstance(found, dict) or any(member not in found for member in MEMBERS):
        missing = MEMBERS if not isinstance(found, dict) else [member for member in MEMBERS if member not in found]
        return not_yet("incomplete", missing=", ".join(missing))
    if found["kms_keys"] not in (1, "1"):
        return not_yet("two-keys", answered=str(found["kms_keys"])[:40])
    layers = {member: str(found[member]).strip().upper() for member in MEMBERS[1:]}
    if "KMS" in (layers["layer_1_applied_by"], layers["layer_2_applied_by"]):
        return not_yet("layer-by-kms")
    if (layers["layer_1_applied_by"], layers["layer_2_applied_by"]) != ("S3", "S3"):
        return not_yet("layer-by-you")
    if layers["layer_2_key_managed_by"] != "S3":
        return not_yet("layer-2-key", answered=str(found["layer_2_key_managed_by"])[:40])
    return passed()


def figures(world: World) -> Mapping[str, str]:
    """How many layers the sandbox's disk shows, and how many KMS calls the learner's uploads and reads made."""
    rest = world.at_rest(world.name("bucket.records"), OBJECT)
    calls = [event for event in world.events(step="kms") if event.data["via"] == "s3"]
    layers = {} if rest is None else {"layers": str(len(rest.envelope.get("layers", ())))}
    return {**layers, "kms_calls": str(len(calls))}
