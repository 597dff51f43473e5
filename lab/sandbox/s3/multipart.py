"""Multipart uploads: begun with an encryption that holds for all parts, completed without sealing anything again.

Every part is a file of its own, sealed under the upload's data key, which is made (GenerateDataKey) when the upload is
begun and opened (Decrypt) for every part: that is why a large upload needs ``kms:Decrypt`` where a small one does not
(S3 API reference, CreateMultipartUpload). S3 API reference and recorded answers for the rest.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from lab.sandbox import checksums, render, sse
from lab.sandbox.checksums import Checksum
from lab.sandbox.envelope import DataKeys, Envelope, Part
from lab.sandbox.exchange import Answer, Exchange, Headers, ServiceError
from lab.sandbox.moto_hooks.s3 import SealedKey, SealedUpload
from lab.sandbox.s3 import bodies, conditions, data_keys, lookup, metadata, objects
from lab.sandbox.wire_values import whole_number

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

SMALLEST_PART: Final = 5 << 20
LARGEST_OBJECT: Final = 5 << 40


def create_multipart_upload(exchange: Exchange) -> Answer:
    """CreateMultipartUpload."""
    request = exchange.request
    key = request.key or ""
    place = lookup.bucket_of(exchange)
    metadata.check_key(key)
    metadata.check_acl(request, place.bucket)
    system, user = metadata.system_headers(request.headers), metadata.user_metadata(request.headers)
    tags = metadata.header_tags(request.headers)
    algorithm, kind = _chosen_checksum(request.headers)
    choice = sse.choose(exchange, place.bucket)
    envelope, _ = data_keys.make(exchange, place, key, choice)
    upload = SealedUpload(place.bucket, key, envelope, request.at)
    upload.system_headers, upload.user_metadata, upload.tags = system, user, tags
    upload.checksum_algorithm, upload.checksum_type = algorithm, kind
    upload.initiator = exchange.identity.arn
    upload.requested = {
        name: value for name, value in request.headers.starting(sse.SSE).items() if not name.endswith("customer-key")
    }
    with lookup.changing(exchange, place) as bucket:
        bucket.uploads[upload.id] = upload
    headers = sse.answer_headers(envelope, echo_context=True)
    if algorithm is not None:
        headers += [("x-amz-checksum-algorithm", algorithm), ("x-amz-checksum-type", kind or "")]
    members = {"Bucket": place.bucket.name, "Key": key, "UploadId": upload.id}
    return render.xml_answer("InitiateMultipartUploadResult", members, headers=headers)


def _chosen_checksum(headers: Headers) -> tuple[str | None, str | None]:
    algorithm, kind = headers.get("x-amz-checksum-algorithm"), headers.get("x-amz-checksum-type")
    if algorithm is None:
        if kind is not None:
            raise ServiceError(
                400,
                "InvalidRequest",
                "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
            )
        return None, None
    algorithm = algorithm.upper()
    if algorithm not in checksums.DIGEST_SIZES:
        raise ServiceError(
            400,
            "InvalidRequest",
            "Checksum algorithm provided is unsupported. Please try again with any of the valid types: "
            "[CRC32, CRC32C, SHA1, SHA256]",
        )
    kind = kind or ("FULL_OBJECT" if algorithm == "CRC64NVME" else "COMPOSITE")
    if kind not in {"COMPOSITE", "FULL_OBJECT"}:
        raise ServiceError(400, "InvalidRequest", "Value for x-amz-checksum-type header is invalid.")
    if (kind == "COMPOSITE" and algorithm == "CRC64NVME") or (kind == "FULL_OBJECT" and algorithm.startswith("SHA")):
        raise ServiceError(
            400,
            "InvalidRequest",
            f"The {kind} checksum type cannot be used with the {algorithm.lower()} checksum algorithm.",
        )
    return algorithm, kind


# ---- Parts -----------------------------------------------------------------------------------------------------------


def find_upload(exchange: Exchange, place: lookup.Place) -> SealedUpload:
    """The upload that the request names.

    Raises:
        ServiceError: ``NoSuchUpload``.
    """
    request = exchange.request
    upload_id = request.query_value("uploadId") or ""
    upload = place.bucket.uploads.get(upload_id)
    if upload is None or upload.key_name != request.key:
        raise no_such_upload(upload_id)
    return upload


def no_such_upload(upload_id: str) -> ServiceError:
    """The upload is not there, or not any more."""
    return ServiceError(
        404,
        "NoSuchUpload",
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or "
        "completed.",
        {"UploadId": upload_id},
    )


def check_part_key(exchange: Exchange, place: lookup.Place, upload: SealedUpload) -> sse.CustomerKey | None:
    """The customer's key of a part, which must be the one that the upload was begun with.

    Raises:
        ServiceError: Recorded answers.
    """
    request = exchange.request
    record = upload.envelope.customer
    sent = sse.names_customer_key(request.headers)
    if sent:
        sse.refuse_blocked(exchange, place.bucket)
    if (record is None) == sent:
        raise ServiceError(
            400,
            "InvalidRequest",
            "The multipart upload initiate requested encryption. Subsequent part requests must include the "
            "appropriate encryption parameters.",
        )
    if record is None:
        return None
    key = sse.read_customer_key(request)
    if not record.matches(key.key):
        raise ServiceError(
            400,
            "InvalidRequest",
            "The provided encryption parameters did not match the ones used originally.",
        )
    return key


def upload_part(exchange: Exchange) -> Answer:
    """UploadPart."""
    request = exchange.request
    place = lookup.bucket_of(exchange)
    upload = find_upload(exchange, place)
    number = conditions.part_number(request.query_value("partNumber"))
    sse.refuse_on_read(request.headers)  # an upload's encryption is chosen once, when it is begun
    customer = check_part_key(exchange, place, upload)
    bodies.check_length(request)
    _check_part_algorithm(upload, request.headers)
    keys = open_upload(exchange, place, upload, customer)
    received = bodies.receive(
        exchange,
        keys,
        show_md5=objects.shows_md5(upload.envelope),
        keep=upload.checksum_algorithm or bodies.DEFAULT,
        always=upload.checksum_algorithm is None,
    )
    part = Part(number, received.blob, received.etag, exchange.sandbox.clock.now(), received.checksum)
    add_part(exchange, place, upload, part)
    headers = [*sse.answer_headers(upload.envelope), ("ETag", f'"{part.etag}"')]
    if received.declared is not None:
        headers.append(received.declared.header)
    return Answer(200, headers)


def _check_part_algorithm(upload: SealedUpload, headers: Headers) -> None:
    declared = checksums.declared(headers)
    if upload.checksum_algorithm is None or declared is None or declared.algorithm == upload.checksum_algorithm:
        return
    raise ServiceError(
        400,
        "InvalidRequest",
        f"Checksum Type mismatch occurred, expected checksum Type: {upload.checksum_algorithm.lower()}, "
        f"actual checksum Type: {declared.algorithm.lower()}",
    )


def open_upload(
    exchange: Exchange, place: lookup.Place, upload: SealedUpload, customer: sse.CustomerKey | None
) -> DataKeys:
    """Open the upload's data keys for a part, and tell that the upload decides how it is encrypted."""
    sse.emit_inherited(exchange, place.bucket, upload.key_name, upload.envelope)
    if upload.envelope.uses_kms:
        sse.require_kms_transport(exchange.request)
    return data_keys.open_keys(exchange, place, upload.key_name, upload.envelope, customer)


def add_part(exchange: Exchange, place: lookup.Place, upload: SealedUpload, part: Part) -> None:
    """Remember a part; one of the same number is replaced."""
    store = exchange.sandbox.blobs
    try:
        with lookup.changing(exchange, place) as bucket:
            if bucket.uploads.get(upload.id) is not upload:
                raise no_such_upload(upload.id)
            upload.sealed_parts[part.number] = part
            store.settle(part.blob.name)
    except BaseException:
        store.discard(part.blob.name)
        raise
    objects.emit_stored(
        exchange,
        place.bucket.name,
        upload.key_name,
        envelope=upload.envelope,
        part=part,
        version_id=None,
        part_number=part.number,
    )


# ---- Completing ------------------------------------------------------------------------------------------------------


def complete_multipart_upload(exchange: Exchange) -> Answer:
    """CompleteMultipartUpload: the parts become one object; the data stays where it is."""
    request = exchange.request
    place = lookup.bucket_of(exchange)
    upload = find_upload(exchange, place)
    match, only_new = conditions.read_write_conditions(request.headers)
    # Its checksum headers are about the object, not about this document.
    document = bodies.read_xml(exchange, "CompleteMultipartUpload", verify=False)
    named = document.findall("Part") if document is not None else []
    if not named:
        raise bodies.malformed_xml()
    _check_completer(exchange, place, upload)
    with lookup.changing(exchange, place) as bucket:
        if bucket.uploads.get(upload.id) is not upload:
            raise no_such_upload(upload.id)
        conditions.check_write(bucket, upload.key_name, match, only_new=only_new)
        parts = _chosen_parts(upload, named)
        _check_size(request.headers, parts)
        checksum = _object_checksum(upload, parts)
        _check_object_checksum(request.headers, checksum)
        version = SealedKey(
            bucket,
            upload.key_name,
            version_id=lookup.new_version_id(bucket),
            # The time of a multipart object is when its upload was begun (S3 User Guide, system-defined metadata).
            last_modified=upload.initiated,
            etag=_object_etag(parts),
            size=sum(part.size for part in parts),
            envelope=upload.envelope,
            parts=tuple(parts),
        )
        version.in_parts = True
        version.checksum = checksum
        version.system_headers, version.user_metadata = upload.system_headers, upload.user_metadata
        version.tags = upload.tags
        lookup.add_version(bucket, upload.key_name, version)
        for part in parts:
            exchange.sandbox.blobs.settle(part.blob.name)
        dict.pop(bucket.multiparts, upload.id, None)
    _emit_completed(exchange, place, version)
    return _completed(exchange, place, version)


def _check_completer(exchange: Exchange, place: lookup.Place, upload: SealedUpload) -> None:
    """What completing needs of keys: nothing, unless a checksum was chosen, which is stored encrypted."""
    request = exchange.request
    envelope = upload.envelope
    if sse.names_customer_key(request.headers):
        check_part_key(exchange, place, upload)
    elif envelope.customer is not None and upload.checksum_algorithm is not None:
        raise ServiceError(
            400,
            "InvalidRequest",
            "The multipart upload initiate requested encryption. Subsequent part requests must include the "
            "appropriate encryption parameters.",
        )
    if envelope.uses_kms and upload.checksum_algorithm is not None:
        sse.require_kms_transport(request)
        data_keys.open_keys(exchange, place, upload.key_name, envelope, None)


def _chosen_parts(upload: SealedUpload, named: list[Element]) -> list[Part]:
    parts: list[Part] = []
    last = 0
    for node in named:
        text, etag = bodies.child_text(node, "PartNumber"), bodies.child_text(node, "ETag")
        number = None if text is None else whole_number(text.strip())
        if number is None or etag is None:
            raise bodies.malformed_xml()
        etag = etag.strip().strip('"')
        if number <= last:
            raise ServiceError(
                400,
                "InvalidPartOrder",
                "The list of parts was not in ascending order. Parts must be ordered by part number.",
                {"UploadId": upload.id},
            )
        last = number
        part = upload.sealed_parts.get(number)
        if part is None or part.etag != etag or not _checksum_fits(upload, part, node):
            raise ServiceError(
                400,
                "InvalidPart",
                "One or more of the specified parts could not be found.  The part may not have been uploaded, or the "
                "specified entity tag may not match the part's entity tag.",
                {"UploadId": upload.id, "PartNumber": str(number), "ETag": etag},
            )
        parts.append(part)
    for part in parts[:-1]:
        if part.size < SMALLEST_PART:
            raise ServiceError(
                400,
                "EntityTooSmall",
                "Your proposed upload is smaller than the minimum allowed size",
                {
                    "ProposedSize": str(part.size),
                    "MinSizeAllowed": str(SMALLEST_PART),
                    "PartNumber": str(part.number),
                    "ETag": part.etag,
                },
            )
    return parts


def _checksum_fits(upload: SealedUpload, part: Part, node: Element) -> bool:
    told = {child.tag.removeprefix("Checksum"): child.text or "" for child in node if child.tag.startswith("Checksum")}
    algorithm = upload.checksum_algorithm
    if algorithm is not None and upload.checksum_type == "COMPOSITE" and algorithm not in told:
        if told:
            wrong = next(iter(told)).lower()
            raise ServiceError(
                400,
                "BadDigest",
                f"The {wrong} you specified for part {part.number} did not match what we received.",
            )
        raise ServiceError(
            400,
            "InvalidRequest",
            f"The upload was created using a {algorithm.lower()} checksum. The complete request must include the "
            f"checksum for each part. It was missing for part {part.number} in the request.",
        )
    return all(
        part.checksum is not None and part.checksum.algorithm == name and part.checksum.value == value
        for name, value in told.items()
    )


def _check_size(headers: Headers, parts: list[Part]) -> None:
    size = sum(part.size for part in parts)
    wanted = headers.get("x-amz-mp-object-size")
    if wanted is not None and wanted != str(size):
        raise ServiceError(
            400,
            "InvalidRequest",
            f"The provided 'x-amz-mp-object-size' header value {wanted} does not match what was computed: {size}",
        )
    if size > LARGEST_OBJECT:
        raise ServiceError(
            400,
            "EntityTooLarge",
            "Your proposed upload exceeds the maximum allowed size",
            {"ProposedSize": str(size), "MaxSizeAllowed": str(LARGEST_OBJECT)},
        )


def _object_checksum(upload: SealedUpload, parts: list[Part]) -> Checksum:
    algorithm = upload.checksum_algorithm or bodies.DEFAULT
    kind = upload.checksum_type or "FULL_OBJECT"
    found = [part.checksum for part in parts if part.checksum is not None]
    digests = [base64.b64decode(checksum.value) for checksum in found]
    if kind == "COMPOSITE":
        return Checksum(algorithm, checksums.composite(algorithm, digests), kind)
    sizes = [part.size for part in parts]
    return Checksum(algorithm, checksums.combined(algorithm, zip(digests, sizes, strict=True)), kind)


def _check_object_checksum(headers: Headers, checksum: Checksum) -> None:
    kind = headers.get("x-amz-checksum-type")
    if kind is not None and checksum is not None and kind != checksum.type:
        raise ServiceError(
            400,
            "InvalidRequest",
            f"The upload was created using the {checksum.type} checksum mode. The complete request must use the same "
            "checksum mode.",
        )
    declared = checksums.declared(headers) if headers.starting("x-amz-checksum-") else None
    if declared is None or declared.value is None:
        return
    if declared.algorithm != checksum.algorithm or declared.value != checksum.value.partition("-")[0]:
        raise ServiceError(
            400,
            "BadDigest",
            f"The {declared.algorithm.lower()} you specified did not match the calculated checksum.",
        )


def _object_etag(parts: list[Part]) -> str:
    digest = hashlib.md5(b"".join(bytes.fromhex(part.etag) for part in parts), usedforsecurity=False)
    return f"{digest.hexdigest()}-{len(parts)}"


def _emit_completed(exchange: Exchange, place: lookup.Place, version: SealedKey) -> None:
    exchange.emit(
        "stored",
        {
            "bucket": place.bucket.name,
            "key": version.name,
            "version_id": version.version_id,
            "part_number": None,
            "size": version.contentsize,
            "etag": version.bare_etag,
            "envelope": version.envelope.describe(version.parts[0].blob.nonces),
        },
    )


def _completed(exchange: Exchange, place: lookup.Place, version: SealedKey) -> Answer:
    host = exchange.request.headers.get("host") or "localhost"
    scheme = exchange.request.connection.scheme
    members: dict[str, Any] = {
        "Location": f"{scheme}://{host}/{place.bucket.name}/{quote(version.name)}",
        "Bucket": place.bucket.name,
        "Key": version.name,
        "ETag": version.etag,
    }
    if version.checksum is not None:
        members |= [version.checksum.element, ("ChecksumType", version.checksum.type)]
    headers = _completed_headers(version.envelope)
    headers += lookup.version_headers(place.bucket, version.version_id)
    return render.xml_answer("CompleteMultipartUploadResult", members, headers=headers)


def _completed_headers(envelope: Envelope) -> list[tuple[str, str]]:
    """Completing tells nothing of a customer's key (recorded answer)."""
    return [] if envelope.customer is not None else sse.answer_headers(envelope)


def abort_multipart_upload(exchange: Exchange) -> Answer:
    """AbortMultipartUpload."""
    place = lookup.bucket_of(exchange)
    upload = find_upload(exchange, place)
    with lookup.changing(exchange, place) as bucket:
        dict.pop(bucket.multiparts, upload.id, None)
    return Answer(204)
