"""P: bucket policies, each as a table of requests and what becomes of them."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import Any, Final

from lab.conformance.expect import attempt, head_refused, refused, same, shows
from lab.conformance.stage import BODY, Stage, allow, customer, deny, dsse, kms

_SSE: Final = "s3:x-amz-server-side-encryption"
_KEY: Final = f"{_SSE}-aws-kms-key-id"
_C: Final = f"{_SSE}-customer-algorithm"

_NOT_KMS = {"Null": {_SSE: "false"}, "StringNotEquals": {_SSE: "aws:kms"}}
_CUSTOMER = {"Null": {_C: "false"}}


def _table(
    stage: Stage,
    bucket: str,
    keys: tuple[str, str],
    *statements: dict[str, Any],
    denied: Collection[str],
    unknown: Collection[str] = (),
) -> None:
    """Every kind of upload under these statements: those named are denied, the others are stored.

    Args:
        stage: Where.
        bucket: A bucket that takes SSE-C.
        keys: Key A and key B.
        statements: The policy.
        denied: Names of the requests that AWS denies.
        unknown: Names of requests for which AWS's answer is not known.
    """
    requests: dict[str, dict[str, Any]] = {
        "no header": {},
        "AES256": {"ServerSideEncryption": "AES256"},
        "aws:kms": kms(),
        "aws:kms key A": kms(keys[0]),
        "aws:kms key B": kms(keys[1]),
        "aws:kms:dsse key A": dsse(keys[0]),
        "SSE-C": customer(),
    }
    stage.policy(bucket, *statements)
    asked = {name: members for name, members in requests.items() if name not in unknown}
    seen = {name: attempt(stage.put, bucket=bucket, **members) for name, members in asked.items()}
    same("answers", {name: "AccessDenied" if name in denied else "ok" for name in asked}, seen)


def _place(stage: Stage) -> tuple[str, tuple[str, str]]:
    return stage.bucket(customer_keys=True), (stage.key(), stage.key())


def p01(stage: Stage) -> None:
    _table(stage, *_place(stage), deny({"Null": {_SSE: "true"}}), denied={"no header", "SSE-C"})


def p02(stage: Stage) -> None:
    denied = {"no header", "AES256", "aws:kms:dsse key A", "SSE-C"}
    _table(stage, *_place(stage), deny({"StringNotEquals": {_SSE: "aws:kms"}}), denied=denied)


def p03(stage: Stage) -> None:
    denied = {"no header", "AES256", "aws:kms:dsse key A", "SSE-C"}
    _table(stage, *_place(stage), deny({"StringNotEqualsIfExists": {_SSE: "aws:kms"}}), denied=denied)


def p04(stage: Stage) -> None:
    bucket, keys = _place(stage)
    denied, unknown = {"AES256", "aws:kms key B", "SSE-C"}, {"no header", "aws:kms"}
    _table(stage, bucket, keys, deny({"StringNotEquals": {_KEY: keys[0]}}), denied=denied, unknown=unknown)


def p05(stage: Stage) -> None:
    _table(stage, *_place(stage), deny(_CUSTOMER), denied={"SSE-C"})


def p07(stage: Stage) -> None:
    bucket = stage.bucket()
    stage.default(bucket, "aws:kms", stage.key())
    stage.policy(bucket, deny({"Null": {_SSE: "true"}}))
    refused(403, "AccessDenied", None, stage.put, bucket=bucket)
    shows(stage.put(bucket, ServerSideEncryption="AES256"), ServerSideEncryption="AES256")


def p08(stage: Stage) -> None:
    bucket = stage.bucket()
    stage.policy(bucket, {**allow("s3:*", resource="BUCKET/*"), "Principal": {"AWS": stage.me}}, deny())
    refused(403, "AccessDenied", None, stage.put, bucket=bucket)


def p10(stage: Stage) -> None:
    bucket = stage.bucket()
    stage.policy(bucket, {**deny(), "Resource": "BUCKET/closed/*"})
    refused(403, "AccessDenied", None, stage.put, bucket=bucket, key="closed/object")
    stage.put(bucket, "open/object")


def p11(stage: Stage) -> None:
    bucket, other = stage.bucket(), stage.user(allow("s3:*"))
    stage.policy(bucket, {**deny(), "Principal": {"AWS": other.arn}})
    stage.put(bucket)
    refused(403, "AccessDenied", None, other.s3.put_object, Bucket=bucket, Key="object", Body=BODY)


def p13(stage: Stage) -> None:
    bucket = stage.bucket()
    stage.put(bucket)
    stage.policy(bucket, deny(action="s3:GetObject"))
    refused(403, "AccessDenied", None, stage.get, bucket=bucket)
    head_refused(403, stage.head, bucket=bucket)


def p14(stage: Stage) -> None:
    bucket = stage.bucket()
    stage.policy(bucket, deny())
    answer = stage.fetch(stage.presign("put_object", Bucket=bucket, Key="object"), "PUT", body=BODY)
    same("status and code", (403, "AccessDenied"), (answer.status, answer.code))
    same("content type", "application/xml", answer.headers.get("content-type"))
    same("a message", True, bool(answer.message))


def p15(stage: Stage) -> None:
    bucket = stage.bucket()
    here = f"arn:aws:s3:::{bucket}/*"
    texts = [
        "{not json",
        json.dumps({"Version": "2012-10-17", "Statement": [{**deny(), "Resource": "arn:aws:s3:::another-bucket/*"}]}),
        json.dumps({"Version": "2012-10-17", "Statement": [{**deny(action="s3:PutObjekt"), "Resource": here}]}),
    ]
    for text in texts:
        refused(400, "MalformedPolicy", None, stage.s3.put_bucket_policy, Bucket=bucket, Policy=text)
    refused(404, "NoSuchBucketPolicy", None, stage.s3.get_bucket_policy, Bucket=bucket)


def p16(stage: Stage) -> None:
    bucket = stage.bucket()
    stage.policy(bucket, deny(action="s3:PutEncryptionConfiguration"))
    refused(403, "AccessDenied", None, stage.default, bucket=bucket, algorithm="AES256")
    stage.put(bucket)


def p17(stage: Stage) -> None:
    bucket = stage.bucket()
    stage.policy(bucket, deny())
    refused(403, "AccessDenied", None, stage.put, bucket=bucket)
    stage.s3.delete_bucket_policy(Bucket=bucket)
    stage.put(bucket)


def p18(stage: Stage) -> None:
    _table(stage, *_place(stage), deny({"StringEquals": {_SSE: "AES256"}}), denied={"AES256"})


def p19(stage: Stage) -> None:
    _table(stage, *_place(stage), deny(_NOT_KMS), denied={"AES256", "aws:kms:dsse key A"})


def _pinned(key: str) -> list[dict[str, Any]]:
    return [deny(_NOT_KMS), deny({"Null": {_KEY: "false"}, "StringNotEquals": {_KEY: key}})]


def p20(stage: Stage) -> None:
    bucket, keys = _place(stage)
    denied = {"AES256", "aws:kms key B", "aws:kms:dsse key A"}
    _table(stage, bucket, keys, *_pinned(keys[0]), denied=denied, unknown={"aws:kms"})


def p21(stage: Stage) -> None:
    bucket, keys = _place(stage)
    stage.default(bucket, "aws:kms", keys[0])
    named = deny({"Null": {_SSE: "false", _KEY: "true"}})
    denied = {"AES256", "aws:kms", "aws:kms key B", "aws:kms:dsse key A", "SSE-C"}
    _table(stage, bucket, keys, *_pinned(keys[0]), deny(_CUSTOMER), named, denied=denied)
    stage.put(bucket, "by default")
    shows(stage.head(bucket, "by default"), ServerSideEncryption="aws:kms", SSEKMSKeyId=keys[0])


def p22(stage: Stage) -> None:
    bucket = stage.bucket()
    stage.policy(bucket, deny(action="s3:*"))
    refused(403, "AccessDenied", None, stage.s3.delete_bucket_policy, Bucket=bucket)
    root: Any = stage.world.client("builder", "s3")
    refused(403, "AccessDenied", None, root.list_objects_v2, Bucket=bucket)
    root.put_bucket_policy(Bucket=bucket, Policy=root.get_bucket_policy(Bucket=bucket)["Policy"])
    root.delete_bucket_policy(Bucket=bucket)
    stage.put(bucket)


def p23(stage: Stage) -> None:
    bucket = stage.bucket()
    stage.policy(bucket, deny())
    said = re.compile(
        f"User: {re.escape(stage.me)} is not authorized to perform: s3:PutObject on resource: "
        f'"arn:aws:s3:::{bucket}/object" with an explicit deny in a resource-based policy'
    )
    refused(403, "AccessDenied", said, stage.put, bucket=bucket)
