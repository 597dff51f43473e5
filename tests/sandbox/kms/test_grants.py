"""Grants as records: who has them, how they are found, and who may end them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.kms.stage import HOME, OTHER, Stage, user


@pytest.fixture
def stage() -> Stage:
    stage = Stage()
    stage.enrol(stage.me, stage.stranger)
    return stage


@pytest.fixture
def key(stage: Stage) -> str:
    return stage.new_key()


def test_a_grant_is_made_listed_and_revoked(stage: Stage, key: str) -> None:
    made = stage.call(
        "CreateGrant",
        KeyId=key,
        GranteePrincipal=stage.stranger.arn,
        RetiringPrincipal=stage.me.arn,
        Operations=["Decrypt", "DescribeKey"],
        Constraints={"EncryptionContextSubset": {"a": "b"}},
        Name="reader",
    )
    assert len(made["GrantId"]) == 64
    (entry,) = stage.call("ListGrants", KeyId=key)["Grants"]
    assert entry == {
        "KeyId": key,
        "GrantId": made["GrantId"],
        "Name": "reader",
        "CreationDate": entry["CreationDate"],
        "GranteePrincipal": stage.stranger.arn,
        "RetiringPrincipal": stage.me.arn,
        "IssuingAccount": f"arn:aws:iam::{HOME}:root",
        "Operations": ["Decrypt", "DescribeKey"],
        "Constraints": {"EncryptionContextSubset": {"a": "b"}},
    }
    assert stage.call("ListRetirableGrants", RetiringPrincipal=stage.me.arn)["Grants"] == [entry]
    assert stage.call("ListGrants", KeyId=key, GranteePrincipal=stage.me.arn)["Grants"] == []
    (granted,) = stage.state.grants.values()
    assert granted.context_subset == {"a": "b"}
    stage.call("RevokeGrant", KeyId=key, GrantId=made["GrantId"])
    assert stage.call("ListGrants", KeyId=key)["Grants"] == []
    assert stage.refusal("RevokeGrant", KeyId=key, GrantId=made["GrantId"])[0] == "NotFoundException"


def test_the_authorizer_sees_the_keys_grants(stage: Stage, key: str) -> None:
    stage.call("CreateGrant", KeyId=key, GranteePrincipal=stage.stranger.arn, Operations=["Decrypt"])
    stage.call("CreateGrant", KeyId=stage.new_key(), GranteePrincipal=stage.stranger.arn, Operations=["Encrypt"])
    stage.call("GenerateDataKey", KeyId=key, KeySpec="AES_256")
    assert [grant.operations for grant in stage.asked[-1]["grants"]] == [["Decrypt"]]


def test_the_same_request_under_one_name_is_one_grant(stage: Stage, key: str) -> None:
    first = stage.call("CreateGrant", KeyId=key, GranteePrincipal=stage.me.arn, Operations=["Decrypt"], Name="n")
    again = stage.call("CreateGrant", KeyId=key, GranteePrincipal=stage.me.arn, Operations=["Decrypt"], Name="n")
    assert first["GrantId"] == again["GrantId"]
    assert first["GrantToken"] != again["GrantToken"]
    for _ in range(2):
        stage.call("CreateGrant", KeyId=key, GranteePrincipal=stage.me.arn, Operations=["Decrypt"])
    assert len(stage.state.grants) == 3


def test_who_may_retire(stage: Stage, key: str) -> None:
    grantee, retirer, nobody = user(OTHER, "grantee"), user(OTHER, "retirer"), user(OTHER, "nobody")
    stage.enrol(grantee, retirer)

    def make(*operations: str) -> str:
        return str(
            stage.call(
                "CreateGrant",
                KeyId=key,
                GranteePrincipal=grantee.arn,
                RetiringPrincipal=retirer.arn,
                Operations=list(operations),
            )["GrantToken"]
        )

    token = make("Decrypt")
    assert stage.refusal("RetireGrant", GrantToken=token, caller=nobody)[0] == "AccessDeniedException"
    assert stage.refusal("RetireGrant", GrantToken=token, caller=grantee)[0] == "AccessDeniedException"
    assert stage.refusal("RetireGrant", GrantToken=token, caller=retirer, DryRun=True)[0] == "DryRunOperationException"
    stage.call("RetireGrant", GrantToken=token, caller=retirer)
    stage.call("RetireGrant", GrantToken=make("Decrypt", "RetireGrant"), caller=grantee)
    token = make("Decrypt")
    stage.refuse = {"kms:RetireGrant"}
    assert stage.refusal("RetireGrant", GrantToken=token)[0] == "AccessDeniedException"
    stage.refuse = set()
    stage.call("RetireGrant", GrantToken=token)
    assert not stage.state.grants
    assert stage.refusal("RetireGrant", GrantToken=token)[0] == "InvalidGrantTokenException"
    assert stage.refusal("RetireGrant")[0] == "ValidationException"


def test_a_grant_is_retired_by_key_and_id(stage: Stage, key: str) -> None:
    made = stage.call("CreateGrant", KeyId=key, GranteePrincipal=stage.me.arn, Operations=["Decrypt"])
    stage.call("RetireGrant", KeyId=key, GrantId=made["GrantId"])
    assert not stage.state.grants


def test_what_create_grant_refuses(stage: Stage, key: str) -> None:
    def refused(**asked: Any) -> str:
        return stage.refusal("CreateGrant", KeyId=key, **({"Operations": ["Decrypt"]} | asked))[0]

    me = stage.me.arn
    assert refused() == "ValidationException"
    assert refused(GranteePrincipal="bob") == "InvalidArnException"
    assert refused(GranteePrincipal=f"{me}-typo") == "InvalidArnException"
    assert refused(GranteePrincipal=me, RetiringPrincipal=f"{me}-typo") == "InvalidArnException"
    assert refused(GranteePrincipal=me, Operations=["Steal"]) == "ValidationException"
    assert refused(GranteePrincipal=me, Constraints={"SourceArn": me}) == "NotImplemented"
    assert refused(GranteePrincipal=me, Constraints={"EncryptionContextEquals": "a"}) == "SerializationException"
    assert refused(GranteePrincipal=me, DryRun=True) == "DryRunOperationException"
    stage.call("DisableKey", KeyId=key)
    assert refused(GranteePrincipal=me) == "DisabledException"
    assert not stage.state.grants
