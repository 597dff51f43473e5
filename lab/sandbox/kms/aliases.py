"""Aliases: names for keys within one account. Both the alias and the key have a say in who may change them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from lab.sandbox.kms import errors
from lab.sandbox.kms.call import refuse_states, require_customer_managed
from lab.sandbox.kms.paging import page
from lab.sandbox.kms.state import Alias
from lab.sandbox.realm import PARTITION, REGION

if TYPE_CHECKING:
    from lab.sandbox.kms.call import Call
    from lab.sandbox.kms.state import KmsKey

_HELP: Final = "https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html"


def create_alias(call: Call) -> dict[str, Any]:
    """CreateAlias."""
    name = _own_name(call)
    _permit_alias(call, name)
    key = _target(call)
    if name in call.state.aliases:
        raise errors.refusal("AlreadyExistsException", f"An alias with the name {_arn(call, name)} already exists")
    call.state.aliases[name] = Alias(name, key.id, created_at=call.now, updated_at=call.now)
    call.changed()
    return {}


def update_alias(call: Call) -> dict[str, Any]:
    """UpdateAlias: the key that the alias leaves is asked as well."""
    name = _own_name(call)
    alias = call.state.aliases.get(name)
    if alias is None:
        raise errors.no_such_alias(_arn(call, name))
    _permit_alias(call, name)
    call.authorize(call.state.keys[alias.key_id], "kms:UpdateAlias")
    alias.key_id = _target(call).id
    alias.updated_at = call.now
    call.changed()
    return {}


def delete_alias(call: Call) -> dict[str, Any]:
    """DeleteAlias: the key stays as it is."""
    name = _own_name(call)
    alias = call.state.aliases.get(name)
    if alias is None:
        raise errors.no_such_alias(_arn(call, name))
    key = call.state.keys[alias.key_id]
    call.subject(key)
    _permit_alias(call, name)
    call.authorize(key, "kms:DeleteAlias")
    del call.state.aliases[name]
    call.changed()
    return {}


def list_aliases(call: Call) -> dict[str, Any]:
    """ListAliases: all of the account, or those of one key."""
    call.authorize_account("kms:ListAliases")
    found = list(call.state.aliases.values())
    if "KeyId" in call.parameters:
        key = call.find(call.parameters["KeyId"])
        found = [alias for alias in found if alias.key_id == key.id]
    aliases, rest = page(sorted(found, key=lambda alias: alias.name), call.parameters, default=50)
    return {"Aliases": [_entry(call, alias) for alias in aliases], **rest}


def _entry(call: Call, alias: Alias) -> dict[str, Any]:
    return {
        "AliasName": alias.name,
        "AliasArn": _arn(call, alias.name),
        "TargetKeyId": alias.key_id,
        "CreationDate": datetime.fromtimestamp(alias.created_at, UTC),
        "LastUpdatedDate": datetime.fromtimestamp(alias.updated_at, UTC),
    }


def _own_name(call: Call) -> str:
    name: str = call.parameters["AliasName"]
    if not name.startswith("alias/"):
        raise errors.validation(f'Alias must start with the prefix "alias/". Please see {_HELP}')
    if name.startswith("alias/aws/"):
        raise errors.refusal("NotAuthorizedException", "")
    if name == "alias/":
        raise errors.refusal("InvalidAliasNameException", f"Invalid alias name. Please see {_HELP}")
    return name


def _target(call: Call) -> KmsKey:
    key = call.find(call.parameters["TargetKeyId"])
    call.authorize(key, f"kms:{call.operation}")
    require_customer_managed(call, key)
    refuse_states(key, "PendingDeletion")
    return key


def _permit_alias(call: Call, name: str) -> None:
    call.authorize_account(f"kms:{call.operation}", _arn(call, name))


def _arn(call: Call, name: str) -> str:
    return f"arn:{PARTITION}:kms:{REGION}:{call.account.id}:{name}"
