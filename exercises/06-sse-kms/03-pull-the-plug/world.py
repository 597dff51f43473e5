"""The world of 6.3: a bucket whose default is a KMS key, and two objects, one of them with SSE-S3."""

from __future__ import annotations

from lab.exercise.api import WorldBuilder


def build(world: WorldBuilder) -> None:
    """Make key, bucket with default, and both objects."""
    bucket = world.create_bucket("plug")
    key = world.create_key("main", Description="The switch")
    s3 = world.clients("builder").s3
    s3.put_bucket_encryption(
        Bucket=bucket,
        ServerSideEncryptionConfiguration={
            "Rules": [
                {
                    "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key},
                    "BucketKeyEnabled": False,
                    "BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]},
                }
            ]
        },
    )
    s3.put_object(Bucket=bucket, Key="kms.txt", Body=b"Readable as long as the key is enabled.\n")
    s3.put_object(
        Bucket=bucket, Key="s3.txt", Body=b"Readable whatever your key does.\n", ServerSideEncryption="AES256"
    )
