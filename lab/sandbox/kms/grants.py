"""Grants: permission to use one key, given to one principal without touching a policy.

A grant works at once here, on AWS within minutes or with its token; tokens are accepted everywhere and change nothing.
"""

from __future__ import annotations

import base64
import os
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from lab.sandbox import policy_checks
from lab.sandbox.kms import errors
from lab.sandbox.kms.call import refuse_states, require_customer_managed, require_enabled
from lab.sandbox.kms.paging import page
from lab.sandbox.kms.state import Grant
from lab.sandbox.realm import PARTITION

if TYPE_CHECKING:
    from lab.sandbox.exchange import ServiceError
    from lab.sandbox.kms.call import Call, Extra
    from lab.sandbox.kms.state import KmsKey

_PRINCIPAL: Final = re.compile(
    r"arn:aws:(iam::\d{12}:(root|user/.+|role/.+)|sts::\d{12}:(assumed-role/[^/]+/.+|federated-user/.+))\Z"
)
_CONTEXT_CONSTRAINTS: Final = {"EncryptionContextEquals": "context_equals", "EncryptionContextSubset": "context_subset"}


def create_grant(call: Call) -> dict[str, Any]:
    """CreateGrant: the same request under the same name gives the same grant, with a new token."""
    parameters = call.parameters
    if "GranteePrincipal" not in parameters:
        raise errors.validation("You must specify a grantee principal.")
    grantee, retiring = parameters["GranteePrincipal"], parameters.get("RetiringPrincipal", "")
    constraints = _constraints(parameters.get("Constraints", {}))
    operations = list(dict.fromkeys(parameters["Operations"]))
    key = call.find(parameters["KeyId"], abroad=True)
    extra = _condition_keys(grantee, retiring, operations, constraints)
    call.authorize(key, "kms:CreateGrant", extra, grants=lambda one: _passes_on(one, operations, constraints))
    require_customer_managed(call, key)
    require_enabled(key)
    for principal in filter(None, (grantee, retiring)):
        _require_principal(call, principal)
    if parameters.get("DryRun"):
        raise errors.dry_run()
    token = base64.urlsafe_b64encode(os.urandom(96)).decode()
    grant = Grant(
        id=os.urandom(32).hex(),
        key_id=key.id,
        key_arn=key.arn,
        grantee=grantee,
        retiring=retiring,
        operations=operations,
        name=parameters.get("Name", ""),
        issuing_account=call.caller.account,
        created_at=call.now,
        token=token,
        **constraints,
    )
    grants = call.state_of(key).grants
    same = next((old for old in grants.values() if grant.name and _same(old, grant)), None)
    if same is not None:
        same.token = token
        grant = same
    grants[grant.id] = grant
    call.changed()
    return {"GrantId": grant.id, "GrantToken": token}


def list_grants(call: Call) -> dict[str, Any]:
    """ListGrants: of one key, all or those of one id or grantee."""
    parameters = call.parameters
    key = call.find(parameters["KeyId"], abroad=True)
    call.authorize(key, "kms:ListGrants")
    found = [
        grant
        for grant in call.state_of(key).grants.values()
        if grant.key_id == key.id
        and parameters.get("GrantId", grant.id) == grant.id
        and parameters.get("GranteePrincipal", grant.grantee) == grant.grantee
    ]
    if "GrantId" in parameters and not found:
        raise _no_such_grant(parameters["GrantId"])
    grants, rest = page(found, parameters, default=50)
    return {"Grants": [_entry(grant) for grant in grants], **rest}


def list_retirable_grants(call: Call) -> dict[str, Any]:
    """ListRetirableGrants: in the whole realm, by who may retire them."""
    if "RetiringPrincipal" not in call.parameters:
        raise errors.validation("You must specify a retiring principal.")
    call.authorize_account("kms:ListRetirableGrants")
    found = [
        grant
        for account in call.realm.accounts.values()
        for grant in account.kms.grants.values()
        if grant.retiring == call.parameters["RetiringPrincipal"]
    ]
    grants, rest = page(found, call.parameters, default=50)
    return {"Grants": [_entry(grant) for grant in grants], **rest}


def revoke_grant(call: Call) -> dict[str, Any]:
    """RevokeGrant: by whoever the key's policy lets."""
    key = call.find(call.parameters["KeyId"], abroad=True)
    call.authorize(key, "kms:RevokeGrant")
    require_customer_managed(call, key)
    refuse_states(key, "PendingImport")
    grants = call.state_of(key).grants
    grant = grants.get(call.parameters["GrantId"])
    if grant is None or grant.key_id != key.id:
        raise _no_such_grant(call.parameters["GrantId"])
    if call.parameters.get("DryRun"):
        raise errors.dry_run()
    del grants[grant.id]
    call.changed()
    return {}


def retire_grant(call: Call) -> dict[str, Any]:
    """RetireGrant: by the retiring principal, a grantee whose grant says so, or the account that made the grant."""
    grant = _retirable(call)
    key = call.look_up(grant.key_arn, abroad=True)
    call.subject(key)
    _may_retire(call, grant, key)
    if call.parameters.get("DryRun"):
        raise errors.dry_run()
    del call.state_of(key).grants[grant.id]
    call.changed()
    return {}


def _retirable(call: Call) -> Grant:
    parameters = call.parameters
    everywhere = [grant for account in call.realm.accounts.values() for grant in account.kms.grants.values()]
    if "GrantToken" in parameters:
        for grant in everywhere:
            if grant.token == parameters["GrantToken"]:
                return grant
        raise errors.refusal("InvalidGrantTokenException", "Invalid grant token")
    if "KeyId" not in parameters or "GrantId" not in parameters:
        raise errors.validation("You must specify either a grant token, or a grant ID and a key ARN.")
    for grant in everywhere:
        if grant.id == parameters["GrantId"] and parameters["KeyId"] in {grant.key_arn, grant.key_id}:
            return grant
    raise _no_such_grant(parameters["GrantId"])


def _may_retire(call: Call, grant: Grant, key: KmsKey) -> None:
    """The grant itself may say so; else it is up to the identity policies of the account that made it.

    Raises:
        ServiceError: ``AccessDeniedException``.
    """
    me = {call.caller.arn, call.caller.principal_arn}
    if grant.retiring in me or (grant.grantee in me and "RetireGrant" in grant.operations):
        call.authorize(key, "kms:RetireGrant")
    elif call.caller.account == grant.issuing_account:
        call.authorize_account("kms:RetireGrant", key.arn)
    else:
        raise errors.denied(call.caller.arn, "kms:RetireGrant", key.arn)


def _require_principal(call: Call, arn: str) -> None:
    if not _PRINCIPAL.match(arn) or not policy_checks.principal_exists(call.realm, arn):
        raise errors.refusal("InvalidArnException", f"ARN does not refer to a valid principal: {arn}")


def _constraints(sent: dict[str, Any]) -> dict[str, dict[str, str]]:
    known: dict[str, dict[str, str]] = {}
    for name, value in sent.items():
        if name not in _CONTEXT_CONSTRAINTS:
            raise errors.not_modelled(f"the grant constraint {name}")
        if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
            raise errors.refusal("SerializationException", "Start of structure or map not found where expected.")
        known[_CONTEXT_CONSTRAINTS[name]] = dict(value)
    return known


def _condition_keys(grantee: str, retiring: str, operations: list[str], constraints: dict[str, Any]) -> Extra:
    extra: Extra = {
        "kms:GranteePrincipal": grantee,
        "kms:GrantOperations": operations,
        "kms:GrantIsForAWSResource": "false",
    }
    if retiring:
        extra["kms:RetiringPrincipal"] = retiring
    for name, member in _CONTEXT_CONSTRAINTS.items():
        if member in constraints:
            extra["kms:GrantConstraintType"] = name
    return extra


def _passes_on(parent: Grant, operations: list[str], constraints: dict[str, dict[str, str]]) -> bool:
    """Whether who has a grant may give this one on: for no more operations, under constraints no looser.

    KMS developer guide, "Granting CreateGrant permission".
    """
    if not set(operations) <= set(parent.operations):
        return False
    equals, subset = constraints.get("context_equals"), constraints.get("context_subset")
    if parent.context_equals is not None and equals != parent.context_equals:
        return False
    given = equals if equals is not None else subset or {}
    return all(given.get(name) == value for name, value in (parent.context_subset or {}).items())


def _same(one: Grant, other: Grant) -> bool:
    def asked(grant: Grant) -> tuple[object, ...]:
        return (
            grant.key_id, grant.grantee, grant.retiring, sorted(grant.operations), grant.name,
            grant.context_equals, grant.context_subset,
        )  # fmt: skip

    return asked(one) == asked(other)


def _entry(grant: Grant) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "KeyId": grant.key_arn,
        "GrantId": grant.id,
        "Name": grant.name,
        "CreationDate": datetime.fromtimestamp(grant.created_at, UTC),
        "GranteePrincipal": grant.grantee,
        "IssuingAccount": f"arn:{PARTITION}:iam::{grant.issuing_account}:root",
        "Operations": list(grant.operations),
    }
    if grant.retiring:
        shown["RetiringPrincipal"] = grant.retiring
    constraints = {
        name: getattr(grant, member)
        for name, member in _CONTEXT_CONSTRAINTS.items()
        if getattr(grant, member) is not None
    }
    if constraints:
        shown["Constraints"] = constraints
    return shown


def _no_such_grant(grant_id: str) -> ServiceError:
    return errors.refusal("NotFoundException", f"Grant ID {grant_id} not found")
