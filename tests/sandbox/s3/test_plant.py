"""Facts that no API makes: old unencrypted versions and damage on the disk."""

from __future__ import annotations

import base64
import os

import pytest

from tests.sandbox.harness import ControlRefusedError
from tests.sandbox.s3.stage import Stage, b64, refused


def test_an_object_of_before_2023_lies_there_readable(stage: Stage) -> None:
    bucket, body = stage.bucket(), b"an old plain object"
    planted = stage.sandbox.call(
        "plant", exercise=stage.exercise, fact="legacy-unencrypted", bucket=bucket, key="old", body=b64(body),
        metadata={"M": "1"}, content_type="text/plain",
    )  # fmt: skip
    read = stage.s3.get_object(Bucket=bucket, Key="old")
    assert (read["Body"].read(), read["ETag"], read["Metadata"]) == (body, planted["etag"], {"m": "1"})
    assert "ServerSideEncryption" not in read
    rest = stage.at_rest(bucket, "old")
    assert base64.b64decode(rest["head"]) == body
    assert (rest["envelope"]["mode"], rest["envelope"]["layers"]) == ("none", [])
    refused(
        400,
        "InvalidRequest",
        None,
        stage.s3.update_object_encryption,
        Bucket=bucket,
        Key="old",
        ObjectEncryption={"SSEKMS": {"KMSKeyArn": stage.key()}},
    )
    stage.s3.copy_object(Bucket=bucket, Key="old", CopySource=f"{bucket}/old")
    assert stage.s3.head_object(Bucket=bucket, Key="old")["ServerSideEncryption"] == "AES256"
    assert body not in base64.b64decode(stage.at_rest(bucket, "old")["head"])


def test_an_old_version_lies_below_the_current_one(stage: Stage) -> None:
    bucket = stage.bucket()
    stage.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    stage.s3.put_object(Bucket=bucket, Key="a", Body=b"new")
    planted = stage.sandbox.call(
        "plant", exercise=stage.exercise, fact="legacy-unencrypted", bucket=bucket, key="a", body=b64(b"old"),
        oldest=True, last_modified=1_600_000_000,
    )  # fmt: skip
    assert stage.s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"new"
    old = stage.s3.head_object(Bucket=bucket, Key="a", VersionId=planted["version_id"])
    assert (old["LastModified"].year, old.get("ServerSideEncryption")) == (2020, None)


def test_a_damaged_file_is_noticed_and_not_blamed_on_the_client(stage: Stage) -> None:
    bucket = stage.bucket()
    stage.s3.put_object(Bucket=bucket, Key="a", Body=b"x" * 1000)
    stage.sandbox.call("plant", exercise=stage.exercise, fact="damaged", bucket=bucket, key="a")
    refused(500, "InternalError", None, stage.s3.get_object, Bucket=bucket, Key="a")


def test_damage_leaves_the_other_segments_and_the_snapshots_whole(stage: Stage) -> None:
    bucket, body = stage.bucket(), os.urandom(3 << 20)
    stage.s3.put_object(Bucket=bucket, Key="a", Body=body)
    stage.sandbox.call("world.snapshot", exercise=stage.exercise, label="whole")
    stage.sandbox.call("plant", exercise=stage.exercise, fact="damaged", bucket=bucket, key="a")
    start = stage.s3.get_object(Bucket=bucket, Key="a", Range="bytes=0-99")
    assert start["Body"].read() == body[:100]
    refused(500, "InternalError", None, stage.s3.get_object, Bucket=bucket, Key="a", Range="bytes=3145720-")
    stage.sandbox.call("world.restore", exercise=stage.exercise, label="whole")
    assert stage.s3.get_object(Bucket=bucket, Key="a")["Body"].read() == body


def test_what_cannot_be_planted(stage: Stage) -> None:
    for members in ({"bucket": "none", "key": "a", "body": ""}, {"bucket": stage.bucket(), "key": "a", "body": "%"}):
        with pytest.raises(ControlRefusedError):
            stage.sandbox.call("plant", exercise=stage.exercise, fact="legacy-unencrypted", **members)
