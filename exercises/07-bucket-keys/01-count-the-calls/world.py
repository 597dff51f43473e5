"""The world of 7.1: two buckets under one key, one of them with a Bucket Key, and five roles that use them."""

from __future__ import annotations

from lab.exercise.api import WorldBuilder


def build(world: WorldBuilder) -> None:
    """Make key and buckets; the roles get their policies afterwards."""
    key = world.create_key("main", Description="Counted")
    s3 = world.clients("builder").s3
    for name, bucket_key in (("plainkms", False), ("bk", True)):
        s3.put_bucket_encryption(
            Bucket=world.create_bucket(name),
            ServerSideEncryptionConfiguration={
                "Rules": [
                    {
                        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key},
                        "BucketKeyEnabled": bucket_key,
                        "BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]},
                    }
                ]
            },
        )
