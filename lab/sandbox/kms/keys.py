"""Keys themselves: making, describing, enabling and disabling them, and the way to their deletion."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from lab.sandbox.kms import errors, policies, tags
from lab.sandbox.kms.call import refuse_states, require_customer_managed
from lab.sandbox.kms.documents import default_key_policy
from lab.sandbox.kms.lifetime import DAY, new_material, resume
from lab.sandbox.kms.paging import page
from lab.sandbox.kms.state import KmsKey
from lab.sandbox.realm import PARTITION, REGION

if TYPE_CHECKING:
    from lab.sandbox.kms.call import Call

DEFAULT_WINDOW: Final = 30
_RSA_SIGNING: Final = (
    "RSASSA_PKCS1_V1_5_SHA_256", "RSASSA_PKCS1_V1_5_SHA_384", "RSASSA_PKCS1_V1_5_SHA_512",
    "RSASSA_PSS_SHA_256", "RSASSA_PSS_SHA_384", "RSASSA_PSS_SHA_512",
)  # fmt: skip


def create_key(call: Call) -> dict[str, Any]:
    """CreateKey: symmetric keys in full; RSA keys as metadata, so that their refusals can be seen."""
    parameters = call.parameters
    spec, usage = _kind(parameters)
    origin = parameters.get("Origin", "AWS_KMS")
    if origin not in {"AWS_KMS", "EXTERNAL"}:
        raise errors.not_modelled("custom key stores")
    if parameters.get("MultiRegion"):
        raise errors.not_modelled("multi-Region keys")
    tag_map = tags.read(parameters.get("Tags", []))
    bypass = bool(parameters.get("BypassPolicyLockoutSafetyCheck"))
    call.authorize_account(
        "kms:CreateKey",
        extra={
            "kms:KeySpec": spec,
            "kms:KeyUsage": usage,
            "kms:KeyOrigin": origin,
            "kms:MultiRegion": "false",
            "kms:BypassPolicyLockoutSafetyCheck": str(bypass).lower(),
            **tags.condition_keys(tag_map),
        },
    )
    key_id = str(uuid4())
    key = KmsKey(
        id=key_id,
        account=call.account.id,
        arn=f"arn:{PARTITION}:kms:{REGION}:{call.account.id}:key/{key_id}",
        created_at=call.now,
        policy=default_key_policy(call.account.id),
        description=parameters.get("Description", ""),
        usage=usage,
        spec=spec,
        origin=origin,
        state="PendingImport" if origin == "EXTERNAL" else "Enabled",
        tags=tag_map,
    )
    if "Policy" in parameters:
        key.policy = policies.accepted(call, key, parameters["Policy"], bypass=bypass)
    if key.symmetric and origin == "AWS_KMS":
        key.materials.append(new_material(call.now))
    call.state.keys[key_id] = key
    call.subject(key)
    call.changed()
    return {"KeyMetadata": metadata(key)}


def describe_key(call: Call) -> dict[str, Any]:
    """DescribeKey."""
    key = call.find(call.parameters["KeyId"], aliases=True, abroad=True)
    call.authorize(key, "kms:DescribeKey")
    return {"KeyMetadata": metadata(key)}


def metadata(key: KmsKey) -> dict[str, Any]:
    """A key as CreateKey and DescribeKey show it."""
    shown: dict[str, Any] = {
        "AWSAccountId": key.account,
        "KeyId": key.id,
        "Arn": key.arn,
        "CreationDate": datetime.fromtimestamp(key.created_at, UTC),
        "Enabled": key.state == "Enabled",
        "Description": key.description,
        "KeyUsage": key.usage,
        "KeyState": key.state,
        "Origin": key.origin,
        "KeyManager": key.manager,
        "CustomerMasterKeySpec": key.spec,
        "KeySpec": key.spec,
        "MultiRegion": False,
    }
    if key.deletion_at is not None:
        shown["DeletionDate"] = datetime.fromtimestamp(key.deletion_at, UTC)
    if key.usage == "SIGN_VERIFY":
        shown["SigningAlgorithms"] = list(_RSA_SIGNING)
    elif key.symmetric:
        shown["EncryptionAlgorithms"] = ["SYMMETRIC_DEFAULT"]
    else:
        shown["EncryptionAlgorithms"] = ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"]
    if key.materials:
        shown["CurrentKeyMaterialId"] = key.materials[-1].id
    return shown


def list_keys(call: Call) -> dict[str, Any]:
    """ListKeys: every key of the account, AWS managed ones and those pending deletion included."""
    call.authorize_account("kms:ListKeys")
    keys, rest = page(list(call.state.keys.values()), call.parameters, default=100)
    return {"Keys": [{"KeyId": key.id, "KeyArn": key.arn} for key in keys], **rest}


def enable_key(call: Call) -> dict[str, Any]:
    """EnableKey."""
    key = _change(call)
    refuse_states(key, "PendingDeletion", "PendingImport", "Unavailable")
    if key.state == "Disabled":
        key.state = "Enabled"
        resume(key, call.now)
    call.changed()
    return {}


def disable_key(call: Call) -> dict[str, Any]:
    """DisableKey."""
    key = _change(call)
    refuse_states(key, "PendingDeletion", "PendingImport", "Unavailable")
    key.state = "Disabled"
    call.changed()
    return {}


def schedule_key_deletion(call: Call) -> dict[str, Any]:
    """ScheduleKeyDeletion: unusable at once, gone when the window ends on the sandbox's clock."""
    days = int(call.parameters.get("PendingWindowInDays", DEFAULT_WINDOW))
    key = call.find(call.parameters["KeyId"])
    call.authorize(key, "kms:ScheduleKeyDeletion", {"kms:ScheduleKeyDeletionPendingWindowInDays": str(days)})
    require_customer_managed(call, key)
    refuse_states(key, "PendingDeletion")
    key.state = "PendingDeletion"
    key.deletion_at = call.now + days * DAY
    call.changed()
    return {
        "KeyId": key.arn,
        "DeletionDate": datetime.fromtimestamp(key.deletion_at, UTC),
        "KeyState": key.state,
        "PendingWindowInDays": days,
    }


def cancel_key_deletion(call: Call) -> dict[str, Any]:
    """CancelKeyDeletion: the key comes back disabled."""
    key = _change(call)
    if key.deletion_at is None:
        raise errors.not_pending_deletion(key.arn)
    key.deletion_at = None
    key.state = "PendingImport" if key.origin == "EXTERNAL" and not key.materials else "Disabled"
    call.changed()
    return {"KeyId": key.arn}


def update_key_description(call: Call) -> dict[str, Any]:
    """UpdateKeyDescription."""
    key = _change(call)
    refuse_states(key, "PendingDeletion")
    key.description = call.parameters["Description"]
    call.changed()
    return {}


def _change(call: Call) -> KmsKey:
    """Find and authorize a key of the caller's account that customers may change."""
    key = call.find(call.parameters["KeyId"])
    call.authorize(key, f"kms:{call.operation}")
    require_customer_managed(call, key)
    return key


def _kind(parameters: dict[str, Any]) -> tuple[str, str]:
    """Key spec and usage of a key to create; the older name of the spec still works."""
    if "KeySpec" in parameters and "CustomerMasterKeySpec" in parameters:
        raise errors.validation(
            "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. "
            "CustomerMasterKeySpec is deprecated."
        )
    spec = parameters.get("KeySpec", parameters.get("CustomerMasterKeySpec", "SYMMETRIC_DEFAULT"))
    if spec == "SYMMETRIC_DEFAULT":
        usage = parameters.get("KeyUsage", "ENCRYPT_DECRYPT")
        if usage != "ENCRYPT_DECRYPT":
            raise errors.validation(f"KeyUsage {usage} is not compatible with KeySpec {spec}")
        return spec, usage
    if "KeyUsage" not in parameters:
        raise errors.validation(
            "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys."
        )
    usage = parameters["KeyUsage"]
    if not spec.startswith("RSA_"):
        raise errors.not_modelled(f"keys of the spec {spec}")
    if usage not in {"SIGN_VERIFY", "ENCRYPT_DECRYPT"}:
        raise errors.validation(f"KeyUsage {usage} is not compatible with KeySpec {spec}")
    if parameters.get("Origin", "AWS_KMS") != "AWS_KMS":
        raise errors.not_modelled("asymmetric keys with imported material")
    return spec, usage
