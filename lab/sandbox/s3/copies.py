"""CopyObject and UploadPartCopy: opened in the requester's name, sealed anew for the target.

A copy takes its encryption from the request or from the target bucket's default, never from the source (S3 API
reference, CopyObject). Recorded answers for what is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lab.sandbox import checksums, render, sse
from lab.sandbox.actions import copy_source
from lab.sandbox.checksums import Checksum
from lab.sandbox.envelope import Part
from lab.sandbox.exchange import Answer, Exchange, Headers, ServiceError
from lab.sandbox.moto_hooks.s3 import SealedKey
from lab.sandbox.s3 import bodies, conditions, data_keys, lookup, metadata, multipart, objects


@dataclass(frozen=True, slots=True)
class Source:
    """What a copy reads.

    Attributes:
        customer: The customer's key that it was written with, if one was.
    """

    place: lookup.Place
    version: SealedKey
    customer: sse.CustomerKey | None


def find_source(exchange: Exchange) -> Source:
    """Find the source of a copy and judge the conditions on it.

    Raises:
        ServiceError: It is not there, must not be copied, or needs another customer's key.
    """
    named = copy_source(exchange.request)
    if named is None:
        raise ServiceError(
            400,
            "InvalidArgument",
            "Invalid copy source object key",
            {"ArgumentName": "x-amz-copy-source", "ArgumentValue": "x-amz-copy-source"},
        )
    bucket, key, version_id = named
    place = lookup.bucket_of(exchange, bucket)
    try:
        version = lookup.version_of(exchange, place, key, version_id)
    except ServiceError as error:
        if error.code == "MethodNotAllowed":
            raise ServiceError(
                400,
                "InvalidRequest",
                "The source of a copy request may not specifically refer to a delete marker by version id.",
            ) from None
        raise
    conditions.check_source(exchange.request.headers, version)
    customer = sse.open_with_customer_key(exchange.request, version.envelope.customer, sse.SOURCE_CUSTOMER)
    if version.envelope.uses_kms:
        sse.require_kms_transport(exchange.request)
    return Source(place, version, customer)


def open_source(exchange: Exchange, source: Source, start: int, stop: int) -> Iterator[bytes]:
    """The source's plaintext; KMS is asked at once, not with the first byte."""
    version = source.version
    keys = data_keys.open_keys(exchange, source.place, version.name, version.envelope, source.customer)
    return bodies.plaintext(exchange.sandbox.blobs, version.parts, keys, start, stop)


def copy_object(exchange: Exchange) -> Answer:
    """CopyObject."""
    request = exchange.request
    key = request.key or ""
    place = lookup.bucket_of(exchange)
    metadata.check_key(key)
    metadata.check_acl(request, place.bucket)
    directive, tag_directive = _directive(exchange, "metadata"), _directive(exchange, "tagging")
    replaced = metadata.header_tags(request.headers)
    source = find_source(exchange)
    choice = sse.choose(exchange, place.bucket)
    _refuse_pointless(exchange, place, source, choice, directive)
    size = source.version.size
    if size > bodies.LARGEST_PUT:
        raise ServiceError(
            400,
            "InvalidRequest",
            f"The specified copy source is larger than the maximum allowable size for a copy source: "
            f"{bodies.LARGEST_PUT}",
        )
    algorithm = _algorithm(request.headers, source.version)
    chunks = open_source(exchange, source, 0, size)
    envelope, keys = data_keys.make(exchange, place, key, choice)
    received = bodies.reseal(exchange, chunks, keys, show_md5=objects.shows_md5(envelope), keep=algorithm)
    if directive == "REPLACE":
        system, user = metadata.system_headers(request.headers), metadata.user_metadata(request.headers)
    else:
        system, user = dict(source.version.system_headers), dict(source.version.user_metadata)
    try:
        with lookup.changing(exchange, place):
            version = objects.store(exchange, place, key, envelope, received)
            version.system_headers, version.user_metadata = system, user
            version.tags = replaced if tag_directive == "REPLACE" else dict(source.version.tags)
    except BaseException:
        exchange.sandbox.blobs.discard(received.blob.name)
        raise
    headers = [
        *sse.answer_headers(envelope, echo_context=True),
        *lookup.version_headers(place.bucket, version.version_id),
        *_source_version(source),
    ]
    return render.xml_answer(
        "CopyObjectResult", _result(version.etag, version.modified_at, received.checksum), headers=headers
    )


def _result(etag: str, modified_at: float, checksum: Checksum | None) -> dict[str, Any]:
    members: dict[str, Any] = {"LastModified": render.iso_time(int(modified_at)), "ETag": etag}
    if checksum is not None:
        members |= [checksum.element, ("ChecksumType", checksum.type)]
    return members


def _directive(exchange: Exchange, kind: str) -> str:
    name = f"x-amz-{kind}-directive"
    value = exchange.request.headers.get(name, "COPY") or "COPY"
    if value not in {"COPY", "REPLACE"}:
        raise ServiceError(
            400,
            "InvalidArgument",
            f"Unknown {kind} directive.",
            {"ArgumentName": name, "ArgumentValue": value},
        )
    return value


def _refuse_pointless(
    exchange: Exchange, place: lookup.Place, source: Source, choice: sse.Choice, directive: str
) -> None:
    """Refuse to copy an object onto itself without changing anything (recorded answers).

    Naming any encryption counts as a change, and so does a default that was put on the bucket, or one that turns the
    object into something else.
    """
    same = source.place.bucket is place.bucket and source.version.name == exchange.request.key
    if not same or source.version is not place.bucket.current(source.version.name):
        return
    changes = (
        directive == "REPLACE"
        or choice.decided_by == "header"
        or place.bucket.default_encryption is not None
        or source.version.envelope.mode != choice.mode
        or "x-amz-storage-class" in exchange.request.headers
    )
    if not changes:
        raise ServiceError(
            400,
            "InvalidRequest",
            "This copy request is illegal because it is trying to copy an object to itself without changing the "
            "object's metadata, storage class, website redirect location or encryption attributes.",
        )


def _algorithm(headers: Headers, version: SealedKey) -> str:
    wanted = headers.get("x-amz-checksum-algorithm")
    if wanted is not None:
        if wanted.upper() not in checksums.DIGEST_SIZES:
            raise ServiceError(
                400,
                "InvalidRequest",
                "Checksum algorithm provided is unsupported. Please try again with any of the valid types: "
                "[CRC32, CRC32C, SHA1, SHA256]",
            )
        return wanted.upper()
    kept: Checksum | None = version.checksum
    return kept.algorithm if kept is not None else bodies.DEFAULT


def _source_version(source: Source) -> list[tuple[str, str]]:
    if source.place.bucket.versioning_status is None:
        return []
    return [("x-amz-copy-source-version-id", source.version.version_id)]


def upload_part_copy(exchange: Exchange) -> Answer:
    """UploadPartCopy."""
    request = exchange.request
    place = lookup.bucket_of(exchange)
    upload = multipart.find_upload(exchange, place)
    number = conditions.part_number(request.query_value("partNumber"))
    source = find_source(exchange)
    span = conditions.copy_range(request.headers.get("x-amz-copy-source-range"), source.version.size)
    customer = multipart.check_part_key(exchange, place, upload)
    chunks = open_source(exchange, source, span.start, span.stop)
    keys = multipart.open_upload(exchange, place, upload, customer)
    received = bodies.reseal(
        exchange,
        chunks,
        keys,
        show_md5=objects.shows_md5(upload.envelope),
        keep=upload.checksum_algorithm or bodies.DEFAULT,
    )
    part = Part(number, received.blob, received.etag, exchange.sandbox.clock.now(), received.checksum)
    multipart.add_part(exchange, place, upload, part)
    told = received.checksum if upload.checksum_algorithm is not None else None
    members = _result(f'"{part.etag}"', part.last_modified, told)
    members.pop("ChecksumType", None)
    headers = [*sse.answer_headers(upload.envelope), *_source_version(source)]
    return render.xml_answer("CopyPartResult", members, headers=headers)
