"""What of a request may be shown: everything that helps to understand it, and nothing that would help to repeat it.

Customer keys become lengths and MD5s, signatures and session tokens become lengths; credential scope and signed
headers stay, because they are worth seeing.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import Any, Final, Literal
from urllib.parse import unquote

from lab.sandbox.exchange import Headers, Request

Signature = Literal["v4-header", "v4-query", "v2-header", "v2-query", "none"]

_CUSTOMER_KEY: Final = "x-amz-server-side-encryption-customer-key"
_SOURCE_KEY: Final = "x-amz-copy-source-server-side-encryption-customer-key"

#: Header and query names (lower case) whose values are never shown.
SECRET_NAMES: Final = frozenset({_CUSTOMER_KEY, _SOURCE_KEY, "x-amz-security-token", "x-amz-signature", "signature"})

_V4_SIGNATURE: Final = re.compile(r"(Signature=)([^,\s]*)")
_V4_CREDENTIAL: Final = re.compile(r"Credential=([^/,\s]*)/")


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


def signature(request: Request) -> Signature:
    """How the request is signed, by its looks."""
    value = request.headers.get("authorization")
    if value is not None:
        return "v4-header" if value.startswith("AWS4-") else "v2-header" if value.startswith("AWS ") else "none"
    names = {name for name, _ in request.query}
    if "X-Amz-Signature" in names:
        return "v4-query"
    return "v2-query" if {"AWSAccessKeyId", "Signature"} <= names else "none"


def access_key_id(request: Request) -> str:
    """The access key id that the request names, empty if it names none."""
    value = request.headers.get("authorization") or ""
    if value.startswith("AWS4-"):
        match = _V4_CREDENTIAL.search(value)
        return match[1] if match else ""
    if value.startswith("AWS "):
        return value[4:].partition(":")[0].strip()
    credential = request.query_value("X-Amz-Credential")
    return credential.partition("/")[0] if credential else request.query_value("AWSAccessKeyId") or ""


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
        "signature": signature(request),
        "access_key_id": access_key_id(request),
        "content_length": request.body.length,
        "customer_key": customer_key(request.headers),
    }
