"""Rotation as clients see it: switching it on, its status, rotating at once, and the list of rotations.

These answers name the key by its id, not by its ARN (AWS CLI reference, examples).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from lab.sandbox.kms import errors
from lab.sandbox.kms.call import refuse_states, require_customer_managed, require_enabled
from lab.sandbox.kms.lifetime import DAY, new_material
from lab.sandbox.kms.paging import page
from lab.sandbox.kms.state import Rotation

if TYPE_CHECKING:
    from lab.sandbox.kms.call import Call
    from lab.sandbox.kms.state import KeyMaterial, KmsKey

#: Per key and not adjustable (KMS API reference, RotateKeyOnDemand).
ON_DEMAND_LIMIT: Final = 25
DEFAULT_PERIOD: Final = 365


def enable_key_rotation(call: Call) -> dict[str, Any]:
    """EnableKeyRotation: also changes the period of a key that rotates already."""
    key = call.find(call.parameters["KeyId"])
    period = int(call.parameters.get("RotationPeriodInDays", DEFAULT_PERIOD))
    call.authorize(key, "kms:EnableKeyRotation", {"kms:RotationPeriodInDays": str(period)})
    require_customer_managed(call, key)
    _require_rotatable(key)
    require_enabled(key)
    if key.rotation is None or "RotationPeriodInDays" in call.parameters:
        key.rotation = Rotation(period_days=period, next_at=call.now + period * DAY)
    call.changed()
    return {}


def disable_key_rotation(call: Call) -> dict[str, Any]:
    """DisableKeyRotation."""
    key = call.find(call.parameters["KeyId"])
    call.authorize(key, "kms:DisableKeyRotation")
    require_customer_managed(call, key)
    _require_rotatable(key)
    require_enabled(key)
    key.rotation = None
    call.changed()
    return {}


def get_key_rotation_status(call: Call) -> dict[str, Any]:
    """GetKeyRotationStatus: false while a key is pending deletion, whatever it will be after a cancellation."""
    key = call.find(call.parameters["KeyId"], abroad=True)
    call.authorize(key, "kms:GetKeyRotationStatus")
    if not key.symmetric:
        return {"KeyId": key.id, "KeyRotationEnabled": False}
    _require_rotatable(key)
    refuse_states(key, "PendingImport", "Unavailable")
    if key.rotation is None or key.state == "PendingDeletion":
        return {"KeyId": key.id, "KeyRotationEnabled": False}
    return {
        "KeyId": key.id,
        "KeyRotationEnabled": True,
        "RotationPeriodInDays": key.rotation.period_days,
        "NextRotationDate": datetime.fromtimestamp(key.rotation.next_at, UTC),
    }


def rotate_key_on_demand(call: Call) -> dict[str, Any]:
    """RotateKeyOnDemand: takes effect at once here, within minutes on AWS; the schedule stays as it was."""
    key = call.find(call.parameters["KeyId"])
    call.authorize(key, "kms:RotateKeyOnDemand")
    require_customer_managed(call, key)
    _require_rotatable(key)
    require_enabled(key)
    if sum(material.rotation == "ON_DEMAND" for material in key.materials) >= ON_DEMAND_LIMIT:
        raise errors.too_many_rotations(key.arn)
    key.materials.append(new_material(call.now, "ON_DEMAND"))
    call.changed()
    return {"KeyId": key.id}


def list_key_rotations(call: Call) -> dict[str, Any]:
    """ListKeyRotations: what rotations made, and with ALL_KEY_MATERIAL what the key began with."""
    key = call.find(call.parameters["KeyId"])
    call.authorize(key, "kms:ListKeyRotations")
    if not key.symmetric:
        raise errors.wrong_spec(key.arn, key.spec)
    everything = call.parameters.get("IncludeKeyMaterial") == "ALL_KEY_MATERIAL"
    shown = [material for material in key.materials if everything or material.rotation]
    materials, rest = page(shown, call.parameters, default=100)
    return {"Rotations": [_entry(key, material) for material in materials], **rest}


def _entry(key: KmsKey, material: KeyMaterial) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "KeyId": key.id,
        "KeyMaterialId": material.id,
        "KeyMaterialState": "CURRENT" if material is key.materials[-1] else "NON_CURRENT",
    }
    if material.rotation:
        entry["RotationDate"] = datetime.fromtimestamp(material.created_at, UTC)
        entry["RotationType"] = material.rotation
    return entry


def _require_rotatable(key: KmsKey) -> None:
    if not key.symmetric:
        raise errors.wrong_spec(key.arn, key.spec)
    if key.origin != "AWS_KMS":
        raise errors.wrong_origin(key.arn, key.origin)
