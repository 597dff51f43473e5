"""Listing objects and versions: pages, prefixes, delimiters, in order of the keys' UTF-8 bytes.

S3 API reference, ListObjects, ListObjectsV2 and ListObjectVersions. Listings need no key and tell nothing of
encryption.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from lab.sandbox import render
from lab.sandbox.exchange import Answer, Exchange, Request, ServiceError
from lab.sandbox.moto_hooks.s3 import SealedBucket, SealedKey, SealedMarker
from lab.sandbox.realm import REGION
from lab.sandbox.s3 import lookup, owners
from lab.sandbox.wire_values import whole_number

MOST: Final = 1000


@dataclass(frozen=True, slots=True)
class Page:
    """What a listing asks for.

    Attributes:
        encode: Whether keys are URL-encoded in the answer.
    """

    prefix: str
    delimiter: str
    limit: int
    encode: bool

    def text(self, value: str) -> str:
        """A key, prefix or delimiter as the answer writes it."""
        return quote(value, safe="/~", errors="surrogatepass") if self.encode else value

    def group(self, key: str) -> str | None:
        """The common prefix that a key is rolled up in, None where it is listed by itself."""
        if not self.delimiter:
            return None
        end = key.find(self.delimiter, len(self.prefix))
        return None if end < 0 else key[: end + len(self.delimiter)]


@dataclass(slots=True)
class Found:
    """One page of a listing."""

    items: list[Any] = field(default_factory=list)
    prefixes: list[str] = field(default_factory=list)
    truncated: bool = False
    last: str = ""
    last_item: str | None = None


def read_page(request: Request, limit_name: str = "max-keys") -> Page:
    """Read what every listing takes.

    Raises:
        ServiceError: ``InvalidArgument``.
    """
    encoding = request.query_value("encoding-type")
    if encoding not in {None, "", "url"}:
        raise ServiceError(
            400,
            "InvalidArgument",
            "Invalid Encoding Method specified in Request",
            {"ArgumentName": "encoding-type", "ArgumentValue": str(encoding)},
        )
    return Page(
        prefix=request.query_value("prefix") or "",
        delimiter=request.query_value("delimiter") or "",
        limit=min(read_number(request, limit_name, MOST), MOST),
        encode=encoding == "url",
    )


def read_number(request: Request, name: str, default: int) -> int:
    """A number in the query that must not be negative."""
    text = request.query_value(name)
    if text is None or text == "":
        return default
    number = whole_number(text.removeprefix("-"))
    if number is None:
        raise ServiceError(
            400,
            "InvalidArgument",
            f"Provided {name} not an integer or within integer range",
            {"ArgumentName": name, "ArgumentValue": text},
        )
    if number >= 1 << 31 or (number and text.startswith("-")):
        raise ServiceError(
            400,
            "InvalidArgument",
            f"Argument {name} must be an integer between 0 and 2147483647",
            {"ArgumentName": name, "ArgumentValue": text},
        )
    return number


def _current(bucket: SealedBucket, prefix: str) -> Iterator[tuple[str, SealedKey]]:
    for name, versions in bucket.all_versions():
        if name.startswith(prefix) and isinstance(versions[-1], SealedKey):
            yield name, versions[-1]


def fill(page: Page, entries: Iterable[tuple[str, Any]], after: str) -> Found:
    """Take entries, sorted by key, from behind ``after`` until the page is full.

    Args:
        page: What is asked for.
        entries: Key and item.
        after: A key, or a common prefix whose keys were all told already.
    """
    found: Found = Found()
    order = _order(after)
    skip_group = after if page.delimiter and after.endswith(page.delimiter) else None
    if page.limit == 0:
        return found
    for name, item in entries:
        if after and _order(name) <= order:
            continue
        group = page.group(name)
        if group is not None and (group == skip_group or (found.prefixes and found.prefixes[-1] == group)):
            continue
        if len(found.items) + len(found.prefixes) >= page.limit:
            found.truncated = True
            break
        if group is not None:
            found.prefixes.append(group)
            found.last = group
        else:
            found.items.append((name, item))
            found.last = name
    return found


def _order(key: str) -> bytes:
    return key.encode("utf-8", "surrogatepass")


def list_objects(exchange: Exchange) -> Answer:
    """ListObjects."""
    request = exchange.request
    place = lookup.bucket_of(exchange)
    page = read_page(request)
    marker = request.query_value("marker") or ""
    found = fill(page, _current(place.bucket, page.prefix), marker)
    members: dict[str, object] = {
        "Name": place.bucket.name,
        "Prefix": page.text(page.prefix),
        "Marker": page.text(marker),
        "MaxKeys": page.limit,
        "Delimiter": page.text(page.delimiter) or None,
        "EncodingType": "url" if page.encode else None,
        "IsTruncated": found.truncated,
    }
    if found.truncated and page.delimiter:
        members["NextMarker"] = page.text(found.last)
    owner = owners.owner(place.account.id)
    members["Contents"] = [{**_contents(page, name, version), "Owner": owner} for name, version in found.items]
    members["CommonPrefixes"] = [{"Prefix": page.text(prefix)} for prefix in found.prefixes]
    return render.xml_answer("ListBucketResult", members, headers=[("x-amz-bucket-region", REGION)])


def list_objects_v2(exchange: Exchange) -> Answer:
    """ListObjectsV2."""
    request = exchange.request
    place = lookup.bucket_of(exchange)
    page = read_page(request)
    token, start_after = request.query_value("continuation-token"), request.query_value("start-after") or ""
    after = _read_token(token) if token is not None else start_after
    found = fill(page, _current(place.bucket, page.prefix), after)
    owner = owners.owner(place.account.id) if request.query_value("fetch-owner") == "true" else None
    members: dict[str, object] = {
        "Name": place.bucket.name,
        "Prefix": page.text(page.prefix),
        "Delimiter": page.text(page.delimiter) or None,
        "MaxKeys": page.limit,
        "EncodingType": "url" if page.encode else None,
        "KeyCount": len(found.items) + len(found.prefixes),
        "IsTruncated": found.truncated,
        "ContinuationToken": token,
        "NextContinuationToken": _token(found.last) if found.truncated else None,
        "StartAfter": page.text(start_after) or None,
        "Contents": [{**_contents(page, name, version), "Owner": owner} for name, version in found.items],
        "CommonPrefixes": [{"Prefix": page.text(prefix)} for prefix in found.prefixes],
    }
    return render.xml_answer("ListBucketResult", members, headers=[("x-amz-bucket-region", REGION)])


def _contents(page: Page, name: str, version: SealedKey) -> dict[str, object]:
    members: dict[str, object] = {
        "Key": page.text(name),
        "LastModified": render.iso_time(int(version.modified_at)),
        "ETag": version.etag,
    }
    if version.checksum is not None:
        members |= {"ChecksumAlgorithm": version.checksum.algorithm, "ChecksumType": version.checksum.type}
    return {**members, "Size": version.contentsize, "StorageClass": "STANDARD"}


def _token(key: str) -> str:
    return base64.urlsafe_b64encode(b"1" + _order(key)).decode()


def _read_token(token: str) -> str:
    try:
        data = base64.b64decode(token, altchars=b"-_", validate=True)
        if data[:1] == b"1":
            return data[1:].decode("utf-8", "surrogatepass")
    except (binascii.Error, ValueError):
        pass
    raise ServiceError(
        400,
        "InvalidArgument",
        "The continuation token provided is incorrect",
        {"ArgumentName": "continuation-token"},
    )


def list_object_versions(exchange: Exchange) -> Answer:
    """ListObjectVersions."""
    request = exchange.request
    place = lookup.bucket_of(exchange)
    page = read_page(request)
    key_marker = request.query_value("key-marker") or ""
    id_marker = request.query_value("version-id-marker") or ""
    if id_marker and not key_marker:
        raise ServiceError(
            400,
            "InvalidArgument",
            "A version-id marker cannot be specified without a key marker.",
            {"ArgumentName": "version-id-marker", "ArgumentValue": id_marker},
        )
    found = _versions(page, place.bucket, key_marker, id_marker)
    owner = owners.owner(place.account.id)
    members: dict[str, object] = {
        "Name": place.bucket.name,
        "Prefix": page.text(page.prefix),
        "KeyMarker": page.text(key_marker),
        "VersionIdMarker": id_marker,
        "MaxKeys": page.limit,
        "Delimiter": page.text(page.delimiter) or None,
        "EncodingType": "url" if page.encode else None,
        "IsTruncated": found.truncated,
    }
    if found.truncated:
        members["NextKeyMarker"] = page.text(found.last)
        members["NextVersionIdMarker"] = found.last_item
    # Versions and delete markers stand in one order in the answer, whatever their element is called.
    entries = [
        ("Version" if isinstance(version, SealedKey) else "DeleteMarker", _version(page, version, latest, owner))
        for version, latest in found.items
    ]
    members["Version"] = [entry for name, entry in entries if name == "Version"]
    members["DeleteMarker"] = [entry for name, entry in entries if name == "DeleteMarker"]
    members["CommonPrefixes"] = [{"Prefix": page.text(prefix)} for prefix in found.prefixes]
    return render.xml_answer("ListVersionsResult", members)


def _versions(page: Page, bucket: SealedBucket, key_marker: str, id_marker: str) -> Found:
    found: Found = Found()
    if page.limit == 0:
        return found
    order = _order(key_marker)
    skip_group = key_marker if page.delimiter and key_marker.endswith(page.delimiter) else None
    for name, versions in bucket.all_versions():
        if not name.startswith(page.prefix) or (key_marker and _order(name) < order):
            continue
        newest_first = [(version, index == 0) for index, version in enumerate(reversed(versions))]
        if key_marker and name == key_marker:
            ids = [version.version_id for version, _ in newest_first]
            newest_first = newest_first[ids.index(id_marker) + 1 :] if id_marker in ids else []
        group = page.group(name)
        if group is not None and group == skip_group:
            continue
        for version, latest in newest_first:
            if group is not None and found.prefixes and found.prefixes[-1] == group:
                break
            if len(found.items) + len(found.prefixes) >= page.limit:
                found.truncated = True
                return found
            if group is not None:
                found.prefixes.append(group)
                found.last, found.last_item = group, None
                break
            found.items.append((version, latest))
            found.last, found.last_item = name, version.version_id
    return found


def _version(
    page: Page, version: SealedKey | SealedMarker, latest: bool, owner: dict[str, object]
) -> dict[str, object]:
    members: dict[str, object] = {
        "Key": page.text(version.name),
        "VersionId": version.version_id,
        "IsLatest": latest,
        "LastModified": render.iso_time(int(version.modified_at)),
    }
    if isinstance(version, SealedKey):
        members["ETag"] = version.etag
        if version.checksum is not None:
            members |= {"ChecksumAlgorithm": version.checksum.algorithm, "ChecksumType": version.checksum.type}
        members |= {"Size": version.contentsize, "StorageClass": "STANDARD"}
    return {**members, "Owner": owner}
