"""Signature Version 2 of S3: what boto3 still presigns with by default, and what SSE-KMS objects refuse.

The rules are those of the S3 developer guide, "Signing and authenticating REST requests".
"""

from __future__ import annotations

import base64
import hmac
from typing import Final

from lab.sandbox.exchange import Request

#: Query parameters that belong to the signed resource.
SUBRESOURCES: Final = frozenset(
    {
        "accelerate", "acl", "analytics", "cors", "defaultObjectAcl", "delete", "inventory", "lifecycle", "location",
        "logging", "metrics", "notification", "object-lock", "partNumber", "policy", "replication", "requestPayment",
        "response-cache-control", "response-content-disposition", "response-content-encoding",
        "response-content-language", "response-content-type", "response-expires", "restore", "select", "select-type",
        "storageClass", "tagging", "torrent", "uploadId", "uploads", "versionId", "versioning", "versions", "website",
    }
)  # fmt: skip


def sign(secret: str, text: bytes) -> str:
    """The signature, in base64."""
    return base64.b64encode(hmac.digest(secret.encode(), text, "sha1")).decode("ascii")


def string_to_sign(request: Request, *, virtual_hosted: bool, expires: str | None = None) -> bytes:
    """What is signed: method, three headers, the ``x-amz-`` headers and the resource.

    Args:
        request: With the headers that a presigned URL carries in its query already moved to its headers.
        virtual_hosted: Whether the bucket stands in the host, not in the path.
        expires: ``Expires`` of a presigned URL; takes the place of the date.
    """
    headers = request.headers
    date = "" if "x-amz-date" in headers else headers.get("date") or ""
    lines = [request.method, headers.get("content-md5") or "", headers.get("content-type") or "", expires or date]
    lines += [
        f"{name}:{','.join(value.strip() for value in headers.all(name))}"
        for name in sorted(headers.starting("x-amz-"))
    ]
    resource = f"/{request.bucket}{request.path}" if virtual_hosted else request.path
    named = sorted((name, value) for name, value in request.query if name in SUBRESOURCES)
    if named:
        resource += "?" + "&".join(f"{name}={value}" if value else name for name, value in named)
    return "\n".join([*lines, resource]).encode("latin-1", "replace")
