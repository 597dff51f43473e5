"""What a request is judged by: permissions per operation, condition keys as sent, denials in AWS's words, events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab.sandbox import authorize, policy_checks
from lab.sandbox.assembly import Assembly
from lab.sandbox.exchange import Exchange, ServiceError
from lab.sandbox.kms.state import Grant
from lab.sandbox.moto_hooks import iam
from tests.sandbox.judging import EXERCISE, Judged, role, user

SSE = "x-amz-server-side-encryption"


def allow(*actions: str, resource: Any = "*", **members: Any) -> str:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": resource, **members}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def deny(action: Any = "s3:*", condition: dict[str, Any] | None = None, principal: Any = "*") -> dict[str, Any]:
    found: dict[str, Any] = {
        "Effect": "Deny",
        "Principal": principal,
        "Action": action,
        "Resource": ["arn:aws:s3:::vault", "arn:aws:s3:::vault/*"],
    }
    return found if condition is None else {**found, "Condition": condition}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Judged]:
    assembly = Assembly(tmp_path, persistent=False)
    principals = [
        user("default", administrator=True),
        user("nobody"),
        user("reader", allow("s3:GetObject")),
        user("putter", allow("s3:PutObject")),
        user("denied", allow("s3:*"), json.dumps(_document({"Effect": "Deny", "Action": "s3:*", "Resource": "*"}))),
        role("app", allow("s3:*", "kms:*")),
        user("eve", account="other", administrator=True),
    ]
    made = Judged(assembly, assembly.worlds.create(EXERCISE, ["home", "other"], principals))
    made.bucket("vault")
    yield made
    assembly.close()


def _document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def set_policy(world: Judged, *statements: dict[str, Any], bucket: str = "vault") -> None:
    from lab.sandbox.moto_hooks import s3

    s3.buckets(world.account())[bucket].policy = json.dumps(_document(*statements)).encode()


def refused(exchange: Exchange) -> tuple[int, str, str]:
    with pytest.raises(ServiceError) as caught:
        authorize.authorize(exchange)
    return caught.value.status, caught.value.code, caught.value.message


NEEDS: list[tuple[str, str | None, dict[str, str], dict[str, str], list[str]]] = [
    ("PutObject", "k", {}, {}, ["s3:PutObject"]),
    ("PutObject", "k", {"x-amz-tagging": "a=b"}, {}, ["s3:PutObject", "s3:PutObjectTagging"]),
    ("PutObject", "k", {"x-amz-acl": "private"}, {}, ["s3:PutObject", "s3:PutObjectAcl"]),
    ("GetObject", "k", {}, {}, ["s3:GetObject"]),
    ("GetObject", "k", {}, {"versionId": "null"}, ["s3:GetObjectVersion"]),
    ("HeadObject", "k", {}, {}, ["s3:GetObject"]),
    ("GetObjectAttributes", "k", {}, {}, ["s3:GetObject", "s3:GetObjectAttributes"]),
    ("DeleteObject", "k", {}, {"versionId": "v"}, ["s3:DeleteObjectVersion"]),
    ("CopyObject", "k", {"x-amz-copy-source": "/vault/a%20b"}, {}, ["s3:GetObject", "s3:PutObject"]),
    ("CopyObject", "k", {"x-amz-copy-source": "vault/a?versionId=1"}, {}, ["s3:GetObjectVersion", "s3:PutObject"]),
    ("UploadPartCopy", "k", {"x-amz-copy-source": "vault/a"}, {"uploadId": "u"}, ["s3:GetObject", "s3:PutObject"]),
    ("CreateMultipartUpload", "k", {}, {}, ["s3:PutObject"]),
    ("UploadPart", "k", {}, {"uploadId": "u"}, ["s3:PutObject"]),
    ("CompleteMultipartUpload", "k", {}, {"uploadId": "u"}, ["s3:PutObject"]),
    ("AbortMultipartUpload", "k", {}, {"uploadId": "u"}, ["s3:AbortMultipartUpload"]),
    ("ListParts", "k", {}, {"uploadId": "u"}, ["s3:ListMultipartUploadParts"]),
    ("ListMultipartUploads", None, {}, {}, ["s3:ListBucketMultipartUploads"]),
    ("ListObjectsV2", None, {}, {}, ["s3:ListBucket"]),
    ("HeadBucket", None, {}, {}, ["s3:ListBucket"]),
    ("ListObjectVersions", None, {}, {}, ["s3:ListBucketVersions"]),
    ("GetBucketEncryption", None, {}, {}, ["s3:GetEncryptionConfiguration"]),
    ("DeleteBucketEncryption", None, {}, {}, ["s3:PutEncryptionConfiguration"]),
    ("PutPublicAccessBlock", None, {}, {}, ["s3:PutBucketPublicAccessBlock"]),
    ("ListBucketInventoryConfigurations", None, {}, {}, ["s3:GetInventoryConfiguration"]),
    ("PutBucketVersioning", None, {}, {}, ["s3:PutBucketVersioning"]),
    ("UpdateObjectEncryption", "k", {}, {}, ["s3:UpdateObjectEncryption"]),
    ("DeleteObjects", None, {}, {}, []),
]


@pytest.mark.parametrize("case", NEEDS, ids=lambda case: f"{case[0]}-{len(case[4])}")
def test_permissions_of_an_operation(
    world: Judged, case: tuple[str, str | None, dict[str, str], dict[str, str], list[str]]
) -> None:
    operation, key, headers, query, actions = case
    authorize.authorize(world.exchange("default", operation, key=key, headers=headers, query=query))
    events = world.events()
    assert [event["action"] for event in events] == actions
    assert all(event["allowed"] and event["reason"] == "allow" for event in events)
    if operation == "CopyObject" and not query and headers["x-amz-copy-source"].startswith("/"):
        assert [event["resource"] for event in events] == ["arn:aws:s3:::vault/a b", "arn:aws:s3:::vault/k"]


def test_a_copy_needs_its_source(world: Judged) -> None:
    copy = world.exchange("putter", "CopyObject", key="k", headers={"x-amz-copy-source": "vault/a"})
    arn = world.identity("putter").arn
    text = (
        f'User: {arn} is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::vault/a" '
        "because no identity-based policy allows the s3:GetObject action"
    )
    assert refused(copy) == (403, "AccessDenied", text)


def test_a_copy_takes_tags_along(world: Judged) -> None:
    from lab.sandbox.moto_hooks import s3

    bucket = s3.buckets(world.account())["vault"]
    source = s3.SealedMarker("a", version_id="null", last_modified=0.0)
    vars(source)["tags"] = {"team": "blue"}
    bucket.set_versions("a", [source])
    copy = {"x-amz-copy-source": "vault/a"}
    authorize.authorize(world.exchange("default", "CopyObject", key="k", headers=copy))
    assert [(event["action"], event["resource"][-2:]) for event in world.events()] == [
        ("s3:GetObject", "/a"),
        ("s3:PutObject", "/k"),
        ("s3:GetObjectTagging", "/a"),
        ("s3:PutObjectTagging", "/k"),
    ]
    replacing = world.exchange("default", "CopyObject", key="k", headers={**copy, "x-amz-tagging-directive": "REPLACE"})
    authorize.authorize(replacing)
    assert len(world.events()) == 6
    set_policy(world, deny("s3:GetObject", {"StringEquals": {"s3:ExistingObjectTag/team": "blue"}}))
    assert refused(world.exchange("default", "GetObject", key="a"))[0] == 403
    authorize.authorize(world.exchange("default", "GetObject", key="b"))


def test_a_part_is_judged_by_what_its_upload_was_begun_with(world: Judged) -> None:
    from lab.sandbox.moto_hooks import s3

    bucket = s3.buckets(world.account())["vault"]
    upload = object.__new__(s3.SealedUpload)
    upload.requested = {SSE: "aws:kms"}
    bucket.uploads["u"] = upload
    set_policy(world, deny("s3:PutObject", {"StringNotEquals": {f"s3:{SSE}": "aws:kms"}}))
    authorize.authorize(world.exchange("default", "UploadPart", key="k", query={"uploadId": "u"}))
    assert refused(world.exchange("default", "UploadPart", key="k", query={"uploadId": "other"}))[0] == 403


def test_denials_name_the_policy_that_denied(world: Judged) -> None:
    def text(who: str) -> str:
        return refused(world.exchange(who, "PutObject", key="k"))[2].partition('" ')[2]

    assert text("nobody") == "because no identity-based policy allows the s3:PutObject action"
    assert text("denied") == "with an explicit deny in an identity-based policy"
    set_policy(world, deny("s3:PutObject"))
    assert text("default") == "with an explicit deny in a resource-based policy"


def test_other_accounts_and_strangers_learn_nothing(world: Judged) -> None:
    assert refused(world.exchange("eve", "GetObject", key="k")) == (403, "AccessDenied", "Access Denied")
    assert refused(world.exchange(None, "GetObject", key="k")) == (403, "AccessDenied", "Access Denied")


def test_list_buckets_is_denied_without_a_resource(world: Judged) -> None:
    arn = world.identity("nobody").arn
    assert refused(world.exchange("nobody", "ListBuckets", bucket=None))[2] == (
        f"User: {arn} is not authorized to perform: s3:ListAllMyBuckets because no identity-based policy allows the "
        "s3:ListAllMyBuckets action"
    )


def test_a_bucket_that_does_not_exist_is_left_to_the_handler(world: Judged) -> None:
    authorize.authorize(world.exchange("nobody", "GetObject", bucket="absent", key="k"))
    assert world.events() == []
    assert "s3:CreateBucket" in refused(world.exchange("nobody", "CreateBucket", bucket="absent"))[2]


def test_root_is_never_locked_out_of_the_bucket_policy(world: Judged) -> None:
    set_policy(world, deny())
    for operation in ("GetBucketPolicy", "PutBucketPolicy", "DeleteBucketPolicy"):
        authorize.authorize(world.exchange(world.builder(), operation))
        assert refused(world.exchange("default", operation))[0] == 403
        assert refused(world.exchange(world.builder("other"), operation))[2] == "Access Denied"
    assert refused(world.exchange(world.builder(), "GetObject", key="k"))[2].endswith(
        "with an explicit deny in a resource-based policy"
    )


def test_policies_do_not_bind_the_validators_reading(world: Judged) -> None:
    set_policy(world, deny())
    authorize.authorize(world.exchange(world.validator, "GetObject", key="k"))
    authorize.authorize(world.exchange(world.validator, "GetBucketEncryption"))
    assert refused(world.exchange(world.validator, "PutObject", key="k"))[0] == 403


@pytest.mark.parametrize(
    ("condition", "members", "matches"),
    [
        ({"Bool": {"aws:SecureTransport": "false"}}, {"tls": None}, True),
        ({"Bool": {"aws:SecureTransport": "false"}}, {}, False),
        ({"NumericLessThan": {"s3:TlsVersion": "1.3"}}, {"tls": "TLSv1.2"}, True),
        ({"NumericLessThan": {"s3:TlsVersion": "1.3"}}, {"tls": "TLSv1.3"}, False),
        ({"Null": {"s3:TlsVersion": "true"}}, {"tls": None}, True),
        ({"Null": {f"s3:{SSE}": "true"}}, {}, True),
        ({"Null": {f"s3:{SSE}": "true"}}, {"headers": {SSE: "AES256"}}, False),
        ({"StringEquals": {f"s3:{SSE}": "aws:kms"}}, {"headers": {SSE: "aws:kms"}}, True),
        (
            {"StringEquals": {f"s3:{SSE}-aws-kms-key-id": "arn:x"}},
            {"headers": {SSE: "aws:kms", f"{SSE}-aws-kms-key-id": "arn:x"}},
            True,
        ),
        (
            {"Null": {f"s3:{SSE}-customer-algorithm": "false"}},
            {"headers": {f"{SSE}-customer-algorithm": "AES256"}},
            True,
        ),
        ({"StringEquals": {"aws:username": "default"}}, {}, True),
        ({"StringEquals": {"aws:PrincipalType": "User"}}, {}, True),
        ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/default"}}, {}, True),
        ({"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}, {}, True),
        ({"StringLike": {"aws:UserAgent": "Boto3/*"}}, {"headers": {"user-agent": "Boto3/1.44"}}, True),
        ({"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}, {}, True),
        ({"NumericGreaterThan": {"aws:EpochTime": "1577836800"}}, {}, True),
        (
            {"StringEquals": {"s3:signatureversion": "AWS4-HMAC-SHA256"}},
            {"headers": {"authorization": "AWS4-HMAC-SHA256 Credential=…"}},
            True,
        ),
        ({"StringEquals": {"s3:authType": "REST-QUERY-STRING"}}, {"query": {"X-Amz-Signature": "0"}}, True),
        ({"NumericGreaterThan": {"s3:signatureAge": "60000"}}, {"query": {"X-Amz-Date": "20200101T000000Z"}}, True),
        ({"StringEquals": {"s3:RequestObjectTag/team": "blue"}}, {"headers": {"x-amz-tagging": "team=blue"}}, True),
        (
            {"ForAllValues:StringEquals": {"s3:RequestObjectTagKeys": ["team"]}},
            {"headers": {"x-amz-tagging": "team=blue&cost=1"}},
            False,
        ),
        ({"StringEquals": {"s3:x-amz-content-sha256": "x"}}, {"headers": {"x-amz-content-sha256": "x"}}, True),
        ({"StringLike": {"s3:x-amz-copy-source": "vault/a*"}}, {"headers": {"x-amz-copy-source": "/vault/a"}}, True),
    ],
)
def test_condition_keys_are_seen_as_sent(
    world: Judged, condition: dict[str, Any], members: dict[str, Any], matches: bool
) -> None:
    set_policy(world, deny("s3:PutObject", condition))
    exchange = world.exchange("default", "PutObject", key="k", **members)
    if matches:
        assert refused(exchange)[0] == 403
    else:
        authorize.authorize(exchange)


def test_resource_account_and_listing_keys(world: Judged) -> None:
    number = world.account().id
    condition = {"StringEquals": {"s3:prefix": "a/", "s3:ResourceAccount": number, "aws:ResourceAccount": number}}
    set_policy(world, deny("s3:ListBucket", condition))
    authorize.authorize(world.exchange("default", "ListObjectsV2", query={"prefix": "b/"}))
    assert refused(world.exchange("default", "ListObjectsV2", query={"prefix": "a/"}))[0] == 403


def test_bucket_policies_grant_within_and_across_accounts(world: Judged) -> None:
    bucket = world.bucket("open")
    everyone = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::open/*"}
    set_policy(world, everyone, bucket="open")
    authorize.authorize(world.exchange("nobody", "GetObject", bucket="open", key="k"))
    assert refused(world.exchange("eve", "GetObject", bucket="open", key="k"))[2] == "Access Denied"
    assert world.events()[-1]["denied_by"] == "block public access"
    bucket.public_access_block = None
    authorize.authorize(world.exchange("eve", "GetObject", bucket="open", key="k"))
    authorize.authorize(world.exchange(None, "GetObject", bucket="open", key="k"))


def test_a_denial_is_an_event_with_its_trace(world: Judged) -> None:
    set_policy(world, {**deny("s3:PutObject", {"Null": {f"s3:{SSE}": "true"}}), "Sid": "NeedsHeader"})
    refused(world.exchange("default", "PutObject", key="k"))
    (event,) = world.events()
    assert (event["allowed"], event["reason"], event["denied_by"]) == (False, "explicit_deny", "bucket policy")
    statement = event["trace"][0]
    assert (statement["sid"], statement["applies"]) == ("NeedsHeader", "yes")
    assert statement["conditions"] == [
        {"operator": "Null", "key": f"s3:{SSE}", "wanted": ["true"], "seen": None, "matched": True}
    ]
    assert event["trace"][-1]["policy"] == "identity policy"


def test_may_list_and_single_keys(world: Judged) -> None:
    exchange = world.exchange("reader", "GetObject", key="k")
    assert not authorize.may_list(exchange, "vault")
    assert authorize.may_list(world.exchange("default", "GetObject", key="k"), "vault")
    authorize.hide_absence(world.exchange("default", "GetObject", key="k"), "vault")
    assert world.events() == []
    with pytest.raises(ServiceError) as caught:
        authorize.hide_absence(exchange, "vault")
    assert caught.value.message == (
        f"User: {world.identity('reader').arn} is not authorized to perform: s3:ListBucket on resource: "
        '"arn:aws:s3:::vault" because no identity-based policy allows the s3:ListBucket action'
    )
    with pytest.raises(ServiceError, match="s3:DeleteObject"):
        authorize.authorize_key(exchange, "s3:DeleteObject", "vault", "k")
    authorize.authorize_key(world.exchange("default", "DeleteObjects"), "s3:DeleteObject", "vault", "k")


def test_expected_bucket_owner(world: Judged) -> None:
    header = "x-amz-expected-bucket-owner"
    authorize.authorize(world.exchange("default", "GetObject", key="k", headers={header: world.account().id}))
    wrong = world.exchange("default", "GetObject", key="k", headers={header: "000000000000"})
    assert refused(wrong) == (403, "AccessDenied", "Access Denied")


def test_tags_of_users_and_sessions(world: Judged) -> None:
    set_policy(world, deny("s3:GetObject", {"StringEquals": {"aws:PrincipalTag/Team": "blue"}}))
    backend = iam.backend(world.account())
    authorize.authorize(world.exchange("default", "GetObject", key="k"))
    backend.tag_user("default", [{"Key": "team", "Value": "blue"}])
    assert refused(world.exchange("default", "GetObject", key="k"))[0] == 403
    backend.tag_role("app", [{"Key": "team", "Value": "blue"}])
    assert refused(world.exchange("app", "GetObject", key="k"))[0] == 403
    session = replace(world.identity("app"), tags={"team": "red"})
    authorize.authorize(world.exchange(session, "GetObject", key="k"))


def test_groups_and_attached_policies_count(world: Judged) -> None:
    backend = iam.backend(world.account())
    backend.create_group("readers")
    backend.put_group_policy("readers", "read", allow("s3:GetObject"))
    get = world.exchange("nobody", "GetObject", key="k")
    assert refused(get)[0] == 403
    backend.add_user_to_group("readers", "nobody")
    authorize.authorize(get)
    backend.attach_user_policy("arn:aws:iam::aws:policy/AmazonS3FullAccess", "nobody")
    authorize.authorize(world.exchange("nobody", "PutObject", key="k"))


# ---- KMS -------------------------------------------------------------------------------------------------------------


def kms(
    world: Judged,
    who: str,
    policy: dict[str, Any],
    *,
    action: str = "kms:Decrypt",
    context: dict[str, str] | None = None,
    via: str | None = None,
    grants: tuple[Grant, ...] = (),
) -> None:
    number = world.account().id
    authorize.authorize_kms(
        world.exchange(who, "Decrypt", service="kms"),
        caller=world.identity(who),
        action=action,
        key_arn=f"arn:aws:kms:us-east-1:{number}:key/k",
        key_account=number,
        key_policy=json.dumps(policy),
        grants=grants,
        context=context or {},
        via=via,
        extra={"kms:KeySpec": "SYMMETRIC_DEFAULT"},
    )


def kms_refusal(world: Judged, who: str, policy: dict[str, Any], **members: Any) -> str:
    with pytest.raises(ServiceError) as caught:
        kms(world, who, policy, **members)
    assert (caught.value.status, caught.value.code) == (400, "AccessDeniedException")
    return caught.value.message


def key_statement(principal: Any, effect: str = "Allow", **members: Any) -> dict[str, Any]:
    return {"Effect": effect, "Principal": principal, "Action": "kms:*", "Resource": "*", **members}


def test_kms_denials_name_whose_allow_is_missing(world: Judged) -> None:
    number = world.account().id
    key = f"arn:aws:kms:us-east-1:{number}:key/k"
    start = f"User: {world.identity('nobody').arn} is not authorized to perform: kms:Decrypt on resource: {key} "
    delegating = _document(key_statement({"AWS": f"arn:aws:iam::{number}:root"}))
    assert kms_refusal(world, "nobody", delegating) == (
        f"{start}because no identity-based policy allows the kms:Decrypt action"
    )
    closed = _document(key_statement({"AWS": world.identity("app").principal_arn}))
    assert kms_refusal(world, "nobody", closed) == (
        f"{start}because no resource-based policy allows the kms:Decrypt action"
    )
    denying = _document(*delegating["Statement"], key_statement("*", "Deny"))
    assert kms_refusal(world, "app", denying).endswith("with an explicit deny in a resource-based policy")
    assert kms_refusal(world, "eve", closed).endswith(
        "kms:Decrypt on the resource associated with this ciphertext because the resource does not exist in this "
        "Region, no resource-based policies allow access, or a resource-based policy explicitly denies access"
    )
    assert [event["denied_by"] for event in world.events()] == [
        "identity policy",
        "key policy",
        "key policy",
        "key policy",
    ]


def test_kms_conditions(world: Judged) -> None:
    number = world.account().id
    policy = _document(
        key_statement(
            {"AWS": world.identity("app").principal_arn},
            Condition={
                "StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com", "kms:CallerAccount": number},
                "StringLike": {"kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::vault/*"},
                "ForAllValues:StringEquals": {"kms:EncryptionContextKeys": ["aws:s3:arn"]},
            },
        )
    )
    right = {"aws:s3:arn": "arn:aws:s3:::vault/k"}
    kms(world, "app", policy, via="s3", context=right)
    kms_refusal(world, "app", policy, context=right)
    kms_refusal(world, "app", policy, via="s3", context={"aws:s3:arn": "arn:aws:s3:::vault"})
    kms_refusal(world, "app", policy, via="s3", context={**right, "more": "x"})


def test_the_aws_managed_key_serves_the_account_through_s3_alone(world: Judged) -> None:
    from lab.sandbox.kms import managed

    policy = json.loads(managed._policy(world.account().id))
    kms(world, "nobody", policy, via="s3")
    kms_refusal(world, "nobody", policy)
    kms_refusal(world, "eve", policy, via="s3")


def test_grants(world: Judged) -> None:
    number = world.account().id
    closed = _document(key_statement({"AWS": world.identity("app").principal_arn}))

    def grant(**members: Any) -> Grant:
        arn = world.identity("nobody").arn
        return Grant("g", "k", "arn", arn, ["Decrypt"], number, 0.0, "token", **members)

    kms(world, "nobody", closed, grants=(grant(),))
    kms_refusal(world, "nobody", closed, grants=(grant(),), action="kms:Encrypt")
    kms_refusal(world, "reader", closed, grants=(grant(),))
    subset = grant(context_subset={"a": "1"})
    kms(world, "nobody", closed, grants=(subset,), context={"a": "1", "b": "2"})
    kms_refusal(world, "nobody", closed, grants=(subset,), context={"b": "2"})
    equals = grant(context_equals={"a": "1"})
    kms_refusal(world, "nobody", closed, grants=(equals,), context={"a": "1", "b": "2"})


# ---- IAM and roles ---------------------------------------------------------------------------------------------------


def test_iam_requests_need_identity_policies(world: Judged) -> None:
    number = world.account().id

    def asked(who: str) -> Exchange:
        return world.exchange(who, "CreateUser", service="iam", bucket=None, parameters={"UserName": "mallory"})

    authorize.authorize(asked("default"))
    text = (
        f"User: arn:aws:iam::{number}:user/nobody is not authorized to perform: iam:CreateUser on resource: "
        f"arn:aws:iam::{number}:user/mallory because no identity-based policy allows the iam:CreateUser action"
    )
    assert refused(asked("nobody")) == (403, "AccessDenied", text)


@pytest.mark.parametrize(
    ("who", "trusted", "allowed"),
    [
        ("default", "account", True),
        ("nobody", "account", False),
        ("nobody", "user/nobody", True),
        ("default", "user/nobody", False),
        ("eve", "account", False),
        ("eve", "other", True),
    ],
)
def test_assume_role(world: Judged, who: str, trusted: str, allowed: bool) -> None:
    number = world.account().id
    principal = {
        "account": f"arn:aws:iam::{number}:root",
        "user/nobody": f"arn:aws:iam::{number}:user/nobody",
        "other": f"arn:aws:iam::{world.account('other').id}:root",
    }[trusted]
    trust = _document({"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"})
    exchange = world.exchange(who, "AssumeRole", service="sts", bucket=None)
    role_arn = f"arn:aws:iam::{number}:role/app"

    def ask() -> None:
        authorize.authorize_assume_role(
            exchange, role_arn=role_arn, role_account=number, trust_policy=json.dumps(trust)
        )

    if allowed:
        ask()
        return
    with pytest.raises(ServiceError) as caught:
        ask()
    arn = world.identity(who).arn
    expected = f"User: {arn} is not authorized to perform: sts:AssumeRole on resource: {role_arn}"
    assert (caught.value.status, caught.value.code, caught.value.message) == (403, "AccessDenied", expected)


# ---- Before a policy is stored ---------------------------------------------------------------------------------------


def test_block_public_policy(world: Judged) -> None:
    public = json.dumps(
        _document({"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::vault/*"})
    )
    exchange = world.exchange("default", "PutBucketPolicy")
    with pytest.raises(ServiceError) as caught:
        policy_checks.accept_bucket_policy(exchange, "vault", public)
    assert (caught.value.status, caught.value.code) == (403, "AccessDenied")
    assert caught.value.message.endswith(
        'on resource: "arn:aws:s3:::vault" because public policies are blocked by the BlockPublicPolicy block public '
        "access setting."
    )
    world.bucket("vault").public_access_block = None
    policy_checks.accept_bucket_policy(exchange, "vault", public)


def test_bucket_policies_name_principals_that_exist(world: Judged) -> None:
    exchange = world.exchange("default", "PutBucketPolicy")

    def put(principal: str) -> None:
        policy_checks.accept_bucket_policy(
            exchange, "vault", json.dumps(_document(deny("s3:GetObject", principal={"AWS": principal})))
        )

    with pytest.raises(ServiceError) as caught:
        put("arn:aws:iam::000011112222:user/somebody-else/../x y")
    assert (caught.value.code, caught.value.message) == ("MalformedPolicy", "Invalid principal in policy")
    number = world.account().id
    for missing in (f"arn:aws:iam::{number}:user/ghost", f"arn:aws:iam::{number}:role/nobody"):
        with pytest.raises(ServiceError, match="Invalid principal in policy"):
            put(missing)


def test_a_key_policy_must_not_lock_the_caller_out(world: Judged) -> None:
    number = world.account().id
    caller = world.identity("default")
    key = f"arn:aws:kms:us-east-1:{number}:key/k"
    exchange = world.exchange("default", "PutKeyPolicy", service="kms")

    def accept(*statements: dict[str, Any], bypass: bool = False) -> None:
        policy_checks.accept_key_policy(
            exchange, caller=caller, key_arn=key, key_account=number, text=json.dumps(_document(*statements)),
            bypass=bypass,
        )  # fmt: skip

    accept(key_statement({"AWS": f"arn:aws:iam::{number}:root"}))
    accept(key_statement({"AWS": caller.arn}))
    other = key_statement({"AWS": f"arn:aws:iam::{number}:role/app"})
    accept(other, bypass=True)
    with pytest.raises(ServiceError) as caught:
        accept(other)
    assert (caught.value.status, caught.value.code) == (400, "MalformedPolicyDocumentException")
    assert caught.value.message == "The new key policy will not allow you to update the key policy in the future."
    with pytest.raises(ServiceError, match="one or more invalid principals"):
        accept(key_statement({"AWS": f"arn:aws:iam::{number}:user/ghost"}))
