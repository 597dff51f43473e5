"""Signature Version 4 as arithmetic: canonical request, string to sign, signing key, and the chain of signed chunks.

Nothing here knows about principals or answers; :mod:`lab.sandbox.authenticate` decides what a mismatch means. The
rules are those of the S3 API reference ("Signature calculations for the Authorization header", "… transferring
payload in multiple chunks") and of the IAM user guide for the other services.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import quote_from_bytes, unquote_to_bytes

ALGORITHM = "AWS4-HMAC-SHA256"
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
STREAMING_UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
STREAMING_SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
STREAMING_SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
# Not str.split: bytes of UTF-8 that read as other blanks in latin-1 belong to the value.
_BLANKS = re.compile(r"[ \t]+")


@dataclass(frozen=True, slots=True)
class Scope:
    """The credential scope: a signing key is good for one day, region and service."""

    date: str
    region: str
    service: str

    def __str__(self) -> str:
        """As it stands in the string to sign."""
        return f"{self.date}/{self.region}/{self.service}/aws4_request"


@lru_cache(maxsize=512)
def signing_key(secret: str, scope: Scope) -> bytes:
    """Derive the key of one day, region and service."""
    key = f"AWS4{secret}".encode()
    for part in (scope.date, scope.region, scope.service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def sign(secret: str, scope: Scope, string_to_sign: bytes) -> str:
    """The signature, in hex."""
    return hmac.digest(signing_key(secret, scope), string_to_sign, "sha256").hex()


def string_to_sign(timestamp: str, scope: Scope, canonical_request: bytes) -> bytes:
    """What is signed: algorithm, time, scope, and the digest of the canonical request."""
    digest = hashlib.sha256(canonical_request).hexdigest()
    return f"{ALGORITHM}\n{timestamp}\n{scope}\n{digest}".encode()


@lru_cache(maxsize=4096)
def _canonical_path(raw: str, *, twice: bool) -> str:
    once = quote_from_bytes(unquote_to_bytes(raw), safe="/-_.~")
    return quote_from_bytes(_without_dots(once).encode(), safe="/-_.~") if twice else once


def _without_dots(path: str) -> str:
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            if kept:
                kept.pop()
        elif segment not in {"", "."}:
            kept.append(segment)
    end = "/" if kept and path.endswith("/") else ""
    return "/" + "/".join(kept) + end


def _canonical_query(raw: str, leave_out: str) -> str:
    if not raw:
        return ""
    pairs: list[tuple[str, str]] = []
    for item in raw.split("&"):
        if not item:
            continue
        name, _, value = item.partition("=")
        name = quote_from_bytes(unquote_to_bytes(name.replace("+", " ")), safe="-_.~")
        if name != leave_out:
            pairs.append((name, quote_from_bytes(unquote_to_bytes(value.replace("+", " ")), safe="-_.~")))
    pairs.sort()
    return "&".join([f"{name}={value}" for name, value in pairs])


def canonical_request(
    *,
    method: str,
    path: str,
    query: str,
    headers: list[tuple[str, str]],
    signed_headers: list[str],
    payload_hash: str,
    s3: bool,
) -> bytes:
    """Put a request into the form that client and service both can compute.

    Args:
        method: As sent.
        path: The undecoded path. S3 encodes it once and keeps every slash and dot; other services remove dot
            segments and encode twice.
        query: The undecoded query string; ``X-Amz-Signature`` is left out.
        headers: Lower-case names and stripped values, in arrival order.
        signed_headers: Names from ``SignedHeaders``, in the order in which the client gave them.
        payload_hash: What stands in for the body.
        s3: Whether S3's rules for the path apply.

    Returns:
        The bytes whose digest is signed.
    """
    values: dict[str, str] = {}
    for name, value in headers:
        text = _BLANKS.sub(" ", value) if "  " in value or "\t" in value else value
        values[name] = f"{values[name]},{text}" if name in values else text
    lines = [f"{name}:{values[name]}\n" for name in signed_headers if name in values]
    text = "\n".join(
        (
            method,
            _canonical_path(path or "/", twice=not s3),
            _canonical_query(query, "X-Amz-Signature"),
            "".join(lines),
            ";".join(signed_headers),
            payload_hash,
        )
    )
    return text.encode("latin-1", "replace")


@dataclass(slots=True)
class ChunkSigner:
    """The chain of signatures of an aws-chunked body: each chunk signs its data and the signature before it.

    Attributes:
        previous: The last signature, at first the seed from the ``Authorization`` header.
    """

    key: bytes = field(repr=False)
    timestamp: str
    scope: Scope
    previous: str

    def verify_chunk(self, sha256_hex: str, signature: str) -> bool:
        """Whether this is the signature of the next chunk, whose data has that digest; advances the chain if so.

        The last chunk is empty and signed too.
        """
        return self._verify(f"{ALGORITHM}-PAYLOAD", f"{EMPTY_SHA256}\n{sha256_hex}", signature)

    def verify_trailer(self, trailers: list[tuple[str, str]], signature: str) -> bool:
        """Whether this is the signature of the trailing headers, without ``x-amz-trailer-signature`` itself."""
        canonical = "".join(f"{name.lower()}:{value.strip()}\n" for name, value in sorted(trailers))
        return self._verify("AWS4-HMAC-SHA256-TRAILER", hashlib.sha256(canonical.encode()).hexdigest(), signature)

    def _verify(self, algorithm: str, digests: str, signature: str) -> bool:
        text = f"{algorithm}\n{self.timestamp}\n{self.scope}\n{self.previous}\n{digests}"
        wanted = hmac.digest(self.key, text.encode(), "sha256").hex()
        if not hmac.compare_digest(wanted.encode(), signature.encode("latin-1", "replace")):
            return False
        self.previous = wanted
        return True


@dataclass(slots=True)
class PayloadCheck:
    """What the signature says about the body, for the one who reads it.

    Attributes:
        sha256: Hex digest that the whole body must have; None where the body is not covered.
        chunks: Chain that every chunk must continue; None for bodies whose chunks are not signed.
        trailer: Whether the trailing headers are signed with the chain.
        kind: ``x-amz-content-sha256`` as sent; ``UNSIGNED-PAYLOAD`` where there is none.
    """

    kind: str = UNSIGNED_PAYLOAD
    sha256: str | None = None
    chunks: ChunkSigner | None = None
    trailer: bool = False
