"""IAM as clients have it: moto's memory, AWS's words, the visible account number in forks too."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import pytest

from lab.sandbox import iam
from lab.sandbox.assembly import Assembly
from lab.sandbox.exchange import ServiceError
from lab.sandbox.moto_hooks import iam as hook
from lab.sandbox.realm import Realm
from tests.sandbox.judging import EXERCISE, Judged, user

TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Judged]:
    assembly = Assembly(tmp_path, persistent=False)
    principals = [user("default", administrator=True), user("eve", account="other", administrator=True)]
    yield Judged(assembly, assembly.worlds.create(EXERCISE, ["home", "other"], principals))
    assembly.close()


def call(
    world: Judged,
    operation: str,
    *,
    who: str = "default",
    realm: Realm | None = None,
    tag: str | None = None,
    **members: str,
) -> str:
    tags = {} if tag is None else {"Tags.member.1.Key": "team", "Tags.member.1.Value": tag}
    body = urlencode({"Action": operation, "Version": "2010-05-08", **members, **tags}).encode()
    parameters: dict[str, Any] = dict(members)
    exchange = world.exchange(who, operation, service="iam", bucket=None, parameters=parameters, body=body, realm=realm)
    answer = iam.handle(exchange)
    assert isinstance(answer.body, bytes)
    assert answer.status == 200
    assert f"<RequestId>{exchange.request.request_id}</RequestId>" in answer.body.decode()
    return answer.body.decode()


def refused(world: Judged, operation: str, members: dict[str, Any]) -> tuple[int, str, str]:
    with pytest.raises(ServiceError) as caught:
        call(world, operation, **members)
    return caught.value.status, caught.value.code, caught.value.message


def texts(xml: str, name: str) -> list[str]:
    root = ET.fromstring(xml)  # noqa: S314 - written by this process
    return [found.text or "" for found in root.iter() if found.tag.endswith("}" + name)]


def test_users_roles_and_keys(world: Judged) -> None:
    number = world.account().id
    made = call(world, "CreateUser", UserName="bob")
    assert texts(made, "Arn") == [f"arn:aws:iam::{number}:user/bob"]
    assert texts(made, "UserId")[0].startswith("AIDA")
    key = call(world, "CreateAccessKey", UserName="bob")
    found = world.assembly.worlds.credential(texts(key, "AccessKeyId")[0])
    assert found is not None
    assert found[0].identity.arn == f"arn:aws:iam::{number}:user/bob"
    assert found[0].secret_access_key == texts(key, "SecretAccessKey")[0]
    role = call(world, "CreateRole", RoleName="app", AssumeRolePolicyDocument=TRUST)
    assert texts(role, "Arn") == [f"arn:aws:iam::{number}:role/app"]


def test_policies_put_through_iam_are_judged_by(world: Judged) -> None:
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    call(world, "CreateUser", UserName="bob")
    call(world, "PutUserPolicy", UserName="bob", PolicyName="p", PolicyDocument=json.dumps(policy))
    key = call(world, "CreateAccessKey", UserName="bob")
    found = world.assembly.worlds.credential(texts(key, "AccessKeyId")[0])
    assert found is not None
    named, boundary = hook.identity_policies(world.account(), found[0].identity)
    assert [(name, json.loads(text)) for name, text in named] == [("p", policy)]
    assert boundary is None


def test_managed_policies_and_boundaries(world: Judged) -> None:
    number = world.account().id
    narrow = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}]}
    call(world, "CreatePolicy", PolicyName="narrow", PolicyDocument=json.dumps(narrow))
    arn = f"arn:aws:iam::{number}:policy/narrow"
    call(world, "CreateRole", RoleName="app", AssumeRolePolicyDocument=TRUST, PermissionsBoundary=arn)
    call(world, "AttachRolePolicy", RoleName="app", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    from tests.sandbox.policy.asking import session

    named, boundary = hook.identity_policies(world.account(), session("app", account=number))
    assert [name for name, _ in named] == ["AdministratorAccess"]
    assert json.loads(boundary or "") == narrow


@pytest.mark.parametrize(
    ("operation", "members", "expected"),
    [
        ("GetUser", {"UserName": "ghost"}, (404, "NoSuchEntity", "The user with name ghost cannot be found.")),
        ("GetRole", {"RoleName": "ghost"}, (404, "NoSuchEntity", "The role with name ghost cannot be found.")),
        ("CreateUser", {"UserName": "default"}, (409, "EntityAlreadyExists", "User with name default already exists.")),
        (
            "PutUserPolicy",
            {"UserName": "default", "PolicyName": "p", "PolicyDocument": "{"},
            (400, "MalformedPolicyDocument", "Syntax errors in policy."),
        ),
        (
            "CreateRole",
            {"RoleName": "app", "AssumeRolePolicyDocument": "{"},
            (400, "MalformedPolicyDocument", "This policy contains invalid Json"),
        ),
    ],
)
def test_errors(world: Judged, operation: str, members: dict[str, str], expected: tuple[int, str, str]) -> None:
    assert refused(world, operation, members) == expected


def test_accounts_do_not_see_each_other(world: Judged) -> None:
    call(world, "CreateUser", UserName="bob")
    assert texts(call(world, "ListUsers", who="eve"), "UserName") == ["eve"]


def test_a_fork_has_the_same_number_and_its_own_state(world: Judged) -> None:
    number = world.account().id
    call(world, "CreateUser", UserName="bob", tag="blue")
    fork = world.assembly.worlds.fork(world.world).realm
    assert fork.accounts[number].storage_id != number
    call(world, "CreateUser", UserName="carol", realm=fork)
    in_fork = call(world, "ListUsers", realm=fork)
    assert texts(in_fork, "UserName") == ["default", "bob", "carol"]
    assert set(texts(in_fork, "Arn")) == {f"arn:aws:iam::{number}:user/{name}" for name in ("default", "bob", "carol")}
    assert texts(call(world, "ListUsers"), "UserName") == ["default", "bob"]
    call(world, "TagUser", realm=fork, UserName="bob", tag="red")
    assert texts(call(world, "GetUser", UserName="bob", realm=fork), "Value") == ["red"]
    assert texts(call(world, "GetUser", UserName="bob"), "Value") == ["blue"]
    call(world, "DeleteUser", UserName="bob", realm=fork)
    call(world, "GetUser", UserName="bob")
