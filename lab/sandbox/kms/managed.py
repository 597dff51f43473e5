"""The AWS managed key ``alias/aws/s3``: what S3 encrypts with when SSE-KMS is asked for and no key is named.

It comes to be on first use in an account and belongs to that account, whoever owns the bucket. Its policy lets every
principal of the account use it through S3, and nobody change it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import uuid4

from lab.sandbox.kms.documents import pretty
from lab.sandbox.kms.lifetime import DAY, new_material
from lab.sandbox.kms.state import Alias, KmsKey, Rotation
from lab.sandbox.realm import PARTITION, REGION

if TYPE_CHECKING:
    from lab.sandbox.realm import Account

S3_ALIAS: Final = "alias/aws/s3"
_DESCRIPTION: Final = "Default key that protects my S3 objects when no other key is defined"


def s3_key(account: Account, now: float) -> KmsKey:
    """The account's ``alias/aws/s3``, made if there is none yet; hold the realm's lock."""
    alias = account.kms.aliases.get(S3_ALIAS)  # another thread may have been faster
    if alias is not None:
        return account.kms.keys[alias.key_id]
    key_id = str(uuid4())
    key = KmsKey(
        id=key_id,
        account=account.id,
        arn=f"arn:{PARTITION}:kms:{REGION}:{account.id}:key/{key_id}",
        created_at=now,
        policy=_policy(account.id),
        description=_DESCRIPTION,
        manager="AWS",
        materials=[new_material(now)],
        rotation=Rotation(period_days=365, next_at=now + 365 * DAY),
    )
    account.kms.keys[key_id] = key
    account.kms.aliases[S3_ALIAS] = Alias(S3_ALIAS, key_id, created_at=now, updated_at=now)
    return key


def _policy(account: str) -> str:
    """The policy that GetKeyPolicy shows for this key on AWS."""
    return pretty(
        {
            "Version": "2012-10-17",
            "Id": "auto-s3-2",
            "Statement": [
                {
                    "Sid": "Allow access through S3 for all principals in the account that are authorized to use S3",
                    "Effect": "Allow",
                    "Principal": {"AWS": "*"},
                    "Action": [
                        "kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey",
                    ],
                    "Resource": "*",
                    "Condition": {
                        "StringEquals": {
                            "kms:CallerAccount": account,
                            "kms:ViaService": f"s3.{REGION}.amazonaws.com",
                        }
                    },
                },
                {
                    "Sid": "Allow direct access to key metadata to the account",
                    "Effect": "Allow",
                    "Principal": {"AWS": f"arn:{PARTITION}:iam::{account}:root"},
                    "Action": ["kms:Describe*", "kms:Get*", "kms:List*"],
                    "Resource": "*",
                },
            ],
        }
    )  # fmt: skip
