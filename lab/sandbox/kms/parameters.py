"""The request model of KMS: which members an operation needs, their types and limits, and KMS's words for a misfit.

The table follows the API model that AWS ships with its SDKs; a test compares the two. SDK clients check much of this
before they send, other clients do not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from lab.sandbox.kms import errors


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a request.

    Attributes:
        type: ``str``, ``int``, ``bool``, ``bytes``, ``list`` or ``dict``.
        low: Least length or value.
        high: Greatest length or value.
        pattern: As AWS writes it into its answer.
        allowed: The values of an enumeration.
        of: What a list holds.
    """

    type: type
    low: int | None = None
    high: int | None = None
    pattern: str = ""
    allowed: tuple[str, ...] = ()
    of: Member | None = None


_TYPE_NAMES: Final = {str: "String", int: "Integer", bool: "Boolean", bytes: "Blob", list: "List", dict: "Map"}
_WIRE_NAMES: Final = {str: "STRING_VALUE", int: "NUMBER_VALUE", float: "DECIMAL_VALUE", bool: "TRUE_VALUE"}

_KEY_SPECS: Final = (
    "RSA_2048", "RSA_3072", "RSA_4096", "ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521", "ECC_SECG_P256K1",
    "SYMMETRIC_DEFAULT", "HMAC_224", "HMAC_256", "HMAC_384", "HMAC_512", "SM2",
)  # fmt: skip
_NEWER_KEY_SPECS: Final = (
    "ML_DSA_44", "ML_DSA_65", "ML_DSA_87", "ECC_NIST_EDWARDS25519", "ML_KEM_512", "ML_KEM_768", "ML_KEM_1024",
)  # fmt: skip
GRANT_OPERATIONS: Final = (
    "Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo", "Sign",
    "Verify", "GetPublicKey", "CreateGrant", "RetireGrant", "DescribeKey", "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext", "GenerateMac", "VerifyMac", "DeriveSharedSecret", "Encapsulate",
    "Decapsulate",
)  # fmt: skip

_POLICY = Member(str, 1, 131072, r"[\u0009\u000A\u000D\u0020-\u00FF]+")
_POLICY_NAME = Member(str, 1, 128, r"[\w]+")
_FLAG = Member(bool)
_KEY_ID = Member(str, 1, 2048)
_ALIAS = Member(str, 1, 256, r"^[a-zA-Z0-9:/_-]+$")
_DESCRIPTION = Member(str, 0, 8192)
_CONTEXT = Member(dict, of=Member(str))
_ALGORITHM = Member(str, allowed=("SYMMETRIC_DEFAULT", "RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "SM2PKE"))
_GRANT_ID = Member(str, 1, 128)
_GRANT_TOKEN = Member(str, 1, 8192)
_GRANT_TOKENS = Member(list, 0, 10, of=_GRANT_TOKEN)
_PRINCIPAL = Member(str, 1, 256, r"^[\w+=,.@:/-]+$")
_BLOB = Member(bytes, 1, 6144)
_SIZE = Member(int, 1, 1024)
_PAGE = {"Limit": Member(int, 1, 1000), "Marker": Member(str, 1, 1024, r"[\u0020-\u00FF]*")}
_TAGS = Member(list, of=Member(dict))
_KEY = {"KeyId": _KEY_ID}
_DATA_KEY = {
    **_KEY,
    "EncryptionContext": _CONTEXT,
    "NumberOfBytes": _SIZE,
    "KeySpec": Member(str, allowed=("AES_256", "AES_128")),
    "GrantTokens": _GRANT_TOKENS,
    "DryRun": _FLAG,
}

#: Members by operation; those that must be there are in ``REQUIRED``.
MEMBERS: Final[dict[str, dict[str, Member]]] = {
    "CancelKeyDeletion": _KEY,
    "CreateAlias": {"AliasName": _ALIAS, "TargetKeyId": _KEY_ID},
    "CreateGrant": {
        **_KEY,
        "GranteePrincipal": _PRINCIPAL,
        "RetiringPrincipal": _PRINCIPAL,
        "Operations": Member(list, of=Member(str, allowed=GRANT_OPERATIONS)),
        "Constraints": Member(dict),
        "GrantTokens": _GRANT_TOKENS,
        "Name": Member(str, 1, 256, r"^[a-zA-Z0-9:/_-]+$"),
        "DryRun": _FLAG,
    },
    "CreateKey": {
        "Policy": _POLICY,
        "Description": _DESCRIPTION,
        "KeyUsage": Member(
            str,
            allowed=(
                "SIGN_VERIFY", "ENCRYPT_DECRYPT", "GENERATE_VERIFY_MAC", "KEY_AGREEMENT", "ENCAPSULATE_DECAPSULATE",
            ),
        ),
        "CustomerMasterKeySpec": Member(str, allowed=_KEY_SPECS),
        "KeySpec": Member(str, allowed=_KEY_SPECS + _NEWER_KEY_SPECS),
        "Origin": Member(str, allowed=("AWS_KMS", "EXTERNAL", "AWS_CLOUDHSM", "EXTERNAL_KEY_STORE")),
        "BypassPolicyLockoutSafetyCheck": _FLAG,
        "Tags": _TAGS,
        "MultiRegion": _FLAG,
    },
    "Decrypt": {
        "CiphertextBlob": _BLOB,
        "EncryptionContext": _CONTEXT,
        "GrantTokens": _GRANT_TOKENS,
        "KeyId": _KEY_ID,
        "EncryptionAlgorithm": _ALGORITHM,
        "DryRun": _FLAG,
    },
    "DeleteAlias": {"AliasName": _ALIAS},
    "DescribeKey": {**_KEY, "GrantTokens": _GRANT_TOKENS},
    "DisableKey": _KEY,
    "DisableKeyRotation": _KEY,
    "EnableKey": _KEY,
    "EnableKeyRotation": {**_KEY, "RotationPeriodInDays": Member(int, 90, 2560)},
    "Encrypt": {
        **_KEY,
        "Plaintext": Member(bytes, 1, 4096),
        "EncryptionContext": _CONTEXT,
        "GrantTokens": _GRANT_TOKENS,
        "EncryptionAlgorithm": _ALGORITHM,
        "DryRun": _FLAG,
    },
    "GenerateDataKey": _DATA_KEY,
    "GenerateDataKeyWithoutPlaintext": _DATA_KEY,
    "GenerateRandom": {"NumberOfBytes": _SIZE},
    "GetKeyPolicy": {**_KEY, "PolicyName": _POLICY_NAME},
    "GetKeyRotationStatus": _KEY,
    "ListAliases": {**_KEY, **_PAGE},
    "ListGrants": {**_KEY, "GrantId": _GRANT_ID, "GranteePrincipal": _PRINCIPAL, **_PAGE},
    "ListKeyPolicies": {**_KEY, **_PAGE},
    "ListKeyRotations": {
        **_KEY,
        **_PAGE,
        "IncludeKeyMaterial": Member(str, allowed=("ALL_KEY_MATERIAL", "ROTATIONS_ONLY")),
    },
    "ListKeys": _PAGE,
    "ListResourceTags": {**_KEY, **_PAGE},
    "ListRetirableGrants": {"RetiringPrincipal": _PRINCIPAL, **_PAGE},
    "PutKeyPolicy": {
        **_KEY,
        "PolicyName": _POLICY_NAME,
        "Policy": _POLICY,
        "BypassPolicyLockoutSafetyCheck": _FLAG,
    },
    "ReEncrypt": {
        "CiphertextBlob": _BLOB,
        "SourceEncryptionContext": _CONTEXT,
        "SourceKeyId": _KEY_ID,
        "DestinationKeyId": _KEY_ID,
        "DestinationEncryptionContext": _CONTEXT,
        "SourceEncryptionAlgorithm": _ALGORITHM,
        "DestinationEncryptionAlgorithm": _ALGORITHM,
        "GrantTokens": _GRANT_TOKENS,
        "DryRun": _FLAG,
    },
    "RetireGrant": {"GrantToken": _GRANT_TOKEN, **_KEY, "GrantId": _GRANT_ID, "DryRun": _FLAG},
    "RevokeGrant": {**_KEY, "GrantId": _GRANT_ID, "DryRun": _FLAG},
    "RotateKeyOnDemand": _KEY,
    # The model allows 1 to 365; KMS itself takes 7 to 30 (API reference, ScheduleKeyDeletion).
    "ScheduleKeyDeletion": {**_KEY, "PendingWindowInDays": Member(int, 7, 30)},
    "TagResource": {**_KEY, "Tags": _TAGS},
    "UntagResource": {**_KEY, "TagKeys": Member(list, of=Member(str, 1, 128))},
    "UpdateAlias": {"AliasName": _ALIAS, "TargetKeyId": _KEY_ID},
    "UpdateKeyDescription": {**_KEY, "Description": _DESCRIPTION},
}  # fmt: skip

#: Operations with members that may be left out; every other member of ``MEMBERS`` is required where ``KeyId`` is.
REQUIRED: Final[dict[str, frozenset[str]]] = {
    operation: frozenset(names.split())
    for operation, names in {
        "CreateAlias": "AliasName TargetKeyId",
        "CreateGrant": "KeyId Operations",
        "CreateKey": "",
        "Decrypt": "CiphertextBlob",
        "DeleteAlias": "AliasName",
        "Encrypt": "KeyId Plaintext",
        "GenerateRandom": "",
        "ListAliases": "",
        "ListKeys": "",
        "ListRetirableGrants": "",
        "PutKeyPolicy": "KeyId Policy",
        "ReEncrypt": "CiphertextBlob DestinationKeyId",
        "RetireGrant": "",
        "RevokeGrant": "KeyId GrantId",
        "TagResource": "KeyId Tags",
        "UntagResource": "KeyId TagKeys",
        "UpdateAlias": "AliasName TargetKeyId",
        "UpdateKeyDescription": "KeyId Description",
    }.items()
}
_KEY_ONLY: Final = frozenset({"KeyId"})


def check(operation: str, parameters: dict[str, Any]) -> None:
    """Check a request's members as KMS does before it looks at anything else.

    Raises:
        ServiceError: ``ValidationException`` with all findings, or ``SerializationException`` for a wrong type.
    """
    members = MEMBERS.get(operation)
    if members is None:
        return
    findings = [
        f"Value null at '{_path(name)}' failed to satisfy constraint: Member must not be null"
        for name in sorted(REQUIRED.get(operation, _KEY_ONLY))
        if parameters.get(name) is None
    ]
    for name, value in parameters.items():
        member = members.get(name)
        if member is not None and value is not None:
            _type(member, value)
            findings += _findings(member, _path(name), value)
    if findings:
        raise errors.invalid(*findings)


def _path(name: str) -> str:
    return name[0].lower() + name[1:]


def _type(member: Member, value: object) -> None:
    if type(value) is not member.type:
        sent = _WIRE_NAMES.get(type(value), "Start of structure or map")
        raise errors.refusal("SerializationException", f"{sent} can not be converted to a {_TYPE_NAMES[member.type]}")
    if member.of is not None:
        items: Any = value.values() if isinstance(value, dict) else value
        for item in items:
            _type(member.of, item)


def _findings(member: Member, path: str, value: Any) -> list[str]:
    shown = f"Value at '{path}'" if member.type in {bytes, list, dict} else f"Value '{value}' at '{path}'"
    found: list[str] = []
    if member.low is not None or member.high is not None:
        size, kind = (value, "value") if member.type is int else (len(value), "length")
        if member.low is not None and size < member.low:
            found.append(f"Member must have {kind} greater than or equal to {member.low}")
        if member.high is not None and size > member.high:
            found.append(f"Member must have {kind} less than or equal to {member.high}")
    if member.allowed and value not in member.allowed:
        found.append(f"Member must satisfy enum value set: [{', '.join(member.allowed)}]")
    if member.pattern and value and not re.fullmatch(member.pattern, value):
        found.append(f"Member must satisfy regular expression pattern: {member.pattern}")
    findings = [f"{shown} failed to satisfy constraint: {constraint}" for constraint in found]
    if member.of is not None and member.type is list:
        for position, item in enumerate(value, 1):
            findings += _findings(member.of, f"{path}.{position}.member", item)
    return findings
