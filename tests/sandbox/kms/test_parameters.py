"""The request model, held against the one that AWS ships; and KMS's words for what does not fit it."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest
from botocore.model import ListShape, StringShape

from lab.sandbox.kms.parameters import MEMBERS, REQUIRED, Member
from lab.sandbox.kms.service import MANAGEMENT, USES
from tests.sandbox.kms.stage import Stage

MODEL = botocore.session.get_session().get_service_model("kms")
PYTHON = {"string": str, "integer": int, "boolean": bool, "blob": bytes, "list": list, "map": dict, "structure": dict}
#: Where the service is stricter than its own model: KMS API reference.
STRICTER = {
    ("ScheduleKeyDeletion", "PendingWindowInDays"),
    ("Decrypt", "CiphertextBlob"),
    ("ReEncrypt", "CiphertextBlob"),
}


def test_every_operation_has_its_members() -> None:
    assert set(MEMBERS) == set(USES) | set(MANAGEMENT)


@pytest.mark.parametrize("operation", sorted(MEMBERS))
def test_members_are_as_in_the_model_of_aws(operation: str) -> None:
    shape = MODEL.operation_model(operation).input_shape
    assert shape is not None
    required = REQUIRED.get(operation, frozenset({"KeyId"}))
    stricter = {name for where, name in STRICTER if where == operation}
    assert required - stricter == set(shape.required_members) - stricter
    for name, member in MEMBERS[operation].items():
        if name not in stricter:
            _same(member, shape.members[name])


def _same(member: Member, shape: Any) -> None:
    assert member.type is PYTHON[shape.type_name], shape.name
    assert (member.low, member.high) == (shape.metadata.get("min"), shape.metadata.get("max")), shape.name
    assert member.pattern == shape.metadata.get("pattern", ""), shape.name
    if isinstance(shape, StringShape):
        assert set(member.allowed) == set(shape.enum), shape.name
    if isinstance(shape, ListShape) and member.of is not None and member.of.type is not dict:
        _same(member.of, shape.member)


@pytest.mark.parametrize(
    ("operation", "parameters", "message"),
    [
        (
            "ScheduleKeyDeletion",
            {"KeyId": "x", "PendingWindowInDays": 6},
            ("1 validation error detected: Value '6' at 'pendingWindowInDays' failed to satisfy constraint: "
            "Member must have value greater than or equal to 7"),
        ),
        (
            "EnableKeyRotation",
            {"KeyId": "x", "RotationPeriodInDays": 89},
            ("1 validation error detected: Value '89' at 'rotationPeriodInDays' failed to satisfy constraint: "
            "Member must have value greater than or equal to 90"),
        ),
        (
            "EnableKeyRotation",
            {"KeyId": "x", "RotationPeriodInDays": 2561},
            ("1 validation error detected: Value '2561' at 'rotationPeriodInDays' failed to satisfy constraint: "
            "Member must have value less than or equal to 2560"),
        ),
        (
            "Encrypt",
            {"KeyId": "x", "Plaintext": bytes(4097)},
            ("1 validation error detected: Value at 'plaintext' failed to satisfy constraint: "
            "Member must have length less than or equal to 4096"),
        ),
        ("GenerateRandom", {}, "NumberOfBytes is required."),
        (
            "GenerateRandom",
            {"NumberOfBytes": 0},
            ("1 validation error detected: Value '0' at 'numberOfBytes' failed to satisfy constraint: "
            "Member must have value greater than or equal to 1"),
        ),
        (
            "GenerateRandom",
            {"NumberOfBytes": 1025},
            ("1 validation error detected: Value '1025' at 'numberOfBytes' failed to satisfy constraint: "
            "Member must have value less than or equal to 1024"),
        ),
        (
            "GenerateDataKey",
            {"KeySpec": "AES_512"},
            ("2 validation errors detected: Value null at 'keyId' failed to satisfy constraint: Member must not be "
            "null; Value 'AES_512' at 'keySpec' failed to satisfy constraint: Member must satisfy enum value set: "
            "[AES_256, AES_128]"),
        ),
        (
            "CreateAlias",
            {"AliasName": "alias/a b", "TargetKeyId": "x"},
            ("1 validation error detected: Value 'alias/a b' at 'aliasName' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$"),
        ),
        (
            "CreateGrant",
            {"KeyId": "x", "Operations": ["Decrypt", "Everything"]},
            None,
        ),
        ("DescribeKey", {"KeyId": ""}, None),
    ],
)  # fmt: skip
def test_misfits_are_told_in_the_words_of_kms(operation: str, parameters: dict[str, Any], message: str | None) -> None:
    code, said = Stage().refusal(operation, **parameters)
    assert code == "ValidationException"
    assert message is None or said == message


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("GenerateDataKey", {"KeyId": "x", "EncryptionContext": {"a": 1}}),
        ("GenerateDataKey", {"KeyId": "x", "GrantTokens": [1]}),
        ("UntagResource", {"KeyId": "x", "TagKeys": [{}]}),
        ("TagResource", {"KeyId": "x", "Tags": ["a"]}),
    ],
)
def test_wrong_types_do_not_get_in(operation: str, parameters: dict[str, Any]) -> None:
    assert Stage().refusal(operation, **parameters)[0] == "SerializationException"
