"""Copies: what they take from the source and what from the target, and copying an object onto itself."""

from __future__ import annotations

from tests.sandbox.s3.stage import Stage, refused

POINTLESS = (
    "This copy request is illegal because it is trying to copy an object to itself without changing the object's "
    "metadata, storage class, website redirect location or encryption attributes."
)


def test_a_copy_takes_the_targets_default_and_the_sources_metadata(stage: Stage) -> None:
    source, target, arn = stage.bucket(), stage.bucket(), stage.key()
    stage.default(target, "aws:kms", arn, bucket_key=True)
    stage.s3.put_object(
        Bucket=source, Key="a +/b", Body=b"x", Metadata={"m": "1"}, ContentType="text/plain", Tagging="t=1"
    )
    copied = stage.s3.copy_object(Bucket=target, Key="b", CopySource={"Bucket": source, "Key": "a +/b"})
    assert (copied["ServerSideEncryption"], copied["SSEKMSKeyId"], copied["BucketKeyEnabled"]) == ("aws:kms", arn, True)
    head = stage.s3.head_object(Bucket=target, Key="b")
    assert (head["Metadata"], head["ContentType"]) == ({"m": "1"}, "text/plain")
    assert stage.s3.get_object_tagging(Bucket=target, Key="b")["TagSet"] == [{"Key": "t", "Value": "1"}]
    assert stage.s3.get_object(Bucket=target, Key="b")["Body"].read() == b"x"
    back = stage.s3.copy_object(Bucket=source, Key="back", CopySource=f"{target}/b")
    assert back["ServerSideEncryption"] == "AES256"


def test_directives_replace(stage: Stage) -> None:
    bucket = stage.bucket()
    stage.s3.put_object(Bucket=bucket, Key="a", Body=b"x", Metadata={"m": "1"}, Tagging="t=1")
    stage.s3.copy_object(
        Bucket=bucket,
        Key="a",
        CopySource=f"{bucket}/a",
        MetadataDirective="REPLACE",
        Metadata={"n": "2"},
        TaggingDirective="REPLACE",
        Tagging="u=2",
    )
    assert stage.s3.head_object(Bucket=bucket, Key="a")["Metadata"] == {"n": "2"}
    assert stage.s3.get_object_tagging(Bucket=bucket, Key="a")["TagSet"] == [{"Key": "u", "Value": "2"}]


def test_a_copy_onto_itself_must_change_something(stage: Stage) -> None:
    bucket, arn = stage.bucket(), stage.key()
    itself = {"Bucket": bucket, "Key": "a", "CopySource": f"{bucket}/a"}
    stage.s3.put_object(Bucket=bucket, Key="a", Body=b"x", Metadata={"m": "1"})
    refused(400, "InvalidRequest", POINTLESS, stage.s3.copy_object, **itself)
    stage.s3.copy_object(**itself, ServerSideEncryption="AES256")
    stage.s3.copy_object(**itself, ServerSideEncryption="aws:kms", SSEKMSKeyId=arn)
    head = stage.s3.head_object(Bucket=bucket, Key="a")
    assert (head["SSEKMSKeyId"], head["Metadata"]) == (arn, {"m": "1"})
    # Without a word about encryption a KMS object silently becomes one of SSE-S3.
    assert stage.s3.copy_object(**itself)["ServerSideEncryption"] == "AES256"
    stage.default(bucket, "AES256")
    stage.s3.copy_object(**itself)


def test_conditions_on_the_source(stage: Stage) -> None:
    bucket = stage.bucket()
    etag = stage.s3.put_object(Bucket=bucket, Key="a", Body=b"x")["ETag"]
    copy = {"Bucket": bucket, "Key": "b", "CopySource": f"{bucket}/a"}
    stage.s3.copy_object(**copy, CopySourceIfMatch=etag)
    refused(412, "PreconditionFailed", None, stage.s3.copy_object, **copy, CopySourceIfMatch='"other"')
    refused(412, "PreconditionFailed", None, stage.s3.copy_object, **copy, CopySourceIfNoneMatch=etag)
    refused(412, "PreconditionFailed", None, stage.s3.copy_object, **copy, CopySourceIfUnmodifiedSince="2020-01-01")


def test_what_is_not_there(stage: Stage) -> None:
    bucket = stage.bucket()
    refused(404, "NoSuchKey", None, stage.s3.copy_object, Bucket=bucket, Key="b", CopySource=f"{bucket}/none")
    stage.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    marker = stage.s3.delete_object(Bucket=bucket, Key="gone")["VersionId"]
    refused(
        400,
        "InvalidRequest",
        "The source of a copy request may not specifically refer to a delete marker by version id.",
        stage.s3.copy_object,
        Bucket=bucket,
        Key="b",
        CopySource=f"{bucket}/gone?versionId={marker}",
    )


def test_a_copy_asks_for_both_keys(stage: Stage) -> None:
    bucket, first, second = stage.bucket(), stage.key(), stage.key()
    stage.s3.put_object(Bucket=bucket, Key="a", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=first)
    mark = stage.mark()
    stage.s3.copy_object(
        Bucket=bucket, Key="b", CopySource=f"{bucket}/a", ServerSideEncryption="aws:kms", SSEKMSKeyId=second
    )
    calls = [(one["data"]["operation"], one["data"]["key_arn"]) for one in stage.events("kms", mark)]
    assert calls == [("Decrypt", first), ("GenerateDataKey", second)]
