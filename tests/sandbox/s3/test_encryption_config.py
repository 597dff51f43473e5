"""Default encryption and blocked types of a bucket, and what they make of writes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.s3.stage import Stage, b64, customer_key, refused, source_key

SCHEMA = "The XML you provided was not well-formed or did not validate against our published schema"


def rule(stage: Stage, bucket: str) -> dict[str, Any]:
    answer = stage.s3.get_bucket_encryption(Bucket=bucket)
    (found,) = answer["ServerSideEncryptionConfiguration"]["Rules"]
    return dict(found)


def test_a_new_bucket_encrypts_with_s3s_keys_and_blocks_customer_keys(stage: Stage) -> None:
    assert rule(stage, stage.bucket()) == {
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
        "BucketKeyEnabled": False,
        "BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]},
    }


def test_what_is_put_is_read_and_delete_brings_s3s_default_back(stage: Stage) -> None:
    bucket, key = stage.bucket(), stage.key()
    stage.default(bucket, "aws:kms", key, bucket_key=True)
    assert rule(stage, bucket)["ApplyServerSideEncryptionByDefault"] == {
        "SSEAlgorithm": "aws:kms",
        "KMSMasterKeyID": key,
    }
    assert rule(stage, bucket)["BucketKeyEnabled"] is True
    for _ in range(2):
        answer = stage.s3.delete_bucket_encryption(Bucket=bucket)
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert rule(stage, bucket)["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}


def test_a_kms_default_without_a_key_reads_without_one(stage: Stage) -> None:
    bucket = stage.bucket()
    stage.default(bucket, "aws:kms")
    assert rule(stage, bucket)["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms"}


def test_a_default_put_without_the_block_keeps_the_block(stage: Stage) -> None:
    bucket = stage.bucket()
    stage.default(bucket, "AES256")
    assert rule(stage, bucket)["BlockedEncryptionTypes"] == {"EncryptionType": ["SSE-C"]}
    stage.encrypt(bucket, BlockedEncryptionTypes={"EncryptionType": ["NONE"]})
    assert rule(stage, bucket)["BlockedEncryptionTypes"] == {"EncryptionType": ["NONE"]}
    stage.default(bucket, "aws:kms", bucket_key=True)
    assert rule(stage, bucket)["BlockedEncryptionTypes"] == {"EncryptionType": ["NONE"]}
    stage.encrypt(bucket, BlockedEncryptionTypes={"EncryptionType": ["SSE-C"]})
    assert rule(stage, bucket)["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms"}


@pytest.mark.parametrize(
    "rules",
    [
        [],
        [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}] * 2,
        [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "rot13"}}],
        [{"BlockedEncryptionTypes": {"EncryptionType": ["SSE-KMS"]}}],
        [{"BlockedEncryptionTypes": {"EncryptionType": ["NONE", "SSE-C"]}}],
        [{}],
    ],
)
def test_malformed_rules_are_refused(stage: Stage, rules: list[dict[str, Any]]) -> None:
    refused(
        400,
        "MalformedXML",
        SCHEMA,
        stage.s3.put_bucket_encryption,
        Bucket=stage.bucket(),
        ServerSideEncryptionConfiguration={"Rules": rules},
    )


def test_a_kms_key_for_another_algorithm_is_refused(stage: Stage) -> None:
    by_default = {"SSEAlgorithm": "AES256", "KMSMasterKeyID": stage.key()}
    error = refused(
        400,
        "InvalidArgument",
        "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse",
        stage.s3.put_bucket_encryption,
        Bucket=stage.bucket(),
        ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": by_default}]},
    )
    assert error["ArgumentName"] == "ApplyServerSideEncryptionByDefault"


def test_a_bucket_that_is_not_there_comes_before_the_document(stage: Stage) -> None:
    calls: list[tuple[Any, dict[str, Any]]] = [
        (stage.s3.get_bucket_encryption, {}),
        (stage.s3.delete_bucket_encryption, {}),
        (stage.s3.put_bucket_encryption, {"ServerSideEncryptionConfiguration": {"Rules": []}}),
    ]
    for call, more in calls:
        refused(
            404, "NoSuchBucket", "The specified bucket does not exist", call, Bucket="nobody-has-made-this-one", **more
        )


# ---- what a default makes of writes ----------------------------------------------------------------------------------


def test_plain_writes_are_encrypted_by_s3(stage: Stage) -> None:
    bucket = stage.bucket()
    put = stage.s3.put_object(Bucket=bucket, Key="a", Body=b"test-sse")
    assert put["ServerSideEncryption"] == "AES256"
    assert put["ETag"] == '"42832cdec7083e70a9cd6f2d5852e004"'
    assert stage.s3.head_object(Bucket=bucket, Key="a")["ServerSideEncryption"] == "AES256"
    assert stage.s3.get_object(Bucket=bucket, Key="a")["ServerSideEncryption"] == "AES256"
    (event,) = [one for one in stage.events("sse") if one["data"]["bucket"] == bucket]
    assert event["data"]["decided_by"] == "fallback"


def test_a_default_applies_to_new_objects_only(stage: Stage) -> None:
    bucket, key = stage.bucket(), stage.key()
    stage.s3.put_object(Bucket=bucket, Key="old", Body=b"data")
    stage.default(bucket, "aws:kms", key.rpartition("/")[2], bucket_key=True)
    new = stage.s3.put_object(Bucket=bucket, Key="new", Body=b"data")
    assert new["SSEKMSKeyId"] == key
    assert new["BucketKeyEnabled"] is True
    assert new["ETag"] != '"8d777f385d3dfec8815d20f7496026dc"'
    old = stage.s3.head_object(Bucket=bucket, Key="old")
    assert (old["ServerSideEncryption"], old.get("BucketKeyEnabled")) == ("AES256", None)
    for answer in (stage.s3.head_object(Bucket=bucket, Key="new"), stage.s3.get_object(Bucket=bucket, Key="new")):
        assert (answer["ServerSideEncryption"], answer["SSEKMSKeyId"]) == ("aws:kms", key)
        assert answer["BucketKeyEnabled"] is True


def test_a_header_overrides_the_default(stage: Stage) -> None:
    bucket = stage.bucket()
    stage.default(bucket, "aws:kms", stage.key(), bucket_key=True)
    put = stage.s3.put_object(Bucket=bucket, Key="a", Body=b"", ServerSideEncryption="AES256")
    assert put["ServerSideEncryption"] == "AES256"
    assert "SSEKMSKeyId" not in put
    assert "BucketKeyEnabled" not in put
    events = [one["data"]["decided_by"] for one in stage.events("sse") if one["data"]["bucket"] == bucket]
    assert events == ["header"]


def test_a_kms_default_without_a_key_uses_the_managed_key(stage: Stage) -> None:
    bucket, other = stage.bucket(), stage.bucket()
    stage.default(bucket, "aws:kms")
    put = stage.s3.put_object(Bucket=bucket, Key="a", Body=b"")
    named = stage.s3.put_object(Bucket=other, Key="a", Body=b"", ServerSideEncryption="aws:kms")
    assert put["SSEKMSKeyId"] == named["SSEKMSKeyId"]
    key = stage.kms.describe_key(KeyId=put["SSEKMSKeyId"])["KeyMetadata"]
    assert key["KeyManager"] == "AWS"
    assert key["Description"] == "Default key that protects my S3 objects when no other key is defined"


def test_a_wrong_key_in_a_default_shows_when_an_object_is_put(stage: Stage) -> None:
    bucket = stage.bucket()
    stage.default(bucket, "aws:kms", "aws/s3")
    refused(400, "KMS.NotFoundException", "Invalid keyId aws/s3", stage.s3.put_object, Bucket=bucket, Key="a", Body=b"")


def test_the_block_refuses_every_way_to_write_with_a_customer_key(stage: Stage) -> None:
    bucket = stage.bucket(customer_keys=True)
    stage.s3.put_object(Bucket=bucket, Key="old", Body=b"data", **customer_key())
    stage.encrypt(bucket, BlockedEncryptionTypes={"EncryptionType": ["SSE-C"]})
    user = stage.made["credentials"]["default"]["arn"]
    for call, more in (
        (stage.s3.put_object, {"Body": b""}),
        (stage.s3.copy_object, {"CopySource": f"{bucket}/old", **source_key()}),
        (stage.s3.create_multipart_upload, {}),
    ):
        error = refused(403, "AccessDenied", None, call, Bucket=bucket, Key="new", **customer_key(), **more)
        assert error["Message"].startswith(f"User: {user} is not authorized to perform: s3:")
        assert "because this bucket has blocked upload requests that specify Server Side Encryption" in error["Message"]
    assert stage.s3.get_object(Bucket=bucket, Key="old", **customer_key())["Body"].read() == b"data"


def test_the_block_comes_before_the_key_is_looked_at(stage: Stage) -> None:
    mark, bucket = stage.mark(), stage.bucket()
    refused(
        403,
        "AccessDenied",
        None,
        stage.s3.put_object,
        Bucket=bucket,
        Key="a",
        Body=b"",
        SSECustomerAlgorithm="AES256",
        SSECustomerKey=b64(b"k" * 32).encode(),
    )
    blocked = [one for one in stage.events("decision", mark) if one["data"]["denied_by"] == "blocked encryption type"]
    assert len(blocked) == 1
