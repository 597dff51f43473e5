"""Bucket keys: which requests ask KMS, under which context, and whose cache serves whom."""

from __future__ import annotations

from typing import Any

from lab.sandbox.s3 import bucket_keys
from tests.sandbox.s3.stage import Stage, refused


def calls(stage: Stage, mark: int) -> list[tuple[str, str]]:
    return [
        (one["data"]["operation"], one["data"]["context"]["aws:s3:arn"])
        for one in stage.events("kms", mark)
        if one["data"]["via"] == "s3"
    ]


def with_default(stage: Stage) -> tuple[str, str]:
    bucket, arn = stage.bucket(), stage.key()
    stage.default(bucket, "aws:kms", arn, bucket_key=True)
    return bucket, arn


def test_six_puts_and_six_gets_cost_two_calls_under_the_buckets_arn(stage: Stage) -> None:
    (bucket, arn), mark = with_default(stage), stage.mark()
    for number in range(6):
        assert stage.s3.put_object(Bucket=bucket, Key=str(number), Body=b"x")["BucketKeyEnabled"] is True
    for number in range(6):
        assert stage.s3.get_object(Bucket=bucket, Key=str(number))["Body"].read() == b"x"
    context = f"arn:aws:s3:::{bucket}"
    assert calls(stage, mark) == [("GenerateDataKey", context), ("Decrypt", context)]
    uses = [(one["data"]["use"], one["data"]["key_arn"]) for one in stage.events("bucket_key", mark)]
    assert uses == [("write", arn)] * 5 + [("read", arn)] * 5


def test_every_object_has_a_data_key_of_its_own(stage: Stage) -> None:
    bucket, _ = with_default(stage)
    for key in "ab":
        stage.s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    first, second = (stage.at_rest(bucket, key)["envelope"] for key in "ab")
    assert first["layers"][0]["wrapped_key"] != second["layers"][0]["wrapped_key"]
    assert first["bucket_key"] == second["bucket_key"]
    assert first["layers"][0]["key_source"] == "bucket-key"


def test_another_requester_asks_for_itself(stage: Stage) -> None:
    (bucket, _), mark = with_default(stage), stage.mark()
    second = stage.client("second")
    for client in (stage.s3, second, stage.s3, second):
        client.put_object(Bucket=bucket, Key="a", Body=b"x")
    assert [name for name, _ in calls(stage, mark)] == ["GenerateDataKey"] * 2


def test_a_cached_key_is_used_without_asking_the_key_policy(stage: Stage) -> None:
    bucket, arn = with_default(stage)
    stage.s3.put_object(Bucket=bucket, Key="a", Body=b"x")
    stage.s3.get_object(Bucket=bucket, Key="a")
    stage.kms.disable_key(KeyId=arn)
    assert stage.s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"x"
    stage.sandbox.call("clock", advance=bucket_keys.LIFETIME + 1)
    mark = stage.mark()
    refused(400, "KMS.DisabledException", None, stage.s3.get_object, Bucket=bucket, Key="a")
    assert [name for name, _ in calls(stage, mark)] == ["Decrypt"]


def test_validators_neither_fill_nor_use_caches(stage: Stage) -> None:
    bucket, _ = with_default(stage)
    stage.s3.put_object(Bucket=bucket, Key="a", Body=b"x")
    validator, mark = stage.client("validator"), stage.mark()
    for _ in range(2):
        assert validator.get_object(Bucket=bucket, Key="a")["Body"].read() == b"x"
    assert [name for name, _ in calls(stage, mark)] == ["Decrypt"] * 2
    assert stage.events("bucket_key", mark) == []
    mark = stage.mark()
    stage.s3.get_object(Bucket=bucket, Key="a")
    assert [name for name, _ in calls(stage, mark)] == ["Decrypt"]


def test_a_header_overrides_the_buckets_setting(stage: Stage) -> None:
    bucket, arn = with_default(stage)
    other = stage.bucket()
    named: dict[str, Any] = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": arn}
    assert "BucketKeyEnabled" not in stage.s3.put_object(
        Bucket=bucket, Key="a", Body=b"x", BucketKeyEnabled=False, **named
    )
    assert stage.s3.put_object(Bucket=bucket, Key="a", Body=b"x", **named)["BucketKeyEnabled"] is True
    assert "BucketKeyEnabled" not in stage.s3.put_object(Bucket=other, Key="a", Body=b"x", **named)
    stage.s3.put_object(Bucket=other, Key="a", Body=b"x", BucketKeyEnabled=True, **named)
    assert stage.s3.head_object(Bucket=other, Key="a")["BucketKeyEnabled"] is True


def test_without_a_bucket_key_every_object_costs_a_call(stage: Stage) -> None:
    bucket, arn, mark = stage.bucket(), stage.key(), stage.mark()
    stage.default(bucket, "aws:kms", arn, bucket_key=False)
    for number in range(3):
        assert "BucketKeyEnabled" not in stage.s3.put_object(Bucket=bucket, Key=str(number), Body=b"x")
    assert calls(stage, mark) == [("GenerateDataKey", f"arn:aws:s3:::{bucket}/{number}") for number in range(3)]
