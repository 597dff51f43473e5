"""Facts of S3: objects, defaults, bucket policies."""

from __future__ import annotations

import base64
import contextlib
import json
import secrets
from collections.abc import Callable
from typing import Any

from lab.author.operation import MutantError, Scene, Target, operation
from lab.exercise.api import ClientError


@operation("s3.delete", "bucket key")
def delete(scene: Scene, target: Target) -> None:
    """Remove the object."""
    _head(scene, target)
    scene.s3.delete_object(Bucket=scene.bucket(target), Key=target["key"])


@operation("s3.overwrite", "bucket key")
def overwrite(scene: Scene, target: Target) -> None:
    """Store another body, with the same encryption and metadata."""
    head = _head(scene, target)
    scene.s3.put_object(
        Bucket=scene.bucket(target),
        Key=target["key"],
        Body=secrets.token_bytes(max(1, head["ContentLength"])),
        Metadata=head["Metadata"],
        **_same_encryption(head),
    )


@operation("s3.reencrypt", "bucket key sse", "kms_key bucket_key context")
def reencrypt(scene: Scene, target: Target) -> None:
    """Store the same body and metadata under another encryption."""
    bucket, key = scene.bucket(target), target["key"]
    try:
        found = scene.reader.get_object(Bucket=bucket, Key=key)
        body, metadata = found["Body"].read(), found["Metadata"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "InvalidRequest":
            raise MutantError(f"{key!r} cannot be read ({error.response['Error']['Code']}).") from None
        # Under a customer key, which nobody keeps: the learner's file is what was stored.
        body, metadata = scene.read(key), {}
    scene.s3.put_object(Bucket=bucket, Key=key, Body=body, Metadata=metadata, **_encryption(scene, target))


@operation("s3.customer_key", "bucket key body_file")
def customer_key(scene: Scene, target: Target) -> None:
    """Store the file again under another customer key."""
    scene.s3.put_object(
        Bucket=scene.bucket(target),
        Key=target["key"],
        Body=scene.read(target["body_file"]),
        SSECustomerAlgorithm="AES256",
        SSECustomerKey=secrets.token_bytes(32),
    )


@operation("s3.sse_c_over_http", "bucket key")
def sse_c_over_http(scene: Scene, target: Target) -> None:
    """As the learner: send a customer key over plain HTTP (S3 refuses, and the key has crossed all the same)."""
    with contextlib.suppress(ClientError):
        scene.learner_http.put_object(
            Bucket=scene.bucket(target),
            Key=target["key"],
            Body=b"sent in clear",
            SSECustomerAlgorithm="AES256",
            SSECustomerKey=secrets.token_bytes(32),
        )


@operation("s3.put_over_http", "bucket key body_file")
def put_over_http(scene: Scene, target: Target) -> None:
    """As the learner: store the file again over plain HTTP."""
    scene.learner_http.put_object(Bucket=scene.bucket(target), Key=target["key"], Body=scene.read(target["body_file"]))


@operation("s3.metadata", "bucket key", "set drop")
def metadata(scene: Scene, target: Target) -> None:
    """Change user metadata, and nothing else of the object."""
    head = _head(scene, target)
    wanted = {**head["Metadata"], **target.get("set", {})}
    for name in target.get("drop", []):
        if wanted.pop(name, None) is None:
            raise MutantError(f"{target['key']!r} has no metadata {name!r}.")
    bucket = scene.bucket(target)
    scene.s3.copy_object(
        Bucket=bucket,
        Key=target["key"],
        CopySource={"Bucket": bucket, "Key": target["key"]},
        MetadataDirective="REPLACE",
        Metadata=wanted,
        **_same_encryption(head),
    )


@operation("s3.copy", "bucket from to")
def copy(scene: Scene, target: Target) -> None:
    """Copy one object over another, metadata included."""
    bucket = scene.bucket(target)
    scene.s3.copy_object(Bucket=bucket, Key=target["to"], CopySource={"Bucket": bucket, "Key": target["from"]})


@operation("s3.default", "bucket sse", "kms_key bucket_key")
def default(scene: Scene, target: Target) -> None:
    """Give the bucket another default encryption; what it blocks stays."""
    by_default: dict[str, Any] = {"SSEAlgorithm": target["sse"]}
    if "kms_key" in target:
        by_default["KMSMasterKeyID"] = scene.kms_key(target["kms_key"])

    def change(rule: dict[str, Any]) -> None:
        rule["ApplyServerSideEncryptionByDefault"] = by_default
        rule.pop("BucketKeyEnabled", None)
        if "bucket_key" in target:
            rule["BucketKeyEnabled"] = bool(target["bucket_key"])

    _change_rule(scene, target, change)


@operation("s3.default_delete", "bucket")
def default_delete(scene: Scene, target: Target) -> None:
    """Take the bucket's default encryption away: what S3 does by itself comes back."""
    scene.s3.delete_bucket_encryption(Bucket=scene.bucket(target))


@operation("s3.block", "bucket types")
def block(scene: Scene, target: Target) -> None:
    """Change which encryption types the bucket refuses."""

    def change(rule: dict[str, Any]) -> None:
        rule["BlockedEncryptionTypes"] = {"EncryptionType": list(target["types"])}

    _change_rule(scene, target, change)


@operation("s3.policy_set", "bucket document")
def policy_set(scene: Scene, target: Target) -> None:
    """Give the bucket another policy."""
    document = target["document"]
    text = document if isinstance(document, str) else json.dumps(document)
    scene.s3.put_bucket_policy(Bucket=scene.bucket(target), Policy=text)


@operation("s3.policy_delete", "bucket")
def policy_delete(scene: Scene, target: Target) -> None:
    """Take the bucket's policy away."""
    _policy(scene, target)
    scene.s3.delete_bucket_policy(Bucket=scene.bucket(target))


@operation("s3.policy_drop_statement", "bucket index")
def policy_drop_statement(scene: Scene, target: Target) -> None:
    """Take one statement out of the bucket's policy."""
    policy = _policy(scene, target)
    _statement(policy, target)
    del policy["Statement"][target["index"]]
    if policy["Statement"]:
        _put_policy(scene, target, policy)
    else:
        scene.s3.delete_bucket_policy(Bucket=scene.bucket(target))


@operation("s3.policy_operator", "bucket index from to")
def policy_operator(scene: Scene, target: Target) -> None:
    """Exchange a condition operator in one statement."""
    policy = _policy(scene, target)
    conditions = _statement(policy, target).get("Condition", {})
    if target["from"] not in conditions:
        raise MutantError(f"Statement {target['index']} has no condition {target['from']}.")
    conditions[target["to"]] = {**conditions.get(target["to"], {}), **conditions.pop(target["from"])}
    _put_policy(scene, target, policy)


@operation("s3.policy_effect", "bucket index effect")
def policy_effect(scene: Scene, target: Target) -> None:
    """Turn one statement into the other effect."""
    policy = _policy(scene, target)
    _statement(policy, target)["Effect"] = target["effect"]
    _put_policy(scene, target, policy)


def _head(scene: Scene, target: Target) -> dict[str, Any]:
    try:
        return dict(scene.reader.head_object(Bucket=scene.bucket(target), Key=target["key"]))
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "400":  # a customer key is needed; the object is there
            return {"ContentLength": 64, "Metadata": {}}
        raise MutantError(f"There is no object {target['key']!r} to change ({code}).") from None


def _same_encryption(head: dict[str, Any]) -> dict[str, Any]:
    found = {"ServerSideEncryption": head.get("ServerSideEncryption")}
    if found["ServerSideEncryption"] not in (None, "AES256"):
        found["SSEKMSKeyId"] = head.get("SSEKMSKeyId")
        found["BucketKeyEnabled"] = head.get("BucketKeyEnabled") or None
    return {name: value for name, value in found.items() if value is not None}


def _encryption(scene: Scene, target: Target) -> dict[str, Any]:
    members: dict[str, Any] = {"ServerSideEncryption": target["sse"]}
    if "kms_key" in target:
        members["SSEKMSKeyId"] = scene.kms_key(target["kms_key"])
    if "bucket_key" in target:
        members["BucketKeyEnabled"] = bool(target["bucket_key"])
    if "context" in target:
        members["SSEKMSEncryptionContext"] = base64.b64encode(json.dumps(target["context"]).encode()).decode()
    return members


def _change_rule(scene: Scene, target: Target, change: Callable[[dict[str, Any]], None]) -> None:
    bucket = scene.bucket(target)
    configuration: Any = scene.s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]
    change(configuration["Rules"][0])
    scene.s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration=configuration)


def _policy(scene: Scene, target: Target) -> dict[str, Any]:
    try:
        text = scene.s3.get_bucket_policy(Bucket=scene.bucket(target))["Policy"]
    except ClientError:
        raise MutantError("The bucket has no policy to change.") from None
    policy: dict[str, Any] = json.loads(text)
    if isinstance(policy.get("Statement"), dict):
        policy["Statement"] = [policy["Statement"]]
    return policy


def _statement(policy: dict[str, Any], target: Target) -> dict[str, Any]:
    try:
        statement: dict[str, Any] = policy["Statement"][target["index"]]
    except IndexError:
        raise MutantError(f"The policy has no statement {target['index']}.") from None
    return statement


def _put_policy(scene: Scene, target: Target, policy: dict[str, Any]) -> None:
    scene.s3.put_bucket_policy(Bucket=scene.bucket(target), Policy=json.dumps(policy))
