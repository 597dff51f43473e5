"""The world of 11.2: a bucket with the right default, no policy, no block, and two principals that may write."""

from __future__ import annotations

from lab.exercise.api import WorldBuilder


def build(world: WorldBuilder) -> None:
    """Make the keys, the bucket, and its default."""
    bucket = world.create_bucket("ledger")
    key = world.create_key("a", Description="The ledger's key")
    world.create_key("b", Description="Another team's key")
    world.create_alias("ledger", key="a")
    world.clients("builder").s3.put_bucket_encryption(
        Bucket=bucket,
        ServerSideEncryptionConfiguration={
            "Rules": [
                {
                    "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key},
                    "BucketKeyEnabled": True,
                    "BlockedEncryptionTypes": {"EncryptionType": ["NONE"]},
                }
            ]
        },
    )
    world.keep("objects", [f"2026/{world.random_text('object-1')}.csv", world.random_text("object-2")])
