"""E: SSE-C, keys that customers bring."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from lab.conformance.expect import altered, differs, head_refused, refused, same, shows, true
from lab.conformance.stage import BODY, BODY_MD5, Stage, b64, customer, kms, source_customer

_C = "x-amz-server-side-encryption-customer"
_NOT_GIVEN = (
    "The object was stored using a form of Server Side Encryption. "
    "The correct parameters must be provided to retrieve the object."
)
_WRONG = "Requests specifying Server Side Encryption with Customer provided keys must provide the correct secret key."
_LENGTH = "The secret key was invalid for the specified algorithm."
_ALGORITHM = "The Encryption request you specified is not valid. Supported value: AES256."
_INCOMPATIBLE = "Server Side Encryption with Customer provided key is incompatible with the encryption method specified"
_NO_ALGORITHM = re.compile(r"must provide a valid encryption algorithm\.$")
_NO_KEY = re.compile(r"must provide an appropriate secret key\.$")
_BLOCKED = re.compile(
    r'is not authorized to perform: s3:PutObject on resource: "arn:aws:s3:::.*" because this bucket has blocked '
    r"upload requests that specify Server Side Encryption with Customer provided keys \(SSE-C\)\. "
    r"Please specify a different server-side encryption type$"
)


def _md5(letter: bytes = b"k") -> str:
    return b64(hashlib.md5(letter * 32, usedforsecurity=False).digest())


def e01(stage: Stage) -> None:
    bucket = stage.bucket()
    refused(403, "AccessDenied", _BLOCKED, stage.put, bucket=bucket, **customer())
    same("objects in the bucket", 0, stage.s3.list_objects_v2(Bucket=bucket)["KeyCount"])


def e02(stage: Stage) -> None:
    bucket = stage.bucket(customer_keys=True)
    stage.put(bucket, "old", **customer())
    stage.put(bucket, "plain")
    stage.configure(bucket, BlockedEncryptionTypes={"EncryptionType": ["SSE-C"]})
    refused(403, "AccessDenied", _BLOCKED, stage.put, bucket=bucket, **customer())
    one = {"Bucket": bucket, "Key": "new", **customer()}
    refused(403, "AccessDenied", None, stage.s3.create_multipart_upload, **one)
    refused(403, "AccessDenied", None, stage.s3.copy_object, **one, CopySource={"Bucket": bucket, "Key": "plain"})
    shows(stage.get(bucket, "old", **customer()), Body=BODY)
    origin = {"Bucket": bucket, "Key": "old"}
    copied = stage.s3.copy_object(Bucket=bucket, Key="moved", CopySource=origin, **source_customer())
    shows(copied, ServerSideEncryption="AES256")


def e03(stage: Stage) -> None:
    answer = stage.put(stage.bucket(customer_keys=True), **customer())
    shows(answer, SSECustomerAlgorithm="AES256", SSECustomerKeyMD5=_md5(), ServerSideEncryption=None)


def e04(stage: Stage) -> None:
    bucket = stage.bucket(customer_keys=True)
    stage.put(bucket, **customer())
    for answer in (stage.get(bucket, **customer()), stage.head(bucket, **customer())):
        shows(answer, SSECustomerAlgorithm="AES256", SSECustomerKeyMD5=_md5(), ServerSideEncryption=None)
    shows(stage.get(bucket, **customer()), Body=BODY)


def _stored(stage: Stage) -> str:
    bucket = stage.bucket(customer_keys=True)
    stage.put(bucket, **customer())
    return bucket


def e05(stage: Stage) -> None:
    refused(400, "InvalidRequest", _NOT_GIVEN, stage.get, bucket=_stored(stage))


def e06(stage: Stage) -> None:
    head_refused(400, stage.head, bucket=_stored(stage))


def e07(stage: Stage) -> None:
    refused(403, "AccessDenied", _WRONG, stage.get, bucket=_stored(stage), **customer(b"w"))


def e08(stage: Stage) -> None:
    head_refused(403, stage.head, bucket=_stored(stage), **customer(b"w"))


def e09(stage: Stage) -> None:
    bucket = _stored(stage)
    for algorithm in ("KMS", "AES128"):
        wrong = {**customer(), "SSECustomerAlgorithm": algorithm}
        refused(400, "InvalidEncryptionAlgorithmError", _ALGORITHM, stage.put, bucket=bucket, **wrong)
        refused(400, "InvalidEncryptionAlgorithmError", _ALGORITHM, stage.get, bucket=bucket, **wrong)


def e10(stage: Stage) -> None:
    bucket = stage.bucket(customer_keys=True)
    with altered(stage.s3, "PutObject", without=[f"{_C}-algorithm"]):
        refused(400, "InvalidArgument", _NO_ALGORITHM, stage.put, bucket=bucket, **customer())


def e11(stage: Stage) -> None:
    bucket = stage.bucket(customer_keys=True)
    with altered(stage.s3, "PutObject", without=[f"{_C}-key", f"{_C}-key-MD5"]):
        refused(400, "InvalidArgument", _NO_KEY, stage.put, bucket=bucket, **customer())


def e12(stage: Stage) -> None:
    bucket = stage.bucket(customer_keys=True)
    with altered(stage.s3, "PutObject", without=[f"{_C}-key-MD5"]):
        refused(400, None, None, stage.put, bucket=bucket, **customer())


def e13(stage: Stage) -> None:
    bucket = stage.bucket(customer_keys=True)
    for length in (10, 44, 45):
        refused(400, "InvalidArgument", _LENGTH, stage.put, bucket=bucket, **customer(length=length))
    same("objects in the bucket", 0, stage.s3.list_objects_v2(Bucket=bucket)["KeyCount"])


def e14(stage: Stage) -> None:
    bucket = stage.bucket(customer_keys=True)
    said = "The calculated MD5 hash of the key did not match the hash that was provided."
    with altered(stage.s3, "PutObject", {f"{_C}-key-MD5": _md5(b"w")}):
        refused(400, "InvalidArgument", said, stage.put, bucket=bucket, **customer())


def e15(stage: Stage) -> None:
    bucket = stage.bucket(customer_keys=True)
    for more in ({"ServerSideEncryption": "AES256"}, kms(stage.key())):
        refused(400, "InvalidArgument", _INCOMPATIBLE, stage.put, bucket=bucket, **customer(), **more)


def e16(stage: Stage) -> None:
    bucket = stage.bucket(customer_keys=True)
    differs("an ETag", BODY_MD5, stage.put(bucket, **customer())["ETag"])


def e17(stage: Stage) -> None:
    bucket = _stored(stage)
    part = stage.get(bucket, Range="bytes=4-7", **customer())
    same("status", 206, part["ResponseMetadata"]["HTTPStatusCode"])
    shows(part, Body=BODY[4:8], ContentRange=f"bytes 4-7/{len(BODY)}")
    refused(400, "InvalidRequest", _NOT_GIVEN, stage.get, bucket=bucket, Range="bytes=4-7")


def _copy(stage: Stage, bucket: str, **members: Any) -> dict[str, Any]:
    origin = {"Bucket": bucket, "Key": "object"}
    answer: dict[str, Any] = stage.s3.copy_object(**{"Bucket": bucket, "Key": "copy", "CopySource": origin, **members})
    return answer


def e19(stage: Stage) -> None:
    bucket = stage.bucket(customer_keys=True)
    stage.put(bucket)
    shows(_copy(stage, bucket, **customer()), SSECustomerAlgorithm="AES256", ServerSideEncryption=None)
    refused(400, "InvalidRequest", _NOT_GIVEN, stage.get, bucket=bucket, key="copy")
    shows(stage.get(bucket, "copy", **customer()), Body=BODY)


def e20(stage: Stage) -> None:
    bucket = _stored(stage)
    refused(400, "InvalidRequest", None, _copy, stage=stage, bucket=bucket)
    same("objects in the bucket", 1, stage.s3.list_objects_v2(Bucket=bucket)["KeyCount"])


def e21(stage: Stage) -> None:
    refused(403, None, None, _copy, stage=stage, bucket=_stored(stage), **source_customer(b"w"))


def e23(stage: Stage) -> None:
    bucket = _stored(stage)
    _copy(stage, bucket, Key="object", **source_customer(), **customer(b"n"))
    refused(403, "AccessDenied", _WRONG, stage.get, bucket=bucket, **customer())
    shows(stage.get(bucket, **customer(b"n")), Body=BODY)


def _upload(stage: Stage, bucket: str, **members: Any) -> dict[str, Any]:
    created = stage.s3.create_multipart_upload(Bucket=bucket, Key="object", **members)
    return {"Bucket": bucket, "Key": "object", "UploadId": created["UploadId"]}


def e24(stage: Stage) -> None:
    bucket = stage.bucket(customer_keys=True)
    created = stage.s3.create_multipart_upload(Bucket=bucket, Key="object", **customer())
    shows(created, SSECustomerAlgorithm="AES256", SSECustomerKeyMD5=_md5())
    one = {"Bucket": bucket, "Key": "object", "UploadId": created["UploadId"]}
    part = stage.s3.upload_part(**one, PartNumber=1, Body=BODY, **customer())
    shows(part, SSECustomerAlgorithm="AES256", SSECustomerKeyMD5=_md5(), ServerSideEncryption=None)
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    stage.s3.complete_multipart_upload(**one, MultipartUpload=parts)
    refused(400, "InvalidRequest", _NOT_GIVEN, stage.get, bucket=bucket)
    shows(stage.get(bucket, **customer()), Body=BODY)


def e25(stage: Stage) -> None:
    one = _upload(stage, stage.bucket(customer_keys=True), **customer())
    missing = (
        "The multipart upload initiate requested encryption. "
        "Subsequent part requests must include the appropriate encryption parameters."
    )
    other = "The provided encryption parameters did not match the ones used originally."
    part = {**one, "PartNumber": 1, "Body": BODY}
    refused(400, "InvalidRequest", missing, stage.s3.upload_part, **part)
    refused(400, "InvalidRequest", other, stage.s3.upload_part, **part, **customer(b"w"))


def e27(stage: Stage) -> None:
    bucket = stage.bucket(customer_keys=True, versions=True)
    versions = {letter: stage.put(bucket, **customer(letter))["VersionId"] for letter in (b"a", b"b")}
    for letter, version in versions.items():
        shows(stage.get(bucket, VersionId=version, **customer(letter)), Body=BODY, SSECustomerKeyMD5=_md5(letter))
    refused(403, "AccessDenied", _WRONG, stage.get, bucket=bucket, VersionId=versions[b"a"], **customer(b"b"))


def e29(stage: Stage) -> None:
    bucket = stage.bucket()
    stage.put(bucket)
    said = "The encryption parameters are not applicable to this object."
    refused(400, "InvalidRequest", said, stage.get, bucket=bucket, **customer())


def e30(stage: Stage) -> None:
    bucket = _stored(stage)
    url = stage.presign("get_object", Bucket=bucket, Key="object", SSECustomerAlgorithm="AES256")
    algorithm = {f"{_C}-algorithm": "AES256"}
    headers = {**algorithm, f"{_C}-key": b64(b"k" * 32), f"{_C}-key-MD5": _md5()}
    answer = stage.fetch(url, headers=headers)
    same("status and body with the key", (200, BODY), (answer.status, answer.body))
    true("a refusal without the key", stage.fetch(url, headers=algorithm).status in {400, 403}, "the object")


def e31(stage: Stage) -> None:
    bucket = _stored(stage)
    shows(stage.s3.list_objects_v2(Bucket=bucket)["Contents"][0], Key="object", Size=len(BODY))
    answer = stage.s3.delete_object(Bucket=bucket, Key="object")
    same("status", 204, answer["ResponseMetadata"]["HTTPStatusCode"])
    same("objects in the bucket", 0, stage.s3.list_objects_v2(Bucket=bucket)["KeyCount"])


def e32(stage: Stage) -> None:
    refused(403, "AccessDenied", _BLOCKED, stage.put, bucket=stage.bucket(), **customer(length=45))


def e33(stage: Stage) -> None:
    one = _upload(stage, stage.bucket(customer_keys=True))
    said = (
        "The multipart upload initiate requested encryption. "
        "Subsequent part requests must include the appropriate encryption parameters."
    )
    refused(400, "InvalidRequest", said, stage.s3.upload_part, **one, PartNumber=1, Body=BODY, **customer())


def e34(stage: Stage) -> None:
    one = _upload(stage, stage.bucket(customer_keys=True), **customer())
    part = stage.s3.upload_part(**one, PartNumber=1, Body=BODY, **customer())
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    answer = stage.s3.complete_multipart_upload(**one, MultipartUpload=parts)
    shows(answer, ServerSideEncryption=None, SSECustomerAlgorithm=None, SSECustomerKeyMD5=None)


def e35(stage: Stage) -> None:
    bucket = _stored(stage)
    answer = _copy(stage, bucket, **source_customer())
    shows(answer, ServerSideEncryption="AES256", SSECustomerAlgorithm=None)
    shows(stage.get(bucket, "copy"), ServerSideEncryption="AES256", Body=BODY)


def e36(stage: Stage) -> None:
    bucket, code = _stored(stage), "InvalidEncryptionAlgorithmError"
    source = {**source_customer(), "CopySourceSSECustomerAlgorithm": "KMS"}
    refused(400, code, None, _copy, stage=stage, bucket=bucket, **source)
    target = {**source_customer(), **customer(), "SSECustomerAlgorithm": "KMS"}
    refused(400, code, None, _copy, stage=stage, bucket=bucket, **target)


def e37(stage: Stage) -> None:
    members = {**source_customer(), **customer(), "ServerSideEncryption": "AES256"}
    refused(400, "InvalidArgument", _INCOMPATIBLE, _copy, stage=stage, bucket=_stored(stage), **members)


def e38(stage: Stage) -> None:
    bucket = stage.bucket(customer_keys=True)
    stage.put(bucket, "sha", ChecksumAlgorithm="SHA256", **customer())
    seen = stage.get(bucket, "sha", ChecksumMode="ENABLED", **customer())
    shows(seen, ChecksumSHA256=b64(hashlib.sha256(BODY).digest()))
    quiet = [f"x-amz-{name}" for name in ("checksum-crc32", "sdk-checksum-algorithm", "trailer")]
    url = stage.presign("put_object", Bucket=bucket, Key="none", SSECustomerAlgorithm="AES256")
    headers = {f"{_C}-algorithm": "AES256", f"{_C}-key": b64(b"k" * 32), f"{_C}-key-MD5": _md5()}
    true("a URL that names no checksum", not any(name in url.lower() for name in quiet), url)
    same("status", 200, stage.fetch(url, "PUT", body=BODY, headers=headers).status)
    seen = stage.head(bucket, "none", ChecksumMode="ENABLED", **customer())
    true("a CRC64NVME checksum", bool(seen.get("ChecksumCRC64NVME")), "none")


def e39(stage: Stage) -> None:
    refused(403, "AccessDenied", _WRONG, stage.get, bucket=_stored(stage), **customer(length=44))


def e40(stage: Stage) -> None:
    bucket = _stored(stage)
    lies = stage.world.at_rest(bucket, "object")
    true("the object lies on the disk", lies is not None)
    if lies is None:
        return
    true("ciphertext on the disk", BODY not in lies.path.read_bytes(), "the plain data")
    shows(lies.envelope, mode="SSE-C", customer_key_md5=_md5())
    key = b64(b"k" * 32)
    true("an envelope without the key", key not in repr(lies.envelope), "the key")
    true("events without the key", all(key not in repr(event.data) for event in stage.world.events()), "the key")
