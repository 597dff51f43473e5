"""PutObject, GetObject, HeadObject: one object in, one object out."""

from __future__ import annotations

from lab.sandbox import sse
from lab.sandbox.envelope import Envelope, Part
from lab.sandbox.exchange import Answer, Exchange
from lab.sandbox.moto_hooks.s3 import SealedKey
from lab.sandbox.s3 import bodies, conditions, data_keys, lookup, metadata


def put_object(exchange: Exchange) -> Answer:
    """PutObject."""
    request = exchange.request
    key = request.key or ""
    place = lookup.bucket_of(exchange)
    bucket = place.bucket
    metadata.check_key(key)
    metadata.check_acl(request, bucket)
    match, only_new = conditions.read_write_conditions(request.headers)
    system, user = metadata.system_headers(request.headers), metadata.user_metadata(request.headers)
    tags = metadata.header_tags(request.headers)
    choice = sse.choose(exchange, bucket)
    bodies.check_length(request)
    conditions.check_write(bucket, key, match, only_new=only_new)
    envelope, keys = data_keys.make(exchange, place, key, choice)
    received = bodies.receive(exchange, keys, show_md5=shows_md5(envelope))
    try:
        with lookup.changing(exchange, place):
            conditions.check_write(bucket, key, match, only_new=only_new)
            version = store(exchange, place, key, envelope, received)
            version.system_headers, version.user_metadata, version.tags = system, user, tags
    except BaseException:
        exchange.sandbox.blobs.discard(received.blob.name)
        raise
    return Answer(200, written_headers(place, version))


def shows_md5(envelope: Envelope) -> bool:
    """Whether the ETag is the MD5 of the data (S3 API reference, Object: SSE-S3 and plaintext only)."""
    return envelope.mode in {"AES256", "none"}


def store(
    exchange: Exchange, place: lookup.Place, key: str, envelope: Envelope, received: bodies.Received
) -> SealedKey:
    """Make a version of one file and put it on top; hold the realm's lock."""
    part = Part(1, received.blob, received.etag, exchange.request.at, received.checksum)
    version = SealedKey(
        place.bucket,
        key,
        version_id=lookup.new_version_id(place.bucket),
        last_modified=exchange.request.at,
        etag=part.etag,
        size=part.size,
        envelope=envelope,
        parts=(part,),
    )
    version.checksum = part.checksum
    lookup.add_version(place.bucket, key, version)
    exchange.sandbox.blobs.settle(part.blob.name)
    emit_stored(exchange, place.bucket.name, key, envelope=envelope, part=part, version_id=version.version_id)
    return version


def emit_stored(
    exchange: Exchange,
    bucket: str,
    key: str,
    *,
    envelope: Envelope,
    part: Part,
    version_id: str | None,
    part_number: int | None = None,
) -> None:
    """Append the ``stored`` event of a version or a part."""
    exchange.emit(
        "stored",
        {
            "bucket": bucket,
            "key": key,
            "version_id": version_id,
            "part_number": part_number,
            "size": part.size,
            "etag": part.etag,
            "envelope": envelope.describe(part.blob.nonces),
        },
    )


def written_headers(place: lookup.Place, version: SealedKey) -> list[tuple[str, str]]:
    """What a write answers about the new version."""
    headers = [
        *sse.answer_headers(version.envelope, echo_context=True),
        *lookup.version_headers(place.bucket, version.version_id),
        ("ETag", version.etag),
    ]
    if version.checksum is not None:
        headers += [version.checksum.header, ("x-amz-checksum-type", version.checksum.type)]
    return headers


def get_object(exchange: Exchange) -> Answer:
    """GetObject."""
    return _read(exchange, with_body=True)


def head_object(exchange: Exchange) -> Answer:
    """HeadObject."""
    return _read(exchange, with_body=False)


def _read(exchange: Exchange, *, with_body: bool) -> Answer:
    request = exchange.request
    key = request.key or ""
    place = lookup.bucket_of(exchange)
    version = lookup.version_of(exchange, place, key, request.query_value("versionId"), method=request.method)
    envelope = version.envelope
    sse.refuse_on_read(request.headers)
    customer = sse.open_with_customer_key(request, envelope.customer)
    wants_checksum = (request.headers.get("x-amz-checksum-mode") or "").upper() == "ENABLED"
    if envelope.uses_kms and (with_body or wants_checksum):
        sse.require_kms_transport(request)
    conditions.check_read(request.headers, version)
    wanted = conditions.read_range(request, version)
    headers = [
        *metadata.apply_overrides(
            request, metadata.answer_headers(version), signed=exchange.identity.kind != "anonymous"
        ),
        *sse.answer_headers(envelope),
        *lookup.version_headers(place.bucket, version.version_id),
    ]
    if version.in_parts and request.query_value("partNumber") is not None:
        headers.append(("x-amz-mp-parts-count", str(len(version.parts))))
    whole = wanted is None or wanted.length == version.size
    if wants_checksum and whole and version.checksum is not None:
        headers += [version.checksum.header, ("x-amz-checksum-type", version.checksum.type)]
    if wanted is not None:
        headers.append(("Content-Range", wanted.content_range))
    start, stop = (wanted.start, wanted.stop) if wanted is not None else (0, version.size)
    answer = Answer(200 if wanted is None else 206, headers)
    if with_body:
        keys = data_keys.open_keys(exchange, place, key, envelope, customer)
        return bodies.send(answer, exchange.sandbox.blobs, version, keys, (start, stop))
    if wants_checksum and envelope.uses_kms and version.checksum is not None:
        # The checksum of what KMS protects is stored encrypted (S3 API reference, HeadObject, ChecksumMode).
        data_keys.open_keys(exchange, place, key, envelope, customer)
    answer.headers.append(("Content-Length", str(stop - start)))
    return answer
