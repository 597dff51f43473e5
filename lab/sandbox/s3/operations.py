"""Which function carries out which S3 operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from lab.sandbox.exchange import Answer, Exchange
from lab.sandbox.s3 import buckets, encryption_config, objects

OPERATIONS: Final[Mapping[str, Callable[[Exchange], Answer]]] = {
    "CreateBucket": buckets.create_bucket,
    "DeleteBucket": buckets.delete_bucket,
    "DeleteBucketEncryption": encryption_config.delete_bucket_encryption,
    "GetBucketEncryption": encryption_config.get_bucket_encryption,
    "GetBucketLocation": buckets.get_bucket_location,
    "GetObject": objects.get_object,
    "HeadBucket": buckets.head_bucket,
    "HeadObject": objects.head_object,
    "ListBuckets": buckets.list_buckets,
    "PutBucketEncryption": encryption_config.put_bucket_encryption,
    "PutObject": objects.put_object,
}
