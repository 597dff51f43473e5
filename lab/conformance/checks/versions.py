"""V: versions, and encrypting anew by copying an object onto itself."""

from __future__ import annotations

from typing import Any

from lab.conformance.expect import differs, refused, same, shows
from lab.conformance.stage import BODY, Stage, kms


def _onto_itself(stage: Stage, bucket: str, **members: Any) -> dict[str, Any]:
    origin = {"Bucket": bucket, "Key": "object"}
    answer: dict[str, Any] = stage.s3.copy_object(Bucket=bucket, Key="object", CopySource=origin, **members)
    return answer


def v01(stage: Stage) -> None:
    bucket, key = stage.bucket(), stage.key()
    stage.put(bucket, Metadata={"owner": "books"}, ContentType="text/plain")
    _onto_itself(stage, bucket, **kms(key))
    seen = stage.get(bucket)
    shows(seen, ServerSideEncryption="aws:kms", SSEKMSKeyId=key, Body=BODY)
    shows(seen, Metadata={"owner": "books"}, ContentType="text/plain")


def v03(stage: Stage) -> None:
    bucket = stage.bucket()
    stage.put(bucket)
    said = (
        "This copy request is illegal because it is trying to copy an object to itself without changing the object's "
        "metadata, storage class, website redirect location or encryption attributes."
    )
    refused(400, "InvalidRequest", said, _onto_itself, stage=stage, bucket=bucket)


def v04(stage: Stage) -> None:
    bucket, key = stage.bucket(versions=True), stage.key()
    old = stage.put(bucket)["VersionId"]
    new = _onto_itself(stage, bucket, **kms(key))["VersionId"]
    differs("a version", old, new)
    same("versions", 2, len(stage.s3.list_object_versions(Bucket=bucket)["Versions"]))
    shows(stage.get(bucket, VersionId=old), ServerSideEncryption="AES256", SSEKMSKeyId=None, Body=BODY)
    shows(stage.get(bucket), VersionId=new, ServerSideEncryption="aws:kms", SSEKMSKeyId=key, Body=BODY)


def v05(stage: Stage) -> None:
    bucket = stage.bucket()
    stage.put(bucket, **kms(stage.key()))
    _onto_itself(stage, bucket)
    shows(stage.get(bucket), ServerSideEncryption="AES256", SSEKMSKeyId=None, Body=BODY)


def v06(stage: Stage) -> None:
    bucket = stage.bucket()
    stage.default(bucket, "AES256")
    stage.put(bucket)
    _onto_itself(stage, bucket)
    shows(stage.get(bucket), ServerSideEncryption="AES256", Body=BODY)


def v07(stage: Stage) -> None:
    bucket = stage.bucket()
    stage.put(bucket)
    _onto_itself(stage, bucket, ServerSideEncryption="AES256")
    shows(stage.get(bucket), ServerSideEncryption="AES256", Body=BODY)


def v08(stage: Stage) -> None:
    bucket, key = stage.bucket(), stage.key()
    stage.put(bucket, **kms(key, BucketKeyEnabled=True))
    _onto_itself(stage, bucket, **kms())
    seen = stage.get(bucket)
    shows(seen, ServerSideEncryption="aws:kms", BucketKeyEnabled=None, Body=BODY)
    differs("a key", key, seen["SSEKMSKeyId"])
