"""A: default bucket encryption, and the block of SSE-C that lives in the same configuration."""

from __future__ import annotations

from typing import Any

from lab.conformance.expect import refused, same, shows
from lab.conformance.stage import BODY, UNKNOWN_KEY, Stage

_AES256 = {"SSEAlgorithm": "AES256"}


def a01(stage: Stage) -> None:
    rule = stage.rule(stage.bucket())
    shows(rule, ApplyServerSideEncryptionByDefault=_AES256, BucketKeyEnabled=False)


def a02(stage: Stage) -> None:
    shows(stage.rule(stage.bucket()), BlockedEncryptionTypes={"EncryptionType": ["SSE-C"]})


def a03(stage: Stage) -> None:
    shows(stage.put(stage.bucket()), ServerSideEncryption="AES256", SSEKMSKeyId=None, BucketKeyEnabled=None)


def a04(stage: Stage) -> None:
    bucket = stage.bucket()
    stage.put(bucket)
    shows(stage.head(bucket), ServerSideEncryption="AES256")
    shows(stage.get(bucket), ServerSideEncryption="AES256", Body=BODY)


def a05(stage: Stage) -> None:
    bucket = stage.bucket()
    shows(stage.put(bucket, ServerSideEncryption="AES256"), ServerSideEncryption="AES256")
    shows(stage.head(bucket), ServerSideEncryption="AES256")
    shows(stage.get(bucket), ServerSideEncryption="AES256", Body=BODY)


def a06(stage: Stage) -> None:
    bucket = stage.bucket()
    stage.default(bucket, "aws:kms")
    for _ in range(2):
        answer = stage.s3.delete_bucket_encryption(Bucket=bucket)
        same("status", 204, answer["ResponseMetadata"]["HTTPStatusCode"])
    shows(stage.rule(bucket), ApplyServerSideEncryptionByDefault=_AES256, BucketKeyEnabled=False)
    shows(stage.put(bucket), ServerSideEncryption="AES256", SSEKMSKeyId=None)


def a07(stage: Stage) -> None:
    missing = {"Bucket": stage.name("missing")}
    configuration = {"Rules": [{"ApplyServerSideEncryptionByDefault": _AES256}]}
    said = "The specified bucket does not exist"
    refused(404, "NoSuchBucket", said, stage.s3.get_bucket_encryption, **missing)
    refused(404, "NoSuchBucket", said, stage.s3.delete_bucket_encryption, **missing)
    put = stage.s3.put_bucket_encryption
    refused(404, "NoSuchBucket", said, put, **missing, ServerSideEncryptionConfiguration=configuration)


def _malformed(stage: Stage, rules: list[dict[str, Any]]) -> None:
    bucket = stage.bucket()
    said = "The XML you provided was not well-formed or did not validate against our published schema"
    put = stage.s3.put_bucket_encryption
    refused(400, "MalformedXML", said, put, Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": rules})
    shows(stage.rule(bucket), ApplyServerSideEncryptionByDefault=_AES256)


def a08(stage: Stage) -> None:
    _malformed(stage, [])


def a09(stage: Stage) -> None:
    _malformed(stage, [{"ApplyServerSideEncryptionByDefault": _AES256}] * 2)


def a10(stage: Stage) -> None:
    rule = {"ApplyServerSideEncryptionByDefault": {**_AES256, "KMSMasterKeyID": UNKNOWN_KEY}}
    refused(
        400,
        "InvalidArgument",
        "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse",
        stage.s3.put_bucket_encryption,
        Bucket=stage.bucket(),
        ServerSideEncryptionConfiguration={"Rules": [rule]},
    )


def a11(stage: Stage) -> None:
    bucket = stage.bucket()
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "rot13"}}
    put = stage.s3.put_bucket_encryption
    refused(400, None, None, put, Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    shows(stage.rule(bucket), ApplyServerSideEncryptionByDefault=_AES256)


def a12(stage: Stage) -> None:
    bucket, key = stage.bucket(), stage.key()
    stage.default(bucket, "aws:kms", key, bucket_key=True)
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    shows(stage.rule(bucket), ApplyServerSideEncryptionByDefault=default, BucketKeyEnabled=True)
    key_id = key.rpartition("/")[2]
    stage.default(bucket, "aws:kms", key_id, bucket_key=False)
    default["KMSMasterKeyID"] = key_id
    shows(stage.rule(bucket), ApplyServerSideEncryptionByDefault=default, BucketKeyEnabled=False)


def a13(stage: Stage) -> None:
    bucket = stage.bucket()
    stage.default(bucket, "aws:kms")
    shows(stage.rule(bucket), ApplyServerSideEncryptionByDefault={"SSEAlgorithm": "aws:kms"})


def a14(stage: Stage) -> None:
    bucket = stage.bucket()
    stage.default(bucket, "aws:kms", UNKNOWN_KEY)
    said = f"Key 'arn:aws:kms:{stage.region}:{stage.account}:key/{UNKNOWN_KEY}' does not exist"
    refused(400, "KMS.NotFoundException", said, stage.put, bucket=bucket)


def a15(stage: Stage) -> None:
    bucket, key = stage.bucket(), stage.key()
    stage.put(bucket, "old")
    stage.default(bucket, "aws:kms", key)
    stage.put(bucket, "new")
    shows(stage.head(bucket, "old"), ServerSideEncryption="AES256", SSEKMSKeyId=None)
    shows(stage.head(bucket, "new"), ServerSideEncryption="aws:kms", SSEKMSKeyId=key)


def a16(stage: Stage) -> None:
    bucket, key = stage.bucket(), stage.key()
    stage.default(bucket, "aws:kms", key.rpartition("/")[2])
    shows(stage.put(bucket), ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    shows(stage.head(bucket), ServerSideEncryption="aws:kms", SSEKMSKeyId=key)


def a17(stage: Stage) -> None:
    bucket = stage.bucket()
    stage.default(bucket, "aws:kms")
    used = stage.put(bucket)["SSEKMSKeyId"]
    managed = stage.kms.describe_key(KeyId="alias/aws/s3")["KeyMetadata"]
    same("SSEKMSKeyId", managed["Arn"], used)
    shows(managed, KeyManager="AWS")


def a18(stage: Stage) -> None:
    bucket = stage.bucket()
    stage.default(bucket, "aws:kms", stage.key(), bucket_key=True)
    stage.put(bucket, ServerSideEncryption="AES256")
    shows(stage.head(bucket), ServerSideEncryption="AES256", SSEKMSKeyId=None, BucketKeyEnabled=None)


def a19(stage: Stage) -> None:
    bucket, key = stage.bucket(), stage.key()
    stage.default(bucket, "aws:kms", key, bucket_key=True)
    seen = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key, "BucketKeyEnabled": True}
    upload = stage.s3.create_multipart_upload(Bucket=bucket, Key="object")
    shows(upload, **seen)
    one = {"Bucket": bucket, "Key": "object", "UploadId": upload["UploadId"]}
    part = stage.s3.upload_part(**one, PartNumber=1, Body=BODY)
    shows(part, **seen)
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    shows(stage.s3.complete_multipart_upload(**one, MultipartUpload=parts), **seen)
    shows(stage.get(bucket), **seen, Body=BODY)


def a21(stage: Stage) -> None:
    source, target = stage.bucket(), stage.bucket()
    theirs, ours = stage.key(), stage.key()
    stage.put(source, ServerSideEncryption="aws:kms", SSEKMSKeyId=theirs)
    stage.default(target, "aws:kms", ours, bucket_key=True)
    origin = {"Bucket": source, "Key": "object"}
    seen = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": ours, "BucketKeyEnabled": True}
    shows(stage.s3.copy_object(Bucket=target, Key="copy", CopySource=origin), **seen)
    shows(stage.get(target, "copy"), **seen, Body=BODY)
    plain = stage.bucket()
    stage.s3.copy_object(Bucket=plain, Key="copy", CopySource=origin)
    shows(stage.head(plain, "copy"), ServerSideEncryption="AES256", SSEKMSKeyId=None)


def a23(stage: Stage) -> None:
    bucket = stage.bucket()
    form = (
        b'--b\r\nContent-Disposition: form-data; name="key"\r\n\r\nobject\r\n'
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nx\r\n--b--\r\n'
    )
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = stage.fetch(f"{stage.endpoints.https}/{bucket}", "POST", body=form, headers=headers)
    same("status and code", (501, "NotImplemented"), (answer.status, answer.code))
    same("objects in the bucket", 0, stage.s3.list_objects_v2(Bucket=bucket)["KeyCount"])


def a24(stage: Stage) -> None:
    bucket = stage.bucket()
    stage.default(bucket, "AES256")
    shows(stage.rule(bucket), BlockedEncryptionTypes={"EncryptionType": ["SSE-C"]})


def a25(stage: Stage) -> None:
    bucket = stage.bucket()
    stage.configure(bucket, BlockedEncryptionTypes={"EncryptionType": ["NONE"]})
    shows(stage.rule(bucket), BlockedEncryptionTypes={"EncryptionType": ["NONE"]})
    shows(stage.put(bucket), ServerSideEncryption="AES256")


def a26(stage: Stage) -> None:
    bucket = stage.bucket()
    stage.default(bucket, "aws:kms", "aws/s3")
    refused(400, "KMS.NotFoundException", "Invalid keyId aws/s3", stage.put, bucket=bucket)


def a27(stage: Stage) -> None:
    bucket, key = stage.bucket(), stage.key()
    stage.default(bucket, "aws:kms", key)
    one = {"Bucket": bucket, "Key": "object"}
    one["UploadId"] = stage.s3.create_multipart_upload(**one)["UploadId"]
    stage.default(bucket, "AES256")
    part = stage.s3.upload_part(**one, PartNumber=1, Body=BODY)
    shows(part, ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    stage.s3.complete_multipart_upload(**one, MultipartUpload=parts)
    shows(stage.get(bucket), ServerSideEncryption="aws:kms", SSEKMSKeyId=key, Body=BODY)
