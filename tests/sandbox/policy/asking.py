"""Short ways to say who asks what in the policy tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab.sandbox.identity import ANONYMOUS, Identity
from lab.sandbox.policy import Decision, Policies, Question, compile_policy, evaluate

HOME = "111122223333"
OTHER = "444455556666"
BUCKET = "vault-0a1b2c3d"
OBJECT = f"arn:aws:s3:::{BUCKET}/secret.txt"
KEY = f"arn:aws:kms:us-east-1:{HOME}:key/11111111-2222-3333-4444-555555555555"

__all__ = ["ANONYMOUS", "BUCKET", "HOME", "KEY", "OBJECT", "OTHER"]


def user(name: str = "ann", account: str = HOME) -> Identity:
    arn = f"arn:aws:iam::{account}:user/{name}"
    return Identity("user", account, arn, arn, "AIDAEXAMPLE", name, "AKIAEXAMPLE")


def session(role: str = "app", name: str = "s1", account: str = HOME) -> Identity:
    return Identity(
        "role",
        account,
        f"arn:aws:sts::{account}:assumed-role/{role}/{name}",
        f"arn:aws:iam::{account}:role/{role}",
        f"AROAEXAMPLE:{name}",
        role,
        "ASIAEXAMPLE",
    )


def root(account: str = HOME) -> Identity:
    arn = f"arn:aws:iam::{account}:root"
    return Identity("root", account, arn, arn, account, "root", "AKIAROOT")


def statement(effect: str = "Allow", **members: Any) -> dict[str, Any]:
    """An identity-policy statement unless ``Principal`` is given; Action and Resource default to everything."""
    if "NotAction" not in members:
        members.setdefault("Action", "*")
    if "NotResource" not in members:
        members.setdefault("Resource", "*")
    return {"Effect": effect, **members}


def document(*statements: dict[str, Any], version: str = "2012-10-17") -> dict[str, Any]:
    return {"Version": version, "Statement": list(statements)}


ADMINISTRATOR = document(statement())


def context(values: Mapping[str, str | list[str]]) -> dict[str, list[str]]:
    return {key.lower(): [value] if isinstance(value, str) else value for key, value in values.items()}


def ask(
    identity: Identity,
    *,
    action: str = "s3:GetObject",
    resource: str = OBJECT,
    owner: str = HOME,
    policies: list[dict[str, Any]] | None = None,
    bucket: dict[str, Any] | None = None,
    key: dict[str, Any] | None = None,
    boundary: dict[str, Any] | None = None,
    session_policies: list[dict[str, Any]] | None = None,
    granted: bool = False,
    restrict_public: bool = False,
    seen: Mapping[str, str | list[str]] | None = None,
) -> Decision:
    """Evaluate one question; ``bucket`` or ``key`` is the resource's policy."""
    resource_policy = key if key is not None else bucket
    return evaluate(
        Question(identity, action, resource, owner, context(seen or {}).get),
        Policies(
            identity=tuple((f"p{index}", compile_policy(one)) for index, one in enumerate(policies or [])),
            boundary=None if boundary is None else compile_policy(boundary),
            session=tuple(compile_policy(one) for one in session_policies or []),
            resource=None if resource_policy is None else compile_policy(resource_policy),
            resource_kind="bucket policy" if key is None else "key policy",
            resource_must_allow=key is not None,
            grant="g" if granted else None,
            restrict_public=restrict_public,
        ),
    )
