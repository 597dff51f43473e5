"""B: SSE-KMS, which key, which context, which refusals."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from lab.conformance.expect import altered, differs, head_refused, refused, same, shows, true
from lab.conformance.stage import BODY, BODY_MD5, UNKNOWN_KEY, Stage, allow, b64, kms

_SSE = "x-amz-server-side-encryption"
_VERSION_4 = "Requests specifying Server Side Encryption with AWS KMS managed keys require AWS Signature Version 4."


def b01(stage: Stage) -> None:
    bucket, key = stage.bucket(), stage.key()
    for name in (key.rpartition("/")[2], key):
        shows(stage.put(bucket, **kms(name)), ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
        shows(stage.head(bucket), ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
        shows(stage.get(bucket), ServerSideEncryption="aws:kms", SSEKMSKeyId=key, Body=BODY)


def b02(stage: Stage) -> None:
    bucket, key, alias = stage.bucket(), stage.key(), f"alias/{stage.name('alias')}"
    stage.kms.create_alias(AliasName=alias, TargetKeyId=key)
    shows(stage.put(bucket, **kms(alias)), SSEKMSKeyId=key)
    shows(stage.put(bucket, **kms(f"arn:aws:kms:{stage.region}:{stage.account}:{alias}")), SSEKMSKeyId=key)
    shows(stage.head(bucket), SSEKMSKeyId=key)


def b03(stage: Stage) -> None:
    first, second = stage.bucket(), stage.bucket()
    used = stage.put(first, **kms())["SSEKMSKeyId"]
    shows(stage.put(second, **kms()), ServerSideEncryption="aws:kms", SSEKMSKeyId=used)
    shows(stage.kms.describe_key(KeyId=used)["KeyMetadata"], KeyManager="AWS", Arn=used)


def b04(stage: Stage) -> None:
    bucket, key = stage.bucket(), stage.key()
    one, other = (stage.put(bucket, **kms(key))["ETag"] for _ in range(2))
    differs("an ETag", BODY_MD5, one)
    differs("an ETag", one, other)
    same("ETag", other, stage.head(bucket)["ETag"])


def b05(stage: Stage) -> None:
    same("ETag", BODY_MD5, stage.put(stage.bucket())["ETag"])


def _no_such_key(stage: Stage, key: str, message: str) -> None:
    bucket = stage.bucket()
    stage.put(bucket, "source")
    refused(400, "KMS.NotFoundException", message, stage.put, bucket=bucket, **kms(key))
    one = {"Bucket": bucket, "Key": "object", **kms(key)}
    refused(400, "KMS.NotFoundException", message, stage.s3.create_multipart_upload, **one)
    copy = {**one, "CopySource": {"Bucket": bucket, "Key": "source"}}
    refused(400, "KMS.NotFoundException", message, stage.s3.copy_object, **copy)


def b06(stage: Stage) -> None:
    _no_such_key(stage, "fake-key-id", "Invalid keyId 'fake-key-id'")


def b07(stage: Stage) -> None:
    arn = f"arn:aws:kms:{stage.region}:{stage.account}:key/{UNKNOWN_KEY}"
    _no_such_key(stage, UNKNOWN_KEY, f"Key '{arn}' does not exist")


def b08(stage: Stage) -> None:
    arn = f"arn:aws:kms:{stage.region}:{stage.account}:key/{UNKNOWN_KEY}"
    _no_such_key(stage, arn, f"Key '{arn}' does not exist")


def b10(stage: Stage) -> None:
    refused(400, None, None, stage.put, bucket=stage.bucket(), **kms(f"alias/{stage.name('nobody')}"))


def b11(stage: Stage) -> None:
    bucket, key = stage.bucket(), stage.key()
    stage.put(bucket, **kms(key))
    stage.kms.disable_key(KeyId=key)
    disabled = f"{key} is disabled."
    refused(400, "KMS.DisabledException", disabled, stage.put, bucket=bucket, key="new", **kms(key))
    refused(400, "KMS.DisabledException", disabled, stage.get, bucket=bucket)
    same("objects in the bucket", 1, stage.s3.list_objects_v2(Bucket=bucket)["KeyCount"])


def b13(stage: Stage) -> None:
    bucket, key = stage.bucket(), stage.key()
    stage.put(bucket, **kms(key))
    stage.kms.disable_key(KeyId=key)
    same("names", ["object"], [one["Key"] for one in stage.s3.list_objects_v2(Bucket=bucket)["Contents"]])
    stage.s3.delete_object(Bucket=bucket, Key="object")
    same("objects in the bucket", 0, stage.s3.list_objects_v2(Bucket=bucket)["KeyCount"])


def b14(stage: Stage) -> None:
    bucket, key = stage.bucket(), stage.key()
    stage.put(bucket, **kms(key))
    stage.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    refused(400, "KMS.KMSInvalidStateException", f"{key} is pending deletion.", stage.get, bucket=bucket)


def b15(stage: Stage) -> None:
    bucket, key = stage.bucket(), stage.key()
    stage.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    refused(400, None, None, stage.put, bucket=bucket, **kms(key))


def b16(stage: Stage) -> None:
    bucket, key = stage.bucket(), stage.key()
    stage.put(bucket, **kms(key))
    for _ in range(2):
        stage.kms.disable_key(KeyId=key)
        refused(400, "KMS.DisabledException", None, stage.get, bucket=bucket)
        stage.kms.enable_key(KeyId=key)
        shows(stage.get(bucket), Body=BODY)


def b18(stage: Stage) -> None:
    bucket, key = stage.bucket(), stage.key()
    stage.put(bucket, **kms(key))
    stage.kms.disable_key(KeyId=key)
    origin = {"Bucket": bucket, "Key": "object"}
    refused(400, None, None, stage.s3.copy_object, Bucket=bucket, Key="copy", CopySource=origin)
    same("objects in the bucket", 1, stage.s3.list_objects_v2(Bucket=bucket)["KeyCount"])


def b19(stage: Stage) -> None:
    context = b64(json.dumps({"department": "books"}).encode())
    answer = stage.put(stage.bucket(), **kms(stage.key(), SSEKMSEncryptionContext=context))
    shows(answer, SSEKMSEncryptionContext=context)


def b20(stage: Stage) -> None:
    bucket, key = stage.bucket(), stage.key()
    for text in ("not base64!", b64(b"no json"), b64(b'["a"]'), b64(b'{"a": 1}')):
        more = kms(key, SSEKMSEncryptionContext=text)
        refused(400, None, None, stage.put, bucket=bucket, **more)


def b21(stage: Stage) -> None:
    said = "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms"
    refused(400, "InvalidArgument", said, stage.put, bucket=stage.bucket(), SSEKMSKeyId=stage.key())


def b23(stage: Stage) -> None:
    bucket, codes = stage.bucket(), {"InvalidArgument", "InvalidEncryptionAlgorithmError"}
    for value in ("aes:kms", "aws:ksm", "rot13"):
        refused(400, codes, None, stage.put, bucket=bucket, ServerSideEncryption=value)
    same("objects in the bucket", 0, stage.s3.list_objects_v2(Bucket=bucket)["KeyCount"])


def b24(stage: Stage) -> None:
    bucket = stage.bucket()
    stage.put(bucket, **kms(stage.key()))
    for value in ("aws:kms", "AES256"):
        with altered(stage.s3, "GetObject", {_SSE: value}):
            refused(400, None, None, stage.get, bucket=bucket)


def b25(stage: Stage) -> None:
    bucket = stage.bucket()
    stage.put(bucket, **kms(stage.key()))
    with altered(stage.s3, "HeadObject", {_SSE: "aws:kms"}):
        head_refused(400, stage.head, bucket=bucket)


def b26(stage: Stage) -> None:
    key = stage.key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")
    refused(400, None, None, stage.put, bucket=stage.bucket(), **kms(key))


def b27(stage: Stage) -> None:
    bucket = stage.bucket()
    stage.put(bucket, **kms(stage.key()))
    answer = stage.fetch(stage.presign("get_object", Bucket=bucket, Key="object"))
    same("status and body", (200, BODY), (answer.status, answer.body))


def b28(stage: Stage) -> None:
    bucket = stage.bucket()
    stage.put(bucket, **kms(stage.key()))
    answer = stage.fetch(stage.presign("get_object", version="v2", Bucket=bucket, Key="object"))
    same("answer", (400, "InvalidArgument", _VERSION_4), (answer.status, answer.code, answer.message))


def b29(stage: Stage) -> None:
    bucket, key = stage.bucket(), stage.key()
    url = stage.presign("put_object", Bucket=bucket, Key="object", **kms(key))
    without = stage.fetch(url, "PUT", body=BODY)
    same("status without the headers", 403, without.status)
    sent = {_SSE: "aws:kms", f"{_SSE}-aws-kms-key-id": key}
    same("status with the headers", 200, stage.fetch(url, "PUT", body=BODY, headers=sent).status)
    shows(stage.get(bucket), SSEKMSKeyId=key, Body=BODY)


def b30(stage: Stage) -> None:
    elsewhere = "us-west-2" if stage.region != "us-west-2" else "us-east-1"
    _no_such_key(stage, f"arn:aws:kms:{elsewhere}:{stage.account}:key/{UNKNOWN_KEY}", f"Invalid arn {elsewhere}")


def b31(stage: Stage) -> None:
    bucket, said = stage.bucket(), "The encryption method specified is not supported"
    with altered(stage.s3, "PutObject", {_SSE: ""}):
        refused(400, "InvalidArgument", said, stage.put, bucket=bucket)


def b32(stage: Stage) -> None:
    bucket = stage.bucket()
    off = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), False)
    stage.s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=off)
    stage.policy(bucket, {**allow("s3:GetObject", resource="BUCKET/*"), "Principal": "*"})
    stage.put(bucket, "plain")
    stage.put(bucket, "object", **kms())
    plain = stage.fetch(stage.url(bucket, "plain"))
    same("status and body of an SSE-S3 object", (200, BODY), (plain.status, plain.body))
    answer = stage.fetch(stage.url(bucket))
    same("answer", (400, "InvalidArgument", _VERSION_4), (answer.status, answer.code, answer.message))


def b33(stage: Stage) -> None:
    bucket = stage.bucket()
    stage.put(bucket, **kms(stage.key(), SSEKMSEncryptionContext=b64(b'{"department": "books"}')))
    shows(stage.get(bucket), Body=BODY, ServerSideEncryption="aws:kms")


def b34(stage: Stage) -> None:
    bucket, key, mark = stage.bucket(), stage.key(), stage.mark()
    stage.put(bucket, **kms(key))
    stage.get(bucket)
    context = {"aws:s3:arn": f"arn:aws:s3:::{bucket}/object"}
    for operation in ("GenerateDataKey", "Decrypt"):
        calls: list[dict[str, Any]] = [event.data for event in stage.kms_calls(mark, operation)]
        same(f"calls of {operation}", 1, len(calls))
        shows(calls[0], via="s3", context=context, key_arn=key, caller=stage.me, outcome="ok")


def b35(stage: Stage) -> None:
    bucket, key = stage.bucket(), stage.key()
    stage.put(bucket, **kms(key))
    lies = stage.world.at_rest(bucket, "object")
    true("the object lies on the disk", lies is not None)
    if lies is None:
        return
    true("ciphertext on the disk", BODY not in lies.path.read_bytes(), "the plain data")
    shows(lies.envelope["layers"][0], kms_key_arn=key)
    true("a wrapped data key", re.match(r"[1-9]\d*$", str(lies.envelope["layers"][0]["wrapped_key_bytes"])) is not None)


def b36(stage: Stage) -> None:
    said = re.compile("Base64-encoded UTF-8 string holding JSON which represents a string-string map")
    more = kms(stage.key(), SSEKMSEncryptionContext=b64(b"no json"))
    refused(400, None, said, stage.put, bucket=stage.bucket(), **more)


def b37(stage: Stage) -> None:
    one = {"Bucket": stage.bucket(), "Key": "object"}
    one["UploadId"] = stage.s3.create_multipart_upload(**one)["UploadId"]
    part = stage.s3.upload_part(**one, PartNumber=1, Body=BODY)["ETag"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": part}]}
    etag = stage.s3.complete_multipart_upload(**one, MultipartUpload=parts)["ETag"]
    same("ETag of the part", BODY_MD5, part)
    whole = hashlib.md5(bytes.fromhex(part.strip('"')), usedforsecurity=False).hexdigest()
    same("ETag", f'"{whole}-1"', etag)
