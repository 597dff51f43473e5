"""What of a request may be shown: everything that helps to understand it, and nothing that would help to repeat it.

Customer keys become lengths and MD5s, signatures and session tokens become lengths; credential scope and signed
headers stay, because they are worth seeing.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import Any, Final
from urllib.parse import unquote

from lab.sandbox.authenticate import describe_signature
from lab.sandbox.exchange import Headers, Request

_CUSTOMER_KEY: Final = "x-amz-server-side-encryption-customer-key"
_SOURCE_KEY: Final = "x-amz-copy-source-server-side-encryption-customer-key"

#: Header and query names (lower case) whose values are never shown.
SECRET_NAMES: Final = frozenset({_CUSTOMER_KEY, _SOURCE_KEY, "x-amz-security-token", "x-amz-signature", "signature"})

_V4_SIGNATURE: Final = re.compile(r"(Signature=)([^,\s]*)")


def length_only(value: str) -> str:
    """What stands in for a secret value."""
    return f"<{len(value)} bytes>"


def headers(request: Request) -> dict[str, str]:
    """Lower-case names to values, repeated headers joined; secrets as lengths."""
    shown: dict[str, str] = {}
    for name, value in request.headers.items:
        if name in SECRET_NAMES:
            text = length_only(value)
        elif name == "authorization":
            text = authorization(value)
        else:
            text = value
        shown[name] = f"{shown[name]}, {text}" if name in shown else text
    return shown


def authorization(value: str) -> str:
    """The ``Authorization`` header without its signature; of an unknown scheme nothing but the scheme stays."""
    if value.startswith("AWS4-"):
        return _V4_SIGNATURE.sub(lambda match: match[1] + length_only(match[2]), value)
    if value.startswith("AWS "):
        access_key_id, colon, signature = value.partition(":")
        return f"{access_key_id}:{length_only(signature)}" if colon else "AWS"
    scheme, _, rest = value.partition(" ")
    return f"{scheme} {length_only(rest)}" if rest else length_only(value)


def target(value: str) -> str:
    """The request target, in which the values of secret query parameters are lengths."""
    path, question, query = value.partition("?")
    if not question:
        return value
    pairs: list[str] = []
    for pair in query.split("&"):
        name, equals, text = pair.partition("=")
        pairs.append(f"{name}={length_only(text)}" if equals and unquote(name).lower() in SECRET_NAMES else pair)
    return f"{path}?{'&'.join(pairs)}"


def customer_key(values: Headers) -> dict[str, Any] | None:
    """Length and MD5 of the customer key that was sent; of the copy source's where it is the only one."""
    for name, source in ((_CUSTOMER_KEY, False), (_SOURCE_KEY, True)):
        value = values.get(name)
        if value is None:
            continue
        try:
            key = base64.b64decode(value)
        except (binascii.Error, ValueError):
            key = None
        return {
            "length": None if key is None else len(key),
            "md5_sent": values.get(f"{name}-md5"),
            "md5_of_key": None
            if key is None
            else base64.b64encode(hashlib.md5(key, usedforsecurity=False).digest()).decode(),
            "source": source,
        }
    return None


def request_event(request: Request) -> dict[str, Any]:
    """The data of the ``request`` event, without its ``request_id``."""
    signature, access_key_id = describe_signature(request)
    return {
        "service": request.service,
        "operation": request.operation,
        "method": request.method,
        "target": target(request.target),
        "host": request.headers.get("host", ""),
        "bucket": request.bucket,
        "key": request.key,
        "version_id": request.query_value("versionId"),
        "headers": headers(request),
        "scheme": request.connection.scheme,
        "tls_version": request.connection.tls_version,
        "signature": signature,
        "access_key_id": access_key_id,
        "content_length": request.body.length,
        "customer_key": customer_key(request.headers),
    }
