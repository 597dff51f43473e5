"""SSE-C: the key comes with every request, is recognized, and is forgotten."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest

from tests.sandbox.s3.stage import Stage, b64, customer_key, refused, source_key

PROVIDE = "Requests specifying Server Side Encryption with Customer provided keys must provide "
STORED = (
    "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to "
    "retrieve the object."
)
WRONG = PROVIDE + "the correct secret key."
ALGORITHM, KEY, MD5 = (f"x-amz-server-side-encryption-customer-{name}" for name in ("algorithm", "key", "key-MD5"))


@pytest.fixture(scope="module")
def bucket(stage: Stage) -> str:
    return stage.bucket(customer_keys=True)


def headers(key: bytes = b"k" * 32, **changes: str | None) -> dict[str, str]:
    """The three headers, with changes by ``algorithm``, ``sent`` (the key), ``md5``; None leaves one out."""
    whole: dict[str, str | None] = {
        ALGORITHM: "AES256",
        KEY: b64(key),
        MD5: b64(hashlib.md5(key, usedforsecurity=False).digest()),
    }
    whole |= {{"algorithm": ALGORITHM, "sent": KEY, "md5": MD5}[name]: value for name, value in changes.items()}
    return {name: value for name, value in whole.items() if value is not None}


def test_answers_echo_the_algorithm_and_the_keys_md5(stage: Stage, bucket: str) -> None:
    md5 = b64(hashlib.md5(b"k" * 32, usedforsecurity=False).digest())
    put = stage.s3.put_object(Bucket=bucket, Key="a", Body=b"test-sse", **customer_key())
    read = stage.s3.get_object(Bucket=bucket, Key="a", **customer_key())
    head = stage.s3.head_object(Bucket=bucket, Key="a", **customer_key())
    for answer in (put, read, head):
        assert (answer["SSECustomerAlgorithm"], answer["SSECustomerKeyMD5"]) == ("AES256", md5)
        assert "ServerSideEncryption" not in answer
    assert read["Body"].read() == b"test-sse"
    assert put["ETag"] != '"42832cdec7083e70a9cd6f2d5852e004"'
    assert put["ChecksumType"] == "FULL_OBJECT"


def test_only_a_salted_digest_of_the_key_is_kept(stage: Stage, bucket: str) -> None:
    key = hashlib.sha256(b"a key of its own").digest()
    for name in ("x", "y"):
        stage.s3.put_object(Bucket=bucket, Key=name, Body=b"", SSECustomerAlgorithm="AES256", SSECustomerKey=key)
    first, second = (stage.at_rest(bucket, name)["envelope"] for name in ("x", "y"))
    assert first["customer_key_record"] != second["customer_key_record"]
    assert first["layers"][0]["wrapped_key_bytes"] == 0
    found = stage.sandbox.call("events", after=0, exercise=stage.exercise)
    assert key.hex() not in repr(found)
    assert b64(key) not in repr(found)


@pytest.mark.parametrize(
    ("sent", "code", "message"),
    [
        (headers(algorithm=None), "InvalidArgument", PROVIDE + "a valid encryption algorithm."),
        (headers(sent=None), "InvalidArgument", PROVIDE + "an appropriate secret key."),
        (headers(sent=None, md5=None), "InvalidArgument", PROVIDE + "an appropriate secret key."),
        (headers(md5=None), "InvalidArgument", PROVIDE + "the client calculated MD5 of the secret key."),
        (
            headers(algorithm="KMS"),
            "InvalidEncryptionAlgorithmError",
            "The Encryption request you specified is not valid. Supported value: AES256.",
        ),
        (headers(b"k" * 10), "InvalidArgument", "The secret key was invalid for the specified algorithm."),
        (headers(b"k" * 44), "InvalidArgument", "The secret key was invalid for the specified algorithm."),
        (headers(b"k" * 45), "InvalidArgument", "The secret key was invalid for the specified algorithm."),
        (
            headers(md5=b64(b"m" * 16)),
            "InvalidArgument",
            "The calculated MD5 hash of the key did not match the hash that was provided.",
        ),
        (
            headers(b"k" * 24, md5=b64(b"m" * 16)),
            "InvalidArgument",
            "The calculated MD5 hash of the key did not match the hash that was provided.",
        ),
        (
            headers() | {"x-amz-server-side-encryption": "AES256"},
            "InvalidArgument",
            "Server Side Encryption with Customer provided key is incompatible with the encryption method specified",
        ),
        (
            headers(b"k" * 5, algorithm="X") | {"x-amz-server-side-encryption": "aws:kms"},
            "InvalidArgument",
            "Server Side Encryption with Customer provided key is incompatible with the encryption method specified",
        ),
    ],
)
def test_what_a_write_refuses(stage: Stage, bucket: str, sent: dict[str, str], code: str, message: str) -> None:
    for method, path in (("PUT", f"/{bucket}/refused"), ("POST", f"/{bucket}/refused?uploads")):
        answer = stage.signed(method, path, headers=sent)
        assert answer.status == 400
        assert f"<Code>{code}</Code><Message>{message}</Message>".encode() in answer.data
        assert b"<ArgumentName>x-amz-server-side-encryption</ArgumentName>" in answer.data


def test_a_read_needs_the_key(stage: Stage, bucket: str) -> None:
    stage.s3.put_object(Bucket=bucket, Key="b", Body=b"data", **customer_key())
    where = {"Bucket": bucket, "Key": "b"}
    refused(400, "InvalidRequest", STORED, stage.s3.get_object, **where)
    refused(400, "InvalidRequest", STORED, stage.s3.get_object, **where, Range="bytes=0-1")
    refused(400, "400", "Bad Request", stage.s3.head_object, **where)
    refused(403, "AccessDenied", WRONG, stage.s3.get_object, **where, **customer_key(b"j"))
    short: dict[str, Any] = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": b"k" * 44}
    refused(403, "AccessDenied", WRONG, stage.s3.get_object, **where, **short)
    refused(403, "403", "Forbidden", stage.s3.head_object, **where, **customer_key(b"j"))
    refused(
        400,
        "InvalidEncryptionAlgorithmError",
        None,
        stage.s3.get_object,
        **where,
        **{**customer_key(), "SSECustomerAlgorithm": "AES128"},
    )
    attributes = {"ObjectAttributes": ["ETag"]}
    refused(400, "InvalidRequest", STORED, stage.s3.get_object_attributes, **where, **attributes)
    partial = stage.s3.get_object(**where, **customer_key(), Range="bytes=1-2")
    assert (partial["ResponseMetadata"]["HTTPStatusCode"], partial["Body"].read()) == (206, b"at")
    validator = stage.client("validator")
    refused(400, "InvalidRequest", STORED, validator.get_object, **where)


def test_a_key_where_none_belongs(stage: Stage, bucket: str) -> None:
    stage.s3.put_object(Bucket=bucket, Key="plain", Body=b"data")
    message = "The encryption parameters are not applicable to this object."
    refused(400, "InvalidRequest", message, stage.s3.get_object, Bucket=bucket, Key="plain", **customer_key())
    refused(
        400,
        "InvalidRequest",
        message,
        stage.s3.copy_object,
        Bucket=bucket,
        Key="c",
        CopySource=f"{bucket}/plain",
        **source_key(),
    )


def test_customer_keys_never_travel_over_http(stage: Stage, bucket: str) -> None:
    stage.s3.put_object(Bucket=bucket, Key="h", Body=b"data", **customer_key())
    plain = stage.client("default", http=True)
    message = (
        "Requests specifying Server Side Encryption with Customer provided keys must be made over a secure connection."
    )
    for call, more in ((plain.put_object, {"Body": b""}), (plain.get_object, {})):
        refused(400, "InvalidArgument", message, call, Bucket=bucket, Key="h", **customer_key(), **more)


def test_listing_and_deleting_need_no_key(stage: Stage) -> None:
    bucket = stage.bucket(customer_keys=True)
    stage.s3.put_object(Bucket=bucket, Key="a", Body=b"four", **customer_key())
    (entry,) = stage.s3.list_objects_v2(Bucket=bucket)["Contents"]
    assert entry["Size"] == 4
    assert stage.s3.delete_object(Bucket=bucket, Key="a")["ResponseMetadata"]["HTTPStatusCode"] == 204


def test_each_version_has_its_own_key(stage: Stage) -> None:
    bucket = stage.bucket(customer_keys=True)
    stage.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first = stage.s3.put_object(Bucket=bucket, Key="a", Body=b"1", **customer_key(b"1"))["VersionId"]
    second = stage.s3.put_object(Bucket=bucket, Key="a", Body=b"2", **customer_key(b"2"))["VersionId"]
    for letter, version in ((b"1", first), (b"2", second)):
        read = stage.s3.get_object(Bucket=bucket, Key="a", VersionId=version, **customer_key(letter))
        assert read["Body"].read() == letter
    refused(
        403, "AccessDenied", WRONG, stage.s3.get_object, Bucket=bucket, Key="a", VersionId=first, **customer_key(b"2")
    )


def test_copies_open_with_one_key_and_seal_with_another(stage: Stage, bucket: str) -> None:
    stage.s3.put_object(Bucket=bucket, Key="from", Body=b"data", **customer_key(b"1"))
    source = {"CopySource": f"{bucket}/from"}
    copied = stage.s3.copy_object(Bucket=bucket, Key="to", **source, **source_key(b"1"), **customer_key(b"2"))
    assert copied["SSECustomerAlgorithm"] == "AES256"
    refused(400, "InvalidRequest", STORED, stage.s3.get_object, Bucket=bucket, Key="to")
    assert stage.s3.get_object(Bucket=bucket, Key="to", **customer_key(b"2"))["Body"].read() == b"data"
    plain = stage.s3.copy_object(Bucket=bucket, Key="plain2", **source, **source_key(b"1"))
    assert plain["ServerSideEncryption"] == "AES256"
    assert plain["CopyObjectResult"]["ETag"] == '"8d777f385d3dfec8815d20f7496026dc"'
    copy = stage.s3.copy_object
    refused(400, "InvalidRequest", STORED, copy, Bucket=bucket, Key="x", **source)
    refused(403, "AccessDenied", WRONG, copy, Bucket=bucket, Key="x", **source, **source_key(b"9"))
    refused(
        400,
        "InvalidArgument",
        "Server Side Encryption with Customer provided key is incompatible with the encryption method specified",
        copy,
        Bucket=bucket,
        Key="x",
        **source,
        **source_key(b"1"),
        **customer_key(b"2"),
        ServerSideEncryption="AES256",
    )


def test_a_key_is_rotated_by_copying_in_place(stage: Stage, bucket: str) -> None:
    stage.s3.put_object(Bucket=bucket, Key="r", Body=b"data", **customer_key(b"1"))
    stage.s3.copy_object(Bucket=bucket, Key="r", CopySource=f"{bucket}/r", **source_key(b"1"), **customer_key(b"2"))
    refused(403, "AccessDenied", WRONG, stage.s3.get_object, Bucket=bucket, Key="r", **customer_key(b"1"))
    assert stage.s3.get_object(Bucket=bucket, Key="r", **customer_key(b"2"))["Body"].read() == b"data"


def test_parts_need_the_uploads_key(stage: Stage, bucket: str) -> None:
    upload = stage.s3.create_multipart_upload(Bucket=bucket, Key="m", **customer_key())
    assert upload["SSECustomerAlgorithm"] == "AES256"
    where = {"Bucket": bucket, "Key": "m", "UploadId": upload["UploadId"]}
    part = {**where, "PartNumber": 1, "Body": b"part"}
    begun = (
        "The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate "
        "encryption parameters."
    )
    refused(400, "InvalidRequest", begun, stage.s3.upload_part, **part)
    refused(
        400,
        "InvalidRequest",
        "The provided encryption parameters did not match the ones used originally.",
        stage.s3.upload_part,
        **part,
        **customer_key(b"j"),
    )
    sent = stage.s3.upload_part(**part, **customer_key())
    assert sent["SSECustomerAlgorithm"] == "AES256"
    assert len(stage.s3.list_parts(**where)["Parts"]) == 1
    parts = {"Parts": [{"ETag": sent["ETag"], "PartNumber": 1}]}
    done = stage.s3.complete_multipart_upload(**where, MultipartUpload=parts)
    assert not {"ServerSideEncryption", "SSECustomerAlgorithm"} & done.keys()
    refused(400, "InvalidRequest", STORED, stage.s3.get_object, Bucket=bucket, Key="m")
    assert stage.s3.get_object(Bucket=bucket, Key="m", **customer_key())["Body"].read() == b"part"
    plain = stage.s3.create_multipart_upload(Bucket=bucket, Key="n")["UploadId"]
    surplus = {"Bucket": bucket, "Key": "n", "UploadId": plain, "PartNumber": 1, "Body": b"", **customer_key()}
    refused(400, "InvalidRequest", begun, stage.s3.upload_part, **surplus)


def test_a_presigned_read_works_when_the_key_travels_with_it(stage: Stage, bucket: str) -> None:
    stage.s3.put_object(Bucket=bucket, Key="p", Body=b"data", **customer_key())
    url = stage.client("default", signature_version="s3v4").generate_presigned_url(
        "get_object", Params={"Bucket": bucket, "Key": "p", **customer_key()}
    )
    assert base64.b64encode(b"k" * 32).decode() not in url
    assert stage.fetch("GET", url, headers=headers()).data == b"data"
    assert stage.fetch("GET", url).status in {400, 403}
