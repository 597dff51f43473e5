"""The principals of a world: who the lab makes in IAM, and which access keys lead to whom.

A user's key is an access key in IAM, as a client would list, deactivate or delete it. A role's key is a session that
does not end, so that a profile works without AssumeRole. Validator and builders are account roots that IAM does not
know, with an origin of their own.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from lab.sandbox import credentials
from lab.sandbox.identity import Credential
from lab.sandbox.moto_hooks import iam as hook
from lab.sandbox.realm import PARTITION, REGION, Account, Realm
from lab.sandbox.realm_document import Handed

ADMINISTRATOR_POLICY: Final = "administrator"
_ADMINISTRATOR: Final = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


@dataclass(frozen=True, slots=True)
class PrincipalRequest:
    """A principal that a world is made with; policies by name, as JSON text."""

    name: str
    kind: Literal["user", "role"]
    account: str
    administrator: bool
    policies: dict[str, str] = field(default_factory=dict)


def hand_out(realm: Realm, requests: list[PrincipalRequest]) -> list[Handed]:
    """Make the principals, the validator and one builder per account; their keys are in the realm then."""
    handed: list[Handed] = []
    accounts = {account.name: account for account in realm.accounts.values()}
    for request in requests:
        made = _make(accounts[request.account], request, realm.id)
        realm.credentials[made.access_key_id] = made
        handed.append(Handed("principal", request.name, request.account, made.access_key_id))
    validator = credentials.credential(credentials.root_identity(realm.home, "validator", omniscient=True), realm.id)
    realm.credentials[validator.access_key_id] = validator
    handed.append(Handed("validator", "validator", "home", validator.access_key_id))
    for name, account in accounts.items():
        builder = credentials.credential(credentials.root_identity(account, "world"), realm.id)
        realm.credentials[builder.access_key_id] = builder
        handed.append(Handed("builder", name, name, builder.access_key_id))
    return handed


def current(realm: Realm, credential: Credential) -> Credential | None:
    """A user's key as IAM knows it now: deleted keys are gone, deactivated ones are not active."""
    found = _find(realm, credential.access_key_id)
    return None if found is None else replace(credential, active=found[1].status == "Active")


def made_by_client(realm: Realm, access_key_id: str) -> Credential | None:
    """A key that a client made with CreateAccessKey."""
    found = _find(realm, access_key_id)
    if found is None:
        return None
    account, key = found
    user = _iam(account).users.get(key.user_name)
    if user is None:
        return None
    identity = credentials.user_identity(account, user.name, user.arn, user.id, access_key_id)
    return Credential(access_key_id, key.secret_access_key, None, identity, realm.id, active=key.status == "Active")


def _make(account: Account, request: PrincipalRequest, realm_id: str) -> Credential:
    iam = _iam(account)
    holder: Any
    if request.kind == "user":
        holder = iam.create_user(REGION, request.name)
        key = iam.create_access_key(request.name)
        identity = credentials.user_identity(account, request.name, holder.arn, holder.id, key.access_key_id)
        made = Credential(key.access_key_id, key.secret_access_key, None, identity, realm_id)
    else:
        holder = iam.create_role(request.name, json.dumps(_trust(account)), "/", None, "", [], "3600")
        identity = credentials.role_identity(account, request.name, holder.arn, holder.id, credentials.new_id("ASIA"))
        made = credentials.credential(identity, realm_id)
    for name, document in request.policies.items():
        holder.put_policy(name, document)
    if request.administrator:
        holder.put_policy(ADMINISTRATOR_POLICY, json.dumps(_ADMINISTRATOR))
    return made


def _trust(account: Account) -> dict[str, Any]:
    """Whoever the account's own policies allow may assume the role."""
    root = f"arn:{PARTITION}:iam::{account.id}:root"
    allow = {"Effect": "Allow", "Principal": {"AWS": root}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [allow]}


def _find(realm: Realm, access_key_id: str) -> tuple[Account, Any] | None:
    """The account and moto's record of a user's key in this realm."""
    for account in realm.accounts.values():
        key = _iam(account).access_keys.get(access_key_id)
        if key is not None and key.user_name is not None:
            return account, key
    return None


def _iam(account: Account) -> Any:
    return hook.backend(account)
