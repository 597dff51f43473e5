"""Conditional requests and ranges: what If-Match and its kin, Range and partNumber make of a request.

Recorded answers; S3 User Guide, "Conditional requests"; RFC 9110 where S3 follows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.sandbox.exchange import Headers, Request, ServiceError
from lab.sandbox.wire_values import http_date, whole_number

if TYPE_CHECKING:
    from lab.sandbox.moto_hooks.s3 import SealedBucket, SealedKey

from lab.sandbox.moto_hooks.s3 import SealedKey as _SealedKey


@dataclass(frozen=True, slots=True)
class Range:
    """Bytes ``start`` up to and not including ``stop`` of an object of ``size`` bytes."""

    start: int
    stop: int
    size: int

    @property
    def length(self) -> int:
        """How many bytes."""
        return self.stop - self.start

    @property
    def content_range(self) -> str:
        """Value of the answer's ``Content-Range``."""
        return f"bytes {self.start}-{self.stop - 1}/{self.size}"


def failed(condition: str) -> ServiceError:
    """A precondition that does not hold."""
    return ServiceError(
        412,
        "PreconditionFailed",
        "At least one of the pre-conditions you specified did not hold",
        {"Condition": condition},
    )


def check_read(headers: Headers, version: SealedKey) -> None:
    """Judge the conditions of GET and HEAD.

    Raises:
        ServiceError: 412, or 304 without a body.
    """
    match, none_match = headers.get("if-match"), headers.get("if-none-match")
    modified, unmodified = http_date(headers.get("if-modified-since")), http_date(headers.get("if-unmodified-since"))
    changed_at = int(version.modified_at)
    if match is not None:
        if not _matches(match, version.bare_etag):
            raise failed("If-Match")
    elif unmodified is not None and changed_at > unmodified:
        raise failed("If-Unmodified-Since")
    if none_match is not None:
        if _matches(none_match, version.bare_etag):
            raise not_modified(version)
    elif modified is not None and changed_at <= modified:
        raise not_modified(version)


def not_modified(version: SealedKey) -> ServiceError:
    """304: the client has it already."""
    return ServiceError(304, "304", "Not Modified", headers=[("ETag", version.etag)])


def check_source(headers: Headers, version: SealedKey) -> None:
    """Judge the conditions on the source of a copy.

    Raises:
        ServiceError: 412.
    """
    match = headers.get("x-amz-copy-source-if-match")
    none_match = headers.get("x-amz-copy-source-if-none-match")
    modified = http_date(headers.get("x-amz-copy-source-if-modified-since"))
    unmodified = http_date(headers.get("x-amz-copy-source-if-unmodified-since"))
    changed_at = int(version.modified_at)
    if match is not None and not _matches(match, version.bare_etag):
        raise failed("x-amz-copy-source-If-Match")
    if match is None and unmodified is not None and changed_at > unmodified:
        raise failed("x-amz-copy-source-If-Unmodified-Since")
    if none_match is not None and _matches(none_match, version.bare_etag):
        raise failed("x-amz-copy-source-If-None-Match")
    if none_match is None and modified is not None and changed_at <= modified:
        raise failed("x-amz-copy-source-If-Modified-Since")


def read_write_conditions(headers: Headers) -> tuple[str | None, bool]:
    """The ETag that ``If-Match`` asks for, and whether ``If-None-Match: *`` was sent.

    Raises:
        ServiceError: ``NotImplemented`` for what S3 does not take on writes (recorded answers).
    """
    match, none_match = headers.get("if-match"), headers.get("if-none-match")
    if match is not None and none_match is not None:
        raise _not_implemented("If-Match,If-None-Match", "Multiple conditional request headers present in the request")
    if none_match is not None and none_match != "*":
        raise _not_implemented(
            "If-None-Match", "We don't accept the provided value of If-None-Match header for this API"
        )
    if match == "*":
        raise _not_implemented("If-Match", "We don't accept the provided value of If-Match header for this API")
    return match, none_match is not None


def check_write(bucket: SealedBucket, key: str, match: str | None, *, only_new: bool) -> None:
    """Judge the conditions of a write; called again under the lock, so that only one of several wins.

    Raises:
        ServiceError: 412, or 404 where ``If-Match`` names an object that is not there.
    """
    current = bucket.current(key)
    there = isinstance(current, _SealedKey)
    if only_new and there:
        raise failed("If-None-Match")
    if match is None:
        return
    if not isinstance(current, _SealedKey):
        raise ServiceError(404, "NoSuchKey", "The specified key does not exist.", {"Key": key})
    if not _matches(match, current.bare_etag):
        raise failed("If-Match")


def read_range(request: Request, version: SealedKey) -> Range | None:
    """What part of the object is asked for; None for the whole.

    Raises:
        ServiceError: 416, or a part that is not there.
    """
    wanted, part_number = request.headers.get("range"), request.query_value("partNumber")
    if wanted is not None and part_number is not None:
        raise ServiceError(400, "InvalidRequest", "Cannot specify both Range header and partNumber query parameter")
    if part_number is not None:
        return _part_range(version, part_number)
    return _parse_range(wanted, version.size) if wanted is not None else None


def _parse_range(value: str, size: int) -> Range | None:
    """One range; S3 ignores what it cannot read, and answers the whole object."""
    unit, _, spec = value.partition("=")
    first, dash, last = spec.strip().partition("-")
    if unit.strip().lower() != "bytes" or not dash or "," in spec:
        return None
    start, end = whole_number(first), whole_number(last)
    if (first and start is None) or (last and end is None):
        return None
    if start is None:  # the last so many bytes
        if end is None:
            return None
        start, stop = size - min(end, size), size
        unsatisfiable = end == 0 or size == 0
    else:
        stop = min(end + 1, size) if end is not None else size
        unsatisfiable = start >= size
        if not unsatisfiable and start >= stop:
            return None
    if unsatisfiable:
        raise ServiceError(
            416,
            "InvalidRange",
            "The requested range is not satisfiable",
            {"RangeRequested": value, "ActualObjectSize": str(size)},
            [("Content-Range", f"bytes */{size}")],
        )
    return Range(start, stop, size)


def _part_range(version: SealedKey, text: str) -> Range:
    number = part_number(text)
    if not version.in_parts:
        if number == 1:
            return Range(0, version.size, version.size)
        count = 1
    else:
        start = 0
        for part in version.parts:
            if part.number == number:
                return Range(start, start + part.size, version.size)
            start += part.size
        count = len(version.parts)
    raise ServiceError(
        416,
        "InvalidPartNumber",
        "The requested partnumber is not satisfiable",
        {"PartNumberRequested": text, "ActualPartCount": str(count)},
    )


def part_number(text: str | None) -> int:
    """A part number.

    Raises:
        ServiceError: ``InvalidArgument`` (recorded answer).
    """
    number = whole_number(text)
    if number is None or not 1 <= number <= 10_000:
        raise ServiceError(
            400,
            "InvalidArgument",
            "Part number must be an integer between 1 and 10000, inclusive",
            {"ArgumentName": "partNumber", "ArgumentValue": text or ""},
        )
    return number


def copy_range(value: str | None, size: int) -> Range:
    """``x-amz-copy-source-range``, which S3 reads strictly (recorded answers)."""
    if value is None:
        return Range(0, size, size)
    first_text, _, last_text = value.removeprefix("bytes=").partition("-")
    first, last = whole_number(first_text), whole_number(last_text)
    extra = {"ArgumentName": "x-amz-copy-source-range", "ArgumentValue": value}
    if not value.startswith("bytes=") or first is None or last is None or first > last:
        raise ServiceError(
            400,
            "InvalidArgument",
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the "
            "zero-based offsets of the first and last bytes to copy",
            extra,
        )
    if first >= size:
        raise ServiceError(400, "InvalidRequest", "The specified copy range is invalid for the source object size")
    if last >= size:
        raise ServiceError(
            400, "InvalidArgument", f"Range specified is not valid for source object of size: {size}", extra
        )
    return Range(first, last + 1, size)


def _matches(header: str, etag: str) -> bool:
    tags = [tag.strip().removeprefix("W/").strip('"') for tag in header.split(",")]
    return "*" in tags or etag in tags


def _not_implemented(header: str, additional: str) -> ServiceError:
    return ServiceError(
        501,
        "NotImplemented",
        "A header you provided implies functionality that is not implemented",
        {"Header": header, "additionalMessage": additional},
    )
