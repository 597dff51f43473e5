"""KMS as clients have it: boto3, real policies, S3 in between, against a running sandbox."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.harness import RunningSandbox

DAY = 86_400


class World:
    """A world with an administrator, two users with a few rights, and an administrator of another account."""

    def __init__(self, sandbox: RunningSandbox, exercise: str) -> None:
        self.sandbox, self.exercise = sandbox, exercise
        objects = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "*"}
        objects_only = json.dumps({"Version": "2012-10-17", "Statement": [objects]})
        self.made = sandbox.create_world(
            exercise,
            accounts=["home", "other"],
            principals=[
                {"name": "default", "kind": "user", "account": "home", "policies": {}, "administrator": True},
                {"name": "plain", "kind": "user", "account": "home", "policies": {}, "administrator": False},
                {
                    "name": "objects",
                    "kind": "user",
                    "account": "home",
                    "policies": {"objects": objects_only},
                    "administrator": False,
                },
                {"name": "abroad", "kind": "user", "account": "other", "policies": {}, "administrator": True},
            ],
        )
        self.home = self.made["accounts"]["home"]

    def client(self, who: str, service: str = "kms", **options: Any) -> Any:
        return self.sandbox.client_of(self.made["credentials"][who], service, **options)

    def root(self, service: str = "kms") -> Any:
        return self.sandbox.client_of(self.made["builder"], service)

    def arn(self, who: str) -> str:
        return str(self.made["credentials"][who]["arn"])

    def key(self, *more: dict[str, Any]) -> str:
        """A key with the default policy and these statements."""
        statements: list[dict[str, Any]] = [
            {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{self.home}:root"}, "Action": "kms:*"},
            *more,
        ]
        policy = {"Version": "2012-10-17", "Statement": [{**one, "Resource": "*"} for one in statements]}
        return str(self.client("default").create_key(Policy=json.dumps(policy))["KeyMetadata"]["Arn"])

    def kms_events(self) -> list[dict[str, Any]]:
        events = self.sandbox.call("events", after=0, exercise=self.exercise)
        return [event for event in events if event["step"] == "kms"]


@pytest.fixture(scope="module")
def world(sandbox: RunningSandbox) -> Iterator[World]:
    yield World(sandbox, "kms-tests")
    sandbox.call("world.drop", exercise="kms-tests")


def refusal(call: Any, **parameters: Any) -> tuple[int, str, str]:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    answer: Any = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], answer["Error"]["Message"]


def test_a_data_key_travels(world: World) -> None:
    kms, key = world.client("default"), world.key()
    made = kms.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext={"a": "bc"})
    opened = kms.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext={"a": "bc"})
    assert opened["Plaintext"] == made["Plaintext"]
    assert len(made["Plaintext"]) == 32
    assert refusal(kms.decrypt, CiphertextBlob=made["CiphertextBlob"], EncryptionContext={"ab": "c"}) == (
        400,
        "InvalidCiphertextException",
        "",
    )


def test_what_boto3_makes_of_answers(world: World) -> None:
    kms = world.client("default")
    key = kms.create_key(Description="d", Tags=[{"TagKey": "a", "TagValue": "b"}])["KeyMetadata"]
    assert kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"] == key
    assert abs(key["CreationDate"].timestamp() - world.sandbox.call("clock")) < 60
    kms.create_alias(AliasName="alias/wire", TargetKeyId=key["Arn"])
    assert key["Arn"] in {
        entry["KeyArn"] for page in kms.get_paginator("list_keys").paginate() for entry in page["Keys"]
    }
    (alias,) = kms.list_aliases(KeyId=key["KeyId"])["Aliases"]
    assert alias["AliasArn"] == f"arn:aws:kms:us-east-1:{world.home}:alias/wire"
    kms.enable_key_rotation(KeyId=key["KeyId"], RotationPeriodInDays=90)
    status = kms.get_key_rotation_status(KeyId=key["KeyId"])
    assert round((status["NextRotationDate"] - key["CreationDate"]).total_seconds() / DAY) == 90
    assert kms.disable_key(KeyId=key["KeyId"])["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert refusal(kms.generate_data_key, KeyId=key["Arn"], KeySpec="AES_256") == (
        400,
        "DisabledException",
        f"{key['Arn']} is disabled.",
    )


def test_limits_that_the_client_library_leaves_to_the_service(world: World) -> None:
    kms, key = world.client("default", parameter_validation=False), world.key()
    assert refusal(kms.encrypt, KeyId=key, Plaintext=bytes(4097))[:2] == (400, "ValidationException")
    assert refusal(kms.schedule_key_deletion, KeyId=key, PendingWindowInDays=6)[:2] == (400, "ValidationException")
    assert refusal(kms.enable_key_rotation, KeyId=key, RotationPeriodInDays=89)[:2] == (400, "ValidationException")
    assert refusal(kms.create_alias, AliasName="wrong", TargetKeyId=key)[:2] == (400, "ValidationException")


def test_a_key_of_another_region(world: World) -> None:
    arn = world.key().replace("us-east-1", "us-west-2")
    assert refusal(world.client("default").describe_key, KeyId=arn) == (
        400,
        "NotFoundException",
        "Invalid arn us-west-2",
    )


def test_the_key_policy_of_an_account_leaves_it_to_identity_policies(world: World) -> None:
    key = world.key()
    status, code, message = refusal(world.client("plain").generate_data_key, KeyId=key, KeySpec="AES_256")
    assert (status, code) == (400, "AccessDeniedException")
    assert message == (
        f"User: {world.arn('plain')} is not authorized to perform: kms:GenerateDataKey on resource: {key} "
        "because no identity-based policy allows the kms:GenerateDataKey action"
    )


def test_a_deny_in_the_key_policy_binds_administrators(world: World) -> None:
    deny = {"Effect": "Deny", "Principal": "*", "Action": "kms:GenerateDataKey"}
    key = world.key(deny)
    code, message = refusal(world.client("default").generate_data_key, KeyId=key, KeySpec="AES_256")[1:]
    assert code == "AccessDeniedException"
    assert "explicit deny" in message
    world.client("default").encrypt(KeyId=key, Plaintext=b"x")


def test_a_policy_can_ask_for_an_encryption_context(world: World) -> None:
    key = world.key(
        {
            "Effect": "Allow",
            "Principal": {"AWS": world.arn("plain")},
            "Action": "kms:Encrypt",
            "Condition": {"StringEquals": {"kms:EncryptionContext:purpose": "test"}},
        }
    )
    kms = world.client("plain")
    kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"purpose": "test"})
    for context in ({}, {"purpose": "other"}):
        assert refusal(kms.encrypt, KeyId=key, Plaintext=b"x", EncryptionContext=context)[1] == "AccessDeniedException"


def test_a_grant_lets_in_until_it_is_revoked(world: World) -> None:
    key, kms, plain = world.key(), world.client("default"), world.client("plain")
    blob = kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"a": "b"})["CiphertextBlob"]
    asked = {"CiphertextBlob": blob, "EncryptionContext": {"a": "b"}}
    assert refusal(plain.decrypt, **asked)[1] == "AccessDeniedException"
    grant = kms.create_grant(
        KeyId=key,
        GranteePrincipal=world.arn("plain"),
        Operations=["Decrypt"],
        Constraints={"EncryptionContextEquals": {"a": "b"}},
    )
    assert plain.decrypt(**asked, GrantTokens=[grant["GrantToken"]])["Plaintext"] == b"x"
    other = kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"a": "c"})["CiphertextBlob"]
    assert refusal(plain.decrypt, CiphertextBlob=other, EncryptionContext={"a": "c"})[1] == "AccessDeniedException"
    assert refusal(plain.encrypt, KeyId=key, Plaintext=b"x")[1] == "AccessDeniedException"
    kms.revoke_grant(KeyId=key, GrantId=grant["GrantId"])
    assert refusal(plain.decrypt, **asked)[1] == "AccessDeniedException"


def test_locked_out_and_bypassed(world: World) -> None:
    kms, key = world.client("default"), world.key()
    policy = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": world.arn("plain")},
                    "Action": "kms:*",
                    "Resource": "*",
                }
            ],
        }
    )
    assert refusal(kms.put_key_policy, KeyId=key, Policy=policy) == (
        400,
        "MalformedPolicyDocumentException",
        "The new key policy will not allow you to update the key policy in the future.",
    )
    kms.put_key_policy(KeyId=key, Policy=policy, BypassPolicyLockoutSafetyCheck=True)
    for client in (kms, world.root()):
        code, message = refusal(client.describe_key, KeyId=key)[1:]
        assert code == "AccessDeniedException"
        assert message.endswith("because no resource-based policy allows the kms:DescribeKey action")
    world.client("plain").describe_key(KeyId=key)


def test_another_account_needs_both_sides(world: World) -> None:
    closed, opened = world.key(), world.key(
        {"Effect": "Allow", "Principal": {"AWS": world.arn("abroad")}, "Action": ["kms:GenerateDataKey", "kms:Decrypt"]}
    )  # fmt: skip
    abroad = world.client("abroad")
    made = abroad.generate_data_key(KeyId=opened, KeySpec="AES_256")
    assert made["KeyId"] == opened
    assert abroad.decrypt(CiphertextBlob=made["CiphertextBlob"])["Plaintext"] == made["Plaintext"]
    code, message = refusal(abroad.generate_data_key, KeyId=closed, KeySpec="AES_256")[1:]
    assert code == "AccessDeniedException"
    missing = f"arn:aws:kms:us-east-1:{world.home}:key/00000000-0000-0000-0000-000000000000"
    assert refusal(abroad.generate_data_key, KeyId=missing, KeySpec="AES_256")[1:] == (code, message)


def test_the_key_of_s3_is_used_through_s3_alone(world: World) -> None:
    s3, kms = world.client("default", "s3"), world.client("default")
    s3.create_bucket(Bucket="kms-tests-aws-s3")
    put = world.client("objects", "s3").put_object(
        Bucket="kms-tests-aws-s3", Key="a", Body=b"text", ServerSideEncryption="aws:kms"
    )
    key = put["SSEKMSKeyId"]
    shown = kms.describe_key(KeyId="alias/aws/s3")["KeyMetadata"]
    assert (shown["Arn"], shown["KeyManager"]) == (key, "AWS")
    assert world.client("objects", "s3").get_object(Bucket="kms-tests-aws-s3", Key="a")["Body"].read() == b"text"
    for client in (kms, world.root()):
        for call, parameters in (
            (client.generate_data_key, {"KeySpec": "AES_256"}),
            (client.disable_key, {}),
            (client.schedule_key_deletion, {}),
            (client.put_key_policy, {"Policy": client.get_key_policy(KeyId=key)["Policy"]}),
        ):
            assert refusal(call, KeyId=key, **parameters)[:2] == (400, "AccessDeniedException")


def test_a_key_that_only_s3_may_use_for_its_callers(world: World) -> None:
    key = world.key(
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": ["kms:Encrypt", "kms:GenerateDataKey"],
            "Condition": {"StringNotEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}},
        }
    )
    assert refusal(world.client("default").encrypt, KeyId=key, Plaintext=b"x")[1] == "AccessDeniedException"
    s3 = world.client("default", "s3")
    s3.create_bucket(Bucket="kms-tests-via")
    s3.put_object(Bucket="kms-tests-via", Key="a", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    event = next(event for event in reversed(world.kms_events()) if event["data"]["via"] == "s3")
    assert event["data"]["operation"] == "GenerateDataKey"
    assert event["data"]["context"] == {"aws:s3:arn": "arn:aws:s3:::kms-tests-via/a"}
    assert event["data"]["caller"] == event["principal"] == world.arn("default")


def test_calls_that_nobody_signed_are_refused(world: World) -> None:
    import botocore
    from boto3.session import Session
    from botocore.config import Config

    client = Session(region_name="us-east-1").client(
        "kms",
        endpoint_url=world.sandbox.https,
        verify=str(world.sandbox.ca_bundle),
        config=Config(signature_version=botocore.UNSIGNED, retries={"max_attempts": 0}),
    )
    status, code, _ = refusal(client.list_keys)
    assert (status, code) == (400, "MissingAuthenticationTokenException")
    client.close()


def test_no_event_holds_a_key(world: World) -> None:
    made = world.client("default").generate_data_key(KeyId=world.key(), KeySpec="AES_256")
    import base64

    text = json.dumps(world.sandbox.call("events", after=0, exercise="kms-tests"))
    for secret in (made["Plaintext"], made["CiphertextBlob"]):
        assert base64.b64encode(secret).decode() not in text
        assert secret.hex() not in text


def test_the_clock_and_a_restart(start_sandbox: Any, short_directory: Any) -> None:
    state = short_directory / "state"
    first = start_sandbox("--serve", "--state", str(state))
    world = World(first, "kms-clock")
    kms, kept, doomed = world.client("default"), world.key(), world.key()
    blob = kms.encrypt(KeyId=kept, Plaintext=b"x")["CiphertextBlob"]
    lost = kms.encrypt(KeyId=doomed, Plaintext=b"x")["CiphertextBlob"]
    kms.rotate_key_on_demand(KeyId=kept)
    kms.schedule_key_deletion(KeyId=doomed, PendingWindowInDays=7)
    first.stop()
    second = start_sandbox("--serve", "--state", str(state))
    kms = second.client_of(second.call("world.open", exercise="kms-clock")["credentials"]["default"], "kms")
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    assert kms.describe_key(KeyId=doomed)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    second.call("clock", advance=7 * DAY)
    assert refusal(kms.decrypt, CiphertextBlob=lost, KeyId=doomed) == (
        400,
        "NotFoundException",
        f"Key '{doomed}' does not exist",
    )
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_a_fork_has_the_same_keys_and_changes_alone(world: World) -> None:
    kms, key = world.client("default"), world.key()
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    forked = world.sandbox.call("world.fork", exercise="kms-tests")
    copy = world.sandbox.client_of(forked["credentials"]["default"], "kms")
    assert copy.decrypt(CiphertextBlob=blob)["KeyId"] == key
    copy.disable_key(KeyId=key)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    world.sandbox.call("world.drop", exercise=forked["realm"])
