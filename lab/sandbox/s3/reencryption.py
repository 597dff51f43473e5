"""UpdateObjectEncryption: another wrapping for the same data key; data, ETag and dates stay as they are.

S3 API reference, UpdateObjectEncryption. Of its errors the codes are documented, and the sentence about signatures;
the other sentences are ours.
"""

from __future__ import annotations

import re
from typing import Final

from lab.sandbox import sse
from lab.sandbox.exchange import Answer, Exchange, ServiceError
from lab.sandbox.moto_hooks.s3 import SealedKey
from lab.sandbox.s3 import bodies, data_keys, lookup

_KEY_ARN: Final = re.compile(r"arn:aws[-a-z0-9]*:kms:[-a-z0-9]*:(\d{12}):key/.+")


def update_object_encryption(exchange: Exchange) -> Answer:
    """UpdateObjectEncryption."""
    request = exchange.request
    key = request.key or ""
    place = lookup.bucket_of(exchange)
    arn, bucket_key = _read(exchange)
    if not sse.signed_v4(request):
        raise _refused(
            "Requests that modify an object encryption configuration require AWS Signature Version 4. Modify the "
            "request to use AWS Signature Version 4, and then try again."
        )
    sse.require_kms_transport(request)
    version = lookup.version_of(exchange, place, key, request.query_value("versionId"), method=request.method)
    if version.envelope.mode not in {"AES256", "aws:kms"}:
        raise _refused(
            "The encryption of this object cannot be updated: the operation supports objects that are encrypted with "
            "SSE-S3 or SSE-KMS."
        )
    _refuse_foreign_key(exchange, arn)
    old = version.envelope
    context = tuple(pair for pair in old.context or () if pair[0] != "aws:s3:arn")
    choice = sse.Choice("aws:kms", "header", arn, context, old.client_context, bucket_key=bucket_key)
    envelope = data_keys.rewrap(exchange, place, key, old, choice)
    with lookup.changing(exchange, place):
        _require_present(place, version)
        version.envelope = envelope
    exchange.emit(
        "stored",
        {
            "bucket": place.bucket.name,
            "key": key,
            "version_id": version.version_id,
            "part_number": None,
            "size": version.contentsize,
            "etag": version.bare_etag,
            "envelope": envelope.describe(version.parts[0].blob.nonces),
        },
    )
    return Answer(200, lookup.version_headers(place.bucket, version.version_id))


def _read(exchange: Exchange) -> tuple[str, bool]:
    document = bodies.read_xml(exchange, "ObjectEncryption")
    target = document.find("SSE-KMS") if document is not None else None
    if target is None:
        raise bodies.malformed_xml()
    arn = bodies.child_text(target, "KMSKeyArn") or ""
    enabled = bodies.child_text(target, "BucketKeyEnabled") or "false"
    if enabled not in {"true", "false"}:
        raise bodies.malformed_xml()
    if not _KEY_ARN.fullmatch(arn):
        raise _refused("KMSKeyArn must be the full ARN of a KMS key; key ids and aliases are not supported.")
    return arn, enabled == "true"


def _refuse_foreign_key(exchange: Exchange, arn: str) -> None:
    """By default the key must be of the requester's account (S3 API reference)."""
    found = _KEY_ARN.fullmatch(arn)
    if found is not None and found[1] != exchange.identity.account:
        raise ServiceError(403, "AccessDenied", "Access Denied")


def _require_present(place: lookup.Place, version: SealedKey) -> None:
    if not any(kept is version for kept in place.bucket.versions(version.name)):
        raise ServiceError(404, "NoSuchKey", "The specified key does not exist.", {"Key": version.name})


def _refused(message: str) -> ServiceError:
    return ServiceError(400, "InvalidRequest", message)
