"""Data keys, encryption and decryption through KMS's one door."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sandbox.kms.stage import HOME, OTHER, Stage

DAY = 86_400


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def key(stage: Stage) -> str:
    return stage.new_key()


def test_a_data_key_comes_back_from_decrypt(stage: Stage, key: str) -> None:
    made = stage.call("GenerateDataKey", KeyId=key, KeySpec="AES_256", EncryptionContext={"a": "b"})
    assert set(made) == {"CiphertextBlob", "Plaintext", "KeyId", "KeyMaterialId"}
    assert (made["KeyId"], len(made["Plaintext"])) == (key, 32)
    opened = stage.call("Decrypt", CiphertextBlob=made["CiphertextBlob"], EncryptionContext={"a": "b"})
    assert opened == {
        "KeyId": key,
        "Plaintext": made["Plaintext"],
        "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "KeyMaterialId": made["KeyMaterialId"],
    }


@pytest.mark.parametrize(
    ("asked", "size"),
    [({"KeySpec": "AES_128"}, 16), ({"NumberOfBytes": 1}, 1), ({"NumberOfBytes": 1024}, 1024)],
)
def test_data_keys_have_the_size_asked_for(stage: Stage, key: str, asked: dict[str, Any], size: int) -> None:
    assert len(stage.call("GenerateDataKey", KeyId=key, **asked)["Plaintext"]) == size


@pytest.mark.parametrize("asked", [{}, {"KeySpec": "AES_256", "NumberOfBytes": 32}])
def test_a_data_key_needs_exactly_one_way_to_say_its_size(stage: Stage, key: str, asked: dict[str, Any]) -> None:
    assert stage.refusal("GenerateDataKey", KeyId=key, **asked)[0] == "ValidationException"


def test_without_plaintext_there_is_none(stage: Stage, key: str) -> None:
    made = stage.call("GenerateDataKeyWithoutPlaintext", KeyId=key, KeySpec="AES_256")
    assert "Plaintext" not in made
    assert len(stage.call("Decrypt", CiphertextBlob=made["CiphertextBlob"])["Plaintext"]) == 32


def test_encrypt_takes_4096_bytes(stage: Stage, key: str) -> None:
    made = stage.call("Encrypt", KeyId=key, Plaintext=bytes(4096))
    assert (made["KeyId"], made["EncryptionAlgorithm"]) == (key, "SYMMETRIC_DEFAULT")
    assert stage.call("Decrypt", CiphertextBlob=made["CiphertextBlob"])["Plaintext"] == bytes(4096)


def test_a_wrong_context_or_a_changed_byte_gets_no_explanation(stage: Stage, key: str) -> None:
    blob = stage.call("Encrypt", KeyId=key, Plaintext=b"x", EncryptionContext={"a": "bc"})["CiphertextBlob"]
    refused = ("InvalidCiphertextException", "")
    assert stage.refusal("Decrypt", CiphertextBlob=blob) == refused
    assert stage.refusal("Decrypt", CiphertextBlob=blob, EncryptionContext={"ab": "c"}) == refused
    for position in (0, 10, 40, 60, 80, len(blob) - 1):
        changed = bytearray(blob)
        changed[position] ^= 1
        assert stage.refusal("Decrypt", CiphertextBlob=bytes(changed), EncryptionContext={"a": "bc"}) == refused


@settings(max_examples=40)
@given(
    plaintext=st.binary(min_size=1, max_size=4096),
    context=st.dictionaries(st.text(min_size=1, max_size=20), st.text(max_size=40), max_size=5),
)
def test_round_trip(plaintext: bytes, context: dict[str, str]) -> None:
    stage = Stage()
    blob = stage.call("Encrypt", KeyId=stage.new_key(), Plaintext=plaintext, EncryptionContext=context)[
        "CiphertextBlob"
    ]
    assert stage.call("Decrypt", CiphertextBlob=blob, EncryptionContext=context)["Plaintext"] == plaintext


def test_a_key_id_that_is_not_the_ciphertexts_is_incorrect(stage: Stage, key: str) -> None:
    other = stage.new_key()
    blob = stage.call("Encrypt", KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    message = "The key ID in the request does not identify a CMK that can perform this operation."
    assert stage.refusal("Decrypt", CiphertextBlob=blob, KeyId=other) == ("IncorrectKeyException", message)
    assert stage.refusal(
        "ReEncrypt", CiphertextBlob=blob, SourceKeyId=other, DestinationKeyId=other
    ) == ("IncorrectKeyException", message)  # fmt: skip


def test_re_encrypt_changes_key_and_context(stage: Stage, key: str) -> None:
    target = stage.new_key()
    blob = stage.call("Encrypt", KeyId=key, Plaintext=b"secret", EncryptionContext={"a": "1"})["CiphertextBlob"]
    moved = stage.call(
        "ReEncrypt",
        CiphertextBlob=blob,
        SourceEncryptionContext={"a": "1"},
        DestinationKeyId=target,
        DestinationEncryptionContext={"b": "2"},
    )
    assert (moved["SourceKeyId"], moved["KeyId"]) == (key, target)
    event = stage.last_event()
    assert (event["source_key_arn"], event["key_arn"]) == (key, target)
    assert (event["source_context"], event["context"]) == ({"a": "1"}, {"b": "2"})
    opened = stage.call("Decrypt", CiphertextBlob=moved["CiphertextBlob"], EncryptionContext={"b": "2"})
    assert (opened["Plaintext"], opened["KeyId"]) == (b"secret", target)
    assert [asked["action"] for asked in stage.asked[-3:]] == ["kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:Decrypt"]
    assert stage.asked[-3]["context"] == {"a": "1"}
    assert stage.asked[-2]["context"] == {"b": "2"}


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("GenerateDataKey", {"KeySpec": "AES_256"}),
        ("GenerateDataKeyWithoutPlaintext", {"KeySpec": "AES_256"}),
        ("Encrypt", {"Plaintext": b"x"}),
    ],
)
def test_a_dry_run_does_nothing_and_says_so(stage: Stage, key: str, operation: str, parameters: dict[str, Any]) -> None:
    refused = ("DryRunOperationException", "The request would have succeeded, but the DryRun option is set.")
    assert stage.refusal(operation, KeyId=key, DryRun=True, **parameters) == refused
    stage.refuse = {f"kms:{operation}"}
    assert stage.refusal(operation, KeyId=key, DryRun=True, **parameters)[0] == "AccessDeniedException"


def test_dry_runs_of_decrypt_and_re_encrypt(stage: Stage, key: str) -> None:
    blob = stage.call("Encrypt", KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    assert stage.refusal("Decrypt", CiphertextBlob=blob, DryRun=True)[0] == "DryRunOperationException"
    assert (
        stage.refusal("ReEncrypt", CiphertextBlob=blob, DestinationKeyId=key, DryRun=True)[0]
        == "DryRunOperationException"
    )
    stage.call("DisableKey", KeyId=key)
    assert stage.refusal("Decrypt", CiphertextBlob=blob, DryRun=True)[0] == "DisabledException"


def test_key_states_refuse_with_their_own_words(stage: Stage, key: str) -> None:
    blob = stage.call("Encrypt", KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    uses: list[tuple[str, dict[str, Any]]] = [
        ("GenerateDataKey", {"KeyId": key, "KeySpec": "AES_256"}),
        ("Encrypt", {"KeyId": key, "Plaintext": b"x"}),
        ("Decrypt", {"CiphertextBlob": blob}),
        ("ReEncrypt", {"CiphertextBlob": blob, "DestinationKeyId": stage.new_key()}),
    ]
    stage.call("DisableKey", KeyId=key)
    for operation, parameters in uses:
        assert stage.refusal(operation, **parameters) == ("DisabledException", f"{key} is disabled.")
    assert stage.last_event()["key_state"] is not None
    stage.call("ScheduleKeyDeletion", KeyId=key)
    for operation, parameters in uses:
        assert stage.refusal(operation, **parameters) == ("KMSInvalidStateException", f"{key} is pending deletion.")
    stage.call("CancelKeyDeletion", KeyId=key)
    stage.call("EnableKey", KeyId=key)
    assert stage.call("Decrypt", CiphertextBlob=blob)["Plaintext"] == b"x"
    stage.key(key).state = "Unavailable"
    assert stage.refusal(*uses[0][:1], **uses[0][1])[0] == "KMSInvalidStateException"


def test_a_key_without_imported_material_is_pending_import(stage: Stage) -> None:
    key = stage.new_key(Origin="EXTERNAL")
    refused = ("KMSInvalidStateException", f"{key} is pending import.")
    assert stage.refusal("GenerateDataKey", KeyId=key, KeySpec="AES_256") == refused
    assert stage.refusal("Encrypt", KeyId=key, Plaintext=b"x") == refused


def test_asymmetric_keys_do_not_make_data_keys(stage: Stage) -> None:
    signing = stage.new_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")
    rsa = stage.new_key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")
    blob = stage.call("Encrypt", KeyId=stage.new_key(), Plaintext=b"x")["CiphertextBlob"]
    assert stage.refusal("Encrypt", KeyId=signing, Plaintext=b"x") == (
        "InvalidKeyUsageException",
        f"{signing} key usage is SIGN_VERIFY which is not valid for Encrypt.",
    )
    for key in (signing, rsa):
        assert stage.refusal("GenerateDataKey", KeyId=key, KeySpec="AES_256")[0] == "InvalidKeyUsageException"
        assert stage.refusal("Decrypt", KeyId=key, CiphertextBlob=blob)[0] == "IncorrectKeyException"
    assert stage.refusal("Encrypt", KeyId=rsa, Plaintext=b"x")[0] == "NotImplemented"


def test_an_algorithm_of_other_keys_is_refused(stage: Stage, key: str) -> None:
    assert stage.refusal("Encrypt", KeyId=key, Plaintext=b"x", EncryptionAlgorithm="RSAES_OAEP_SHA_256") == (
        "InvalidKeyUsageException",
        "Algorithm RSAES_OAEP_SHA_256 is incompatible with key spec SYMMETRIC_DEFAULT.",
    )


def test_old_material_still_decrypts(stage: Stage, key: str) -> None:
    blobs = []
    for number in range(3):
        blobs.append(stage.call("Encrypt", KeyId=key, Plaintext=bytes([number]))["CiphertextBlob"])
        stage.call("RotateKeyOnDemand", KeyId=key)
    opened = [stage.call("Decrypt", CiphertextBlob=blob) for blob in blobs]
    assert [answer["Plaintext"] for answer in opened] == [b"\x00", b"\x01", b"\x02"]
    assert len({answer["KeyMaterialId"] for answer in opened}) == 3


def test_a_deleted_key_takes_its_ciphertexts_with_it(stage: Stage, key: str) -> None:
    blob = stage.call("Encrypt", KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    stage.call("ScheduleKeyDeletion", KeyId=key, PendingWindowInDays=7)
    stage.clock.time += 7 * DAY
    assert stage.refusal("Decrypt", CiphertextBlob=blob)[0] == "AccessDeniedException"
    assert stage.refusal("Decrypt", CiphertextBlob=blob, KeyId=key) == (
        "NotFoundException",
        f"Key '{key}' does not exist",
    )
    assert not stage.state.keys


def test_find_then_authorize_then_state(stage: Stage, key: str) -> None:
    stage.call("DisableKey", KeyId=key)
    stage.refuse = {"kms:GenerateDataKey"}
    unknown = f"arn:aws:kms:us-east-1:{HOME}:key/00000000-0000-0000-0000-000000000000"
    assert stage.refusal("GenerateDataKey", KeyId=unknown, KeySpec="AES_256")[0] == "NotFoundException"
    assert stage.refusal("GenerateDataKey", KeyId=key, KeySpec="AES_256")[0] == "AccessDeniedException"
    stage.refuse = set()
    assert stage.refusal("GenerateDataKey", KeyId=key, KeySpec="AES_256")[0] == "DisabledException"


def test_what_the_authorizer_is_asked(stage: Stage, key: str) -> None:
    stage.call("CreateAlias", AliasName="alias/a", TargetKeyId=key)
    stage.call("TagResource", KeyId=key, Tags=[{"TagKey": "team", "TagValue": "red"}])
    stage.call("GenerateDataKey", KeyId="alias/a", KeySpec="AES_256", EncryptionContext={"x": "y"}, via="s3")
    asked = stage.asked[-1]
    assert {name: asked[name] for name in ("action", "key_arn", "key_account", "context", "via")} == {
        "action": "kms:GenerateDataKey", "key_arn": key, "key_account": HOME, "context": {"x": "y"}, "via": "s3",
    }  # fmt: skip
    assert asked["key_policy"] == stage.key(key).policy
    assert asked["caller"] is stage.me
    assert asked["extra"]["kms:RequestAlias"] == "alias/a"
    assert asked["extra"]["kms:ResourceAliases"] == ["alias/a"]
    assert asked["extra"]["aws:ResourceTag/team"] == "red"


def test_keys_of_another_account_are_reached_by_arn_and_by_ciphertext(stage: Stage, key: str) -> None:
    made = stage.call("GenerateDataKey", KeyId=key, KeySpec="AES_256", caller=stage.stranger)
    assert stage.asked[-1]["key_account"] == HOME
    assert stage.call("Decrypt", CiphertextBlob=made["CiphertextBlob"], caller=stage.stranger)["KeyId"] == key
    key_id = key.rpartition("/")[2]
    assert stage.refusal("GenerateDataKey", KeyId=key_id, KeySpec="AES_256", caller=stage.stranger) == (
        "NotFoundException",
        f"Key 'arn:aws:kms:us-east-1:{OTHER}:key/{key_id}' does not exist",
    )
    assert stage.refusal("DisableKey", KeyId=key, caller=stage.stranger)[0] == "AccessDeniedException"


def test_events_tell_what_happened_and_no_secret(stage: Stage, key: str) -> None:
    made = stage.call(
        "GenerateDataKey", KeyId=key, KeySpec="AES_256", EncryptionContext={"a": "b"}, GrantTokens=["t"], via="s3"
    )
    event = stage.last_event()
    assert {"operation", "key_arn", "key_state", "via", "context", "caller", "outcome", "message"} <= set(event)
    assert event["operation"] == "GenerateDataKey"
    assert (event["key_arn"], event["key_state"], event["via"]) == (key, "Enabled", "s3")
    assert (event["context"], event["caller"]) == ({"a": "b"}, stage.me.arn)
    assert (event["outcome"], event["message"], event["grant_tokens"]) == ("ok", None, True)
    stage.refusal("Decrypt", CiphertextBlob=made["CiphertextBlob"])
    assert stage.last_event()["outcome"] == "InvalidCiphertextException"
    text = repr(stage.sandbox.log.events) + repr(stage.state)
    for secret in (made["Plaintext"], made["CiphertextBlob"], stage.key(key).materials[0].secret):
        assert repr(secret)[2:-1] not in text
