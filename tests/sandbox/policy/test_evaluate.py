"""Who may do what: within an account, across accounts, as root, as a session, anonymously, with a KMS key."""

from __future__ import annotations

from typing import Any

import pytest

from lab.sandbox.identity import Identity
from tests.sandbox.policy.asking import (
    ADMINISTRATOR,
    ANONYMOUS,
    BUCKET,
    HOME,
    KEY,
    OBJECT,
    OTHER,
    ask,
    document,
    root,
    session,
    statement,
    user,
)

NOTHING = document(statement("Deny", Action="s3:Nothing"))
ALLOW_ALL = statement(Principal="*")


def granting(principal: Any, effect: str = "Allow", **members: Any) -> dict[str, Any]:
    return document(statement(effect, Principal=principal, **members))


@pytest.mark.parametrize(
    ("principal", "identity", "covered"),
    [
        ("*", user(), True),
        ("*", ANONYMOUS, True),
        ({"AWS": "*"}, session(), True),
        ({"AWS": "*"}, ANONYMOUS, True),
        ({"AWS": HOME}, user(), True),
        ({"AWS": f"arn:aws:iam::{HOME}:root"}, session(), True),
        ({"AWS": f"arn:aws:iam::{HOME}:root"}, ANONYMOUS, False),
        ({"AWS": OTHER}, user(), False),
        ({"AWS": f"arn:aws:iam::{HOME}:user/ann"}, user("ann"), True),
        ({"AWS": f"arn:aws:iam::{HOME}:user/ann"}, user("bob"), False),
        ({"AWS": [f"arn:aws:iam::{HOME}:user/bob", f"arn:aws:iam::{HOME}:user/ann"]}, user("ann"), True),
        ({"AWS": f"arn:aws:iam::{HOME}:role/app"}, session("app"), True),
        ({"AWS": f"arn:aws:sts::{HOME}:assumed-role/app/s1"}, session("app", "s1"), True),
        ({"AWS": f"arn:aws:sts::{HOME}:assumed-role/app/s2"}, session("app", "s1"), False),
        ({"Service": "s3.amazonaws.com"}, user(), False),
    ],
)
def test_principal_of_a_deny(principal: Any, identity: Identity, covered: bool) -> None:
    policy = document(statement("Deny", Principal=principal), ALLOW_ALL)
    assert ask(identity, policies=[ADMINISTRATOR], bucket=policy).allowed != covered


@pytest.mark.parametrize(
    ("names", "identity", "spared"),
    [
        ([f"arn:aws:iam::{HOME}:user/ann"], user("ann"), False),
        ([f"arn:aws:iam::{HOME}:user/ann", f"arn:aws:iam::{HOME}:root"], user("ann"), True),
        ([f"arn:aws:iam::{HOME}:user/ann", HOME], user("bob"), False),
        ([f"arn:aws:iam::{HOME}:role/app", HOME], session("app"), False),
        ([f"arn:aws:iam::{HOME}:role/app", f"arn:aws:sts::{HOME}:assumed-role/app/s1", HOME], session("app"), True),
        ([f"arn:aws:iam::{HOME}:root"], root(), True),
        (["arn:aws:iam::111122223333:user/typo"], root(), False),
    ],
)
def test_deny_with_not_principal(names: list[str], identity: Identity, spared: bool) -> None:
    policy = document({"Effect": "Deny", "NotPrincipal": {"AWS": names}, "Action": "s3:*", "Resource": "*"})
    assert ask(identity, policies=[ADMINISTRATOR], bucket=policy).allowed == spared


def test_identity_policy_is_enough_within_the_account() -> None:
    assert ask(user(), policies=[ADMINISTRATOR]).allowed
    denied = ask(user())
    assert (denied.allowed, denied.reason, denied.denied_by) == (False, "implicit_deny", "identity policy")


@pytest.mark.parametrize(
    ("principal", "identity", "allowed"),
    [
        ({"AWS": f"arn:aws:iam::{HOME}:user/ann"}, user("ann"), True),
        ({"AWS": f"arn:aws:iam::{HOME}:role/app"}, session("app"), True),
        ("*", user(), True),
        ({"AWS": HOME}, user(), False),
        ({"AWS": f"arn:aws:iam::{HOME}:root"}, session(), False),
    ],
)
def test_bucket_policy_alone_within_the_account(principal: Any, identity: Identity, allowed: bool) -> None:
    assert ask(identity, bucket=granting(principal)).allowed == allowed


@pytest.mark.parametrize("principal", ["*", {"AWS": OTHER}, {"AWS": f"arn:aws:iam::{OTHER}:user/eve"}])
def test_both_sides_must_allow_across_accounts(principal: Any) -> None:
    eve = user("eve", OTHER)
    both = ask(eve, policies=[ADMINISTRATOR], bucket=granting(principal))
    assert both.allowed
    without_identity = ask(eve, bucket=granting(principal))
    assert (without_identity.allowed, without_identity.denied_by) == (False, "identity policy")
    without_bucket = ask(eve, policies=[ADMINISTRATOR])
    assert (without_bucket.allowed, without_bucket.denied_by) == (False, "bucket policy")


def test_root() -> None:
    assert ask(root()).allowed
    assert not ask(root(), bucket=granting("*", "Deny")).allowed
    assert not ask(root(OTHER)).allowed
    assert ask(root(OTHER), bucket=granting({"AWS": OTHER})).allowed


def test_anonymous_needs_everyone() -> None:
    assert not ask(ANONYMOUS).allowed
    assert ask(ANONYMOUS, bucket=granting("*")).allowed
    assert not ask(ANONYMOUS, bucket=granting({"AWS": HOME})).allowed


def test_restricted_public_buckets_are_for_the_account_alone() -> None:
    for stranger in (ANONYMOUS, user("eve", OTHER)):
        denied = ask(stranger, policies=[ADMINISTRATOR], bucket=granting("*"), restrict_public=True)
        assert (denied.reason, denied.denied_by) == ("explicit_deny", "block public access")
    assert ask(user(), policies=[ADMINISTRATOR], bucket=granting("*"), restrict_public=True).allowed


BOUNDARY = document(statement(Action="s3:ListBucket"))


@pytest.mark.parametrize(
    ("identity", "principal", "allowed"),
    [
        (user("ann"), None, False),
        (user("ann"), {"AWS": f"arn:aws:iam::{HOME}:user/ann"}, True),
        (session("app"), {"AWS": f"arn:aws:iam::{HOME}:role/app"}, False),
        (session("app"), "*", False),
        (session("app", "s1"), {"AWS": f"arn:aws:sts::{HOME}:assumed-role/app/s1"}, True),
    ],
)
def test_permission_boundary(identity: Identity, principal: Any, allowed: bool) -> None:
    bucket = None if principal is None else granting(principal)
    decision = ask(identity, policies=[ADMINISTRATOR], boundary=BOUNDARY, bucket=bucket)
    assert decision.allowed == allowed
    assert decision.denied_by == (None if allowed else "permission boundary")


def test_session_policies_limit_the_session() -> None:
    narrow = document(statement(Action="s3:GetObject"))
    assert ask(session(), policies=[ADMINISTRATOR], session_policies=[narrow]).allowed
    denied = ask(session(), action="s3:PutObject", policies=[ADMINISTRATOR], session_policies=[narrow])
    assert (denied.reason, denied.denied_by) == ("implicit_deny", "session policy")
    assert not ask(session(), session_policies=[ADMINISTRATOR]).allowed


@pytest.mark.parametrize(
    ("members", "denier"),
    [
        ({"bucket": granting("*", "Deny")}, "bucket policy"),
        ({"policies": [ADMINISTRATOR, document(statement("Deny"))]}, "identity policy"),
        ({"boundary": document(statement(), statement("Deny"))}, "permission boundary"),
        ({"session_policies": [document(statement(), statement("Deny"))]}, "session policy"),
    ],
)
def test_an_explicit_deny_names_its_policy(members: dict[str, Any], denier: str) -> None:
    decision = ask(session(), **{"policies": [ADMINISTRATOR], **members})
    assert (decision.allowed, decision.reason, decision.denied_by) == (False, "explicit_deny", denier)


@pytest.mark.parametrize(
    ("members", "action", "matches"),
    [
        ({"Action": "s3:GetObject"}, "s3:GetObject", True),
        ({"Action": "s3:getobject"}, "s3:GetObject", True),
        ({"Action": "s3:Get*"}, "s3:GetObjectVersion", True),
        ({"Action": "s3:Get*"}, "s3:PutObject", False),
        ({"Action": ["s3:List*", "s3:?etObject"]}, "s3:GetObject", True),
        ({"NotAction": "s3:Get*"}, "s3:GetObject", False),
        ({"NotAction": ["s3:Get*", "kms:*"]}, "s3:PutObject", True),
        ({"Resource": f"arn:aws:s3:::{BUCKET}"}, "s3:GetObject", False),
        ({"Resource": f"arn:aws:s3:::{BUCKET}/*"}, "s3:GetObject", True),
        ({"Resource": f"arn:aws:s3:::{BUCKET}/SECRET.txt"}, "s3:GetObject", False),
        ({"Resource": "arn:aws:s3:::*/secret.???"}, "s3:GetObject", True),
        ({"Resource": "arn:aws:s3"}, "s3:GetObject", True),
        ({"NotResource": OBJECT}, "s3:GetObject", False),
        ({"NotResource": f"arn:aws:s3:::{BUCKET}/public/*"}, "s3:GetObject", True),
    ],
)
def test_actions_and_resources(members: dict[str, Any], action: str, matches: bool) -> None:
    assert ask(user(), action=action, policies=[document(statement(**members))]).allowed == matches


@pytest.mark.parametrize(
    ("statement_members", "applies"),
    [
        ({"Principal": {"AWS": OTHER}}, "principal"),
        ({"Principal": "*", "Action": "s3:PutObject"}, "action"),
        ({"Principal": "*", "Resource": "arn:aws:s3:::else/*"}, "resource"),
        ({"Principal": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}, "condition"),
        ({"Principal": "*"}, "yes"),
    ],
)
def test_trace_says_what_did_not_match(statement_members: dict[str, Any], applies: str) -> None:
    decision = ask(user(), bucket=document(statement(**statement_members)), seen={"aws:SecureTransport": "true"})
    assert [entry["applies"] for entry in decision.trace] == [applies]


TO_ACCOUNT = granting({"AWS": f"arn:aws:iam::{HOME}:root"}, Action="kms:*")
TO_ANN = granting({"AWS": f"arn:aws:iam::{HOME}:user/ann"}, Action="kms:Decrypt")


@pytest.mark.parametrize(
    ("identity", "policies", "key", "allowed", "denier"),
    [
        (user("ann"), [ADMINISTRATOR], TO_ACCOUNT, True, None),
        (user("ann"), [], TO_ACCOUNT, False, "identity policy"),
        (user("ann"), [], TO_ANN, True, None),
        (user("bob"), [ADMINISTRATOR], TO_ANN, False, "key policy"),
        (root(), [], TO_ACCOUNT, True, None),
        (root(), [], TO_ANN, False, "key policy"),
        (user("eve", OTHER), [ADMINISTRATOR], TO_ACCOUNT, False, "key policy"),
        (user("eve", OTHER), [ADMINISTRATOR], granting({"AWS": OTHER}), True, None),
        (user("eve", OTHER), [], granting({"AWS": OTHER}), False, "identity policy"),
        (ANONYMOUS, [], TO_ACCOUNT, False, "key policy"),
    ],
)
def test_key_policies(
    identity: Identity, policies: list[dict[str, Any]], key: dict[str, Any], allowed: bool, denier: str | None
) -> None:
    decision = ask(identity, action="kms:Decrypt", resource=KEY, policies=policies, key=key)
    assert (decision.allowed, decision.denied_by) == (allowed, denier)


def test_a_grant_allows_and_a_deny_beats_it() -> None:
    decision = ask(user("bob"), action="kms:Decrypt", resource=KEY, key=TO_ANN, granted=True)
    assert decision.allowed
    assert [(one["policy"], one["name"], one["applies"]) for one in decision.trace] == [
        ("key policy", "", "principal"),
        ("grant", "g", "yes"),
    ]
    denying = document(*TO_ANN["Statement"], statement("Deny", Principal="*", Action="kms:Decrypt"))
    assert not ask(user("bob"), action="kms:Decrypt", resource=KEY, key=denying, granted=True).allowed


def test_documents_that_cannot_be_read_allow_nothing() -> None:
    for broken in ({}, {"Statement": "x"}, {"Statement": [1, {"Effect": "Maybe"}]}, {"Statement": {"Effect": "Allow"}}):
        assert not ask(user(), policies=[broken]).allowed
