"""SSE-KMS and DSSE-KMS: which key, which context, which refusals."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.sandbox.s3.stage import Stage, b64, refused

UNKNOWN = "134f2428-cec1-4b25-a1ae-9048164dba47"
INSECURE = "Requests specifying Server Side Encryption with AWS KMS managed keys must be made over a secure connection."
UNSIGNED = "Requests specifying Server Side Encryption with AWS KMS managed keys require AWS Signature Version 4."


def kms(key: str, **more: Any) -> dict[str, Any]:
    return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key, **more}


def test_every_name_of_a_key_is_answered_by_its_arn(stage: Stage) -> None:
    bucket, arn = stage.bucket(), stage.key()
    stage.kms.create_alias(AliasName="alias/named", TargetKeyId=arn)
    account = stage.made["accounts"]["home"]
    names = [arn, arn.rpartition("/")[2], "alias/named", f"arn:aws:kms:us-east-1:{account}:alias/named"]
    for name in names:
        assert stage.s3.put_object(Bucket=bucket, Key="a", Body=b"x", **kms(name))["SSEKMSKeyId"] == arn
    assert stage.s3.head_object(Bucket=bucket, Key="a")["SSEKMSKeyId"] == arn
    assert stage.s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"x"


def test_an_etag_says_nothing_about_the_bytes(stage: Stage) -> None:
    bucket, arn = stage.bucket(), stage.key()
    etags = {stage.s3.put_object(Bucket=bucket, Key="a", Body=b"x", **kms(arn))["ETag"] for _ in range(3)}
    assert len(etags) == 3
    assert '"9dd4e461268c8034f5c8564e155c67a6"' not in etags


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("fake-key-id", "Invalid keyId 'fake-key-id'"),
        (UNKNOWN, "Key 'arn:aws:kms:us-east-1:{account}:key/" + UNKNOWN + "' does not exist"),
        (
            "arn:aws:kms:us-east-1:{account}:key/" + UNKNOWN,
            "Key 'arn:aws:kms:us-east-1:{account}:key/" + UNKNOWN + "' does not exist",
        ),
        ("arn:aws:kms:us-west-2:{account}:key/" + UNKNOWN, "Invalid arn us-west-2"),
        ("alias/nobody", "Alias arn:aws:kms:us-east-1:{account}:alias/nobody is not found."),
    ],
)
def test_a_key_that_is_not_there(stage: Stage, key: str, message: str) -> None:
    bucket, account = stage.bucket(), stage.made["accounts"]["home"]
    stage.s3.put_object(Bucket=bucket, Key="source", Body=b"")
    for call, more in (
        (stage.s3.put_object, {"Body": b""}),
        (stage.s3.create_multipart_upload, {}),
        (stage.s3.copy_object, {"CopySource": f"{bucket}/source"}),
    ):
        parameters = {"Bucket": bucket, "Key": "a", **kms(key.format(account=account)), **more}
        refused(400, "KMS.NotFoundException", message.format(account=account), call, **parameters)


def test_the_state_of_a_key_decides_reads_and_writes(stage: Stage) -> None:
    bucket, arn = stage.bucket(), stage.key()
    stage.s3.put_object(Bucket=bucket, Key="a", Body=b"x", **kms(arn))
    stage.kms.disable_key(KeyId=arn)
    disabled = f"{arn} is disabled."
    refused(400, "KMS.DisabledException", disabled, stage.s3.get_object, Bucket=bucket, Key="a")
    refused(400, "KMS.DisabledException", disabled, stage.s3.put_object, Bucket=bucket, Key="b", Body=b"", **kms(arn))
    copy = {"CopySource": f"{bucket}/a", "ServerSideEncryption": "AES256"}
    refused(400, "KMS.DisabledException", disabled, stage.s3.copy_object, Bucket=bucket, Key="b", **copy)
    assert [one["Key"] for one in stage.s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["a"]
    assert stage.s3.head_object(Bucket=bucket, Key="a")["SSEKMSKeyId"] == arn
    stage.kms.enable_key(KeyId=arn)
    assert stage.s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"x"
    stage.kms.schedule_key_deletion(KeyId=arn, PendingWindowInDays=7)
    pending = f"{arn} is pending deletion."
    refused(400, "KMS.KMSInvalidStateException", pending, stage.s3.get_object, Bucket=bucket, Key="a")
    refused(
        400, "KMS.KMSInvalidStateException", pending, stage.s3.put_object, Bucket=bucket, Key="b", Body=b"", **kms(arn)
    )
    stage.s3.delete_object(Bucket=bucket, Key="a")
    assert stage.s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_asymmetric_keys_do_not_encrypt_objects(stage: Stage) -> None:
    arn = stage.key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")
    error = refused(
        400,
        "KMS.InvalidKeyUsageException",
        None,
        stage.s3.put_object,
        Bucket=stage.bucket(),
        Key="a",
        Body=b"",
        **kms(arn),
    )
    assert error["Message"]


def test_one_data_key_per_object_under_the_objects_arn(stage: Stage) -> None:
    bucket, arn, mark = stage.bucket(), stage.key(), stage.mark()
    sent = b64(json.dumps({"department": "books"}).encode())
    put = stage.s3.put_object(Bucket=bucket, Key="a b", Body=b"x", **kms(arn), SSEKMSEncryptionContext=sent)
    assert put["SSEKMSEncryptionContext"] == sent
    read = stage.s3.get_object(Bucket=bucket, Key="a b")
    assert "SSEKMSEncryptionContext" not in read
    made, opened = [one["data"] for one in stage.events("kms", mark)]
    context = {"department": "books", "aws:s3:arn": f"arn:aws:s3:::{bucket}/a b"}
    assert (made["operation"], made["via"], made["context"]) == ("GenerateDataKey", "s3", context)
    assert (opened["operation"], opened["via"], opened["context"]) == ("Decrypt", "s3", context)
    envelope = stage.at_rest(bucket, "a b")["envelope"]
    assert envelope["context"] == context
    (layer,) = envelope["layers"]
    plain = stage.kms.decrypt(CiphertextBlob=base64.b64decode(layer["wrapped_key"]), EncryptionContext=context)
    assert len(plain["Plaintext"]) == 32


@pytest.mark.parametrize("context", ["not base64", b64(b"not json"), b64(b'["a"]'), b64(b'{"a": 1}'), b64(b"\xff")])
def test_a_malformed_context_is_refused(stage: Stage, context: str) -> None:
    refused(
        400,
        "InvalidArgument",
        "The header 'x-amz-server-side-encryption-context' shall be Base64-encoded UTF-8 string holding JSON which "
        "represents a string-string map",
        stage.s3.put_object,
        Bucket=stage.bucket(),
        Key="a",
        Body=b"",
        ServerSideEncryption="aws:kms",
        SSEKMSEncryptionContext=context,
    )


@pytest.mark.parametrize("named", [{}, {"ServerSideEncryption": "AES256"}])
def test_a_key_id_needs_aws_kms(stage: Stage, named: dict[str, str]) -> None:
    refused(
        400,
        "InvalidArgument",
        "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms",
        stage.s3.put_object,
        Bucket=stage.bucket(),
        Key="a",
        Body=b"",
        SSEKMSKeyId=UNKNOWN,
        **named,
    )


@pytest.mark.parametrize("value", ["aes:kms", "aes256", "none"])
def test_an_unknown_encryption_is_refused(stage: Stage, value: str) -> None:
    error = refused(
        400,
        "InvalidArgument",
        "The encryption method specified is not supported",
        stage.s3.put_object,
        Bucket=stage.bucket(),
        Key="a",
        Body=b"",
        ServerSideEncryption=value,
    )
    assert (error["ArgumentName"], error["ArgumentValue"]) == ("x-amz-server-side-encryption", value)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_reads_do_not_take_encryption_headers(stage: Stage, method: str) -> None:
    bucket = stage.bucket()
    stage.s3.put_object(Bucket=bucket, Key="a", Body=b"x")
    answer = stage.signed(method, f"/{bucket}/a", headers={"x-amz-server-side-encryption": "AES256"})
    assert answer.status == 400
    assert (b"<Code>InvalidArgument</Code>" in answer.data) == (method == "GET")


# ---- transport -------------------------------------------------------------------------------------------------------


def test_kms_needs_tls(stage: Stage) -> None:
    bucket, arn = stage.bucket(), stage.key()
    plain = stage.client("default", http=True)
    stage.s3.put_object(Bucket=bucket, Key="a", Body=b"x", **kms(arn))
    refused(400, "InvalidArgument", INSECURE, plain.put_object, Bucket=bucket, Key="b", Body=b"x", **kms(arn))
    refused(400, "InvalidArgument", INSECURE, plain.get_object, Bucket=bucket, Key="a")
    plain.put_object(Bucket=bucket, Key="c", Body=b"over http")
    assert stage.s3.get_object(Bucket=bucket, Key="c")["Body"].read() == b"over http"
    assert plain.get_object(Bucket=bucket, Key="c")["Body"].read() == b"over http"


def test_kms_needs_signature_version_4(stage: Stage) -> None:
    bucket, arn = stage.bucket(), stage.key()
    stage.s3.put_object(Bucket=bucket, Key="a", Body=b"x", **kms(arn))
    request = {"Bucket": bucket, "Key": "a"}
    old = stage.client("default", signature_version="s3").generate_presigned_url("get_object", Params=request)
    new = stage.client("default", signature_version="s3v4").generate_presigned_url("get_object", Params=request)
    answer = stage.fetch("GET", old)
    assert answer.status == 400
    assert f"<Message>{UNSIGNED}</Message>".encode() in answer.data
    assert stage.fetch("GET", new).data == b"x"


def test_a_presigned_put_is_sent_with_what_was_signed(stage: Stage) -> None:
    bucket, arn = stage.bucket(), stage.key()
    url = stage.client("default", signature_version="s3v4").generate_presigned_url(
        "put_object", Params={"Bucket": bucket, "Key": "a", **kms(arn)}
    )
    headers = {"x-amz-server-side-encryption": "aws:kms", "x-amz-server-side-encryption-aws-kms-key-id": arn}
    assert stage.fetch("PUT", url, b"x").status == 403
    assert stage.fetch("PUT", url, b"x", headers).status == 200
    assert stage.s3.head_object(Bucket=bucket, Key="a")["SSEKMSKeyId"] == arn


# ---- permission ------------------------------------------------------------------------------------------------------


def test_s3_asks_kms_in_the_requesters_name(stage: Stage) -> None:
    bucket, account = stage.bucket(), stage.made["accounts"]["home"]
    plain = stage.made["credentials"]["plain"]["arn"]
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
                "Action": "kms:*",
                "Resource": "*",
            },
            {"Effect": "Deny", "Principal": {"AWS": plain}, "Action": "kms:Decrypt", "Resource": "*"},
        ],
    }
    arn = stage.key(Policy=json.dumps(policy))
    stage.s3.put_bucket_policy(
        Bucket=bucket,
        Policy=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"AWS": plain},
                        "Action": "s3:*",
                        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
                    }
                ],
            }
        ),
    )
    stage.s3.put_object(Bucket=bucket, Key="a", Body=b"x", **kms(arn))
    other = stage.client("plain")
    error = refused(403, "AccessDenied", None, other.get_object, Bucket=bucket, Key="a")
    assert error["Message"] == (
        f"User: {plain} is not authorized to perform: kms:Decrypt on resource: {arn} with an explicit deny in a "
        "resource-based policy"
    )
    error = refused(403, "AccessDenied", None, other.put_object, Bucket=bucket, Key="b", Body=b"", **kms(arn))
    assert "kms:GenerateDataKey" in error["Message"]
    assert "no identity-based policy allows" in error["Message"]
    # The checksum of what KMS protects is stored encrypted.
    assert other.head_object(Bucket=bucket, Key="a")["ContentLength"] == 1
    refused(403, "403", None, other.head_object, Bucket=bucket, Key="a", ChecksumMode="ENABLED")


def test_validators_see_everything_but_are_bound_by_key_states(stage: Stage) -> None:
    bucket, arn = stage.bucket(), stage.key()
    stage.s3.put_object(Bucket=bucket, Key="a", Body=b"x", **kms(arn))
    validator = stage.client("validator")
    assert validator.get_object(Bucket=bucket, Key="a")["Body"].read() == b"x"
    stage.kms.disable_key(KeyId=arn)
    refused(400, "KMS.DisabledException", None, validator.get_object, Bucket=bucket, Key="a")


# ---- DSSE ------------------------------------------------------------------------------------------------------------


def test_dsse_seals_twice_with_one_kms_key(stage: Stage) -> None:
    bucket, arn, mark = stage.bucket(), stage.key(), stage.mark()
    dsse = {"ServerSideEncryption": "aws:kms:dsse", "SSEKMSKeyId": arn, "BucketKeyEnabled": True}
    put = stage.s3.put_object(Bucket=bucket, Key="a", Body=b"x" * 3_000_000, **dsse)
    assert (put["ServerSideEncryption"], put["SSEKMSKeyId"]) == ("aws:kms:dsse", arn)
    assert "BucketKeyEnabled" not in put
    read = stage.s3.get_object(Bucket=bucket, Key="a")
    assert read["ServerSideEncryption"] == "aws:kms:dsse"
    assert read["Body"].read() == b"x" * 3_000_000
    inner, outer = stage.at_rest(bucket, "a")["envelope"]["layers"]
    assert (inner["key_source"], inner["kms_key_arn"]) == ("kms", arn)
    assert (outer["key_source"], outer["kms_key_arn"]) == ("s3", None)
    assert inner["nonce"] != outer["nonce"]
    assert [one["data"]["operation"] for one in stage.events("kms", mark)] == ["GenerateDataKey", "Decrypt"]
    assert stage.s3.get_object(Bucket=bucket, Key="a", Range="bytes=1048570-1048580")["Body"].read() == b"x" * 11
    stage.kms.disable_key(KeyId=arn)
    refused(400, "KMS.DisabledException", None, stage.s3.get_object, Bucket=bucket, Key="a")


def test_dsse_as_a_default_and_without_a_key(stage: Stage) -> None:
    bucket = stage.bucket()
    stage.default(bucket, "aws:kms:dsse")
    put = stage.s3.put_object(Bucket=bucket, Key="a", Body=b"x")
    assert put["ServerSideEncryption"] == "aws:kms:dsse"
    assert stage.kms.describe_key(KeyId=put["SSEKMSKeyId"])["KeyMetadata"]["KeyManager"] == "AWS"
    copied = stage.s3.copy_object(Bucket=bucket, Key="b", CopySource=f"{bucket}/a")
    assert copied["ServerSideEncryption"] == "aws:kms:dsse"
    assert stage.s3.get_object(Bucket=bucket, Key="b")["Body"].read() == b"x"
