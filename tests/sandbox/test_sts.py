"""Sessions of roles, and who a caller is: boto3 against a running sandbox."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.harness import RunningSandbox

KEY_USE = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["kms:ListKeys", "kms:CreateKey"], "Resource": "*"}],
}


@dataclass
class World:
    """A world with an administrator in each of two accounts and two users who may do nothing yet."""

    sandbox: RunningSandbox
    made: dict[str, Any]

    def client(self, who: str, service: str, **options: Any) -> Any:
        return self.sandbox.client_of(self.made["credentials"][who], service, **options)

    def arn(self, who: str) -> str:
        return str(self.made["credentials"][who]["arn"])

    def number(self, account: str = "home") -> str:
        return str(self.made["accounts"][account])

    def session(self, assumed: dict[str, Any], service: str) -> Any:
        keys = assumed["Credentials"]
        return self.sandbox.client(
            service,
            access_key_id=keys["AccessKeyId"],
            secret_access_key=keys["SecretAccessKey"],
            session_token=keys["SessionToken"],
        )

    def role(self, name: str, trusted: str | dict[str, Any], **members: Any) -> str:
        """A role of the home account that trusts this ARN (or whom this statement says), and may list keys."""
        statement = {"Effect": "Allow", "Principal": {"AWS": trusted}, "Action": "sts:AssumeRole"}
        if isinstance(trusted, dict):
            statement = trusted
        iam = self.client("default", "iam")
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy, **members)
        iam.put_role_policy(RoleName=name, PolicyName="use", PolicyDocument=json.dumps(KEY_USE))
        return str(made["Role"]["Arn"])


def principal(name: str, account: str = "home", *, administrator: bool = False, **policies: Any) -> dict[str, Any]:
    texts = {policy: json.dumps(document) for policy, document in policies.items()}
    return {"name": name, "kind": "user", "account": account, "policies": texts, "administrator": administrator}


@pytest.fixture(scope="module")
def world(sandbox: RunningSandbox) -> Iterator[World]:
    made = sandbox.create_world(
        "sts-tests",
        accounts=["home", "other"],
        principals=[
            principal("default", administrator=True),
            principal("plain"),
            principal("abroad", "other", administrator=True),
            principal("abroad-plain", "other"),
        ],
    )
    yield World(sandbox, made)
    sandbox.call("world.drop", exercise="sts-tests")


def refusal(call: Any, **parameters: Any) -> tuple[int, str, str]:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    answer: Any = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], answer["Error"]["Message"]


def denied(who: str, role: str, action: str = "sts:AssumeRole") -> tuple[int, str, str]:
    return 403, "AccessDenied", f"User: {who} is not authorized to perform: {action} on resource: {role}"


def test_everyone_may_ask_who_they_are(world: World) -> None:
    answer = world.client("plain", "sts").get_caller_identity()
    assert (answer["Arn"], answer["Account"]) == (world.arn("plain"), world.number())
    assert answer["UserId"].startswith("AIDA")


def test_a_session_is_who_and_may_do_what_its_role_says(world: World) -> None:
    role = world.role("reader", world.arn("plain"))
    assumed = world.client("plain", "sts").assume_role(RoleArn=role, RoleSessionName="tuesday")
    arn = f"arn:aws:sts::{world.number()}:assumed-role/reader/tuesday"
    assert assumed["AssumedRoleUser"]["Arn"] == arn
    assert assumed["AssumedRoleUser"]["AssumedRoleId"].endswith(":tuesday")
    assert assumed["Credentials"]["AccessKeyId"].startswith("ASIA")
    assert "PackedPolicySize" not in assumed
    identity = world.session(assumed, "sts").get_caller_identity()
    assert (identity["Arn"], identity["UserId"]) == (arn, assumed["AssumedRoleUser"]["AssumedRoleId"])
    assert "Keys" in world.session(assumed, "kms").list_keys()
    assert refusal(world.session(assumed, "kms").list_aliases)[1] == "AccessDeniedException"
    lasting = assumed["Credentials"]["Expiration"].timestamp() - world.sandbox.call("clock")
    assert 3500 < lasting <= 3600


def test_the_trust_policy_decides(world: World) -> None:
    role = world.role("for-default", world.arn("default"))
    call = world.client("plain", "sts").assume_role
    assert refusal(call, RoleArn=role, RoleSessionName="xx") == denied(world.arn("plain"), role)


def test_a_trust_policy_that_names_the_account_leaves_it_to_identity_policies(world: World) -> None:
    role = world.role("for-account", f"arn:aws:iam::{world.number()}:root")
    call = world.client("plain", "sts").assume_role
    assert refusal(call, RoleArn=role, RoleSessionName="xx") == denied(world.arn("plain"), role)
    world.client("default", "sts").assume_role(RoleArn=role, RoleSessionName="xx")


def test_across_accounts_both_sides_must_allow(world: World) -> None:
    role = world.role("for-abroad", f"arn:aws:iam::{world.number('other')}:root")
    assumed = world.client("abroad", "sts").assume_role(RoleArn=role, RoleSessionName="xx")
    assert world.session(assumed, "sts").get_caller_identity()["Account"] == world.number()
    call = world.client("abroad-plain", "sts").assume_role
    assert refusal(call, RoleArn=role, RoleSessionName="xx") == denied(world.arn("abroad-plain"), role)


def test_a_role_that_does_not_exist_is_refused_like_one_that_trusts_nobody(world: World) -> None:
    call = world.client("default", "sts").assume_role
    for arn in (f"arn:aws:iam::{world.number()}:role/none", "arn:aws:iam::999999999999:role/none"):
        assert refusal(call, RoleArn=arn, RoleSessionName="xx") == denied(world.arn("default"), arn)


def test_an_external_id_is_a_condition_key(world: World) -> None:
    role = world.role(
        "external",
        {
            "Effect": "Allow",
            "Principal": {"AWS": world.arn("plain")},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:ExternalId": "secret-1"}},
        },
    )
    call = world.client("plain", "sts").assume_role
    assert refusal(call, RoleArn=role, RoleSessionName="xx")[1] == "AccessDenied"
    assert refusal(call, RoleArn=role, RoleSessionName="xx", ExternalId="secret-2")[1] == "AccessDenied"
    call(RoleArn=role, RoleSessionName="xx", ExternalId="secret-1")


def test_session_policies_only_take_away(world: World) -> None:
    role = world.role("limited", world.arn("plain"))
    policy = json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:*", "Resource": "*"}]}
    )
    sts = world.client("plain", "sts")
    wide = sts.assume_role(RoleArn=role, RoleSessionName="wide", Policy=policy)
    assert wide["PackedPolicySize"] > 0
    assert "Keys" in world.session(wide, "kms").list_keys()
    assert refusal(world.session(wide, "kms").list_aliases)[1] == "AccessDeniedException"
    narrow = sts.assume_role(RoleArn=role, RoleSessionName="narrow", Policy=policy.replace("kms:*", "kms:CreateKey"))
    code, message = refusal(world.session(narrow, "kms").list_keys)[1:]
    assert code == "AccessDeniedException"
    assert "session policy" in message


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ("nonsense", "This policy contains invalid Json"),
        ('{"Version": "2012-10-17"}', "Syntax errors in policy."),
        ('{"Version": [], "Statement": []}', "Syntax errors in policy."),
        ('{"Statement": [{"Effect": "Allow", "Action": 5, "Resource": {"a": 1}}]}', "Syntax errors in policy."),
        ('{"Statement": [{"Effect": "Allow", "Action": [["*"], "*"], "Resource": "*"}]}', "Syntax errors in policy."),
        ('{"Statement": {"Effect": "Allow", "Resource": "*"}}', "Syntax errors in policy."),
        (
            '{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}}',
            "Policy document should not specify a principal.",
        ),
    ],
)
def test_what_is_no_session_policy(world: World, policy: str, message: str) -> None:
    call = world.client("default", "sts").assume_role
    role = f"arn:aws:iam::{world.number()}:role/reader-of-policies"
    if refusal(call, RoleArn=role, RoleSessionName="xx", Policy=policy)[1] == "AccessDenied":
        world.role("reader-of-policies", world.arn("default"))
    assert refusal(call, RoleArn=role, RoleSessionName="xx", Policy=policy) == (
        400,
        "MalformedPolicyDocument",
        message,
    )


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"RoleSessionName": "a b"},
            ("1 validation error detected: Value 'a b' at 'roleSessionName' failed to satisfy constraint: "
            r"Member must satisfy regular expression pattern: [\w+=,.@-]*"),
        ),
        (
            {"RoleSessionName": "ok", "DurationSeconds": 899},
            ("1 validation error detected: Value '899' at 'durationSeconds' failed to satisfy constraint: "
            "Member must have value greater than or equal to 900"),
        ),
        ({"RoleSessionName": "ok", "RoleArn": "arn:aws:iam::123456789012:user/x"}, None),
    ],
)  # fmt: skip
def test_misfits(world: World, parameters: dict[str, Any], message: str | None) -> None:
    asked = {"RoleArn": f"arn:aws:iam::{world.number()}:role/none", **parameters}
    call = world.client("default", "sts", parameter_validation=False).assume_role
    status, code, said = refusal(call, **asked)
    assert (status, code) == (400, "ValidationError")
    assert message is None or said == message


def test_sessions_last_no_longer_than_the_role_allows(world: World) -> None:
    role = world.role("long", world.arn("plain"), MaxSessionDuration=7200)
    call = world.client("plain", "sts").assume_role
    call(RoleArn=role, RoleSessionName="xx", DurationSeconds=7200)
    assert refusal(call, RoleArn=role, RoleSessionName="xx", DurationSeconds=7201) == (
        400,
        "ValidationError",
        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
    )


def test_a_session_of_a_session_lasts_an_hour(world: World) -> None:
    first = world.role("first", world.arn("plain"))
    second = world.role("second", first, MaxSessionDuration=7200)
    assumed = world.client("plain", "sts").assume_role(RoleArn=first, RoleSessionName="one")
    call = world.session(assumed, "sts").assume_role
    chained = call(RoleArn=second, RoleSessionName="two", DurationSeconds=3600)
    assert chained["AssumedRoleUser"]["Arn"].endswith(":assumed-role/second/two")
    assert refusal(call, RoleArn=second, RoleSessionName="two", DurationSeconds=3601)[1] == "ValidationError"


def test_session_tags_need_a_permission_of_their_own(world: World) -> None:
    untagged = world.role("untagged", world.arn("plain"))
    tagged = world.role(
        "tagged",
        {
            "Effect": "Allow",
            "Principal": {"AWS": world.arn("plain")},
            "Action": ["sts:AssumeRole", "sts:TagSession"],
        },
    )
    call = world.client("plain", "sts").assume_role
    tags = [{"Key": "team", "Value": "red"}]
    assert refusal(call, RoleArn=untagged, RoleSessionName="xx", Tags=tags) == denied(
        world.arn("plain"), untagged, "sts:TagSession"
    )
    call(RoleArn=tagged, RoleSessionName="xx", Tags=tags)


def test_the_account_root_assumes_no_role(world: World) -> None:
    role = world.role("for-root", f"arn:aws:iam::{world.number()}:root")
    call = world.sandbox.client_of(world.made["builder"], "sts").assume_role
    message = "Roles may not be assumed by root accounts."
    assert refusal(call, RoleArn=role, RoleSessionName="xx") == (403, "AccessDenied", message)


def test_sessions_count_as_their_callers(world: World) -> None:
    role = world.role("counted", world.arn("plain"))
    assumed = world.client("plain", "sts").assume_role(RoleArn=role, RoleSessionName="counted")
    world.session(assumed, "kms").list_keys()
    events = world.sandbox.call("events", after=0, exercise="sts-tests")
    mine = [event for event in events if event["principal"].endswith("assumed-role/counted/counted")]
    assert {event["origin"] for event in mine} == {"learner"}
    keys = assumed["Credentials"]
    text = json.dumps(events)
    assert keys["SecretAccessKey"] not in text
    assert keys["SessionToken"] not in text


def test_sessions_end_on_the_sandboxs_clock(start_sandbox: Any) -> None:
    running = start_sandbox("--serve")
    made = running.create_world("sts-clock", principals=[principal("default", administrator=True)])
    world = World(running, made)
    role = world.role("short", world.arn("default"))
    assumed = world.client("default", "sts").assume_role(RoleArn=role, RoleSessionName="xx", DurationSeconds=900)
    kms = world.session(assumed, "kms")
    kms.list_keys()
    running.call("clock", advance=901)
    assert refusal(kms.list_keys)[1] == "ExpiredTokenException"
