"""What time does to keys: material replaced on schedule, and the end of the deletion window.

Nothing runs in the background. Whatever was due is made up, at the time when it was due, before a key is looked at.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from lab.sandbox.kms.state import KeyMaterial

if TYPE_CHECKING:
    from lab.sandbox.kms.state import KmsKey, KmsState, RotationType

DAY: Final = 86_400.0


def new_material(now: float, rotation: RotationType = "") -> KeyMaterial:
    """Fresh AES-256 material."""
    return KeyMaterial(id=os.urandom(32).hex(), secret=os.urandom(32), created_at=now, rotation=rotation)


def due(state: KmsState, now: float) -> bool:
    """Whether time has something to do in this account."""
    for key in state.keys.values():
        if key.deletion_at is not None:
            if key.deletion_at <= now:
                return True
        elif key.rotation is not None and key.state == "Enabled" and key.rotation.next_at <= now:
            return True
    return False


def settle(state: KmsState, now: float) -> None:
    """Do what was due: rotate enabled keys at each of their dates, delete keys whose window has ended.

    Keys that are disabled or pending deletion do not rotate (KMS API reference, GetKeyRotationStatus). A deleted key
    takes its material, aliases and grants with it.
    """
    for key in list(state.keys.values()):
        if key.deletion_at is not None:
            if key.deletion_at <= now:
                _delete(state, key)
        elif key.rotation is not None and key.state == "Enabled":
            while key.rotation.next_at <= now:
                key.materials.append(new_material(key.rotation.next_at, "AUTOMATIC"))
                key.rotation.next_at += key.rotation.period_days * DAY


def resume(key: KmsKey, now: float) -> None:
    """An enabled-again key that missed its date rotates at once, and from now on its period apart."""
    if key.rotation is not None and key.rotation.next_at <= now:
        key.materials.append(new_material(now, "AUTOMATIC"))
        key.rotation.next_at = now + key.rotation.period_days * DAY


def _delete(state: KmsState, key: KmsKey) -> None:
    del state.keys[key.id]
    for name in [alias.name for alias in state.aliases.values() if alias.key_id == key.id]:
        del state.aliases[name]
    for grant_id in [grant.id for grant in state.grants.values() if grant.key_id == key.id]:
        del state.grants[grant_id]
