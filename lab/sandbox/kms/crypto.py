"""Ciphertext blobs: AES-256-GCM under a key's material, bound to the key, the material and the encryption context.

A blob is opaque to clients, as KMS's own are. It names the key and the material that made it, so that Decrypt needs no
key id, and everything in it is authenticated: the readable part by a checksum (a damaged blob is then told apart from
one of a key that is gone) and, together with the encryption context, by the GCM tag.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Final, NamedTuple
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

if TYPE_CHECKING:
    from collections.abc import Mapping

#: How KMS's own blobs begin; nothing here depends on the value.
_PREFIX: Final = bytes.fromhex("0102020078")
_NAMES_END: Final = len(_PREFIX) + 16 + 32
_CHECKSUM_END: Final = _NAMES_END + 8
_NONCE_END: Final = _CHECKSUM_END + 12
_TAG: Final = 16
SHORTEST_BLOB: Final = _NONCE_END + _TAG


class Damaged(Exception):  # noqa: N818 - says what the blob is, not what went wrong in here
    """The blob is not one of ours, or the material, the context or a single bit does not fit."""


class Names(NamedTuple):
    """What a blob says about itself."""

    key_id: str
    material_id: str


def canonical_context(context: Mapping[str, str]) -> bytes:
    """Encode an encryption context so that two contexts have the same bytes only if they are equal.

    Pairs are sorted by name (order does not matter to KMS) and every text is preceded by its length: without the
    lengths ``{"a": "bc"}`` and ``{"ab": "c"}`` would be the same bytes.
    """
    if not context:
        return b""
    parts = [len(context).to_bytes(4, "big")]
    for name in sorted(context):
        for text in (name, context[name]):
            raw = text.encode("utf-8", "surrogatepass")
            parts += (len(raw).to_bytes(4, "big"), raw)
    return b"".join(parts)


def seal(secret: bytes, key_id: str, material_id: str, plaintext: bytes, context: Mapping[str, str]) -> bytes:
    """Encrypt up to 4096 bytes into a ciphertext blob."""
    names = _PREFIX + UUID(key_id).bytes + bytes.fromhex(material_id)
    header = names + _checksum(names)
    nonce = os.urandom(12)
    return header + nonce + AESGCM(secret).encrypt(nonce, plaintext, header + canonical_context(context))


def read_names(blob: bytes) -> Names:
    """What key and material the blob was made with.

    Raises:
        Damaged: It is not a ciphertext blob, or its readable part was changed.
    """
    names = blob[:_NAMES_END]
    if len(blob) < SHORTEST_BLOB or not names.startswith(_PREFIX) or _checksum(names) != blob[_NAMES_END:_CHECKSUM_END]:
        raise Damaged
    start = len(_PREFIX)
    return Names(str(UUID(bytes=blob[start : start + 16])), blob[start + 16 : _NAMES_END].hex())


def unseal(secret: bytes, blob: bytes, context: Mapping[str, str]) -> bytes:
    """Decrypt a blob whose names have been read.

    Raises:
        Damaged: The tag does not verify: another material, another context or changed bytes.
    """
    header, nonce, sealed = blob[:_CHECKSUM_END], blob[_CHECKSUM_END:_NONCE_END], blob[_NONCE_END:]
    try:
        return AESGCM(secret).decrypt(nonce, sealed, header + canonical_context(context))
    except InvalidTag:
        raise Damaged from None


def _checksum(names: bytes) -> bytes:
    return hashlib.sha256(names).digest()[:8]
