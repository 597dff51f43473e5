"""What keys are for: data keys, small encryptions, decryption, re-encryption. Symmetric keys only.

The order within each is that of every KMS call: the key, the permission, the key's state, then the bytes.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from lab.sandbox.kms import crypto, errors
from lab.sandbox.kms.call import require_enabled

if TYPE_CHECKING:
    from lab.sandbox.kms.call import Call, Extra
    from lab.sandbox.kms.state import KmsKey

ALGORITHM: Final = "SYMMETRIC_DEFAULT"
_KEY_BYTES: Final = {"AES_256": 32, "AES_128": 16}


def generate_data_key(call: Call) -> dict[str, Any]:
    """GenerateDataKey: a fresh data key, in clear and wrapped."""
    return _data_key(call, with_plaintext=True)


def generate_data_key_without_plaintext(call: Call) -> dict[str, Any]:
    """GenerateDataKeyWithoutPlaintext: the same, wrapped only."""
    return _data_key(call, with_plaintext=False)


def _data_key(call: Call, *, with_plaintext: bool) -> dict[str, Any]:
    size = _data_key_size(call.parameters)
    key = _key_for_encryption(call, call.parameters["KeyId"], call.operation, f"kms:{call.operation}")
    plaintext = os.urandom(size)
    answer = {
        "CiphertextBlob": _seal(key, plaintext, call.context),
        "KeyId": key.arn,
        "KeyMaterialId": key.materials[-1].id,
    }
    if with_plaintext:
        answer["Plaintext"] = plaintext
    call.facts["data_key_bytes"] = size
    return answer


def encrypt(call: Call) -> dict[str, Any]:
    """Encrypt: up to 4096 bytes, directly under the key."""
    algorithm = call.parameters.get("EncryptionAlgorithm", ALGORITHM)
    key = _key_for_encryption(
        call,
        call.parameters["KeyId"],
        "Encrypt",
        "kms:Encrypt",
        algorithm=algorithm,
        extra={"kms:EncryptionAlgorithm": algorithm},
    )
    blob = _seal(key, call.parameters["Plaintext"], call.context)
    call.facts["ciphertext_bytes"] = len(blob)
    return {"CiphertextBlob": blob, "KeyId": key.arn, "EncryptionAlgorithm": ALGORITHM}


def decrypt(call: Call) -> dict[str, Any]:
    """Decrypt: the ciphertext names its key; a key id in the request must be that one."""
    algorithm = call.parameters.get("EncryptionAlgorithm", ALGORITHM)
    key, plaintext, material_id = _open(
        call, call.parameters, "kms:Decrypt", algorithm, key_member="KeyId", context_member="EncryptionContext"
    )
    return {
        "KeyId": key.arn,
        "Plaintext": plaintext,
        "EncryptionAlgorithm": ALGORITHM,
        "KeyMaterialId": material_id,
    }


def re_encrypt(call: Call) -> dict[str, Any]:
    """ReEncrypt: from one key or context to another without the plaintext leaving KMS."""
    parameters = call.parameters
    source_algorithm = parameters.get("SourceEncryptionAlgorithm", ALGORITHM)
    algorithm = parameters.get("DestinationEncryptionAlgorithm", ALGORITHM)
    target = call.look_up(parameters["DestinationKeyId"], aliases=True, abroad=True)
    same = _names(parameters["CiphertextBlob"]).key_id == target.id
    extra: Extra = {"kms:ReEncryptOnSameKey": "true" if same else "false"}
    source, plaintext, source_material = _open(
        call,
        {**parameters, "DryRun": False},
        "kms:ReEncryptFrom",
        source_algorithm,
        key_member="SourceKeyId",
        context_member="SourceEncryptionContext",
        extra=extra,
    )
    call.source_key = source
    call.facts["source_context"] = call.context
    call.context = parameters.get("DestinationEncryptionContext", {})
    key = _key_for_encryption(
        call,
        parameters["DestinationKeyId"],
        "ReEncrypt",
        "kms:ReEncryptTo",
        algorithm=algorithm,
        extra={**extra, "kms:EncryptionAlgorithm": algorithm},
    )
    sealed = _seal(key, plaintext, call.context)
    return {
        "CiphertextBlob": sealed,
        "SourceKeyId": source.arn,
        "KeyId": key.arn,
        "SourceEncryptionAlgorithm": ALGORITHM,
        "DestinationEncryptionAlgorithm": ALGORITHM,
        "SourceKeyMaterialId": source_material,
        "DestinationKeyMaterialId": key.materials[-1].id,
    }


def generate_random(call: Call) -> dict[str, Any]:
    """GenerateRandom: bytes that no key is involved in."""
    if "NumberOfBytes" not in call.parameters:
        raise errors.validation("NumberOfBytes is required.")
    call.authorize_account("kms:GenerateRandom")
    return {"Plaintext": os.urandom(call.parameters["NumberOfBytes"])}


def _data_key_size(parameters: dict[str, Any]) -> int:
    if ("KeySpec" in parameters) == ("NumberOfBytes" in parameters):
        raise errors.validation("Please specify either number of bytes or key spec.")
    return int(parameters["NumberOfBytes"]) if "NumberOfBytes" in parameters else _KEY_BYTES[parameters["KeySpec"]]


def _key_for_encryption(
    call: Call, key_id: str, operation: str, action: str, *, algorithm: str = ALGORITHM, extra: Extra | None = None
) -> KmsKey:
    """Find, authorize and check the key that something new is sealed under; ends here for a dry run."""
    key = call.find(key_id, aliases=True, abroad=True)
    call.authorize(key, action, extra, context=True)
    if key.usage != "ENCRYPT_DECRYPT":
        raise errors.wrong_usage(key.arn, key.usage, operation)
    if not key.symmetric:
        if operation in {"GenerateDataKey", "GenerateDataKeyWithoutPlaintext"}:
            raise errors.wrong_usage(key.arn, key.usage, operation)
        raise errors.not_modelled("encryption with asymmetric keys")
    if algorithm != ALGORITHM:
        raise errors.wrong_algorithm(algorithm, key.spec)
    require_enabled(key)
    if call.parameters.get("DryRun"):
        raise errors.dry_run()
    return key


def _open(
    call: Call,
    parameters: dict[str, Any],
    action: str,
    algorithm: str,
    *,
    key_member: str,
    context_member: str,
    extra: Extra | None = None,
) -> tuple[KmsKey, bytes, str]:
    """Find the key that a ciphertext was made with, authorize, check and decrypt.

    Returns:
        The key, the plaintext and the id of the material that opened it.
    """
    call.context = parameters.get(context_member, {})
    asked = parameters.get(key_member)
    named = call.find(asked, aliases=True, abroad=True) if asked is not None else None
    blob: bytes = parameters["CiphertextBlob"]
    call.facts["ciphertext_bytes"] = len(blob)
    if named is not None and not named.symmetric:
        call.authorize(named, action, context=True)
        if algorithm == ALGORITHM:
            raise errors.incorrect_key()
        raise errors.not_modelled("decryption with asymmetric keys")
    if algorithm != ALGORITHM:
        if named is None:
            raise errors.validation("The KeyId parameter is required for asymmetric encryption algorithms.")
        raise errors.wrong_algorithm(algorithm, named.spec)
    names = _names(blob)
    key = named or _owner(call, names.key_id)
    call.subject(key)
    call.authorize(key, action, {**(extra or {}), "kms:EncryptionAlgorithm": algorithm}, context=True)
    if key.id != names.key_id:
        raise errors.incorrect_key()
    require_enabled(key)
    material = key.material(names.material_id)
    if material is None:
        raise errors.invalid_ciphertext()
    try:
        plaintext = crypto.unseal(material.secret, blob, call.context)
    except crypto.Damaged:
        raise errors.invalid_ciphertext() from None
    if parameters.get("DryRun"):
        raise errors.dry_run()
    return key, plaintext, material.id


def _owner(call: Call, key_id: str) -> KmsKey:
    """The key of that id in whatever account of the realm it lives: ciphertext crosses accounts."""
    for account in call.realm.accounts.values():
        call.settle(account)
        if key_id in account.kms.keys:
            return account.kms.keys[key_id]
    raise errors.unknown_ciphertext()


def _names(blob: bytes) -> crypto.Names:
    try:
        return crypto.read_names(blob)
    except crypto.Damaged:
        raise errors.invalid_ciphertext() from None


def _seal(key: KmsKey, plaintext: bytes, context: dict[str, str]) -> bytes:
    material = key.materials[-1]
    return crypto.seal(material.secret, key.id, material.id, plaintext, context)
