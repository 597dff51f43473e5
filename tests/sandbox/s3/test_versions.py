"""Versions, delete markers and listings."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.s3.stage import Stage, refused


def version(stage: Stage, bucket: str, status: str) -> None:
    stage.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})


def put(stage: Stage, bucket: str, body: bytes, key: str = "a") -> str:
    return str(stage.s3.put_object(Bucket=bucket, Key=key, Body=body).get("VersionId"))


def history(stage: Stage, bucket: str) -> list[tuple[str, bool, bool]]:
    """Version id, whether it is a marker, whether it is the latest; newest first."""
    listed = stage.s3.list_object_versions(Bucket=bucket)
    versions = [(one, False) for one in listed.get("Versions", [])]
    markers = [(one, True) for one in listed.get("DeleteMarkers", [])]
    return [(one["VersionId"], marker, one["IsLatest"]) for one, marker in versions + markers]


def test_versions_are_kept_and_read_by_their_ids(stage: Stage) -> None:
    bucket = stage.bucket()
    assert stage.s3.get_bucket_versioning(Bucket=bucket).get("Status") is None
    assert put(stage, bucket, b"before") == "None"
    version(stage, bucket, "Enabled")
    first, second = put(stage, bucket, b"1"), put(stage, bucket, b"2")
    bodies = {
        one: stage.s3.get_object(Bucket=bucket, Key="a", VersionId=one)["Body"].read()
        for one in ("null", first, second)
    }
    assert bodies == {"null": b"before", first: b"1", second: b"2"}
    assert history(stage, bucket) == [(second, False, True), (first, False, False), ("null", False, False)]


def test_deleting_makes_a_marker_and_deleting_the_marker_brings_the_object_back(stage: Stage) -> None:
    bucket = stage.bucket()
    version(stage, bucket, "Enabled")
    put(stage, bucket, b"x")
    gone = stage.s3.delete_object(Bucket=bucket, Key="a")
    assert gone["DeleteMarker"] is True
    marker = {"Bucket": bucket, "Key": "a", "VersionId": gone["VersionId"]}
    refused(404, "NoSuchKey", None, stage.s3.get_object, Bucket=bucket, Key="a")
    refused(405, "MethodNotAllowed", None, stage.s3.get_object, **marker)
    refused(405, "405", None, stage.s3.head_object, **marker)
    refused(404, "404", None, stage.s3.head_object, Bucket=bucket, Key="a")
    assert stage.s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    back = stage.s3.delete_object(**marker)
    assert (back["DeleteMarker"], back["VersionId"]) == (True, gone["VersionId"])
    assert stage.s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"x"


def test_suspended_versioning_replaces_only_the_null_version(stage: Stage) -> None:
    bucket = stage.bucket()
    version(stage, bucket, "Enabled")
    kept = put(stage, bucket, b"kept")
    version(stage, bucket, "Suspended")
    assert put(stage, bucket, b"1") == "null"
    assert put(stage, bucket, b"2") == "null"
    assert history(stage, bucket) == [("null", False, True), (kept, False, False)]
    gone = stage.s3.delete_object(Bucket=bucket, Key="a")
    assert (gone["DeleteMarker"], gone["VersionId"]) == (True, "null")
    assert history(stage, bucket) == [(kept, False, False), ("null", True, True)]


def test_what_is_no_version(stage: Stage) -> None:
    bucket = stage.bucket()
    put(stage, bucket, b"x")
    unknown = {"Bucket": bucket, "Key": "a", "VersionId": "3sL4kqtJlcpXroDTDmJ_rmSpXd3dIbrH"}
    refused(400, "InvalidArgument", "Invalid version id specified", stage.s3.get_object, **unknown)
    version(stage, bucket, "Enabled")
    refused(404, "NoSuchVersion", "The specified version does not exist.", stage.s3.get_object, **unknown)
    refused(400, "InvalidArgument", None, stage.s3.get_object, **{**unknown, "VersionId": "short"})
    assert stage.s3.delete_object(**unknown)["ResponseMetadata"]["HTTPStatusCode"] == 204


def test_reencrypting_in_place_adds_a_version(stage: Stage) -> None:
    bucket, arn = stage.bucket(), stage.key()
    version(stage, bucket, "Enabled")
    old = put(stage, bucket, b"x")
    copied = stage.s3.copy_object(
        Bucket=bucket, Key="a", CopySource=f"{bucket}/a", ServerSideEncryption="aws:kms", SSEKMSKeyId=arn
    )
    assert copied["CopySourceVersionId"] == old
    assert stage.s3.head_object(Bucket=bucket, Key="a")["SSEKMSKeyId"] == arn
    assert stage.s3.head_object(Bucket=bucket, Key="a", VersionId=old)["ServerSideEncryption"] == "AES256"


def test_deleting_many(stage: Stage) -> None:
    bucket = stage.bucket()
    for key in ("a", "b & c", "d"):
        put(stage, bucket, b"x", key)
    wanted: dict[str, Any] = {"Objects": [{"Key": "a"}, {"Key": "b & c"}, {"Key": "was never there"}]}
    answer = stage.s3.delete_objects(Bucket=bucket, Delete=wanted)
    assert [one["Key"] for one in answer["Deleted"]] == ["a", "b & c", "was never there"]
    assert [one["Key"] for one in stage.s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["d"]
    plain = stage.client("plain")
    answer = plain.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "d"}], "Quiet": True})
    assert [(one["Key"], one["Code"]) for one in answer["Errors"]] == [("d", "AccessDenied")]
    refused(400, "MalformedXML", None, stage.s3.delete_objects, Bucket=bucket, Delete={"Objects": []})
    assert stage.signed("POST", f"/{bucket}?delete", b"<Delete/>").status == 400


# ---- listings --------------------------------------------------------------------------------------------------------

KEYS = ["a", "b/1", "b/2", "b/c/1", "c", "é", "\U0001f600", "z z+%/&?"]


@pytest.fixture(scope="module")
def full(stage: Stage) -> str:
    bucket = stage.bucket()
    for key in KEYS:
        put(stage, bucket, b"x", key)
    return bucket


def test_all_keys_in_order_of_their_bytes(stage: Stage, full: str) -> None:
    wanted = sorted(KEYS, key=str.encode)
    assert [one["Key"] for one in stage.s3.list_objects_v2(Bucket=full)["Contents"]] == wanted
    assert [one["Key"] for one in stage.s3.list_objects(Bucket=full)["Contents"]] == wanted


@pytest.mark.parametrize("size", [1, 2, 3, 5])
@pytest.mark.parametrize("delimiter", ["", "/"])
@pytest.mark.parametrize("name", ["list_objects_v2", "list_objects", "list_object_versions"])
def test_pages_add_up(stage: Stage, full: str, name: str, delimiter: str, size: int) -> None:
    def walk(limit: int) -> tuple[list[str], list[str]]:
        pages = stage.s3.get_paginator(name).paginate(
            Bucket=full, Delimiter=delimiter, PaginationConfig={"PageSize": limit}
        )
        keys: list[str] = []
        prefixes: list[str] = []
        for page in pages:
            entries = page.get("Contents", page.get("Versions", []))
            assert len(entries) + len(page.get("CommonPrefixes", [])) <= limit
            keys += [one["Key"] for one in entries]
            prefixes += [one["Prefix"] for one in page.get("CommonPrefixes", [])]
        return keys, prefixes

    assert walk(size) == walk(1000)
    if delimiter:
        assert walk(1000)[1] == ["b/", "z z+%/"]


def test_prefix_and_start(stage: Stage, full: str) -> None:
    listed = stage.s3.list_objects_v2(Bucket=full, Prefix="b/", Delimiter="/")
    assert [one["Key"] for one in listed["Contents"]] == ["b/1", "b/2"]
    assert [one["Prefix"] for one in listed["CommonPrefixes"]] == ["b/c/"]
    listed = stage.s3.list_objects_v2(Bucket=full, StartAfter="b/2", MaxKeys=2, FetchOwner=True)
    assert [one["Key"] for one in listed["Contents"]] == ["b/c/1", "c"]
    assert len(listed["Contents"][0]["Owner"]["ID"]) == 64
    assert listed["IsTruncated"] is True
    empty = stage.s3.list_objects_v2(Bucket=full, MaxKeys=0)
    assert (empty["KeyCount"], empty["IsTruncated"]) == (0, False)
    refused(400, "InvalidArgument", None, stage.s3.list_objects_v2, Bucket=full, ContinuationToken="nonsense")
