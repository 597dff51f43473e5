"""UpdateObjectEncryption: the key changes, nothing else does."""

from __future__ import annotations

from typing import Any

from tests.sandbox.s3.stage import Stage, customer_key, refused


def update(stage: Stage, bucket: str, arn: str, key: str = "a", **more: Any) -> None:
    target = {"KMSKeyArn": arn, **more}
    stage.s3.update_object_encryption(Bucket=bucket, Key=key, ObjectEncryption={"SSEKMS": target})


def test_only_the_wrapping_changes(stage: Stage) -> None:
    bucket, first, second = stage.bucket(), stage.key(), stage.key()
    stage.s3.put_object(Bucket=bucket, Key="a", Body=b"test-sse", Metadata={"m": "1"})
    before, path = stage.s3.head_object(Bucket=bucket, Key="a"), stage.at_rest(bucket, "a")["path"]
    steps: list[tuple[str, dict[str, Any]]] = [
        (first, {}),
        (second, {"BucketKeyEnabled": True}),
        (first, {"BucketKeyEnabled": False}),
    ]
    for arn, more in steps:
        update(stage, bucket, arn, **more)
        head = stage.s3.head_object(Bucket=bucket, Key="a")
        assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", arn)
        assert head.get("BucketKeyEnabled", False) is more.get("BucketKeyEnabled", False)
        for member in ("ETag", "LastModified", "ContentLength", "Metadata"):
            assert head[member] == before[member]
        assert stage.at_rest(bucket, "a")["path"] == path
        assert stage.s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"test-sse"
    stage.kms.disable_key(KeyId=first)
    refused(400, "KMS.DisabledException", None, stage.s3.get_object, Bucket=bucket, Key="a")


def test_moving_between_kms_keys_is_one_reencrypt(stage: Stage) -> None:
    bucket, first, second = stage.bucket(), stage.key(), stage.key()
    stage.s3.put_object(Bucket=bucket, Key="a", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=first)
    mark = stage.mark()
    update(stage, bucket, second)
    assert [one["data"]["operation"] for one in stage.events("kms", mark)] == ["ReEncrypt"]
    stage.kms.disable_key(KeyId=first)
    assert stage.s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"x"


def test_what_is_refused_changes_nothing(stage: Stage) -> None:
    bucket, arn = stage.bucket(customer_keys=True), stage.key()
    stage.s3.put_object(Bucket=bucket, Key="c", Body=b"x", **customer_key())
    stage.s3.put_object(Bucket=bucket, Key="d", Body=b"x", ServerSideEncryption="aws:kms:dsse", SSEKMSKeyId=arn)
    stage.s3.put_object(Bucket=bucket, Key="a", Body=b"x")
    call = stage.s3.update_object_encryption
    target: dict[str, Any] = {"ObjectEncryption": {"SSEKMS": {"KMSKeyArn": arn}}}
    refused(400, "InvalidRequest", None, call, Bucket=bucket, Key="c", **target)
    refused(400, "InvalidRequest", None, call, Bucket=bucket, Key="d", **target)
    refused(404, "NoSuchKey", None, call, Bucket=bucket, Key="none", **target)
    foreign = {"SSEKMS": {"KMSKeyArn": arn.replace(stage.made["accounts"]["home"], stage.made["accounts"]["other"])}}
    refused(403, "AccessDenied", None, call, Bucket=bucket, Key="a", ObjectEncryption=foreign)
    body = b"<ObjectEncryption><SSE-KMS><KMSKeyArn>alias/a</KMSKeyArn></SSE-KMS></ObjectEncryption>"
    answer = stage.signed("PUT", f"/{bucket}/a?encryption", body)
    assert (answer.status, b"<Code>InvalidRequest</Code>" in answer.data) == (400, True)
    assert stage.signed("PUT", f"/{bucket}/a?encryption", b"<Nonsense/>").status == 400
    assert stage.s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"x"
    assert stage.s3.head_object(Bucket=bucket, Key="a")["ServerSideEncryption"] == "AES256"
