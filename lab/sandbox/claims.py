"""What a SigV4 request says about itself: key, scope, time and signature, read from a header or a URL."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Final

from lab.sandbox import signature_errors as errors
from lab.sandbox import sigv4
from lab.sandbox.exchange import Request, ServiceError
from lab.sandbox.realm import REGION
from lab.sandbox.sigv4 import Scope

_EXPECTED_CREDENTIAL: Final = (
    'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".'
)
_TIMESTAMP: Final = re.compile(r"\d{8}T\d{6}Z", re.ASCII)
_QUERY_V4: Final = (
    "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-Date", "X-Amz-SignedHeaders", "X-Amz-Expires",
)  # fmt: skip


@dataclass(slots=True)
class Claim:
    """What a SigV4 request says about itself; nothing of it is believed yet."""

    access_key_id: str
    scope: Scope
    signed_headers: list[str]
    signature: str
    timestamp: str
    at: float
    in_query: bool
    token: str | None = field(repr=False)


def claim_in_header(request: Request, authorization: str) -> Claim:
    """Read an ``Authorization`` header.

    Raises:
        ServiceError: Parts are missing or contradict each other, or name another region or service.
    """
    parts: dict[str, str] = {}
    for item in authorization.partition(" ")[2].split(","):
        name, _, value = item.strip().partition("=")
        parts[name] = value
    missing = [name for name in ("Credential", "SignedHeaders", "Signature") if not parts.get(name)]
    if missing:
        words = "the authorization header requires three components: Credential, SignedHeaders, and Signature."
        if request.service != "s3":
            words = " ".join(f"Authorization header requires '{name}' parameter." for name in missing)
        raise errors.malformed(request.service, words, query=False)
    timestamp, at = header_date(request)
    access_key_id, scope = _scope(request, parts["Credential"], timestamp, query=False)
    return Claim(
        access_key_id,
        scope,
        parts["SignedHeaders"].split(";"),
        parts["Signature"],
        timestamp,
        at,
        in_query=False,
        token=request.headers.get("x-amz-security-token"),
    )


def claim_in_query(request: Request) -> Claim:
    """Read a presigned URL.

    Raises:
        ServiceError: As :func:`claim_in_header`.
    """
    parts = {name: request.query_value(name) or "" for name in _QUERY_V4}
    # Only S3 insists on a lifetime; a presigned GetCallerIdentity may do without.
    needed = _QUERY_V4 if request.service == "s3" else _QUERY_V4[:5]
    if not all(parts[name] for name in needed):
        raise errors.malformed(
            request.service,
            "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, "
            "X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
            query=True,
        )
    if parts["X-Amz-Algorithm"] != sigv4.ALGORITHM:
        raise errors.malformed(
            request.service, 'X-Amz-Algorithm only supports "AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256"', query=True
        )
    timestamp = parts["X-Amz-Date"]
    at = _seconds(timestamp)
    if at is None:
        raise errors.malformed(
            request.service, "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"", query=True
        )
    access_key_id, scope = _scope(request, parts["X-Amz-Credential"], timestamp, query=True)
    token = request.query_value("X-Amz-Security-Token") or request.headers.get("x-amz-security-token")
    return Claim(
        access_key_id,
        scope,
        parts["X-Amz-SignedHeaders"].split(";"),
        parts["X-Amz-Signature"],
        timestamp,
        at,
        in_query=True,
        token=token,
    )


def _seconds(timestamp: str) -> float | None:
    if not _TIMESTAMP.fullmatch(timestamp):
        return None
    try:
        fields = (int(timestamp[:4]), int(timestamp[4:6]), int(timestamp[6:8]))
        clock = (int(timestamp[9:11]), int(timestamp[11:13]), int(timestamp[13:15]))
        return float(calendar.timegm((*fields, *clock)))
    except ValueError:
        return None


def header_date(request: Request) -> tuple[str, float]:
    """``x-amz-date``, or else ``Date``, in the form of the string to sign and in seconds."""
    text = request.headers.get("x-amz-date") or request.headers.get("date") or ""
    at = _seconds(text)
    if at is not None:
        return text, at
    try:
        at = parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        if request.service != "s3":
            words = "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."
            raise errors.malformed(request.service, words, query=False) from None
        raise ServiceError(
            403, "AccessDenied", "AWS authentication requires a valid Date or x-amz-date header"
        ) from None
    return errors.timestamp_of(at), at


def _scope(request: Request, credential: str, timestamp: str, *, query: bool) -> tuple[str, Scope]:
    service = request.service
    parts = credential.split("/")
    if len(parts) != 5 or parts[4] != "aws4_request" or not parts[0]:
        words = (
            f"Error parsing the X-Amz-Credential parameter; {_EXPECTED_CREDENTIAL}" if query else _EXPECTED_CREDENTIAL
        )
        raise errors.malformed(service, words, query=query)
    access_key_id, date, region, signed_for, _ = parts
    if date != timestamp[:8]:
        words = f'Invalid credential date "{date}". This date is not the same as X-Amz-Date: "{timestamp[:8]}".'
        raise errors.malformed(service, words, query=query)
    if region != REGION:
        raise errors.wrong_region(service, region, query=query)
    if signed_for != service:
        raise errors.wrong_service(service, signed_for, query=query)
    return access_key_id, Scope(date, region, signed_for)
