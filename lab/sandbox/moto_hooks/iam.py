"""What we rely on in moto's IAM: users, roles, groups, their policies and access keys, and its answers to clients.

moto names accounts by number, and the copies of a world that forks are have the same number. Each account's IAM lies
under its storage id but believes in the visible number, so every ARN that moto makes is right; where moto itself looks
an account up by number, :func:`seen_from` leads it to the realm that the request belongs to.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Final

from moto.core.base_backend import BackendDict
from moto.core.request import Request as MotoRequest
from moto.iam import models

from lab.sandbox.identity import Identity
from lab.sandbox.moto_hooks.managed_policies import AWS_MANAGED
from lab.sandbox.realm import PARTITION, Account, Realm

_ALPHABET: Final = string.ascii_uppercase + "234567"
_storage: ContextVar[Mapping[str, str] | None] = ContextVar("storage", default=None)


class _Accounts(BackendDict[models.IAMBackend]):
    """moto's IAM by account number, which :func:`seen_from` turns into storage ids."""

    def __getitem__(self, account_id: str) -> Any:
        return super().__getitem__((_storage.get() or {}).get(account_id, account_id))


def _resource_id(size: int = 20) -> str:
    return "AIDA" + "".join(secrets.choice(_ALPHABET) for _ in range(size - 3))


models.iam_backends.__class__ = _Accounts
vars(models)["random_resource_id"] = _resource_id  # moto's are lower case; AWS's user ids begin with AIDA


@contextmanager
def seen_from(realm: Realm) -> Iterator[None]:
    """Within, account numbers mean this realm's accounts."""
    token = _storage.set({account.id: account.storage_id for account in realm.accounts.values()})
    try:
        yield
    finally:
        _storage.reset(token)


def backend(account: Account) -> models.IAMBackend:
    """The IAM that moto keeps for an account, made where there is none yet."""
    specific = dict.get(models.iam_backends, account.storage_id)
    if specific is None:
        specific = BackendDict.__getitem__(models.iam_backends, account.storage_id)
    found = dict.get(specific, PARTITION)
    if found is None:
        found = models.IAMBackend(PARTITION, account.id)
        found.managed_policies.update(_aws_managed(account.id))
        dict.__setitem__(specific, PARTITION, found)
    return found


def drop_backend(storage_id: str) -> None:
    """Forget all that moto's IAM holds under a storage id."""
    dict.pop(models.iam_backends, storage_id, None)


def _aws_managed(account_id: str) -> dict[str, models.ManagedPolicy]:
    moment = datetime(2015, 2, 6, 18, 40, tzinfo=UTC).isoformat()
    made = (
        models.AWSManagedPolicy.from_data(
            name,
            account_id,
            PARTITION,
            {"Path": "/", "Document": document, "CreateDate": moment, "UpdateDate": moment, "DefaultVersionId": "v1"},
        )
        for name, document in AWS_MANAGED.items()
    )
    return {policy.arn: policy for policy in made}


# ---- What policies apply ---------------------------------------------------------------------------------------------


def identity_policies(account: Account, identity: Identity) -> tuple[list[tuple[str, str]], str | None]:
    """Names and texts of the identity policies of a user or role, and the text of its permission boundary.

    Both are empty for the account root, and for who was deleted since the credentials were made.
    """
    iam = backend(account)
    if identity.kind == "user":
        user = iam.users.get(identity.name)
        return ([], None) if user is None else (_user_policies(iam, user), None)
    if identity.kind == "role":
        role = _role(iam, identity.name)
        if role is None:
            return [], None
        boundary = iam.managed_policies.get(role.permissions_boundary_arn or "")
        return _own_policies(role), None if boundary is None else _document(boundary)
    return [], None


def _user_policies(iam: models.IAMBackend, user: models.User) -> list[tuple[str, str]]:
    found = _own_policies(user)
    for group in list(iam.groups.values()):
        if user in group.users:
            found += _own_policies(group)
    return found


def _own_policies(holder: models.User | models.Role | models.Group) -> list[tuple[str, str]]:
    found = list(holder.policies.items())
    if holder.managed_policies:
        found += [(policy.name, _document(policy)) for policy in list(holder.managed_policies.values())]
    return found


def _document(policy: models.ManagedPolicy) -> str:
    wanted = policy.default_version_id
    return next((version.document for version in policy.versions if version.version_id == wanted), "")


def _role(iam: models.IAMBackend, name: str) -> models.Role | None:
    return next((role for role in list(iam.roles.values()) if role.name == name), None)


def principal_exists(account: Account, arn: str) -> bool:
    """Whether the user, role, session's role or account root of that ARN exists in the account."""
    kind, _, path = arn.split(":", 5)[5].partition("/")
    iam = backend(account)
    if kind == "root":
        return True
    if kind == "assumed-role":
        return _role(iam, path.partition("/")[0]) is not None
    holders: dict[str, Any] = iam.users if kind == "user" else iam.roles if kind == "role" else {}
    return any(holder.arn == arn for holder in list(holders.values()))


def with_path(account: Account, arn: str) -> str:
    """The ARN of a user, role or group that was named without its path; the same ARN where there is none."""
    kind, _, name = arn.split(":", 5)[-1].partition("/")
    iam = backend(account)
    kept: dict[str, Mapping[str, Any]] = {"user": iam.users, "role": iam.roles, "group": iam.groups}
    return next((str(one.arn) for one in list(kept.get(kind, {}).values()) if one.name == name), arn)


def has_access_keys(account: Account, user_name: str) -> bool:
    """Whether a user has access keys; they would outlive the user in moto, and serve the next one of that name."""
    return any(key.user_name == user_name for key in list(backend(account).access_keys.values()))


def tags_of(account: Account, identity: Identity) -> dict[str, str]:
    """Tags of the user or role behind an identity, as they are now."""
    iam = backend(account)
    if identity.kind == "user":
        return dict(iam.tagger.get_tag_dict_for_resource(identity.principal_arn))
    role = _role(iam, identity.name) if identity.kind == "role" else None
    return {} if role is None else {tag["Key"]: tag["Value"] for tag in role.tags or []}


def role_of(account: Account, name: str) -> tuple[str, str, str] | None:
    """ARN, id and trust policy of a role."""
    role = _role(backend(account), name)
    return None if role is None else (role.arn, role.id, role.assume_role_policy_document)


def role_session(account: Account, name: str) -> tuple[int, dict[str, str]]:
    """How many seconds a session of this role may last, and the role's tags; the role exists."""
    role = _role(backend(account), name)
    if role is None:
        raise LookupError(name)
    return int(role.max_session_duration or 3600), {tag["Key"]: tag["Value"] for tag in role.tags}


def managed_policy(account: Account, arn: str) -> str | None:
    """The document of a managed policy in its default version."""
    policy = backend(account).managed_policies.get(arn)
    return None if policy is None else _document(policy)


# ---- What clients ask ------------------------------------------------------------------------------------------------


def respond(realm: Realm, account: Account, body: bytes) -> tuple[int, str]:
    """Let moto answer an IAM request of one of its account's principals.

    Args:
        realm: The realm that the request belongs to.
        account: The caller's account.
        body: A form.

    Returns:
        Status and XML.

    Raises:
        NotImplementedError: moto does not know the operation.
    """
    from moto.iam.responses import IamResponse  # a tenth of the sandbox's start, and not every exercise asks IAM

    backend(account)
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8", "x-moto-account-id": account.id}
    request = MotoRequest.from_primitives("POST", "https://iam.amazonaws.com/", headers, body)
    with seen_from(realm):
        status, _headers, text = IamResponse.dispatch(request, "https://iam.amazonaws.com/", request.headers)
    return int(status), text if isinstance(text, str) else bytes(text).decode()
