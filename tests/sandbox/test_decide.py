"""Asking the judge without a request: the same answers as a request would get, and nothing left behind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.sandbox import decide
from lab.sandbox.assembly import Assembly
from lab.sandbox.control import OPERATIONS, ControlError
from lab.sandbox.kms.state import Grant, KmsKey
from tests.sandbox.judging import EXERCISE, Judged, role, user

SSEC = "s3:x-amz-server-side-encryption-customer-algorithm"
SSE = "s3:x-amz-server-side-encryption"
OBJECT = "arn:aws:s3:::vault/k"


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


ALL = {"Effect": "Allow", "Action": ["s3:*", "kms:*"], "Resource": "*"}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Judged]:
    assembly = Assembly(tmp_path, persistent=False)
    principals = [user("default", administrator=True), user("nobody"), role("app", document(ALL))]
    made = Judged(assembly, assembly.worlds.create(EXERCISE, ["home"], principals))
    made.bucket("vault").blocked_encryption = ()
    yield made
    assembly.close()


def ask(world: Judged, principal: str, action: str, resource: str = OBJECT, **context: Any) -> dict[str, Any]:
    before = world.assembly.log.last_seq
    print_before = world.assembly.worlds.fingerprint(world.world)
    answer: dict[str, Any] = OPERATIONS["decide"](
        world.assembly.sandbox,
        {"exercise": EXERCISE, "principal": principal, "action": action, "resource": resource,
         "context": context.get("context", context)},
    )  # fmt: skip
    assert world.assembly.log.last_seq == before
    assert world.assembly.worlds.fingerprint(world.world) == print_before
    json.dumps(answer)
    return answer


def test_identity_and_bucket_policies(world: Judged) -> None:
    assert ask(world, "default", "s3:PutObject")["allowed"]
    denied = ask(world, "nobody", "s3:PutObject")
    assert (denied["reason"], denied["denied_by"]) == ("implicit_deny", "identity policy")
    assert denied["message"].endswith("because no identity-based policy allows the s3:PutObject action")
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": f"{OBJECT[:-1]}*"}
    world.bucket("vault").policy = document({**deny, "Condition": {"StringNotEquals": {SSE: "aws:kms"}}}).encode()
    denied = ask(world, "app", "s3:PutObject", context={SSE: "AES256"})
    assert (denied["reason"], denied["denied_by"]) == ("explicit_deny", "bucket policy")
    assert denied["trace"][0]["conditions"][0]["seen"] == ["AES256"]
    assert ask(world, "app", "s3:PutObject", context={SSE: "aws:kms"})["allowed"]
    assert ask(world, "app", "s3:PutObject", context={SSE: None})["denied_by"] == "bucket policy"


def test_principals_by_name_and_arn(world: Judged) -> None:
    number = world.account().id
    for principal in (
        "app",
        f"arn:aws:iam::{number}:role/app",
        f"arn:aws:sts::{number}:assumed-role/app/elsewhere",
        f"arn:aws:iam::{number}:root",
        f"arn:aws:iam::{number}:user/default",
    ):
        assert ask(world, principal, "s3:GetObject")["allowed"], principal
    assert not ask(world, "anonymous", "s3:GetObject")["allowed"]
    assert not ask(world, f"arn:aws:iam::{number}:user/ghost", "s3:GetObject")["allowed"]
    for unknown in ("ghost", "arn:aws:iam::000000000000:user/default"):
        with pytest.raises(ControlError, match="no-such-principal"):
            ask(world, unknown, "s3:GetObject")


def test_transport_defaults_to_tls_13(world: Judged) -> None:
    conditions = ({"Bool": {"aws:SecureTransport": "false"}}, {"NumericLessThan": {"s3:TlsVersion": "1.3"}})
    world.bucket("vault").policy = document(
        *({"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": OBJECT, "Condition": one}
          for one in conditions)
    ).encode()  # fmt: skip
    assert ask(world, "default", "s3:GetObject")["allowed"]
    assert not ask(world, "default", "s3:GetObject", context={"s3:TlsVersion": "1.2"})["allowed"]
    over_http = ask(world, "default", "s3:GetObject", context={"aws:SecureTransport": False})
    assert [entry["applies"] for entry in over_http["trace"]] == ["yes", "condition", "yes"]


def test_blocked_encryption_types(world: Judged) -> None:
    bucket = world.bucket("vault")
    assert bucket.blocked_encryption == ("SSE-C",)
    blocked = ask(world, "default", "s3:PutObject", context={SSEC: "AES256"})
    assert (blocked["allowed"], blocked["reason"], blocked["denied_by"]) == (
        False, "explicit_deny", "blocked encryption type",
    )  # fmt: skip
    assert (
        "has blocked upload requests that specify Server Side Encryption with Customer provided" in blocked["message"]
    )
    assert ask(world, "default", "s3:PutObject")["allowed"]
    assert ask(world, "default", "s3:GetObject", context={SSEC: "AES256"})["allowed"]
    assert ask(world, "nobody", "s3:PutObject", context={SSEC: "AES256"})["denied_by"] == "identity policy"


def test_kms_keys_conditions_and_grants(world: Judged) -> None:
    account = world.account()
    arn = f"arn:aws:kms:us-east-1:{account.id}:key/k"
    condition = {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}
    policy = document(
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account.id}:role/app"}, "Action": "kms:*",
         "Resource": "*", "Condition": condition}
    )  # fmt: skip
    account.kms.keys["k"] = KmsKey("k", account.id, arn, 0.0, policy)
    via = {"kms:ViaService": "s3.us-east-1.amazonaws.com"}
    assert ask(world, "app", "kms:Decrypt", arn, context=via)["allowed"]
    direct = ask(world, "app", "kms:Decrypt", arn)
    assert (direct["denied_by"], direct["reason"]) == ("key policy", "implicit_deny")
    assert direct["message"].endswith("because no resource-based policy allows the kms:Decrypt action")
    account.kms.grants["g"] = Grant(
        "g", "k", arn, world.identity("nobody").arn, ["Decrypt"], account.id, 0.0, "t", context_subset={"A": "1"}
    )
    assert ask(world, "nobody", "kms:Decrypt", arn, context={"kms:EncryptionContext:A": "1"})["allowed"]
    assert not ask(world, "nobody", "kms:Decrypt", arn, context={"kms:EncryptionContext:A": "2"})["allowed"]
    assert not ask(world, "app", "kms:Decrypt", f"{arn}x")["allowed"]
    assert ask(world, "app", "kms:CreateKey", "*")["allowed"]


def test_roles(world: Judged) -> None:
    number = world.account().id
    assert ask(world, "default", "sts:AssumeRole", f"arn:aws:iam::{number}:role/app")["allowed"]
    assert not ask(world, "nobody", "sts:AssumeRole", f"arn:aws:iam::{number}:role/app")["allowed"]
    assert not ask(world, "nobody", "iam:CreateUser", f"arn:aws:iam::{number}:user/x")["allowed"]


def test_what_cannot_be_asked(world: Judged) -> None:
    with pytest.raises(ControlError, match="no-such-world"):
        decide.decide(
            world.assembly.sandbox, "absent", principal="default", action="s3:GetObject", resource=OBJECT, context={}
        )
    with pytest.raises(ControlError, match="bad-request"):
        OPERATIONS["decide"](world.assembly.sandbox, {"exercise": EXERCISE, "principal": "default"})


def test_a_bucket_that_does_not_exist_has_no_policy(world: Judged) -> None:
    assert ask(world, "default", "s3:PutObject", "arn:aws:s3:::absent/k")["allowed"]
    assert not ask(world, "nobody", "s3:PutObject", "arn:aws:s3:::absent/k")["allowed"]
