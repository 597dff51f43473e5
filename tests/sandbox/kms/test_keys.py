"""Keys, aliases, tags, key policies and the clock, through KMS's one door."""

from __future__ import annotations

import copy
import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.sandbox.kms.stage import HOME, OTHER, Stage

DAY = 86_400


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def key(stage: Stage) -> str:
    return stage.new_key()


def describe(stage: Stage, key: str) -> dict[str, Any]:
    shown: dict[str, Any] = stage.call("DescribeKey", KeyId=key)["KeyMetadata"]
    return shown


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def test_a_new_key_shows_all_that_aws_shows(stage: Stage) -> None:
    shown = stage.call("CreateKey", Description="test key 123")["KeyMetadata"]
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", shown["KeyId"])
    assert re.fullmatch(r"[0-9a-f]{64}", shown["CurrentKeyMaterialId"])
    assert shown == {
        "AWSAccountId": HOME,
        "KeyId": shown["KeyId"],
        "Arn": f"arn:aws:kms:us-east-1:{HOME}:key/{shown['KeyId']}",
        "CreationDate": moment(stage.clock.now()),
        "Enabled": True,
        "Description": "test key 123",
        "KeyUsage": "ENCRYPT_DECRYPT",
        "KeyState": "Enabled",
        "Origin": "AWS_KMS",
        "KeyManager": "CUSTOMER",
        "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "KeySpec": "SYMMETRIC_DEFAULT",
        "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
        "MultiRegion": False,
        "CurrentKeyMaterialId": shown["CurrentKeyMaterialId"],
    }
    assert describe(stage, shown["Arn"]) == describe(stage, shown["KeyId"]) == shown


def test_external_keys_wait_for_their_material(stage: Stage) -> None:
    shown = describe(stage, stage.new_key(Origin="EXTERNAL"))
    assert (shown["KeyState"], shown["Enabled"], shown["Origin"]) == ("PendingImport", False, "EXTERNAL")
    assert "CurrentKeyMaterialId" not in shown


def test_asymmetric_keys_exist_as_metadata(stage: Stage) -> None:
    shown = describe(stage, stage.new_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY"))
    assert (shown["KeySpec"], shown["KeyUsage"]) == ("RSA_2048", "SIGN_VERIFY")
    assert "EncryptionAlgorithms" not in shown
    assert len(shown["SigningAlgorithms"]) == 6


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"KeySpec": "RSA_2048"}, "ValidationException"),
        ({"KeyUsage": "SIGN_VERIFY"}, "ValidationException"),
        ({"KeySpec": "SYMMETRIC_DEFAULT", "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT"}, "ValidationException"),
        ({"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"}, "NotImplemented"),
        ({"MultiRegion": True}, "NotImplemented"),
        ({"Origin": "AWS_CLOUDHSM"}, "NotImplemented"),
        ({"Tags": [{"TagKey": "aws:x", "TagValue": ""}]}, "TagException"),
        ({"Policy": "{"}, "MalformedPolicyDocumentException"),
    ],
)
def test_what_create_key_refuses(stage: Stage, asked: dict[str, Any], code: str) -> None:
    assert stage.refusal("CreateKey", **asked)[0] == code
    assert not stage.state.keys


def test_keys_that_are_not_there(stage: Stage) -> None:
    arn = f"arn:aws:kms:us-east-1:{HOME}:key/134f2428-cec1-4b25-a1ae-9048164dba47"
    table = {
        "134f2428-cec1-4b25-a1ae-9048164dba47": f"Key '{arn}' does not exist",
        arn: f"Key '{arn}' does not exist",
        "mrk-d3b95762d3b95762d3b95762d3b95762": (
            f"Key 'arn:aws:kms:us-east-1:{HOME}:key/mrk-d3b95762d3b95762d3b95762d3b95762' does not exist"
        ),
        "fake-key-id": "Invalid keyId 'fake-key-id'",
        "134f2428cec14b25a1ae9048164dba47": "Invalid keyId '134f2428cec14b25a1ae9048164dba47'",
        "mrk-fake-key-id": "Invalid keyId 'mrk-fake-key-id'",
        "aws/s3": "Invalid keyId 'aws/s3'",
        f"arn:aws:kms:us-west-2:{HOME}:key/134f2428-cec1-4b25-a1ae-9048164dba47": "Invalid arn us-west-2",
        "alias/none": f"Alias arn:aws:kms:us-east-1:{HOME}:alias/none is not found.",
        f"arn:aws:kms:us-east-1:{HOME}:alias/none": f"Alias arn:aws:kms:us-east-1:{HOME}:alias/none is not found.",
    }
    for key_id, message in table.items():
        assert stage.refusal("GenerateDataKey", KeyId=key_id, KeySpec="AES_256") == ("NotFoundException", message)


@pytest.mark.parametrize("key_id", ["arn:aws:s3:::bucket", "arn:aws:kms", "arn:aws:kms:us-east-1:1:thing/x"])
def test_arns_that_are_no_keys(stage: Stage, key_id: str) -> None:
    assert stage.refusal("DescribeKey", KeyId=key_id)[0] == "NotFoundException"


def test_an_unknown_key_of_another_account_cannot_be_told_from_a_forbidden_one(stage: Stage) -> None:
    for account in (OTHER, "999999999999"):
        arn = f"arn:aws:kms:us-east-1:{account}:key/134f2428-cec1-4b25-a1ae-9048164dba47"
        assert stage.refusal("DescribeKey", KeyId=arn)[0] == "AccessDeniedException"


def test_management_operations_take_no_alias(stage: Stage, key: str) -> None:
    stage.call("CreateAlias", AliasName="alias/a", TargetKeyId=key)
    assert stage.refusal("DisableKey", KeyId="alias/a") == ("NotFoundException", "Invalid keyId 'alias/a'")
    assert stage.refusal("DisableKey", KeyId=f"arn:aws:kms:us-east-1:{HOME}:alias/a")[0] == "InvalidArnException"


def test_disable_and_enable(stage: Stage, key: str) -> None:
    changes = stage.sandbox.realms.changes
    stage.call("DisableKey", KeyId=key)
    assert (describe(stage, key)["KeyState"], describe(stage, key)["Enabled"]) == ("Disabled", False)
    stage.call("EnableKey", KeyId=key)
    assert describe(stage, key)["KeyState"] == "Enabled"
    assert stage.sandbox.realms.changes == changes + 2


def test_deletion_waits_and_can_be_cancelled(stage: Stage, key: str) -> None:
    until = moment(stage.clock.now() + 30 * DAY)
    assert stage.call("ScheduleKeyDeletion", KeyId=key) == {
        "KeyId": key,
        "DeletionDate": until,
        "KeyState": "PendingDeletion",
        "PendingWindowInDays": 30,
    }
    assert describe(stage, key)["DeletionDate"] == until
    for operation in ("ScheduleKeyDeletion", "EnableKey", "DisableKey", "EnableKeyRotation", "RotateKeyOnDemand"):
        assert stage.refusal(operation, KeyId=key) == ("KMSInvalidStateException", f"{key} is pending deletion.")
    stage.clock.time += 30 * DAY - 1
    assert stage.call("CancelKeyDeletion", KeyId=key) == {"KeyId": key}
    assert describe(stage, key)["KeyState"] == "Disabled"
    assert "DeletionDate" not in describe(stage, key)
    assert stage.refusal("CancelKeyDeletion", KeyId=key)[0] == "KMSInvalidStateException"


def test_after_the_window_key_aliases_and_grants_are_gone(stage: Stage, key: str) -> None:
    stage.call("CreateAlias", AliasName="alias/a", TargetKeyId=key)
    root = f"arn:aws:iam::{OTHER}:root"
    stage.call("CreateGrant", KeyId=key, GranteePrincipal=root, Operations=["Decrypt"])
    stage.call("ScheduleKeyDeletion", KeyId=key, PendingWindowInDays=7)
    stage.clock.time += 7 * DAY
    assert stage.call("ListKeys")["Keys"] == []
    assert stage.call("ListAliases")["Aliases"] == []
    assert not stage.state.grants
    assert stage.refusal("DescribeKey", KeyId=key)[0] == "NotFoundException"
    assert stage.refusal("DescribeKey", KeyId="alias/a")[0] == "NotFoundException"


def test_rotation_status_and_schedule(stage: Stage, key: str) -> None:
    assert stage.call("GetKeyRotationStatus", KeyId=key)["KeyRotationEnabled"] is False
    stage.call("EnableKeyRotation", KeyId=key, RotationPeriodInDays=90)
    start = stage.clock.now()
    status = stage.call("GetKeyRotationStatus", KeyId=key)
    assert (status["KeyRotationEnabled"], status["RotationPeriodInDays"]) == (True, 90)
    assert status["NextRotationDate"] == moment(start + 90 * DAY)
    before = describe(stage, key)["CurrentKeyMaterialId"]
    stage.clock.time += 200 * DAY
    rotations = stage.call("ListKeyRotations", KeyId=key)["Rotations"]
    assert [entry["RotationDate"] for entry in rotations] == [moment(start + 90 * DAY), moment(start + 180 * DAY)]
    assert {entry["RotationType"] for entry in rotations} == {"AUTOMATIC"}
    assert {entry["KeyId"] for entry in rotations} == {status["KeyId"]} == {key.rpartition("/")[2]}
    assert [entry["KeyMaterialState"] for entry in rotations] == ["NON_CURRENT", "CURRENT"]
    assert describe(stage, key)["CurrentKeyMaterialId"] == rotations[-1]["KeyMaterialId"] != before
    everything = stage.call("ListKeyRotations", KeyId=key, IncludeKeyMaterial="ALL_KEY_MATERIAL")["Rotations"]
    assert everything[0]["KeyMaterialId"] == before
    assert "RotationDate" not in everything[0]
    stage.call("DisableKeyRotation", KeyId=key)
    stage.clock.time += 500 * DAY
    assert len(stage.call("ListKeyRotations", KeyId=key)["Rotations"]) == 2


def test_the_default_period_is_a_year(stage: Stage, key: str) -> None:
    stage.call("EnableKeyRotation", KeyId=key)
    assert stage.call("GetKeyRotationStatus", KeyId=key)["RotationPeriodInDays"] == 365


def test_a_disabled_key_rotates_when_it_is_enabled_again(stage: Stage, key: str) -> None:
    stage.call("EnableKeyRotation", KeyId=key, RotationPeriodInDays=90)
    stage.call("DisableKey", KeyId=key)
    stage.clock.time += 400 * DAY
    assert stage.call("ListKeyRotations", KeyId=key)["Rotations"] == []
    stage.call("EnableKey", KeyId=key)
    assert len(stage.call("ListKeyRotations", KeyId=key)["Rotations"]) == 1


def test_pending_deletion_suspends_rotation(stage: Stage, key: str) -> None:
    stage.call("EnableKeyRotation", KeyId=key)
    stage.call("ScheduleKeyDeletion", KeyId=key)
    assert stage.call("GetKeyRotationStatus", KeyId=key)["KeyRotationEnabled"] is False
    stage.call("CancelKeyDeletion", KeyId=key)
    assert stage.call("GetKeyRotationStatus", KeyId=key)["KeyRotationEnabled"] is True


def test_on_demand_rotation_ends_at_25(stage: Stage, key: str) -> None:
    seen = {describe(stage, key)["CurrentKeyMaterialId"]}
    for _ in range(25):
        stage.call("RotateKeyOnDemand", KeyId=key)
        seen.add(describe(stage, key)["CurrentKeyMaterialId"])
    assert len(seen) == 26
    assert stage.refusal("RotateKeyOnDemand", KeyId=key) == (
        "LimitExceededException",
        (
            "The on-demand rotations limit has been reached for the given keyId. "
            f"No more on-demand rotations can be performed for this key: {key}"
        ),
    )
    assert {entry["RotationType"] for entry in stage.call("ListKeyRotations", KeyId=key)["Rotations"]} == {"ON_DEMAND"}


def test_what_does_not_rotate(stage: Stage, key: str) -> None:
    external = stage.new_key(Origin="EXTERNAL")
    assert stage.refusal("EnableKeyRotation", KeyId=external) == (
        "UnsupportedOperationException",
        f"{external} origin is EXTERNAL which is not valid for this operation.",
    )
    rsa = stage.new_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")
    assert stage.refusal("RotateKeyOnDemand", KeyId=rsa)[0] == "UnsupportedOperationException"
    stage.call("DisableKey", KeyId=key)
    for operation in ("EnableKeyRotation", "RotateKeyOnDemand"):
        assert stage.refusal(operation, KeyId=key) == ("DisabledException", f"{key} is disabled.")


def test_aliases(stage: Stage, key: str) -> None:
    stage.call("CreateAlias", AliasName="alias/a", TargetKeyId=key)
    assert describe(stage, "alias/a")["Arn"] == key
    assert describe(stage, f"arn:aws:kms:us-east-1:{HOME}:alias/a")["Arn"] == key
    arn = f"arn:aws:kms:us-east-1:{HOME}:alias/a"
    assert stage.refusal("CreateAlias", AliasName="alias/a", TargetKeyId=key) == (
        "AlreadyExistsException",
        f"An alias with the name {arn} already exists",
    )
    (entry,) = stage.call("ListAliases", KeyId=key)["Aliases"]
    assert (entry["AliasName"], entry["AliasArn"], entry["TargetKeyId"]) == ("alias/a", arn, key.rpartition("/")[2])
    other = stage.new_key()
    stage.call("UpdateAlias", AliasName="alias/a", TargetKeyId=other)
    assert describe(stage, "alias/a")["Arn"] == other
    stage.call("DeleteAlias", AliasName="alias/a")
    assert stage.refusal("DescribeKey", KeyId="alias/a") == ("NotFoundException", f"Alias {arn} is not found.")
    assert stage.refusal("DeleteAlias", AliasName="alias/a")[0] == "NotFoundException"
    assert stage.refusal("UpdateAlias", AliasName="alias/a", TargetKeyId=key)[0] == "NotFoundException"


def test_alias_names_that_are_refused(stage: Stage, key: str) -> None:
    assert stage.refusal("CreateAlias", AliasName="mykey", TargetKeyId=key) == (
        "ValidationException",
        (
            'Alias must start with the prefix "alias/". Please see '
            "https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html"
        ),
    )
    assert stage.refusal("CreateAlias", AliasName="alias/aws/mine", TargetKeyId=key)[0] == "NotAuthorizedException"
    assert not stage.state.aliases


def test_aliases_live_in_the_callers_account(stage: Stage, key: str) -> None:
    stage.call("CreateAlias", AliasName="alias/a", TargetKeyId=key)
    message = f"Alias arn:aws:kms:us-east-1:{OTHER}:alias/a is not found."
    assert stage.refusal("DescribeKey", KeyId="alias/a", caller=stage.stranger) == ("NotFoundException", message)


def test_lists_come_in_pages(stage: Stage) -> None:
    keys = [stage.new_key() for _ in range(5)]
    seen: list[str] = []
    answer = stage.call("ListKeys", Limit=2)
    while answer["Truncated"]:
        seen += [entry["KeyArn"] for entry in answer["Keys"]]
        answer = stage.call("ListKeys", Limit=2, Marker=answer["NextMarker"])
    seen += [entry["KeyArn"] for entry in answer["Keys"]]
    assert seen == keys
    assert "NextMarker" not in answer
    assert stage.refusal("ListKeys", Marker="nonsense")[0] == "InvalidMarkerException"


def test_tags_and_description(stage: Stage, key: str) -> None:
    stage.call("TagResource", KeyId=key, Tags=[{"TagKey": "a", "TagValue": "1"}, {"TagKey": "b", "TagValue": "2"}])
    stage.call("TagResource", KeyId=key, Tags=[{"TagKey": "b", "TagValue": "3"}])
    stage.call("UntagResource", KeyId=key, TagKeys=["a", "none"])
    assert stage.call("ListResourceTags", KeyId=key)["Tags"] == [{"TagKey": "b", "TagValue": "3"}]
    stage.call("UpdateKeyDescription", KeyId=key, Description="new")
    assert describe(stage, key)["Description"] == "new"


def test_the_default_policy_delegates_to_the_account(stage: Stage, key: str) -> None:
    answer = stage.call("GetKeyPolicy", KeyId=key)
    assert answer["PolicyName"] == "default"
    assert answer["Policy"] == (
        '{\n  "Version" : "2012-10-17",\n  "Id" : "key-default-1",\n  "Statement" : [ {\n'
        '    "Sid" : "Enable IAM User Permissions",\n    "Effect" : "Allow",\n    "Principal" : {\n'
        f'      "AWS" : "arn:aws:iam::{HOME}:root"\n    }},\n    "Action" : "kms:*",\n    "Resource" : "*"\n  }} ]\n}}'
    )
    assert stage.call("ListKeyPolicies", KeyId=key)["PolicyNames"] == ["default"]
    assert stage.refusal("GetKeyPolicy", KeyId=key, PolicyName="other") == (
        "NotFoundException",
        "No such policy exists",
    )


def statement(**members: Any) -> str:
    one = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{HOME}:root"}, "Action": "kms:*", "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [one | members]})


def test_a_policy_is_replaced_and_kept_as_kms_writes_it(stage: Stage, key: str) -> None:
    policy = statement(Sid="mine")
    stage.call("PutKeyPolicy", KeyId=key, Policy=policy)
    kept = stage.call("GetKeyPolicy", KeyId=key)["Policy"]
    assert json.loads(kept) == json.loads(policy)
    assert '"Sid" : "mine"' in kept
    made = stage.call("CreateKey", Policy=policy)["KeyMetadata"]["Arn"]
    assert stage.call("GetKeyPolicy", KeyId=made)["Policy"] == kept


def test_a_policy_that_locks_the_caller_out_is_refused_unless_told_otherwise(stage: Stage, key: str) -> None:
    reader = statement(Action="kms:Decrypt")
    refused = (
        "MalformedPolicyDocumentException",
        "The new key policy will not allow you to update the key policy in the future.",
    )
    before = stage.key(key).policy
    assert stage.refusal("PutKeyPolicy", KeyId=key, Policy=reader) == refused
    assert stage.refusal("CreateKey", Policy=reader) == refused
    assert stage.key(key).policy == before
    stage.call("PutKeyPolicy", KeyId=key, Policy=reader, BypassPolicyLockoutSafetyCheck=True)
    assert json.loads(stage.key(key).policy) == json.loads(reader)


@pytest.mark.parametrize(
    "policy",
    ["[]", "nonsense", '{"Version": "2012-10-17"}', statement(Principal={"AWS": f"arn:aws:iam::{HOME}:user/nobody"})],
)
def test_what_is_no_key_policy(stage: Stage, key: str, policy: str) -> None:
    assert stage.refusal("PutKeyPolicy", KeyId=key, Policy=policy)[0] == "MalformedPolicyDocumentException"


def test_the_key_of_s3_comes_on_first_use_and_belongs_to_aws(stage: Stage) -> None:
    assert stage.refusal("GenerateDataKey", KeyId="alias/aws/s3", KeySpec="AES_256")[0] == "NotFoundException"
    made = stage.call("GenerateDataKey", KeyId="alias/aws/s3", KeySpec="AES_256", via="s3")
    key = made["KeyId"]
    assert stage.call("GenerateDataKey", KeyId="alias/aws/s3", KeySpec="AES_256", via="s3")["KeyId"] == key
    shown = describe(stage, "alias/aws/s3")
    assert (shown["Arn"], shown["KeyManager"]) == (key, "AWS")
    assert shown["Description"] == "Default key that protects my S3 objects when no other key is defined"
    assert stage.call("GetKeyRotationStatus", KeyId=key)["KeyRotationEnabled"] is True
    policy = json.loads(stage.call("GetKeyPolicy", KeyId=key)["Policy"])
    assert policy["Statement"][0]["Condition"]["StringEquals"] == {
        "kms:CallerAccount": HOME,
        "kms:ViaService": "s3.us-east-1.amazonaws.com",
    }
    for operation, more in (
        ("DisableKey", {}),
        ("ScheduleKeyDeletion", {}),
        ("PutKeyPolicy", {"Policy": json.dumps(policy)}),
        ("DisableKeyRotation", {}),
        ("RotateKeyOnDemand", {}),
        ("UpdateKeyDescription", {"Description": "mine"}),
        ("TagResource", {"Tags": []}),
    ):
        assert stage.refusal(operation, KeyId=key, **more)[0] == "AccessDeniedException"
    assert stage.refusal("CreateAlias", AliasName="alias/mine", TargetKeyId=key)[0] == "AccessDeniedException"


def test_describing_the_alias_of_s3_makes_its_key(stage: Stage) -> None:
    assert describe(stage, "alias/aws/s3")["KeyManager"] == "AWS"


def test_find_key_says_what_a_name_means(stage: Stage, key: str) -> None:
    stage.call("CreateAlias", AliasName="alias/a", TargetKeyId=key)
    events = len(stage.sandbox.log.events)
    assert stage.service.find_key(stage.exchange(), "alias/a", caller=stage.me).arn == key
    managed = stage.service.find_key(stage.exchange(), "alias/aws/s3", caller=stage.me, via="s3")
    assert managed.manager == "AWS"
    assert len(stage.sandbox.log.events) == events


def test_a_copy_of_the_state_decrypts_and_changes_alone(stage: Stage, key: str) -> None:
    blob = stage.call("Encrypt", KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    stage.realm.accounts[HOME].kms = copy.deepcopy(stage.state)
    original = stage.state
    stage.realm.accounts[HOME].kms = copy.deepcopy(original)
    stage.call("DisableKey", KeyId=key)
    stage.realm.accounts[HOME].kms = original
    assert stage.call("Decrypt", CiphertextBlob=blob)["Plaintext"] == b"x"


def test_what_is_not_modelled_is_named(stage: Stage, key: str) -> None:
    code, message = stage.refusal("Sign", KeyId=key)
    assert code == "NotImplemented"
    assert "Sign" in message
