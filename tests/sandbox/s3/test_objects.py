"""One object in, one object out: metadata, ranges, conditions, checksums, sizes."""

from __future__ import annotations

import base64
import hashlib
import zlib
from typing import Any

import pytest

from tests.sandbox.s3.stage import Stage, b64, crc64nvme, refused

PRECONDITION = "At least one of the pre-conditions you specified did not hold"


@pytest.fixture(scope="module")
def bucket(stage: Stage) -> str:
    return stage.bucket()


def test_metadata_comes_back(stage: Stage, bucket: str) -> None:
    stage.s3.put_object(
        Bucket=bucket,
        Key="über/a b+c?%.txt",
        Body=b"x",
        Metadata={"Mixed-Case": "Value", "under_score": "1"},
        ContentType="text/plain",
        CacheControl="no-store",
        ContentDisposition='attachment; filename="a"',
        ContentEncoding="gzip",
        ContentLanguage="de",
        Tagging="a=1&b=2",
    )
    read = stage.s3.get_object(Bucket=bucket, Key="über/a b+c?%.txt")
    assert read["Metadata"] == {"mixed-case": "Value", "under_score": "1"}
    assert (read["ContentType"], read["CacheControl"], read["ContentEncoding"]) == ("text/plain", "no-store", "gzip")
    assert (read["ContentDisposition"], read["ContentLanguage"]) == ('attachment; filename="a"', "de")
    assert read["TagCount"] == 2
    overridden = stage.s3.get_object(Bucket=bucket, Key="über/a b+c?%.txt", ResponseContentType="text/html")
    assert overridden["ContentType"] == "text/html"


def test_metadata_has_a_limit(stage: Stage, bucket: str) -> None:
    refused(
        400, "MetadataTooLarge", None, stage.s3.put_object, Bucket=bucket, Key="a", Body=b"", Metadata={"a": "x" * 2048}
    )
    refused(
        400, "KeyTooLongError", "Your key is too long", stage.s3.put_object, Bucket=bucket, Key="k" * 1025, Body=b""
    )


@pytest.mark.parametrize(
    ("wanted", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=5-", 5, 10),
        ("bytes=-3", 7, 10),
        ("bytes=-30", 0, 10),
        ("bytes=2-100", 2, 10),
        ("bytes=9-9", 9, 10),
    ],
)
def test_ranges(stage: Stage, bucket: str, wanted: str, start: int, stop: int) -> None:
    stage.s3.put_object(Bucket=bucket, Key="range", Body=b"0123456789")
    read = stage.s3.get_object(Bucket=bucket, Key="range", Range=wanted)
    assert read["Body"].read() == b"0123456789"[start:stop]
    assert read["ContentRange"] == f"bytes {start}-{stop - 1}/10"
    assert read["ResponseMetadata"]["HTTPStatusCode"] == 206
    head = stage.s3.head_object(Bucket=bucket, Key="range", Range=wanted)
    assert (head["ContentLength"], head["ResponseMetadata"]["HTTPStatusCode"]) == (stop - start, 206)


@pytest.mark.parametrize("wanted", ["bytes=4-2", "bytes=a-b", "lines=1-2", "bytes=0-1,3-4", "bytes"])
def test_what_is_no_range_is_ignored(stage: Stage, bucket: str, wanted: str) -> None:
    stage.s3.put_object(Bucket=bucket, Key="range", Body=b"0123456789")
    read = stage.s3.get_object(Bucket=bucket, Key="range", Range=wanted)
    assert (read["ResponseMetadata"]["HTTPStatusCode"], read["Body"].read()) == (200, b"0123456789")


@pytest.mark.parametrize(("body", "wanted"), [(b"0123456789", "bytes=10-"), (b"0", "bytes=-0"), (b"", "bytes=0-")])
def test_a_range_behind_the_end(stage: Stage, bucket: str, body: bytes, wanted: str) -> None:
    stage.s3.put_object(Bucket=bucket, Key="short", Body=body)
    error = refused(
        416,
        "InvalidRange",
        "The requested range is not satisfiable",
        stage.s3.get_object,
        Bucket=bucket,
        Key="short",
        Range=wanted,
    )
    assert error["ActualObjectSize"] == str(len(body))


def test_ranges_across_segments(stage: Stage, bucket: str) -> None:
    body = hashlib.shake_128(b"segments").digest((2 << 20) + 17)
    stage.s3.put_object(Bucket=bucket, Key="long", Body=body)
    assert stage.s3.get_object(Bucket=bucket, Key="long")["Body"].read() == body
    for start, stop in (((1 << 20) - 2, (1 << 20) + 2), (5, (2 << 20) + 3), (2 << 20, (2 << 20) + 17)):
        read = stage.s3.get_object(Bucket=bucket, Key="long", Range=f"bytes={start}-{stop - 1}")
        assert read["Body"].read() == body[start:stop]


def test_conditions_on_reads(stage: Stage, bucket: str) -> None:
    put = stage.s3.put_object(Bucket=bucket, Key="c", Body=b"x")
    etag, where = put["ETag"], {"Bucket": bucket, "Key": "c"}
    modified = stage.s3.head_object(**where)["LastModified"]
    assert stage.s3.get_object(**where, IfMatch=etag)["Body"].read() == b"x"
    assert stage.s3.get_object(**where, IfMatch=etag, IfUnmodifiedSince="2020-01-01")["Body"].read() == b"x"
    error = refused(412, "PreconditionFailed", PRECONDITION, stage.s3.get_object, **where, IfMatch='"other"')
    assert error["Condition"] == "If-Match"
    refused(304, "304", "Not Modified", stage.s3.get_object, **where, IfNoneMatch=etag)
    refused(304, "304", "Not Modified", stage.s3.head_object, **where, IfModifiedSince=modified)
    refused(412, "412", None, stage.s3.head_object, **where, IfUnmodifiedSince="2020-01-01")
    assert stage.s3.get_object(**where, IfNoneMatch='"other"', IfModifiedSince=modified)["Body"].read() == b"x"


def test_conditions_on_writes(stage: Stage, bucket: str) -> None:
    where = {"Bucket": bucket, "Key": "w"}
    first = stage.s3.put_object(**where, Body=b"1", IfNoneMatch="*")
    refused(412, "PreconditionFailed", PRECONDITION, stage.s3.put_object, **where, Body=b"2", IfNoneMatch="*")
    refused(412, "PreconditionFailed", PRECONDITION, stage.s3.put_object, **where, Body=b"2", IfMatch='"other"')
    stage.s3.put_object(**where, Body=b"2", IfMatch=first["ETag"])
    refused(404, "NoSuchKey", None, stage.s3.put_object, Bucket=bucket, Key="none", Body=b"", IfMatch='"other"')
    refused(501, "NotImplemented", None, stage.s3.put_object, **where, Body=b"", IfNoneMatch='"other"')
    assert stage.s3.get_object(**where)["Body"].read() == b"2"


# ---- checksums -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA1", "SHA256"])
def test_a_checksum_is_kept_and_told_when_asked(stage: Stage, bucket: str, algorithm: str) -> None:
    digests = {
        "CRC32": zlib.crc32(b"data").to_bytes(4, "big"),
        "SHA1": hashlib.sha1(b"data", usedforsecurity=False).digest(),
        "SHA256": hashlib.sha256(b"data").digest(),
    }
    wanted = b64(digests[algorithm])
    put = stage.s3.put_object(Bucket=bucket, Key=algorithm, Body=b"data", ChecksumAlgorithm=algorithm)
    assert (put[f"Checksum{algorithm}"], put["ChecksumType"]) == (wanted, "FULL_OBJECT")
    head = stage.s3.head_object(Bucket=bucket, Key=algorithm, ChecksumMode="ENABLED")
    assert head[f"Checksum{algorithm}"] == wanted
    assert f"Checksum{algorithm}" not in stage.s3.head_object(Bucket=bucket, Key=algorithm)


def test_s3_computes_crc64nvme_where_the_client_sends_nothing(stage: Stage, bucket: str) -> None:
    body = hashlib.shake_128(b"crc").digest(300_000)
    answer = stage.signed("PUT", f"/{bucket}/unasked", body)
    wanted = b64(crc64nvme(body))
    assert answer.headers["x-amz-checksum-crc64nvme"] == wanted
    assert answer.headers["x-amz-checksum-type"] == "FULL_OBJECT"
    attributes = stage.s3.get_object_attributes(Bucket=bucket, Key="unasked", ObjectAttributes=["Checksum"])
    assert attributes["Checksum"] == {"ChecksumCRC64NVME": wanted, "ChecksumType": "FULL_OBJECT"}


@pytest.mark.parametrize(
    ("headers", "code", "message"),
    [
        ({"x-amz-checksum-crc32": b64(b"1234")}, "BadDigest", "The CRC32 you specified did not match the calculated"),
        ({"x-amz-checksum-crc32": "1234"}, "InvalidRequest", "Value for x-amz-checksum-crc32 header is invalid."),
        (
            {"x-amz-checksum-crc32": b64(b"1234"), "x-amz-checksum-sha1": b64(b"1" * 20)},
            "InvalidRequest",
            "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
        ),
        (
            {"content-md5": b64(b"1" * 16)},
            "BadDigest",
            "The Content-MD5 you specified did not match what we received.",
        ),
        ({"content-md5": "nonsense"}, "InvalidDigest", "The Content-MD5 you specified was invalid."),
    ],
)
def test_a_wrong_checksum_keeps_nothing(
    stage: Stage, bucket: str, headers: dict[str, str], code: str, message: str
) -> None:
    answer = stage.signed("PUT", f"/{bucket}/wrong", b"data", headers)
    assert answer.status == 400
    assert f"<Code>{code}</Code><Message>{message}".encode() in answer.data
    refused(404, "404", None, stage.s3.head_object, Bucket=bucket, Key="wrong")


def test_content_md5_is_checked_and_accepted(stage: Stage, bucket: str) -> None:
    md5 = base64.b64encode(hashlib.md5(b"data", usedforsecurity=False).digest()).decode()
    assert stage.signed("PUT", f"/{bucket}/md5", b"data", {"content-md5": md5}).status == 200


# ---- refusals --------------------------------------------------------------------------------------------------------


def test_what_is_not_there(stage: Stage, bucket: str) -> None:
    error = refused(404, "NoSuchKey", "The specified key does not exist.", stage.s3.get_object, Bucket=bucket, Key="no")
    assert error["Key"] == "no"
    refused(404, "404", "Not Found", stage.s3.head_object, Bucket=bucket, Key="no")
    refused(404, "NoSuchBucket", None, stage.s3.put_object, Bucket="nobody-has-this", Key="a", Body=b"")
    plain = stage.client("plain")
    refused(403, "AccessDenied", None, plain.get_object, Bucket=bucket, Key="no")


def test_access_control_lists_are_off(stage: Stage, bucket: str) -> None:
    stage.s3.put_object(Bucket=bucket, Key="acl", Body=b"", ACL="bucket-owner-full-control")
    refused(
        400,
        "AccessControlListNotSupported",
        "The bucket does not allow ACLs",
        stage.s3.put_object,
        Bucket=bucket,
        Key="acl",
        Body=b"",
        ACL="private",
    )
    grants = stage.s3.get_object_acl(Bucket=bucket, Key="acl")["Grants"]
    assert [grant["Permission"] for grant in grants] == ["FULL_CONTROL"]


def test_tags(stage: Stage, bucket: str) -> None:
    where: dict[str, Any] = {"Bucket": bucket, "Key": "tags"}
    stage.s3.put_object(**where, Body=b"", Tagging="a=1")
    assert stage.s3.get_object_tagging(**where)["TagSet"] == [{"Key": "a", "Value": "1"}]
    stage.s3.put_object_tagging(**where, Tagging={"TagSet": [{"Key": "b", "Value": ""}]})
    assert stage.s3.get_object_tagging(**where)["TagSet"] == [{"Key": "b", "Value": ""}]
    eleven = {"TagSet": [{"Key": str(number), "Value": ""} for number in range(11)]}
    refused(
        400,
        "BadRequest",
        "Object tags cannot be greater than 10",
        stage.s3.put_object_tagging,
        **where,
        Tagging=eleven,
    )
    twice = {"TagSet": [{"Key": "a", "Value": ""}, {"Key": "a", "Value": ""}]}
    refused(400, "InvalidTag", None, stage.s3.put_object_tagging, **where, Tagging=twice)
    stage.s3.delete_object_tagging(**where)
    assert stage.s3.get_object_tagging(**where)["TagSet"] == []
