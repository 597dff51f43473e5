"""What a client says about an object beside its bytes: content headers, user metadata, tags; read, kept, answered."""

from __future__ import annotations

import re
from email.utils import formatdate
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from lab.sandbox.exchange import Headers, Request, ServiceError

if TYPE_CHECKING:
    from lab.sandbox.moto_hooks.s3 import SealedBucket, SealedKey

#: Request header to the header of answers.
_SYSTEM: Final = {
    "cache-control": "Cache-Control",
    "content-disposition": "Content-Disposition",
    "content-encoding": "Content-Encoding",
    "content-language": "Content-Language",
    "content-type": "Content-Type",
    "expires": "Expires",
}
_OVERRIDES: Final = {f"response-{name}": header for name, header in _SYSTEM.items()}
_USER: Final = "x-amz-meta-"
_LARGEST_METADATA: Final = 2048
_LONGEST_KEY: Final = 1024
_TAG: Final = re.compile(r"[\w\s.:/=+\-@]*")


def system_headers(headers: Headers) -> dict[str, str]:
    """The content headers to keep, by the names that answers have."""
    found = {answer: value for name, answer in _SYSTEM.items() if (value := headers.get(name))}
    encoding = found.pop("Content-Encoding", None)
    if encoding is not None:  # the framing of the upload is not part of the object
        kept = ", ".join(part for item in encoding.split(",") if (part := item.strip()) and part != "aws-chunked")
        if kept:
            found["Content-Encoding"] = kept
    found.setdefault("Content-Type", "binary/octet-stream")
    return found


def user_metadata(headers: Headers) -> dict[str, str]:
    """User metadata by lower-case name, without the prefix.

    Raises:
        ServiceError: ``MetadataTooLarge`` beyond two kilobytes (S3 User Guide, "Working with object metadata").
    """
    found: dict[str, str] = {}
    size = 0
    for name, value in headers.items:
        if not name.startswith(_USER):
            continue
        bare = name[len(_USER) :]
        found[bare] = f"{found[bare]},{value}" if bare in found else value
        size += len(bare) + len(value.encode())
    if size > _LARGEST_METADATA:
        raise ServiceError(
            400,
            "MetadataTooLarge",
            "Your metadata headers exceed the maximum allowed metadata size",
            {"Size": str(size), "MaxSizeAllowed": str(_LARGEST_METADATA)},
        )
    return found


def check_key(key: str) -> None:
    """Refuse a key that is too long.

    Raises:
        ServiceError: ``KeyTooLongError`` (recorded answer).
    """
    size = len(key.encode("utf-8", "surrogatepass"))
    if size > _LONGEST_KEY:
        raise ServiceError(
            400,
            "KeyTooLongError",
            "Your key is too long",
            {"Size": str(size), "MaxSizeAllowed": str(_LONGEST_KEY)},
        )


def check_acl(request: Request, bucket: SealedBucket) -> None:
    """Refuse access control lists where the bucket's owner owns all objects (S3 User Guide, Object Ownership).

    Raises:
        ServiceError: ``AccessControlListNotSupported``; ``NotImplemented`` where the bucket takes access control lists
            and this one would grant somebody something.
    """
    acl = request.headers.get("x-amz-acl")
    grants = any(name.startswith("x-amz-grant-") for name, _ in request.headers.items)
    if bucket.ownership == "BucketOwnerEnforced" and (grants or acl not in {None, "bucket-owner-full-control"}):
        raise ServiceError(400, "AccessControlListNotSupported", "The bucket does not allow ACLs")
    if grants or acl not in {None, "private", "bucket-owner-full-control"}:
        raise _acl_not_modelled("x-amz-grant-*" if grants else f"x-amz-acl: {acl}")


def _acl_not_modelled(header: str) -> ServiceError:
    message = f"A header you provided implies functionality that is not implemented: {header}."
    return ServiceError(501, "NotImplemented", f"{message} This sandbox does not model it.")


def header_tags(headers: Headers) -> dict[str, str]:
    """The tags in ``x-amz-tagging``.

    Raises:
        ServiceError: They are malformed, doubled, or too many.
    """
    value = headers.get("x-amz-tagging")
    if value is None:
        return {}
    pairs = parse_qsl(value, keep_blank_values=True)
    tags = dict(pairs)
    if len(tags) != len(pairs) or not all(_TAG.fullmatch(name) and _TAG.fullmatch(text) for name, text in pairs):
        raise ServiceError(
            400,
            "InvalidArgument",
            "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag "
            "name duplicates.",
            {"ArgumentName": "x-amz-tagging", "ArgumentValue": value},
        )
    check_tags(tags)
    return tags


def check_tags(tags: dict[str, str], limit: int = 10) -> None:
    """Refuse tags that AWS does not take (S3 User Guide, "Categorizing your objects using tags").

    Raises:
        ServiceError: ``InvalidTag`` or ``BadRequest``.
    """
    if len(tags) > limit:
        kind = "Object" if limit == 10 else "Bucket"
        raise ServiceError(400, "BadRequest", f"{kind} tags cannot be greater than {limit}")
    for name, value in tags.items():
        if name.startswith("aws:"):
            raise ServiceError(400, "InvalidTag", "Your TagKey cannot be prefixed with aws:", {"TagKey": name})
        if not 0 < len(name) <= 128 or not _TAG.fullmatch(name):
            raise ServiceError(400, "InvalidTag", "The TagKey you have provided is invalid", {"TagKey": name})
        if len(value) > 256 or not _TAG.fullmatch(value):
            raise ServiceError(
                400, "InvalidTag", "The TagValue you have provided is invalid", {"TagKey": name, "TagValue": value}
            )


def answer_headers(version: SealedKey) -> list[tuple[str, str]]:
    """What GET and HEAD answer about an object, encryption and length aside."""
    headers = [
        ("Last-Modified", formatdate(version.modified_at, usegmt=True)),
        ("ETag", version.etag),
        ("Accept-Ranges", "bytes"),
        *version.system_headers.items(),
        *((_USER + name, value) for name, value in version.user_metadata.items()),
    ]
    if version.tags:
        headers.append(("x-amz-tagging-count", str(len(version.tags))))
    return headers


def apply_overrides(request: Request, headers: list[tuple[str, str]], *, signed: bool) -> list[tuple[str, str]]:
    """Replace content headers by what ``response-*`` query parameters ask for.

    Raises:
        ServiceError: ``InvalidRequest`` for an unsigned request (S3 API reference, GetObject).
    """
    wanted = {_OVERRIDES[name]: value for name, value in request.query if name in _OVERRIDES}
    if not wanted:
        return headers
    if not signed:
        raise ServiceError(
            400,
            "InvalidRequest",
            "Request specific response headers cannot be used for anonymous GET requests.",
        )
    return [pair for pair in headers if pair[0] not in wanted] + list(wanted.items())
