"""GetObjectAttributes: what HEAD tells, as XML, and the parts."""

from __future__ import annotations

from email.utils import formatdate
from typing import Any, Final

from lab.sandbox import render, sse
from lab.sandbox.exchange import Answer, Exchange, ServiceError
from lab.sandbox.moto_hooks.s3 import SealedKey
from lab.sandbox.s3 import data_keys, lookup
from lab.sandbox.wire_values import whole_number

_KNOWN: Final = ("ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize")


def get_object_attributes(exchange: Exchange) -> Answer:
    """GetObjectAttributes."""
    request = exchange.request
    key = request.key or ""
    wanted = _wanted(request.headers.all("x-amz-object-attributes"))
    place = lookup.bucket_of(exchange)
    version = lookup.version_of(exchange, place, key, request.query_value("versionId"))
    sse.refuse_on_read(request.headers)
    customer = sse.open_with_customer_key(request, version.envelope.customer)
    if version.envelope.uses_kms and "Checksum" in wanted and version.checksum is not None:
        sse.require_kms_transport(request)
        data_keys.open_keys(exchange, place, key, version.envelope, customer)
    members: dict[str, Any] = {}
    if "ETag" in wanted:
        members["ETag"] = version.bare_etag
    if "Checksum" in wanted and version.checksum is not None:
        name, value = version.checksum.element
        members["Checksum"] = {name: value.partition("-")[0], "ChecksumType": version.checksum.type}
    if "ObjectParts" in wanted and version.in_parts:
        members["ObjectParts"] = _parts(exchange, version)
    if "StorageClass" in wanted:
        members["StorageClass"] = "STANDARD"
    if "ObjectSize" in wanted:
        members["ObjectSize"] = version.contentsize
    headers = [
        ("Last-Modified", formatdate(version.modified_at, usegmt=True)),
        *lookup.version_headers(place.bucket, version.version_id),
    ]
    return render.xml_answer("GetObjectAttributesResponse", members, headers=headers)


def _wanted(values: list[str]) -> set[str]:
    names = {name.strip() for value in values for name in value.split(",") if name.strip()}
    if not names:
        raise ServiceError(
            400,
            "InvalidArgument",
            "The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty",
            {"ArgumentName": "x-amz-object-attributes"},
        )
    for name in sorted(names):
        if name not in _KNOWN:
            raise ServiceError(
                400,
                "InvalidArgument",
                "Invalid attribute name specified.",
                {"ArgumentName": "x-amz-object-attributes", "ArgumentValue": name},
            )
    return names


def _parts(exchange: Exchange, version: SealedKey) -> dict[str, Any]:
    headers = exchange.request.headers
    limit = _number(headers.get("x-amz-max-parts"), 1000)
    marker = _number(headers.get("x-amz-part-number-marker"), 0)
    checksum = version.checksum
    if checksum is None or checksum.type != "COMPOSITE":
        return {"PartsCount": len(version.parts)}
    behind = [part for part in version.parts if part.number > marker]
    shown = behind[:limit]
    return {
        "PartsCount": len(version.parts),
        "PartNumberMarker": marker,
        "NextPartNumberMarker": shown[-1].number if shown else 0,
        "MaxParts": limit,
        "IsTruncated": len(behind) > len(shown),
        "Part": [
            {
                "PartNumber": part.number,
                "Size": part.size,
                **dict([part.checksum.element] if part.checksum is not None else []),
            }
            for part in shown
        ],
    }


def _number(text: str | None, default: int) -> int:
    number = whole_number(text)
    return default if number is None else min(number, 1000)
