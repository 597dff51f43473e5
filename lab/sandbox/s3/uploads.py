"""Listing multipart uploads and their parts."""

from __future__ import annotations

from typing import Any

from lab.sandbox import render
from lab.sandbox.exchange import Answer, Exchange, ServiceError
from lab.sandbox.moto_hooks.s3 import SealedUpload
from lab.sandbox.s3 import listing, lookup, multipart, owners


def list_parts(exchange: Exchange) -> Answer:
    """ListParts."""
    request = exchange.request
    place = lookup.bucket_of(exchange)
    upload = multipart.find_upload(exchange, place)
    limit = min(listing.read_number(request, "max-parts", listing.MOST), listing.MOST)
    marker = listing.read_number(request, "part-number-marker", 0)
    behind = [part for number, part in sorted(upload.sealed_parts.items()) if number > marker]
    shown = behind[:limit]
    parts: list[dict[str, Any]] = []
    for part in shown:
        entry: dict[str, Any] = {
            "PartNumber": part.number,
            "LastModified": render.iso_time(int(part.last_modified)),
            "ETag": f'"{part.etag}"',
            "Size": part.size,
        }
        if part.checksum is not None and upload.checksum_algorithm == part.checksum.algorithm:
            entry |= [part.checksum.element]
        parts.append(entry)
    members: dict[str, Any] = {
        "Bucket": place.bucket.name,
        "Key": upload.key_name,
        "UploadId": upload.id,
        "Initiator": initiator(upload, place.account.id),
        "Owner": owners.owner(place.account.id),
        "StorageClass": "STANDARD",
        "PartNumberMarker": marker,
        "NextPartNumberMarker": shown[-1].number if shown else 0,
        "MaxParts": limit,
        "IsTruncated": len(behind) > len(shown),
        "ChecksumAlgorithm": upload.checksum_algorithm,
        "ChecksumType": upload.checksum_type,
        "Part": parts,
    }
    return render.xml_answer("ListPartsResult", members)


def initiator(upload: SealedUpload, account: str) -> dict[str, object]:
    """Who began the upload: the ARN of a user or role, the canonical id of an account."""
    arn = upload.initiator
    if arn.endswith(":root") or arn == "anonymous":
        return owners.owner(account)
    return {"ID": arn, "DisplayName": arn.rpartition("/")[2]}


def list_multipart_uploads(exchange: Exchange) -> Answer:
    """ListMultipartUploads."""
    request = exchange.request
    place = lookup.bucket_of(exchange)
    page = listing.read_page(request, "max-uploads")
    key_marker = request.query_value("key-marker") or ""
    id_marker = (request.query_value("upload-id-marker") or "") if key_marker else ""
    waiting = sorted(
        (upload for upload in list(place.bucket.uploads.values()) if upload.key_name.startswith(page.prefix)),
        key=lambda upload: (upload.key_name.encode("utf-8", "surrogatepass"), upload.initiated, upload.id),
    )
    waiting = _behind(waiting, key_marker, id_marker)
    found = listing.Found()
    for upload in waiting:
        group = page.group(upload.key_name)
        if group is not None and (group == key_marker or (found.prefixes and found.prefixes[-1] == group)):
            continue
        if len(found.items) + len(found.prefixes) >= page.limit:
            found.truncated = page.limit > 0
            break
        if group is not None:
            found.prefixes.append(group)
            found.last, found.last_item = group, None
        else:
            found.items.append(upload)
            found.last, found.last_item = upload.key_name, upload.id
    members: dict[str, Any] = {
        "Bucket": place.bucket.name,
        "KeyMarker": page.text(key_marker),
        "UploadIdMarker": id_marker,
        "NextKeyMarker": page.text(found.last) if found.truncated else None,
        "NextUploadIdMarker": found.last_item if found.truncated else None,
        "Prefix": page.text(page.prefix) or None,
        "Delimiter": page.text(page.delimiter) or None,
        "EncodingType": "url" if page.encode else None,
        "MaxUploads": page.limit,
        "IsTruncated": found.truncated,
        "Upload": [
            {
                "Key": page.text(upload.key_name),
                "UploadId": upload.id,
                "Initiator": initiator(upload, place.account.id),
                "Owner": owners.owner(place.account.id),
                "StorageClass": "STANDARD",
                "Initiated": render.iso_time(int(upload.initiated)),
                "ChecksumAlgorithm": upload.checksum_algorithm,
                "ChecksumType": upload.checksum_type,
            }
            for upload in found.items
        ],
        "CommonPrefixes": [{"Prefix": page.text(prefix)} for prefix in found.prefixes],
    }
    return render.xml_answer("ListMultipartUploadsResult", members)


def _behind(uploads: list[SealedUpload], key_marker: str, id_marker: str) -> list[SealedUpload]:
    if not key_marker:
        return uploads
    order = key_marker.encode("utf-8", "surrogatepass")
    if id_marker:
        for index, upload in enumerate(uploads):
            if upload.key_name == key_marker and upload.id == id_marker:
                return uploads[index + 1 :]
        raise ServiceError(
            400,
            "InvalidArgument",
            "Invalid uploadId marker",
            {"ArgumentName": "upload-id-marker", "ArgumentValue": id_marker},
        )
    return [upload for upload in uploads if upload.key_name.encode("utf-8", "surrogatepass") > order]
