"""U: UpdateObjectEncryption, another key around the same data."""

from __future__ import annotations

from lab.conformance.expect import attempt, refused, same, shows, true
from lab.conformance.stage import BODY, UNKNOWN_KEY, Stage, customer, dsse, kms


def _update(
    stage: Stage, bucket: str, arn: str, *, name: str = "object", bucket_key: bool | None = None, version: str = ""
) -> None:
    wanted = {"KMSKeyArn": arn} | ({} if bucket_key is None else {"BucketKeyEnabled": bucket_key})
    which = {"VersionId": version} if version else {}
    stage.s3.update_object_encryption(Bucket=bucket, Key=name, ObjectEncryption={"SSEKMS": wanted}, **which)


def u01(stage: Stage) -> None:
    bucket, key = stage.bucket(), stage.key()
    stage.put(bucket, Metadata={"owner": "books"})
    before = stage.head(bucket)
    _update(stage, bucket, key)
    after = stage.get(bucket)
    shows(after, ServerSideEncryption="aws:kms", SSEKMSKeyId=key, Body=BODY, Metadata={"owner": "books"})
    shows(after, ETag=before["ETag"], LastModified=before["LastModified"])


def u02(stage: Stage) -> None:
    bucket, old, new = stage.bucket(), stage.key(), stage.key()
    etag = stage.put(bucket, **kms(old))["ETag"]
    _update(stage, bucket, new)
    stage.kms.disable_key(KeyId=old)
    shows(stage.get(bucket), ServerSideEncryption="aws:kms", SSEKMSKeyId=new, Body=BODY, ETag=etag)


def u03(stage: Stage) -> None:
    bucket, key = stage.bucket(customer_keys=True), stage.key()
    stage.put(bucket, "dsse", **dsse(key))
    stage.put(bucket, "customer", **customer())
    for name in ("dsse", "customer"):
        refused(400, "InvalidRequest", None, _update, stage=stage, bucket=bucket, arn=key, name=name)
    shows(stage.get(bucket, "dsse"), ServerSideEncryption="aws:kms:dsse", Body=BODY)
    shows(stage.get(bucket, "customer", **customer()), Body=BODY)


def u05(stage: Stage) -> None:
    bucket, key = stage.bucket(), stage.key()
    stage.put(bucket)
    here = f"arn:aws:kms:{stage.region}:{stage.account}"
    for arn in (f"{here}:key/{UNKNOWN_KEY}", f"{here}:alias/nobody-has-this", key):
        answer = attempt(_update, stage=stage, bucket=bucket, arn=arn)
        true("a key that does not exist refused, one that does taken", (answer == "ok") == (arn == key), (arn, answer))
        shows(stage.get(bucket), Body=BODY, ContentLength=len(BODY))


def u06(stage: Stage) -> None:
    bucket, key = stage.bucket(), stage.key()
    stage.put(bucket, **kms(key, BucketKeyEnabled=True))
    _update(stage, bucket, key)
    shows(stage.get(bucket), BucketKeyEnabled=None, SSEKMSKeyId=key, Body=BODY)
    _update(stage, bucket, key, bucket_key=True)
    shows(stage.get(bucket), BucketKeyEnabled=True, SSEKMSKeyId=key, Body=BODY)


def u07(stage: Stage) -> None:
    refused(404, "NoSuchKey", None, _update, stage=stage, bucket=stage.bucket(), arn=stage.key())


def u08(stage: Stage) -> None:
    bucket, key = stage.bucket(versions=True), stage.key()
    old, new = (stage.put(bucket)["VersionId"] for _ in range(2))
    _update(stage, bucket, key, version=old)
    same("versions", 2, len(stage.s3.list_object_versions(Bucket=bucket)["Versions"]))
    shows(stage.get(bucket, VersionId=old), ServerSideEncryption="aws:kms", SSEKMSKeyId=key, Body=BODY)
    shows(stage.get(bucket), VersionId=new, ServerSideEncryption="AES256", Body=BODY)
