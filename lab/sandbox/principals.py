"""The principals of a world: who the lab makes in IAM, and which access keys lead to whom.

A user's key is an access key in IAM, as a client would list, deactivate or delete it. A role's key is a session that
does not end, so that a profile works without AssumeRole. Validator and builders are account roots that IAM does not
know, with an origin of their own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lab.sandbox import credentials
from lab.sandbox.identity import Credential
from lab.sandbox.realm import PARTITION, Account, Realm

if TYPE_CHECKING:
    from lab.sandbox.worlds import PrincipalRequest, World


def hand_out(world: World, requests: list[PrincipalRequest]) -> None:
    """Make the principals, the validator and one builder per account; note their keys in the realm and the world."""
    from lab.sandbox.worlds import Handed

    realm = world.realm
    accounts = {account.name: account for account in realm.accounts.values()}
    for request in requests:
        made = _make(accounts[request.account], request, realm.id)
        realm.credentials[made.access_key_id] = made
        world.handed.append(Handed("principal", request.name, request.account, made.access_key_id))
    validator = credentials.credential(credentials.root_identity(realm.home, "validator", omniscient=True), realm.id)
    realm.credentials[validator.access_key_id] = validator
    world.handed.append(Handed("validator", "validator", "home", validator.access_key_id))
    for name, account in accounts.items():
        builder = credentials.credential(credentials.root_identity(account, "world"), realm.id)
        realm.credentials[builder.access_key_id] = builder
        world.handed.append(Handed("builder", name, name, builder.access_key_id))


def current(realm: Realm, credential: Credential) -> Credential | None:
    """A user's key as IAM knows it now: deleted keys are gone, deactivated ones are not active."""
    found = _find(realm, credential.access_key_id)
    return None if found is None else replace(credential, active=found[3])


def made_by_client(realm: Realm, access_key_id: str) -> Credential | None:
    """A key that a client made with CreateAccessKey."""
    from lab.sandbox.moto_hooks import iam

    found = _find(realm, access_key_id)
    if found is None:
        return None
    secret, account, name, active = found
    user = iam.user_of(account, name)
    if user is None:
        return None
    identity = credentials.user_identity(account, name, *user, access_key_id)
    identity = replace(identity, tags=iam.tags_of(account, identity))
    return Credential(access_key_id, secret, None, identity, realm.id, active=active)


def _make(account: Account, request: PrincipalRequest, realm_id: str) -> Credential:
    from lab.sandbox.moto_hooks import iam

    if request.kind == "user":
        key_id, secret = iam.create_user(account, request.name, request.policies, administrator=request.administrator)
        user = iam.user_of(account, request.name)
        if user is None:  # pragma: no cover - it was made on the line above
            raise LookupError(request.name)
        identity = credentials.user_identity(account, request.name, *user, key_id)
        return Credential(key_id, secret, None, identity, realm_id)
    arn, role_id = iam.create_role(
        account, request.name, _trust(account), request.policies, administrator=request.administrator
    )
    identity = credentials.role_identity(account, request.name, arn, role_id, credentials.new_id("ASIA"))
    return credentials.credential(identity, realm_id)


def _trust(account: Account) -> dict[str, Any]:
    """Whoever the account's own policies allow may assume the role."""
    root = f"arn:{PARTITION}:iam::{account.id}:root"
    allow = {"Effect": "Allow", "Principal": {"AWS": root}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [allow]}


def _find(realm: Realm, access_key_id: str) -> tuple[str, Account, str, bool] | None:
    """Secret, account, user's name and whether active, of a key in this realm's IAM."""
    from lab.sandbox.moto_hooks import iam

    found = iam.find_access_key(access_key_id)
    if found is None:
        return None
    secret, storage_id, name, active = found
    accounts = (account for account in realm.accounts.values() if account.storage_id == storage_id)
    account = next(accounts, None)
    return None if account is None else (secret, account, name, active)
