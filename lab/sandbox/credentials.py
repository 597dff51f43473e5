"""Making the access keys that the lab hands out: of users, of roles, of account roots and of the validator."""

from __future__ import annotations

import base64
import secrets
import string
from typing import Final

from lab.sandbox.identity import Credential, Identity, Origin
from lab.sandbox.realm import PARTITION, Account

_ID_LETTERS: Final = string.ascii_uppercase + "234567"
_SECRET_LETTERS: Final = string.ascii_letters + string.digits + "+/"

#: Not in AWS: the validator's principal, which policies do not bind. Nothing a client sees names it.
VALIDATOR_NAME: Final = "lab-validator"


def new_id(prefix: str) -> str:
    """An id as IAM makes them: a prefix that tells the kind, and 16 more letters."""
    return prefix + "".join(secrets.choice(_ID_LETTERS) for _ in range(16))


def new_secret() -> str:
    """A secret access key: 40 characters."""
    return "".join(secrets.choice(_SECRET_LETTERS) for _ in range(40))


def new_session_token() -> str:
    """A session token: opaque, a few hundred characters."""
    return base64.b64encode(secrets.token_bytes(264)).decode()


def user_identity(account: Account, name: str, arn: str, user_id: str, access_key_id: str) -> Identity:
    """An IAM user."""
    return Identity(
        kind="user",
        account=account.id,
        arn=arn,
        principal_arn=arn,
        user_id=user_id,
        name=name,
        access_key_id=access_key_id,
    )


def role_identity(account: Account, name: str, arn: str, role_id: str, access_key_id: str) -> Identity:
    """A session of a role; the session bears the role's name."""
    return Identity(
        kind="role",
        account=account.id,
        arn=f"arn:{PARTITION}:sts::{account.id}:assumed-role/{name}/{name}",
        principal_arn=arn,
        user_id=f"{role_id}:{name}",
        name=name,
        access_key_id=access_key_id,
    )


def root_identity(account: Account, origin: Origin, *, omniscient: bool = False) -> Identity:
    """The account's root user; the validator is one that nothing but key states and customer keys bind."""
    arn = f"arn:{PARTITION}:iam::{account.id}:root"
    return Identity(
        kind="root",
        account=account.id,
        arn=arn,
        principal_arn=arn,
        user_id=account.id,
        name=VALIDATOR_NAME if omniscient else "root",
        access_key_id=new_id("AKIA"),
        origin=origin,
        omniscient=omniscient,
    )


def credential(identity: Identity, realm_id: str) -> Credential:
    """A fresh key for an identity; sessions get a token and do not end."""
    return Credential(
        access_key_id=identity.access_key_id,
        secret_access_key=new_secret(),
        session_token=new_session_token() if identity.kind == "role" else None,
        identity=identity,
        realm_id=realm_id,
    )
