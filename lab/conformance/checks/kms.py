"""K: KMS as a client calls it, and key policies as S3 meets them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from lab.conformance.expect import attempt, differs, refused, same, shows, true
from lab.conformance.stage import BODY, UNKNOWN_KEY, Stage, allow, document, kms

_CONTEXT: Final = {"department": "books"}


def _encrypted(stage: Stage, key: str, **members: Any) -> bytes:
    blob: bytes = stage.kms.encrypt(KeyId=key, Plaintext=BODY, **members)["CiphertextBlob"]
    return blob


def k01(stage: Stage) -> None:
    made = stage.kms.describe_key(KeyId=stage.key())["KeyMetadata"]
    shows(made, KeyState="Enabled", Enabled=True, KeyManager="CUSTOMER", Origin="AWS_KMS", MultiRegion=False)
    shows(made, KeySpec="SYMMETRIC_DEFAULT", KeyUsage="ENCRYPT_DECRYPT", AWSAccountId=stage.account)


def k02(stage: Stage) -> None:
    made = stage.kms.describe_key(KeyId=stage.key())["KeyMetadata"]
    found = str(made.get("CurrentKeyMaterialId"))
    true("an id of 64 hexadecimal digits", re.fullmatch("[0-9a-f]{64}", found) is not None, found)


def k03(stage: Stage) -> None:
    key = stage.key()
    first = stage.kms.encrypt(KeyId=key.rpartition("/")[2], Plaintext=BODY, EncryptionContext=_CONTEXT)
    shows(first, KeyId=key, EncryptionAlgorithm="SYMMETRIC_DEFAULT")
    blob = first["CiphertextBlob"]
    differs("a ciphertext", blob, _encrypted(stage, key, EncryptionContext=_CONTEXT))
    true("a ciphertext that hides the text", BODY not in blob, "the text")
    shows(stage.kms.decrypt(CiphertextBlob=blob, EncryptionContext=_CONTEXT), KeyId=key, Plaintext=BODY)


def k04(stage: Stage) -> None:
    blob = _encrypted(stage, stage.key(), EncryptionContext=_CONTEXT)
    wrong: list[Mapping[str, Any]] = [
        {},
        {"EncryptionContext": {"department": "toys"}},
        {"EncryptionContext": {**_CONTEXT, "more": "x"}},
    ]
    for context in wrong:
        refused(400, "InvalidCiphertextException", "", stage.kms.decrypt, CiphertextBlob=blob, **context)


def k05(stage: Stage) -> None:
    blob = bytearray(_encrypted(stage, stage.key()))
    blob[-1] ^= 1
    refused(400, "InvalidCiphertextException", "", stage.kms.decrypt, CiphertextBlob=bytes(blob))


def k06(stage: Stage) -> None:
    key = stage.key()
    stage.kms.encrypt(KeyId=key, Plaintext=b"x" * 4096)
    refused(400, "ValidationException", None, stage.kms.encrypt, KeyId=key, Plaintext=b"x" * 4097)


def k07(stage: Stage) -> None:
    key = stage.key()
    made = stage.kms.generate_data_key(KeyId=key, KeySpec="AES_256")
    shows(made, KeyId=key)
    same("bytes in the clear", 32, len(made["Plaintext"]))
    shows(stage.kms.decrypt(CiphertextBlob=made["CiphertextBlob"]), KeyId=key, Plaintext=made["Plaintext"])


def k08(stage: Stage) -> None:
    made = stage.kms.generate_data_key_without_plaintext(KeyId=stage.key(), KeySpec="AES_256")
    shows(made, Plaintext=None)
    same("bytes after Decrypt", 32, len(stage.kms.decrypt(CiphertextBlob=made["CiphertextBlob"])["Plaintext"]))


def k10(stage: Stage) -> None:
    key = stage.key()
    blob = _encrypted(stage, key)
    stage.kms.disable_key(KeyId=key)
    code, said = "DisabledException", f"{key} is disabled."
    refused(400, code, said, stage.kms.encrypt, KeyId=key, Plaintext=BODY)
    refused(400, code, said, stage.kms.generate_data_key, KeyId=key, KeySpec="AES_256")
    refused(400, code, said, stage.kms.decrypt, CiphertextBlob=blob)


def k11(stage: Stage) -> None:
    key = stage.key()
    blob = _encrypted(stage, key)
    stage.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    code, said = "KMSInvalidStateException", f"{key} is pending deletion."
    refused(400, code, said, stage.kms.generate_data_key, KeyId=key, KeySpec="AES_256")
    refused(400, code, said, stage.kms.decrypt, CiphertextBlob=blob)


def k12(stage: Stage) -> None:
    key = stage.key()
    answer = stage.kms.schedule_key_deletion(KeyId=key)
    shows(answer, KeyId=key, KeyState="PendingDeletion", PendingWindowInDays=30)
    true("a date of deletion", answer.get("DeletionDate") is not None)
    shows(stage.kms.describe_key(KeyId=key)["KeyMetadata"], KeyState="PendingDeletion", Enabled=False)


def k13(stage: Stage) -> None:
    key = stage.key()
    for days in (6, 31):
        one = {"KeyId": key, "PendingWindowInDays": days}
        refused(400, "ValidationException", None, stage.kms.schedule_key_deletion, **one)
    shows(stage.kms.describe_key(KeyId=key)["KeyMetadata"], KeyState="Enabled")


def k15(stage: Stage) -> None:
    key = stage.key()
    stage.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    shows(stage.kms.cancel_key_deletion(KeyId=key), KeyId=key)
    shows(stage.kms.describe_key(KeyId=key)["KeyMetadata"], KeyState="Disabled", Enabled=False)
    refused(400, "DisabledException", None, stage.kms.encrypt, KeyId=key, Plaintext=BODY)
    stage.kms.enable_key(KeyId=key)
    _encrypted(stage, key)


def k16(stage: Stage) -> None:
    key = stage.key()
    stage.kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=180)
    status = stage.kms.get_key_rotation_status(KeyId=key)
    shows(status, KeyRotationEnabled=True, RotationPeriodInDays=180)
    made = stage.kms.describe_key(KeyId=key)["KeyMetadata"]["CreationDate"]
    same("days until the next rotation", 180, round((status["NextRotationDate"] - made).total_seconds() / 86400))


def k17(stage: Stage) -> None:
    # boto3 itself refuses a period below 90.
    one = {"KeyId": stage.key(), "RotationPeriodInDays": 2561}
    refused(400, "ValidationException", None, stage.kms.enable_key_rotation, **one)


def k18(stage: Stage) -> None:
    key = stage.key()
    blob, before = _encrypted(stage, key), stage.kms.describe_key(KeyId=key)["KeyMetadata"]["CurrentKeyMaterialId"]
    stage.kms.rotate_key_on_demand(KeyId=key)
    after = stage.kms.describe_key(KeyId=key)["KeyMetadata"]["CurrentKeyMaterialId"]
    differs("an id of the material", before, after)
    listed = [one["RotationType"] for one in stage.kms.list_key_rotations(KeyId=key)["Rotations"]]
    same("rotations", ["ON_DEMAND"], listed)
    shows(stage.kms.decrypt(CiphertextBlob=blob), Plaintext=BODY, KeyId=key)


def k20(stage: Stage) -> None:
    source, target = stage.key(), stage.key()
    answer = stage.kms.re_encrypt(CiphertextBlob=_encrypted(stage, source), DestinationKeyId=target)
    shows(answer, SourceKeyId=source, KeyId=target)
    shows(stage.kms.decrypt(CiphertextBlob=answer["CiphertextBlob"]), KeyId=target, Plaintext=BODY)


def k22(stage: Stage) -> None:
    arn = f"arn:aws:kms:{stage.region}:{stage.account}:key/{UNKNOWN_KEY}"
    refused(400, "NotFoundException", f"Key '{arn}' does not exist", stage.kms.describe_key, KeyId=UNKNOWN_KEY)


def k23(stage: Stage) -> None:
    elsewhere = "us-west-2" if stage.region != "us-west-2" else "us-east-1"
    arn = f"arn:aws:kms:{elsewhere}:{stage.account}:key/{UNKNOWN_KEY}"
    refused(400, "NotFoundException", f"Invalid arn {elsewhere}", stage.kms.describe_key, KeyId=arn)
    refused(400, "NotFoundException", None, stage.kms.describe_key, KeyId=UNKNOWN_KEY)


def k24(stage: Stage) -> None:
    key = stage.key()
    create = stage.kms.create_alias
    refused(400, "ValidationException", None, create, AliasName=stage.name("bare"), TargetKeyId=key)
    for name in ("alias/aws/s3", f"alias/aws/{stage.name('mine')}"):
        refused(400, None, None, create, AliasName=name, TargetKeyId=key)


def _managed(stage: Stage) -> dict[str, Any]:
    stage.put(stage.bucket(), **kms())
    found: dict[str, Any] = stage.kms.describe_key(KeyId="alias/aws/s3")["KeyMetadata"]
    return found


def k25(stage: Stage) -> None:
    managed = _managed(stage)
    shows(managed, KeyManager="AWS", KeyState="Enabled")
    said = "Default key that protects my S3 objects when no other key is defined"
    shows(managed, Description=said)


def k26(stage: Stage) -> None:
    key = _managed(stage)["KeyId"]
    refused(400, None, None, stage.kms.disable_key, KeyId=key)
    refused(400, None, None, stage.kms.schedule_key_deletion, KeyId=key, PendingWindowInDays=7)
    policy = document({**allow("kms:*"), "Principal": "*"})
    refused(400, None, None, stage.kms.put_key_policy, KeyId=key, PolicyName="default", Policy=policy)
    shows(stage.kms.describe_key(KeyId=key)["KeyMetadata"], KeyState="Enabled")


def k27(stage: Stage) -> None:
    key, other = stage.key(), stage.user()
    policy = document({**allow("kms:*"), "Principal": {"AWS": other.arn}})
    one = {"KeyId": key, "PolicyName": "default", "Policy": policy}
    refused(400, "MalformedPolicyDocumentException", None, stage.kms.put_key_policy, **one)
    stage.kms.describe_key(KeyId=key)


def k28(stage: Stage) -> None:
    found = json.loads(stage.kms.get_key_policy(KeyId=stage.key(), PolicyName="default")["Policy"])
    same("statements", 1, len(found["Statement"]))
    root = {"AWS": f"arn:aws:iam::{stage.account}:root"}
    shows(found["Statement"][0], Effect="Allow", Principal=root, Action="kms:*", Resource="*")


def k29(stage: Stage) -> None:
    bucket, key = stage.bucket(), stage.key()
    stage.key_policy(key, {"Effect": "Deny", "Principal": "*", "Action": "kms:GenerateDataKey", "Resource": "*"})
    one = {"KeyId": key, "KeySpec": "AES_256"}
    refused(400, "AccessDeniedException", re.compile("explicit deny"), stage.kms.generate_data_key, **one)
    refused(403, "AccessDenied", None, stage.put, bucket=bucket, **kms(key))


def k30(stage: Stage) -> None:
    bucket, key = stage.bucket(), stage.key()
    stage.put(bucket, **kms(key))
    stage.key_policy(key, {"Effect": "Deny", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*"})
    said = re.compile(f"kms:Decrypt on resource: {re.escape(key)} with an explicit deny in a resource-based policy")
    refused(403, "AccessDenied", said, stage.get, bucket=bucket)


def k31(stage: Stage) -> None:
    bucket, key = stage.bucket(), stage.key()
    through_s3 = {"StringNotEquals": {"kms:ViaService": f"s3.{stage.region}.amazonaws.com"}}
    actions = ["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey*"]
    no = {"Effect": "Deny", "Principal": "*", "Action": actions, "Resource": "*", "Condition": through_s3}
    stage.key_policy(key, no)
    refused(400, "AccessDeniedException", None, stage.kms.encrypt, KeyId=key, Plaintext=BODY)
    stage.put(bucket, **kms(key))
    shows(stage.get(bucket), Body=BODY)


def k32(stage: Stage) -> None:
    bucket, key = stage.bucket(), stage.key()
    condition = {"StringNotLike": {"kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{bucket}/open/*"}}
    actions = ["kms:Decrypt", "kms:GenerateDataKey"]
    no = {"Effect": "Deny", "Principal": "*", "Action": actions, "Resource": "*", "Condition": condition}
    stage.key_policy(key, no)
    stage.put(bucket, "open/object", **kms(key))
    refused(403, "AccessDenied", None, stage.put, bucket=bucket, key="closed/object", **kms(key))
    with_bucket_key = kms(key, BucketKeyEnabled=True)
    refused(403, "AccessDenied", None, stage.put, bucket=bucket, key="open/more", **with_bucket_key)
    condition["StringNotLike"] = {"kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{bucket}"}
    stage.key_policy(key, no)
    stage.put(bucket, "open/more", **with_bucket_key)
    refused(403, "AccessDenied", None, stage.get, bucket=bucket, key="open/object")


def k34(stage: Stage) -> None:
    one = {"KeyId": stage.key(), "KeySpec": "AES_256", "DryRun": True}
    said = "The request would have succeeded, but the DryRun option is set."
    refused(400, "DryRunOperationException", said, stage.kms.generate_data_key, **one)


def k35(stage: Stage) -> None:
    user, key = stage.user(), stage.key()
    made = stage.kms.create_grant(KeyId=key, GranteePrincipal=user.arn, Operations=["Decrypt", "DescribeKey"])
    (found,) = stage.kms.list_grants(KeyId=key)["Grants"]
    shows(found, GrantId=made["GrantId"], GranteePrincipal=user.arn, Operations=["Decrypt", "DescribeKey"])
    stage.kms.revoke_grant(KeyId=key, GrantId=made["GrantId"])
    same("grants", [], stage.kms.list_grants(KeyId=key)["Grants"])


def k37(stage: Stage) -> None:
    key = stage.key(Origin="EXTERNAL")
    shows(stage.kms.describe_key(KeyId=key)["KeyMetadata"], KeyState="PendingImport", Origin="EXTERNAL", Enabled=False)
    refused(400, None, None, stage.kms.generate_data_key, KeyId=key, KeySpec="AES_256")


def k38(stage: Stage) -> None:
    blob = _encrypted(stage, stage.key(), EncryptionContext={"a": "bc"})
    one = {"CiphertextBlob": blob, "EncryptionContext": {"ab": "c"}}
    refused(400, "InvalidCiphertextException", None, stage.kms.decrypt, **one)


def k39(stage: Stage) -> None:
    key, other = stage.key(), stage.key()
    blob = _encrypted(stage, key)
    said = "The key ID in the request does not identify a CMK that can perform this operation."
    wrong = {"CiphertextBlob": blob, "SourceKeyId": other, "DestinationKeyId": key}
    refused(400, "IncorrectKeyException", said, stage.kms.re_encrypt, **wrong)
    refused(400, "IncorrectKeyException", None, stage.kms.decrypt, CiphertextBlob=blob, KeyId=other)


def k40(stage: Stage) -> None:
    key = stage.key()
    answers = [attempt(stage.kms.rotate_key_on_demand, KeyId=key) for _ in range(26)]
    same("answers", ["ok"] * 25 + ["LimitExceededException"], answers)


def k41(stage: Stage) -> None:
    key = stage.key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")
    refused(400, "InvalidKeyUsageException", None, stage.kms.encrypt, KeyId=key, Plaintext=BODY)


def k42(stage: Stage) -> None:
    key = stage.key()
    stage.kms.disable_key(KeyId=key)
    refused(400, "DisabledException", f"{key} is disabled.", stage.kms.rotate_key_on_demand, KeyId=key)


def k43(stage: Stage) -> None:
    key = stage.key()
    stage.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    said = f"{key} is pending deletion."
    refused(400, "KMSInvalidStateException", said, stage.kms.schedule_key_deletion, KeyId=key)


def k44(stage: Stage) -> None:
    bucket, key = stage.bucket(), stage.key()
    blob = _encrypted(stage, key)
    stage.put(bucket, **kms(key))
    stage.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    stage.world.clock(advance=8 * 86400.0)
    refused(400, "NotFoundException", None, stage.kms.describe_key, KeyId=key)
    refused(400, None, None, stage.kms.decrypt, CiphertextBlob=blob)
    refused(400, None, None, stage.get, bucket=bucket)


def k45(stage: Stage) -> None:
    source, target = stage.key(), stage.key()
    made = stage.kms.generate_data_key(KeyId=source, KeySpec="AES_256", EncryptionContext=_CONTEXT)
    moved = stage.kms.re_encrypt(
        CiphertextBlob=made["CiphertextBlob"],
        SourceEncryptionContext=_CONTEXT,
        DestinationKeyId=target,
        DestinationEncryptionContext=_CONTEXT,
    )["CiphertextBlob"]
    stage.kms.disable_key(KeyId=source)
    opened = stage.kms.decrypt(CiphertextBlob=moved, EncryptionContext=_CONTEXT)
    same("the data key", True, opened["Plaintext"] == made["Plaintext"])


def k46(stage: Stage) -> None:
    key = stage.key(Origin="EXTERNAL")
    one = {"KeyId": key, "WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"}
    refused(501, None, re.compile("not implemented"), stage.kms.get_parameters_for_import, **one)
    material = {"KeyId": key, "ImportToken": b"x", "EncryptedKeyMaterial": b"x"}
    refused(501, None, re.compile("not implemented"), stage.kms.import_key_material, **material)
    shows(stage.kms.describe_key(KeyId=key)["KeyMetadata"], KeyState="PendingImport")
