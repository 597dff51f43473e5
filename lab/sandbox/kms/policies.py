"""Key policies: reading them, and replacing them without locking everybody out by mistake."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lab.sandbox import policy_checks
from lab.sandbox.kms import errors
from lab.sandbox.kms.call import require_customer_managed
from lab.sandbox.kms.documents import pretty
from lab.sandbox.kms.paging import page

if TYPE_CHECKING:
    from lab.sandbox.kms.call import Call
    from lab.sandbox.kms.state import KmsKey


def get_key_policy(call: Call) -> dict[str, Any]:
    """GetKeyPolicy: every key has one policy, named ``default``."""
    key = call.find(call.parameters["KeyId"])
    call.authorize(key, "kms:GetKeyPolicy")
    _require_default(call)
    return {"Policy": key.policy, "PolicyName": "default"}


def put_key_policy(call: Call) -> dict[str, Any]:
    """PutKeyPolicy."""
    bypass = bool(call.parameters.get("BypassPolicyLockoutSafetyCheck"))
    key = call.find(call.parameters["KeyId"])
    call.authorize(key, "kms:PutKeyPolicy", {"kms:BypassPolicyLockoutSafetyCheck": str(bypass).lower()})
    require_customer_managed(call, key)
    _require_default(call)
    key.policy = accepted(call, key, call.parameters["Policy"], bypass=bypass)
    call.changed()
    return {}


def list_key_policies(call: Call) -> dict[str, Any]:
    """ListKeyPolicies."""
    key = call.find(call.parameters["KeyId"])
    call.authorize(key, "kms:ListKeyPolicies")
    names, rest = page(["default"], call.parameters, default=100)
    return {"PolicyNames": names, **rest}


def accepted(call: Call, key: KmsKey, document: str, *, bypass: bool) -> str:
    """A policy document that KMS takes for this key, as it is kept.

    Args:
        call: The call that brings the policy.
        key: The key it is for.
        document: The JSON text.
        bypass: Whether the client renounced the check that the caller can still change the policy afterwards.

    Raises:
        ServiceError: ``MalformedPolicyDocumentException``.
    """
    policy_checks.accept_key_policy(
        call.exchange, caller=call.caller, key_arn=key.arn, key_account=key.account, text=document, bypass=bypass
    )
    return pretty(json.loads(document))


def _require_default(call: Call) -> None:
    if call.parameters.get("PolicyName", "default") != "default":
        raise errors.refusal("NotFoundException", "No such policy exists")
