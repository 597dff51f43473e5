"""What KMS remembers about one account: keys with all their material, aliases and grants.

Plain dataclasses of plain values, so that a world can be copied, kept across restarts and compared. Key material is
kept out of every ``repr``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

KeyState = Literal["Enabled", "Disabled", "PendingDeletion", "PendingImport", "Unavailable"]
RotationType = Literal["", "AUTOMATIC", "ON_DEMAND"]


@dataclass(slots=True)
class KeyMaterial:
    """One generation of a key's material; the newest encrypts, every one decrypts.

    Attributes:
        id: 64 hexadecimal digits, as KMS answers it (``CurrentKeyMaterialId``).
        secret: 32 bytes for AES-256-GCM.
        rotation: What made it; '' for the material that the key was created with.
    """

    id: str
    secret: bytes = field(repr=False)
    created_at: float
    rotation: RotationType = ""


@dataclass(slots=True)
class Rotation:
    """The schedule of automatic rotation.

    Attributes:
        next_at: When the material is replaced next, seconds on the sandbox's clock.
    """

    period_days: int
    next_at: float


@dataclass(slots=True)
class KmsKey:
    """One KMS key.

    Attributes:
        materials: Oldest first; empty for a key whose material was never imported and for asymmetric keys, which
            exist as metadata only.
        policy: The key policy as GetKeyPolicy answers it.
        rotation: None while automatic rotation is off.
        deletion_at: When a key pending deletion is gone, else None.
    """

    id: str
    account: str
    arn: str
    created_at: float
    policy: str
    description: str = ""
    usage: str = "ENCRYPT_DECRYPT"
    spec: str = "SYMMETRIC_DEFAULT"
    origin: str = "AWS_KMS"
    manager: Literal["CUSTOMER", "AWS"] = "CUSTOMER"
    state: KeyState = "Enabled"
    tags: dict[str, str] = field(default_factory=dict)
    materials: list[KeyMaterial] = field(default_factory=list)
    rotation: Rotation | None = None
    deletion_at: float | None = None

    @property
    def symmetric(self) -> bool:
        """Whether it is a symmetric encryption key: what S3 and data keys need."""
        return self.spec == "SYMMETRIC_DEFAULT"

    def material(self, material_id: str) -> KeyMaterial | None:
        """The material of that id, None where the key has none such."""
        for material in reversed(self.materials):
            if material.id == material_id:
                return material
        return None


@dataclass(slots=True)
class Alias:
    """A friendly name (``alias/…``) for one key of the same account."""

    name: str
    key_id: str
    created_at: float
    updated_at: float


@dataclass(slots=True)
class Grant:
    """Permission to use one key, given to one principal outside of any policy.

    Attributes:
        grantee: ARN of the principal that may use the operations.
        operations: botocore's names (``Decrypt``, ``ReEncryptFrom``).
        context_equals: The whole encryption context that a request must have, None where not constrained.
        context_subset: Pairs that a request's encryption context must include, None where not constrained.
        token: What CreateGrant answered and what ``GrantTokens`` may hold.
    """

    id: str
    key_id: str
    key_arn: str
    grantee: str
    operations: list[str]
    issuing_account: str
    created_at: float
    token: str = field(repr=False)
    name: str = ""
    retiring: str = ""
    context_equals: dict[str, str] | None = None
    context_subset: dict[str, str] | None = None


@dataclass(slots=True)
class KmsState:
    """KMS in one account.

    Attributes:
        keys: By key id.
        aliases: By alias name, ``alias/`` included.
        grants: By grant id, in the order they were made.
    """

    keys: dict[str, KmsKey] = field(default_factory=dict)
    aliases: dict[str, Alias] = field(default_factory=dict)
    grants: dict[str, Grant] = field(default_factory=dict)
