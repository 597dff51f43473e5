"""The world of 9.2: an unblocked bucket, a key file made as the notes make it, and an upload that cannot work."""

from __future__ import annotations

import base64
import secrets

from lab.exercise.api import WorldBuilder


def build(world: WorldBuilder) -> None:
    """Make the bucket, lift its SSE-C block, and write the world-readable base64 key file."""
    bucket = world.create_bucket("vault")
    world.clients("builder").s3.put_bucket_encryption(
        Bucket=bucket,
        ServerSideEncryptionConfiguration={
            "Rules": [
                {
                    "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
                    "BlockedEncryptionTypes": {"EncryptionType": ["NONE"]},
                }
            ]
        },
    )
    key = secrets.token_bytes(32)
    world.keep("key", base64.b64encode(key).decode())
    world.write_file("sse-c-key.txt", base64.b64encode(key) + b"\n", mode=0o644)
