"""D: DSSE-KMS, two layers under one KMS key."""

from __future__ import annotations

from lab.conformance.expect import differs, refused, same, shows, true
from lab.conformance.stage import BODY, Stage, dsse

_DSSE = "aws:kms:dsse"


def d01(stage: Stage) -> None:
    bucket, key = stage.bucket(), stage.key()
    for answer in (stage.put(bucket, **dsse(key)), stage.head(bucket), stage.get(bucket)):
        shows(answer, ServerSideEncryption=_DSSE, SSEKMSKeyId=key)
    shows(stage.get(bucket), Body=BODY)


def d02(stage: Stage) -> None:
    used = stage.put(stage.bucket(), **dsse())["SSEKMSKeyId"]
    shows(stage.kms.describe_key(KeyId="alias/aws/s3")["KeyMetadata"], Arn=used, KeyManager="AWS")


def d03(stage: Stage) -> None:
    bucket, key = stage.bucket(), stage.key()
    stage.default(bucket, _DSSE, key)
    default = {"SSEAlgorithm": _DSSE, "KMSMasterKeyID": key}
    shows(stage.rule(bucket), ApplyServerSideEncryptionByDefault=default)
    for answer in (stage.put(bucket), stage.head(bucket), stage.get(bucket)):
        shows(answer, ServerSideEncryption=_DSSE, SSEKMSKeyId=key)


def d04(stage: Stage) -> None:
    bucket, key = stage.bucket(), stage.key()
    stage.put(bucket)
    origin = {"Bucket": bucket, "Key": "object"}
    copied = stage.s3.copy_object(Bucket=bucket, Key="copy", CopySource=origin, **dsse(key))
    shows(copied, ServerSideEncryption=_DSSE, SSEKMSKeyId=key)
    shows(stage.get(bucket, "copy"), ServerSideEncryption=_DSSE, SSEKMSKeyId=key, Body=BODY)


def d06(stage: Stage) -> None:
    bucket, key = stage.bucket(), stage.key()
    stage.put(bucket, **dsse(key))
    stage.kms.disable_key(KeyId=key)
    refused(400, None, None, stage.get, bucket=bucket)


def d07(stage: Stage) -> None:
    bucket, key = stage.bucket(), stage.key()
    seen = {"ServerSideEncryption": _DSSE, "SSEKMSKeyId": key}
    upload = stage.s3.create_multipart_upload(Bucket=bucket, Key="object", **dsse(key))
    shows(upload, **seen)
    one = {"Bucket": bucket, "Key": "object", "UploadId": upload["UploadId"]}
    part = stage.s3.upload_part(**one, PartNumber=1, Body=BODY)
    shows(part, **seen)
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    shows(stage.s3.complete_multipart_upload(**one, MultipartUpload=parts), **seen)
    shows(stage.get(bucket), **seen, Body=BODY)


def d08(stage: Stage) -> None:
    bucket, key = stage.bucket(), stage.key()
    shows(stage.put(bucket, **dsse(key), BucketKeyEnabled=True), ServerSideEncryption=_DSSE, BucketKeyEnabled=None)
    shows(stage.head(bucket), ServerSideEncryption=_DSSE, SSEKMSKeyId=key, BucketKeyEnabled=None)


def d09(stage: Stage) -> None:
    bucket, key = stage.bucket(), stage.key()
    stage.put(bucket, **dsse(key))
    lies = stage.world.at_rest(bucket, "object")
    true("the object lies on the disk", lies is not None)
    if lies is None:
        return
    layers = lies.envelope["layers"]
    same("layers", 2, len(layers))
    same("keys of KMS", [key], [layer["kms_key_arn"] for layer in layers if layer["kms_key_arn"]])
    differs("a nonce", layers[0]["nonce"], layers[1]["nonce"])
    true("ciphertext on the disk", BODY not in lies.path.read_bytes(), "the plain data")
