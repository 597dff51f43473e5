"""I: who may, with policies of users, keys, buckets and grants."""

from __future__ import annotations

import re
from typing import Any

from lab.conformance.expect import attempt, head_refused, refused, same, true
from lab.conformance.stage import BODY, Actor, Stage, allow, deny, document, kms


def _put(actor: Actor, bucket: str, **members: Any) -> None:
    actor.s3.put_object(Bucket=bucket, Key="object", Body=BODY, **members)


def _get(actor: Actor, bucket: str, key: str = "object") -> None:
    same("body", BODY, actor.s3.get_object(Bucket=bucket, Key=key)["Body"].read())


def _not_allowed(actor: Actor, action: str, key: str) -> re.Pattern[str]:
    return re.compile(
        f"User: {re.escape(actor.arn)} is not authorized to perform: {action} on resource: {re.escape(key)} "
        f"because no identity-based policy allows the {action} action"
    )


def i01(stage: Stage) -> None:
    user, bucket = stage.user(), stage.bucket()
    refused(403, "AccessDenied", None, _put, actor=user, bucket=bucket)
    same("objects in the bucket", 0, stage.s3.list_objects_v2(Bucket=bucket)["KeyCount"])


def i02(stage: Stage) -> None:
    _put(stage.user(allow("s3:PutObject")), stage.bucket())


def i03(stage: Stage) -> None:
    user, bucket, key = stage.user(allow("s3:PutObject")), stage.bucket(), stage.key()
    said = _not_allowed(user, "kms:GenerateDataKey", key)
    refused(403, "AccessDenied", said, _put, actor=user, bucket=bucket, **kms(key))


def i04(stage: Stage) -> None:
    user, bucket, key = stage.user(allow("s3:GetObject")), stage.bucket(), stage.key()
    stage.put(bucket, **kms(key))
    refused(403, "AccessDenied", _not_allowed(user, "kms:Decrypt", key), _get, actor=user, bucket=bucket)


def i05(stage: Stage) -> None:
    bucket, key = stage.bucket(), stage.key()
    user = stage.user(
        allow("s3:PutObject", "s3:GetObject", resource=f"arn:aws:s3:::{bucket}/*"),
        allow("kms:GenerateDataKey", "kms:Decrypt", resource=key),
    )
    _put(user, bucket, **kms(key))
    _get(user, bucket)


def i07(stage: Stage) -> None:
    bucket, one, other = stage.bucket(), stage.user(allow("s3:*")), stage.user(allow("s3:*"))
    stage.policy(bucket, {**deny(), "Principal": {"AWS": one.arn}})
    refused(403, "AccessDenied", None, _put, actor=one, bucket=bucket)
    _put(other, bucket)


def i09(stage: Stage) -> None:
    user, key = stage.user(), stage.key()
    blob = stage.kms.encrypt(KeyId=key, Plaintext=BODY)["CiphertextBlob"]
    refused(400, "AccessDeniedException", None, user.kms.decrypt, CiphertextBlob=blob)
    grant = stage.kms.create_grant(KeyId=key, GranteePrincipal=user.arn, Operations=["Decrypt"])
    token = [grant["GrantToken"]]
    same("Plaintext", BODY, user.kms.decrypt(CiphertextBlob=blob, GrantTokens=token)["Plaintext"])
    stage.kms.revoke_grant(KeyId=key, GrantId=grant["GrantId"])
    refused(400, "AccessDeniedException", None, user.kms.decrypt, CiphertextBlob=blob)


def i10(stage: Stage) -> None:
    bucket, key, other = stage.bucket(), stage.key(), stage.user(allow("s3:*", "kms:*"))
    stage.put(bucket, **kms(key))
    _get(other, bucket)
    only = {"Effect": "Allow", "Principal": {"AWS": stage.me}, "Action": "kms:*", "Resource": "*"}
    stage.kms.put_key_policy(KeyId=key, PolicyName="default", Policy=document(only))
    said = re.compile("because no resource-based policy allows the kms:Decrypt action")
    refused(403, "AccessDenied", said, _get, actor=other, bucket=bucket)
    stage.get(bucket)


def i11(stage: Stage) -> None:
    user, bucket = stage.user(allow("s3:GetObject")), stage.bucket()
    stage.put(bucket, ChecksumAlgorithm="SHA256", **kms(stage.key()))
    head_refused(403, user.s3.head_object, Bucket=bucket, Key="object", ChecksumMode="ENABLED")
    stage.grant_user(user, allow("s3:GetObject", "kms:Decrypt"))
    answer = user.s3.head_object(Bucket=bucket, Key="object", ChecksumMode="ENABLED")
    true("a checksum", bool(answer.get("ChecksumSHA256")))


def i12(stage: Stage) -> None:
    abroad, bucket, key = stage.abroad, stage.bucket(), stage.key()
    stage.put(bucket, **kms(key))
    refused(403, "AccessDenied", None, _get, actor=abroad, bucket=bucket)
    theirs = {"AWS": abroad.arn}
    stage.policy(bucket, {**allow("s3:GetObject", resource="BUCKET/*"), "Principal": theirs})
    refused(403, "AccessDenied", None, _get, actor=abroad, bucket=bucket)
    stage.key_policy(key, {**allow("kms:Decrypt"), "Principal": theirs})
    _get(abroad, bucket)


def i13(stage: Stage) -> None:
    bucket, key = stage.bucket(), stage.key()
    user = stage.user(allow("s3:PutObject"), allow("kms:GenerateDataKey"))

    def upload() -> None:
        one = {"Bucket": bucket, "Key": "object"}
        one["UploadId"] = user.s3.create_multipart_upload(**one, **kms(key))["UploadId"]
        part = user.s3.upload_part(**one, PartNumber=1, Body=BODY)
        parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
        user.s3.complete_multipart_upload(**one, MultipartUpload=parts)

    same("answer", "AccessDenied", attempt(upload))
    stage.grant_user(user, allow("s3:PutObject"), allow("kms:GenerateDataKey", "kms:Decrypt"))
    same("answer", "ok", attempt(upload))


def i14(stage: Stage) -> None:
    abroad, bucket = stage.abroad, stage.bucket()
    stage.put(bucket, "managed", **kms())
    stage.put(bucket, "plain")
    stage.policy(bucket, {**allow("s3:GetObject", resource="BUCKET/*"), "Principal": {"AWS": abroad.arn}})
    _get(abroad, bucket, "plain")
    refused(403, "AccessDenied", None, _get, actor=abroad, bucket=bucket, key="managed")
