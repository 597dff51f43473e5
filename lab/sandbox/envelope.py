"""What protects one object version: which mode, which layers, how each layer's data key is wrapped, by whom.

An envelope holds no key in the clear. It is immutable, so that versions, snapshots and copies may share it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lab.sandbox.blobs import Blob, DamagedError
from lab.sandbox.checksums import Checksum

Mode = Literal["none", "AES256", "aws:kms", "aws:kms:dsse", "SSE-C"]
KeySource = Literal["s3", "kms", "bucket-key", "customer"]

ALGORITHM: Final = "AES-256-GCM"
KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of sealing and where its data key comes from.

    Attributes:
        name: ``layer 1`` is next to the plaintext, ``layer 2`` around it (DSSE-KMS only).
        key_source: Whose key wraps the data key; ``customer`` where the customer's key is the data key.
        wrapped_key: The data key, wrapped; empty for ``customer``.
        kms_key_arn: Of the KMS key behind ``kms`` and ``bucket-key``.
    """

    name: str
    key_source: KeySource
    wrapped_key: bytes = b""
    kms_key_arn: str | None = None

    def describe(self, nonce: str | None) -> dict[str, Any]:
        """The members of an event and of the at-rest view."""
        return {
            "name": self.name,
            "algorithm": ALGORITHM,
            "key_source": self.key_source,
            "kms_key_arn": self.kms_key_arn,
            "nonce": nonce,
            "wrapped_key_bytes": len(self.wrapped_key),
            "wrapped_key": base64.b64encode(self.wrapped_key).decode(),
        }


@dataclass(frozen=True, slots=True)
class BucketKeyInfo:
    """What leads back to the bucket-level key that an object was written under.

    Attributes:
        wrapped_key: The bucket-level key as KMS wrapped it.
        context: The encryption context that KMS was given for it: the bucket's ARN.
    """

    wrapped_key: bytes
    context: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class CustomerKeyRecord:
    """What S3 keeps of a customer's key: enough to recognize it, not enough to have it.

    Attributes:
        salt: Random.
        digest: HMAC-SHA256 of the key under the salt.
        md5: base64, echoed in answers.
    """

    salt: bytes
    digest: bytes
    md5: str

    @classmethod
    def of(cls, key: bytes, md5: str) -> CustomerKeyRecord:
        """Make the record of a key."""
        salt = secrets.token_bytes(16)
        return cls(salt, hmac.digest(salt, key, "sha256"), md5)

    def matches(self, key: bytes) -> bool:
        """Whether this is the key."""
        return hmac.compare_digest(self.digest, hmac.digest(self.salt, key, "sha256"))


@dataclass(frozen=True, slots=True)
class Envelope:
    """How one version, or one upload with all its parts, is protected.

    Attributes:
        layers: Innermost first.
        kms_key_arn: The KMS key that answers show.
        context: The whole encryption context that KMS was or would be given for the object's key; None without KMS.
        client_context: What the client sent in ``x-amz-server-side-encryption-context``, as sent; echoed.
        bucket_key: Present where the data key is wrapped by a bucket-level key.
        customer: Present for SSE-C.
    """

    mode: Mode
    layers: tuple[Layer, ...]
    kms_key_arn: str | None = None
    context: tuple[tuple[str, str], ...] | None = None
    client_context: str | None = None
    bucket_key: BucketKeyInfo | None = None
    customer: CustomerKeyRecord | None = None

    @property
    def uses_kms(self) -> bool:
        """Whether KMS stands behind the data key."""
        return self.mode in {"aws:kms", "aws:kms:dsse"}

    def describe(self, nonces: tuple[str, ...]) -> dict[str, Any]:
        """The members of ``stored`` events and of the at-rest view."""
        padded: list[str | None] = [*nonces, *[None] * (len(self.layers) - len(nonces))]
        bucket_key = None
        if self.bucket_key is not None:
            bucket_key = {
                "wrapped_key": base64.b64encode(self.bucket_key.wrapped_key).decode(),
                "context": dict(self.bucket_key.context),
            }
        customer = None
        if self.customer is not None:
            customer = {"salt": self.customer.salt.hex(), "hmac_sha256": self.customer.digest.hex()}
        return {
            "mode": self.mode,
            "layers": [layer.describe(nonce) for layer, nonce in zip(self.layers, padded, strict=False)],
            "context": dict(self.context) if self.context is not None else None,
            "bucket_key": bucket_key,
            "customer_key_md5": self.customer.md5 if self.customer else None,
            "customer_key_record": customer,
        }


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a version: the whole of it, or one part of a multipart upload.

    Attributes:
        number: As the client numbered it; 1 for an object that was not uploaded in parts.
        etag: Without quotes.
        last_modified: Seconds since the epoch on the sandbox's clock.
    """

    number: int
    blob: Blob
    etag: str
    last_modified: float
    checksum: Checksum | None = None

    @property
    def size(self) -> int:
        """Of the plaintext, in bytes."""
        return self.blob.size


@dataclass(frozen=True, slots=True)
class DataKeys:
    """The data keys of one envelope in the clear, innermost first: for the time of one request, never kept."""

    keys: tuple[bytes, ...] = field(repr=False)


class RootKey:
    """S3's own key: it wraps the data keys of SSE-S3 and of the outer layer of DSSE-KMS.

    AWS rotates its own regularly and publishes no interval; ours is made on first use and stays.

    Args:
        path: File in the state directory, mode 600.
    """

    def __init__(self, path: Path) -> None:
        self._cipher = AESGCM(_read_or_make(path))

    def wrap(self, data_key: bytes, purpose: bytes) -> bytes:
        """Seal a data key, bound to what it is for."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, data_key, purpose)

    def unwrap(self, wrapped: bytes, purpose: bytes) -> bytes:
        """Open a data key.

        Raises:
            DamagedError: It was changed, or belongs to something else.
        """
        return unwrap_with(self._cipher, wrapped, purpose)


def wrap_under(key: bytes, data_key: bytes, purpose: bytes) -> bytes:
    """Seal a data key under a bucket-level key."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, data_key, purpose)


def unwrap_under(key: bytes, wrapped: bytes, purpose: bytes) -> bytes:
    """Open a data key that :func:`wrap_under` sealed."""
    return unwrap_with(AESGCM(key), wrapped, purpose)


def unwrap_with(cipher: AESGCM, wrapped: bytes, purpose: bytes) -> bytes:
    """Open a wrapped data key with a cipher."""
    try:
        return cipher.decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], purpose)
    except (InvalidTag, ValueError):
        raise DamagedError("a wrapped data key does not open") from None


def new_data_key() -> bytes:
    """A fresh data key."""
    return os.urandom(KEY_BYTES)


def md5_of(key: bytes) -> bytes:
    """The MD5 of a customer's key, which requests and answers carry beside it."""
    return hashlib.md5(key, usedforsecurity=False).digest()


def _read_or_make(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        key = path.read_bytes()
        if len(key) != KEY_BYTES:
            raise DamagedError(f"{path.name} does not hold a key") from None
        return key
    with os.fdopen(descriptor, "wb") as file:
        key = secrets.token_bytes(KEY_BYTES)
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    return key
