"""C: S3 Bucket Keys, what the answers say and what KMS is asked for."""

from __future__ import annotations

from lab.conformance.expect import same, shows, true
from lab.conformance.stage import BODY, Stage, allow, kms


def c01(stage: Stage) -> None:
    bucket, key = stage.bucket(), stage.key()
    stage.default(bucket, "aws:kms", key, bucket_key=True)
    for answer in (stage.put(bucket), stage.head(bucket), stage.get(bucket)):
        shows(answer, BucketKeyEnabled=True, ServerSideEncryption="aws:kms", SSEKMSKeyId=key)


def c02(stage: Stage) -> None:
    bucket, key = stage.bucket(), stage.key()
    stage.default(bucket, "aws:kms", key, bucket_key=False)
    for answer in (stage.put(bucket), stage.head(bucket), stage.get(bucket)):
        shows(answer, BucketKeyEnabled=None, ServerSideEncryption="aws:kms", SSEKMSKeyId=key)


def c03(stage: Stage) -> None:
    bucket = stage.bucket()
    shows(stage.put(bucket, **kms(stage.key(), BucketKeyEnabled=True)), BucketKeyEnabled=True)
    shows(stage.head(bucket), BucketKeyEnabled=True)


def c04(stage: Stage) -> None:
    bucket, key = stage.bucket(), stage.key()
    stage.default(bucket, "aws:kms", key, bucket_key=True)
    stage.put(bucket, **kms(key, BucketKeyEnabled=False))
    shows(stage.head(bucket), BucketKeyEnabled=None, SSEKMSKeyId=key)


def c05(stage: Stage) -> None:
    bucket = stage.bucket()
    stage.default(bucket, "aws:kms", stage.key(), bucket_key=True)
    shows(stage.put(bucket, ServerSideEncryption="AES256"), BucketKeyEnabled=None)
    shows(stage.head(bucket), BucketKeyEnabled=None, ServerSideEncryption="AES256")


def c07(stage: Stage) -> None:
    bucket, key = stage.bucket(), stage.key()
    stage.default(bucket, "aws:kms", key, bucket_key=False)
    mark = stage.mark()
    for number in range(3):
        stage.put(bucket, f"object-{number}")
    contexts = [event.data["context"] for event in stage.kms_calls(mark, "GenerateDataKey")]
    same("contexts", [{"aws:s3:arn": f"arn:aws:s3:::{bucket}/object-{n}"} for n in range(3)], contexts)


def c08(stage: Stage) -> None:
    bucket, key = stage.bucket(), stage.key()
    stage.default(bucket, "aws:kms", key, bucket_key=True)
    mark = stage.mark()
    for number in range(6):
        stage.put(bucket, f"object-{number}")
    calls = [event for event in stage.world.events(after=mark, step="kms") if event.data["via"] == "s3"]
    true("one or two calls of KMS for six puts", len(calls) in {1, 2}, f"{len(calls)} calls")
    for call in calls:
        shows(call.data, context={"aws:s3:arn": f"arn:aws:s3:::{bucket}"}, key_arn=key)
    for number in range(6):
        shows(stage.get(bucket, f"object-{number}"), Body=BODY, BucketKeyEnabled=True)


def c09(stage: Stage) -> None:
    bucket, key = stage.bucket(), stage.key()
    stage.default(bucket, "aws:kms", key, bucket_key=True)
    actors = [stage.user(allow("s3:PutObject"), allow("kms:*")) for _ in range(2)]
    mark = stage.mark()
    for actor in actors * 2:
        actor.s3.put_object(Bucket=bucket, Key="object", Body=BODY)
    callers = {event.data["caller"] for event in stage.kms_calls(mark, "GenerateDataKey")}
    same("callers", {actor.arn for actor in actors}, callers)


def c10(stage: Stage) -> None:
    bucket, key, user = stage.bucket(), stage.key(), stage.user(allow("s3:PutObject"), allow("kms:*"))
    stage.default(bucket, "aws:kms", key, bucket_key=True)
    user.s3.put_object(Bucket=bucket, Key="first", Body=BODY)
    no = {"Effect": "Deny", "Principal": {"AWS": user.arn}, "Action": "kms:GenerateDataKey", "Resource": "*"}
    stage.key_policy(key, no)
    user.s3.put_object(Bucket=bucket, Key="second", Body=BODY)
    shows(stage.get(bucket, "second"), Body=BODY, SSEKMSKeyId=key)


def c11(stage: Stage) -> None:
    bucket, key = stage.bucket(), stage.key()
    stage.default(bucket, "aws:kms", key, bucket_key=True)
    other = stage.key()
    shows(stage.put(bucket, **kms(other)), BucketKeyEnabled=True, SSEKMSKeyId=other)
    shows(stage.head(bucket), BucketKeyEnabled=True, SSEKMSKeyId=other)
