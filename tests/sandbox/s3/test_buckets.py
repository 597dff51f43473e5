"""Buckets and their settings."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.sandbox.s3.stage import Stage, refused


def test_a_new_bucket_is_private(stage: Stage) -> None:
    bucket = stage.bucket()
    block = stage.s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert block == dict.fromkeys(
        ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
    )
    controls = stage.s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]
    assert controls["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert [grant["Permission"] for grant in stage.s3.get_bucket_acl(Bucket=bucket)["Grants"]] == ["FULL_CONTROL"]
    assert stage.s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] is None
    assert stage.s3.head_bucket(Bucket=bucket)["BucketRegion"] == "us-east-1"


def test_creating_again(stage: Stage) -> None:
    bucket = stage.bucket()
    stage.s3.put_object(Bucket=bucket, Key="a", Body=b"x")
    assert stage.s3.create_bucket(Bucket=bucket)["Location"] == f"/{bucket}"
    assert stage.s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"x"
    refused(409, "BucketAlreadyExists", None, stage.client("abroad").create_bucket, Bucket=bucket)


@pytest.mark.parametrize("name", ["ab", "Upper", "a..b", "-a-b", "10.0.0.1", "xn--abc", "abc-s3alias", "a_b_c"])
def test_names_that_aws_does_not_take(stage: Stage, name: str) -> None:
    answer = stage.signed("PUT", f"/{name}")
    assert (answer.status, b"<Code>InvalidBucketName</Code>" in answer.data) == (400, True)


def test_locations(stage: Stage) -> None:
    for location, status, code in (
        ("us-east-1", 400, "InvalidLocationConstraint"),
        ("nowhere", 400, "InvalidLocationConstraint"),
        ("eu-central-1", 501, "NotImplemented"),
    ):
        refused(
            status,
            code,
            None,
            stage.s3.create_bucket,
            Bucket="a-bucket-of-elsewhere",
            CreateBucketConfiguration={"LocationConstraint": location},
        )


def test_only_ones_own_buckets_are_listed(stage: Stage) -> None:
    mine = {stage.bucket() for _ in range(3)}
    theirs = stage.client("abroad")
    listed = stage.s3.list_buckets()
    assert mine <= {one["Name"] for one in listed["Buckets"]}
    assert len(listed["Owner"]["ID"]) == 64
    assert not mine & {one["Name"] for one in theirs.list_buckets()["Buckets"]}
    page = stage.s3.list_buckets(MaxBuckets=1)
    rest = stage.s3.list_buckets(ContinuationToken=page["ContinuationToken"])
    names = [one["Name"] for one in page["Buckets"] + rest["Buckets"]]
    assert names == sorted(one["Name"] for one in listed["Buckets"])


def test_only_empty_buckets_go(stage: Stage) -> None:
    bucket = stage.bucket()
    stage.s3.put_object(Bucket=bucket, Key="a", Body=b"")
    refused(409, "BucketNotEmpty", "The bucket you tried to delete is not empty", stage.s3.delete_bucket, Bucket=bucket)
    stage.s3.delete_object(Bucket=bucket, Key="a")
    stage.s3.delete_bucket(Bucket=bucket)
    refused(404, "404", None, stage.s3.head_bucket, Bucket=bucket)


def test_another_realm_may_use_the_same_name(stage: Stage) -> None:
    bucket = stage.bucket()
    stage.s3.put_object(Bucket=bucket, Key="a", Body=b"here")
    elsewhere = Stage(stage.sandbox, "another-universe")
    refused(404, "NoSuchBucket", None, elsewhere.s3.get_object, Bucket=bucket, Key="a")
    elsewhere.s3.create_bucket(Bucket=bucket)
    elsewhere.s3.put_object(Bucket=bucket, Key="a", Body=b"there")
    assert stage.s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"here"
    assert elsewhere.s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"there"


# ---- policies --------------------------------------------------------------------------------------------------------


def policy(bucket: str, **statement: Any) -> str:
    whole = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [{**whole, **statement}]})


def test_a_policy_is_read_as_it_was_put(stage: Stage) -> None:
    bucket = stage.bucket()
    refused(404, "NoSuchBucketPolicy", "The bucket policy does not exist", stage.s3.get_bucket_policy, Bucket=bucket)
    text = policy(bucket, Effect="Deny", Condition={"Bool": {"aws:SecureTransport": "false"}})
    stage.s3.put_bucket_policy(Bucket=bucket, Policy=text)
    assert json.loads(stage.s3.get_bucket_policy(Bucket=bucket)["Policy"]) == json.loads(text)
    assert stage.s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"] == {"IsPublic": False}
    stage.s3.put_object(Bucket=bucket, Key="a", Body=b"x")
    refused(403, "AccessDenied", None, stage.client("default", http=True).get_object, Bucket=bucket, Key="a")
    for _ in range(2):
        stage.s3.delete_bucket_policy(Bucket=bucket)
    assert stage.client("default", http=True).get_object(Bucket=bucket, Key="a")["Body"].read() == b"x"


def test_what_is_no_policy(stage: Stage) -> None:
    bucket = stage.bucket()
    for text in ("not json", policy("another-bucket"), policy(bucket, Action="s3:FlyToTheMoon")):
        refused(400, "MalformedPolicy", None, stage.s3.put_bucket_policy, Bucket=bucket, Policy=text)


def test_public_policies_are_blocked_until_the_block_is_lifted(stage: Stage) -> None:
    bucket = stage.bucket()
    error = refused(403, "AccessDenied", None, stage.s3.put_bucket_policy, Bucket=bucket, Policy=policy(bucket))
    assert "public policies are blocked by the BlockPublicPolicy block public access setting" in error["Message"]
    stage.s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={"BlockPublicAcls": True})
    block = stage.s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert (block["BlockPublicAcls"], block["BlockPublicPolicy"]) == (True, False)
    stage.s3.put_bucket_policy(Bucket=bucket, Policy=policy(bucket))
    assert stage.s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"] == {"IsPublic": True}
    stage.s3.delete_public_access_block(Bucket=bucket)
    refused(404, "NoSuchPublicAccessBlockConfiguration", None, stage.s3.get_public_access_block, Bucket=bucket)


# ---- other settings --------------------------------------------------------------------------------------------------


def test_bucket_tags(stage: Stage) -> None:
    bucket = stage.bucket()
    refused(404, "NoSuchTagSet", "The TagSet does not exist", stage.s3.get_bucket_tagging, Bucket=bucket)
    tags = [{"Key": "a", "Value": "1"}]
    stage.s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
    assert stage.s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == tags
    stage.s3.delete_bucket_tagging(Bucket=bucket)
    refused(404, "NoSuchTagSet", None, stage.s3.get_bucket_tagging, Bucket=bucket)


def test_ownership_controls(stage: Stage) -> None:
    bucket = stage.bucket()
    rules = [{"ObjectOwnership": "BucketOwnerPreferred"}]
    stage.s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls={"Rules": rules})
    assert stage.s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"] == rules
    stage.s3.delete_bucket_ownership_controls(Bucket=bucket)
    refused(404, "OwnershipControlsNotFoundError", None, stage.s3.get_bucket_ownership_controls, Bucket=bucket)


def test_versioning_has_two_states(stage: Stage) -> None:
    bucket = stage.bucket()
    call = stage.s3.put_bucket_versioning
    refused(400, "MalformedXML", None, call, Bucket=bucket, VersioningConfiguration={"Status": "On"})
    refused(400, "IllegalVersioningConfigurationException", None, call, Bucket=bucket, VersioningConfiguration={})


@pytest.mark.parametrize(
    "document", [b"<not closed", b"", b"<Other/>", b'<!DOCTYPE a [<!ENTITY b "c">]><VersioningConfiguration/>']
)
def test_documents_that_are_none(stage: Stage, document: bytes) -> None:
    answer = stage.signed("PUT", f"/{stage.bucket()}?versioning", document)
    assert answer.status == 400
    assert b"<Code>MalformedXML</Code>" in answer.data or not document
