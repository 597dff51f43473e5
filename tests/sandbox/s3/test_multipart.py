"""Multipart uploads: parts, checksums, order, and the encryption that was chosen when they were begun."""

from __future__ import annotations

import hashlib
import io
import zlib
from typing import Any

from tests.sandbox.s3.stage import Stage, b64, crc64nvme, refused

FIVE = 5 << 20
MISSING = (
    "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified "
    "entity tag may not match the part's entity tag."
)


def begin(stage: Stage, bucket: str, key: str = "m", **options: Any) -> dict[str, Any]:
    answer = stage.s3.create_multipart_upload(Bucket=bucket, Key=key, **options)
    return {"Bucket": bucket, "Key": key, "UploadId": answer["UploadId"]}


def send(stage: Stage, upload: dict[str, Any], *bodies: bytes, **options: Any) -> list[dict[str, Any]]:
    parts = []
    for number, body in enumerate(bodies, start=1):
        answer = stage.s3.upload_part(**upload, PartNumber=number, Body=body, **options)
        checksums = {name: value for name, value in answer.items() if name.startswith("Checksum")}
        parts.append({"PartNumber": number, "ETag": answer["ETag"], **checksums})
    return parts


def finish(stage: Stage, upload: dict[str, Any], parts: list[dict[str, Any]], **options: Any) -> dict[str, Any]:
    answer: dict[str, Any] = stage.s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts}, **options)
    return answer


def bare(*parts: dict[str, Any]) -> list[dict[str, Any]]:
    """Parts without their checksums."""
    return [{name: part[name] for name in ("PartNumber", "ETag")} for part in parts]


def test_parts_become_one_object(stage: Stage) -> None:
    bucket = stage.bucket()
    first, second = b"a" * FIVE, b"tail"
    upload = begin(stage, bucket, Metadata={"m": "1"}, ContentType="text/plain", Tagging="a=1")
    parts = send(stage, upload, first, second)
    done = finish(stage, upload, bare(*parts))
    digest = hashlib.md5(usedforsecurity=False)
    for body in (first, second):
        digest.update(hashlib.md5(body, usedforsecurity=False).digest())
    assert done["ETag"] == f'"{digest.hexdigest()}-2"'
    assert (done["ChecksumCRC64NVME"], done["ChecksumType"]) == (
        b64(crc64nvme(first + second)),
        "FULL_OBJECT",
    )
    read = stage.s3.get_object(Bucket=bucket, Key="m")
    assert read["Body"].read() == first + second
    assert (read["Metadata"], read["ContentType"], read["TagCount"]) == ({"m": "1"}, "text/plain", 1)
    across = stage.s3.get_object(Bucket=bucket, Key="m", Range=f"bytes={FIVE - 2}-{FIVE + 1}")
    assert across["Body"].read() == b"aata"
    part = stage.s3.get_object(Bucket=bucket, Key="m", PartNumber=2)
    assert (part["Body"].read(), part["PartsCount"]) == (b"tail", 2)
    refused(416, "InvalidPartNumber", None, stage.s3.get_object, Bucket=bucket, Key="m", PartNumber=3)
    refused(404, "NoSuchUpload", None, stage.s3.upload_part, **upload, PartNumber=1, Body=b"")


def test_the_encryption_is_chosen_once(stage: Stage) -> None:
    bucket, arn, mark = stage.bucket(), stage.key(), stage.mark()
    stage.default(bucket, "aws:kms", arn, bucket_key=True)
    upload = begin(stage, bucket)
    stage.default(bucket, "AES256")
    sent = stage.s3.upload_part(**upload, PartNumber=1, Body=b"x")
    done = finish(stage, upload, [{"PartNumber": 1, "ETag": sent["ETag"]}])
    read = stage.s3.get_object(Bucket=bucket, Key="m")
    for answer in (sent, done, read):
        assert (answer["ServerSideEncryption"], answer["SSEKMSKeyId"]) == ("aws:kms", arn)
        assert answer["BucketKeyEnabled"] is True
    assert read["Body"].read() == b"x"
    decided = [one["data"]["decided_by"] for one in stage.events("sse", mark)]
    assert decided == ["bucket_default", "upload"]


def test_parts_need_decrypt_where_beginning_needs_generate(stage: Stage) -> None:
    bucket, arn, mark = stage.bucket(), stage.key(), stage.mark()
    upload = begin(stage, bucket, ServerSideEncryption="aws:kms", SSEKMSKeyId=arn)
    finish(stage, upload, bare(*send(stage, upload, b"a" * FIVE, b"b")))
    calls = [(one["data"]["operation"], one["data"]["context"]["aws:s3:arn"]) for one in stage.events("kms", mark)]
    context = f"arn:aws:s3:::{bucket}/m"
    assert calls == [("GenerateDataKey", context), ("Decrypt", context), ("Decrypt", context)]


def test_dsse_in_parts(stage: Stage) -> None:
    bucket, arn = stage.bucket(), stage.key()
    upload = begin(stage, bucket, ServerSideEncryption="aws:kms:dsse", SSEKMSKeyId=arn)
    sent = stage.s3.upload_part(**upload, PartNumber=1, Body=b"x" * 100)
    done = finish(stage, upload, [{"PartNumber": 1, "ETag": sent["ETag"]}])
    assert [answer["ServerSideEncryption"] for answer in (sent, done)] == ["aws:kms:dsse"] * 2
    assert stage.s3.get_object(Bucket=bucket, Key="m")["Body"].read() == b"x" * 100
    assert len(stage.at_rest(bucket, "m")["envelope"]["layers"]) == 2


def test_composite_checksums(stage: Stage) -> None:
    bucket = stage.bucket()
    upload = begin(stage, bucket, ChecksumAlgorithm="SHA256")
    bodies = (b"a" * FIVE, b"b")
    parts = send(stage, upload, *bodies, ChecksumAlgorithm="SHA256")
    refused(
        400,
        "InvalidRequest",
        "The upload was created using a sha256 checksum. The complete request must include the checksum for each part. "
        "It was missing for part 1 in the request.",
        stage.s3.complete_multipart_upload,
        **upload,
        MultipartUpload={"Parts": bare(*parts)},
    )
    done = finish(stage, upload, parts)
    digests = b"".join(hashlib.sha256(body).digest() for body in bodies)
    assert done["ChecksumSHA256"] == b64(hashlib.sha256(digests).digest()) + "-2"
    assert done["ChecksumType"] == "COMPOSITE"
    attributes = stage.s3.get_object_attributes(Bucket=bucket, Key="m", ObjectAttributes=["ObjectParts", "Checksum"])
    assert [part["Size"] for part in attributes["ObjectParts"]["Parts"]] == [FIVE, 1]


def test_full_object_checksums(stage: Stage) -> None:
    bucket = stage.bucket()
    upload = begin(stage, bucket, ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    bodies = (b"a" * FIVE, b"b" * 1000)
    parts = send(stage, upload, *bodies, ChecksumAlgorithm="CRC32")
    wanted = b64(zlib.crc32(b"".join(bodies)).to_bytes(4, "big"))
    whole = {"ChecksumType": "FULL_OBJECT"}
    refused(
        400,
        "BadDigest",
        "The crc32 you specified did not match the calculated checksum.",
        stage.s3.complete_multipart_upload,
        **upload,
        MultipartUpload={"Parts": parts},
        ChecksumCRC32=b64(b"1234"),
        **whole,
    )
    done = finish(stage, upload, parts, ChecksumCRC32=wanted, **whole)
    assert (done["ChecksumCRC32"], done["ChecksumType"]) == (wanted, "FULL_OBJECT")
    refused(
        400,
        "InvalidRequest",
        None,
        stage.s3.create_multipart_upload,
        Bucket=bucket,
        Key="x",
        ChecksumAlgorithm="SHA1",
        **whole,
    )


def test_what_completing_refuses(stage: Stage) -> None:
    bucket = stage.bucket()
    upload = begin(stage, bucket)
    parts = send(stage, upload, b"too short", b"x")
    complete = stage.s3.complete_multipart_upload
    first, second = parts
    error = refused(400, "EntityTooSmall", None, complete, **upload, MultipartUpload={"Parts": bare(first, second)})
    assert (error["ProposedSize"], error["MinSizeAllowed"], error["PartNumber"]) == ("9", str(FIVE), "1")
    refused(400, "InvalidPartOrder", None, complete, **upload, MultipartUpload={"Parts": bare(second, first)})
    refused(
        400, "InvalidPart", MISSING, complete, **upload, MultipartUpload={"Parts": [{**bare(first)[0], "ETag": "x"}]}
    )
    refused(
        400,
        "InvalidPart",
        MISSING,
        complete,
        **upload,
        MultipartUpload={"Parts": [{**bare(first)[0], "PartNumber": 9}]},
    )
    refused(400, "MalformedXML", None, complete, **upload, MultipartUpload={"Parts": []})
    refused(400, "InvalidRequest", None, complete, **upload, MultipartUpload={"Parts": bare(first)}, MpuObjectSize=1)
    refused(400, "InvalidArgument", None, stage.s3.upload_part, **upload, PartNumber=10_001, Body=b"")
    other = {**upload, "Key": "other"}
    refused(404, "NoSuchUpload", None, complete, **other, MultipartUpload={"Parts": bare(first)})


def test_a_part_may_be_sent_again_and_left_out(stage: Stage) -> None:
    bucket = stage.bucket()
    upload = begin(stage, bucket)
    send(stage, upload, b"first try", b"left out")
    again = stage.s3.upload_part(**upload, PartNumber=1, Body=b"second try")
    finish(stage, upload, [{"PartNumber": 1, "ETag": again["ETag"]}])
    assert stage.s3.get_object(Bucket=bucket, Key="m")["Body"].read() == b"second try"


def test_uploads_and_parts_are_listed(stage: Stage) -> None:
    bucket = stage.bucket()
    uploads = [begin(stage, bucket, key) for key in ("a/1", "a/2", "b")]
    send(stage, uploads[0], b"1", b"2", b"3")
    page = stage.s3.list_parts(**uploads[0], MaxParts=2)
    assert [part["PartNumber"] for part in page["Parts"]] == [1, 2]
    assert page["IsTruncated"] is True
    rest = stage.s3.list_parts(**uploads[0], PartNumberMarker=page["NextPartNumberMarker"])
    assert [part["PartNumber"] for part in rest["Parts"]] == [3]
    listed = stage.s3.list_multipart_uploads(Bucket=bucket)
    assert [upload["Key"] for upload in listed["Uploads"]] == ["a/1", "a/2", "b"]
    grouped = stage.s3.list_multipart_uploads(Bucket=bucket, Delimiter="/")
    assert [one["Prefix"] for one in grouped["CommonPrefixes"]] == ["a/"]
    assert [upload["Key"] for upload in grouped["Uploads"]] == ["b"]
    first = stage.s3.list_multipart_uploads(Bucket=bucket, MaxUploads=1)
    markers = {"KeyMarker": first["NextKeyMarker"], "UploadIdMarker": first["NextUploadIdMarker"]}
    second = stage.s3.list_multipart_uploads(Bucket=bucket, MaxUploads=1, **markers)
    assert [upload["Key"] for upload in second["Uploads"]] == ["a/2"]
    stage.s3.abort_multipart_upload(**uploads[1])
    refused(404, "NoSuchUpload", None, stage.s3.abort_multipart_upload, **uploads[1])
    assert len(stage.s3.list_multipart_uploads(Bucket=bucket)["Uploads"]) == 2


def test_parts_are_copied_from_objects(stage: Stage) -> None:
    bucket, arn = stage.bucket(), stage.key()
    body = hashlib.shake_128(b"source").digest(FIVE + 100)
    stage.s3.put_object(Bucket=bucket, Key="source", Body=body, ServerSideEncryption="aws:kms", SSEKMSKeyId=arn)
    upload = begin(stage, bucket)
    source = {"CopySource": f"{bucket}/source"}
    first = stage.s3.upload_part_copy(**upload, PartNumber=1, **source, CopySourceRange=f"bytes=0-{FIVE - 1}")
    second = stage.s3.upload_part_copy(**upload, PartNumber=2, **source, CopySourceRange=f"bytes={FIVE}-{FIVE + 99}")
    finish(
        stage,
        upload,
        [{"PartNumber": n, "ETag": a["CopyPartResult"]["ETag"]} for n, a in enumerate((first, second), start=1)],
    )
    read = stage.s3.get_object(Bucket=bucket, Key="m")
    assert read["ServerSideEncryption"] == "AES256"
    assert read["Body"].read() == body
    another = begin(stage, bucket)
    for wanted, code in (("bytes=5", "InvalidArgument"), (f"bytes={FIVE + 100}-{FIVE + 200}", "InvalidRequest")):
        refused(400, code, None, stage.s3.upload_part_copy, **another, PartNumber=1, **source, CopySourceRange=wanted)


def test_the_transfer_manager_round_trip(stage: Stage) -> None:
    bucket, arn = stage.bucket(), stage.key()
    body = hashlib.shake_128(b"transfer").digest((17 << 20) + 5)
    options = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": arn}
    stage.s3.upload_fileobj(io.BytesIO(body), bucket, "big", ExtraArgs=options)
    head = stage.s3.head_object(Bucket=bucket, Key="big")
    assert (head["ContentLength"], head["SSEKMSKeyId"]) == (len(body), arn)
    assert head["ETag"].endswith('-3"')
    target = io.BytesIO()
    stage.s3.download_fileobj(bucket, "big", target)
    assert target.getvalue() == body
