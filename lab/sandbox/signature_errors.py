"""How each service refuses a request that it cannot attribute to anyone: one function per reason.

S3 words these as its API reference ("Error responses") and recorded answers do; KMS, CloudTrail and Service Quotas use
the common errors of JSON services, STS and IAM those of the query protocol.
"""

from __future__ import annotations

import time
from typing import Final

from lab.sandbox.exchange import Service, ServiceError
from lab.sandbox.realm import REGION

S3_SKEW: Final = 15 * 60
OTHER_SKEW: Final = 5 * 60
_OTHER_MISMATCH: Final = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details."
)
_JSON: Final = frozenset({"kms", "cloudtrail", "servicequotas"})


def _is_json(service: Service) -> bool:
    return service in _JSON


def timestamp_of(seconds: float) -> str:
    """ISO 8601, basic format, as signatures carry it."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(seconds))


def _extended(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def missing_token(service: Service) -> ServiceError:
    """No signature at all, where the service serves nobody unknown."""
    if _is_json(service):
        return ServiceError(400, "MissingAuthenticationTokenException", "Missing Authentication Token")
    return ServiceError(403, "MissingAuthenticationToken", "Request is missing Authentication Token")


def unknown_key(service: Service, access_key_id: str) -> ServiceError:
    """An access key that does not exist, is inactive, or belongs to a session whose token is missing."""
    if service == "s3":
        return ServiceError(
            403,
            "InvalidAccessKeyId",
            "The AWS Access Key Id you provided does not exist in our records.",
            {"AWSAccessKeyId": access_key_id},
        )
    message = "The security token included in the request is invalid."
    if _is_json(service):
        return ServiceError(400, "UnrecognizedClientException", message)
    return ServiceError(403, "InvalidClientTokenId", message)


def wrong_token(service: Service, access_key_id: str) -> ServiceError:
    """A session token that is not the session's."""
    if service == "s3":
        return ServiceError(400, "InvalidToken", "The provided token is malformed or otherwise invalid.")
    return unknown_key(service, access_key_id)


def expired_token(service: Service) -> ServiceError:
    """A session that has ended."""
    if service == "s3":
        return ServiceError(400, "ExpiredToken", "The provided token has expired.")
    message = "The security token included in the request is expired"
    if _is_json(service):
        return ServiceError(400, "ExpiredTokenException", message)
    return ServiceError(403, "ExpiredToken", message)


def mismatch(
    service: Service, access_key_id: str, provided: str, string_to_sign: bytes, canonical: bytes | None
) -> ServiceError:
    """The signature is another one. S3 shows what it signed, so that clients can find the difference."""
    if _is_json(service):
        return ServiceError(400, "InvalidSignatureException", _OTHER_MISMATCH)
    if service != "s3":
        return ServiceError(403, "SignatureDoesNotMatch", _OTHER_MISMATCH)
    extra = {
        "AWSAccessKeyId": access_key_id,
        "StringToSign": string_to_sign.decode("latin-1"),
        "SignatureProvided": provided,
        "StringToSignBytes": string_to_sign.hex(" "),
    }
    if canonical is not None:
        extra |= {"CanonicalRequest": canonical.decode("latin-1"), "CanonicalRequestBytes": canonical.hex(" ")}
    return ServiceError(
        403,
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. "
        "Check your key and signing method.",
        extra,
    )


def skewed(service: Service, shown: str, signed_at: float, now: float) -> ServiceError:
    """The client's clock and this machine's differ too much."""
    if service == "s3":
        return ServiceError(
            403,
            "RequestTimeTooSkewed",
            "The difference between the request time and the current time is too large.",
            {
                "RequestTime": shown,
                "ServerTime": _extended(now),
                "MaxAllowedSkewMilliseconds": str(S3_SKEW * 1000),
            },
        )
    if signed_at < now:
        message = (
            f"Signature expired: {timestamp_of(signed_at)} is now earlier than {timestamp_of(now - OTHER_SKEW)} "
            f"({timestamp_of(now)} - 5 min.)"
        )
    else:
        message = (
            f"Signature not yet current: {timestamp_of(signed_at)} is still later than "
            f"{timestamp_of(now + OTHER_SKEW)} ({timestamp_of(now)} + 5 min.)"
        )
    return _other_signature_error(service, message)


def _other_signature_error(service: Service, message: str) -> ServiceError:
    if _is_json(service):
        return ServiceError(400, "InvalidSignatureException", message)
    return ServiceError(403, "SignatureDoesNotMatch", message)


def expired_url(now: float, expired_at: float, lifetime: str | None) -> ServiceError:
    """A presigned URL after its time; S3 only."""
    extra = {"X-Amz-Expires": lifetime} if lifetime is not None else {}
    return ServiceError(
        403,
        "AccessDenied",
        "Request has expired",
        {**extra, "Expires": _extended(expired_at), "ServerTime": _extended(now)},
    )


def unsigned_headers(names: list[str]) -> ServiceError:
    """Headers that S3 obeys were sent and are not covered by the signature."""
    return ServiceError(
        403,
        "AccessDenied",
        "There were headers present in the request which were not signed",
        {"HeadersNotSigned": ", ".join(names)},
    )


def malformed(service: Service, what: str, *, query: bool, extra: dict[str, str] | None = None) -> ServiceError:
    """The parts of the signature do not fit together.

    Args:
        service: Which service was asked.
        what: S3's words after its standing introduction.
        query: Whether the signature stands in the URL.
        extra: Further members.
    """
    if service != "s3":
        code = "IncompleteSignatureException" if _is_json(service) else "IncompleteSignature"
        return ServiceError(400 if _is_json(service) else 403, code, what)
    if query:
        return ServiceError(400, "AuthorizationQueryParametersError", what, extra)
    message = f"The authorization header is malformed; {what}"
    return ServiceError(400, "AuthorizationHeaderMalformed", message, extra)


def wrong_region(service: Service, region: str, *, query: bool) -> ServiceError:
    """Signed for another region."""
    if service != "s3":
        return _other_signature_error(service, "Credential should be scoped to a valid region.")
    words = f"the region '{region}' is wrong; expecting '{REGION}'"
    if query:
        words = f"Error parsing the X-Amz-Credential parameter; {words}"
    return malformed(service, words, query=query, extra={"Region": REGION})


def wrong_service(service: Service, signed_for: str, *, query: bool) -> ServiceError:
    """Signed for another service."""
    if service != "s3":
        return _other_signature_error(service, f"Credential should be scoped to correct service: '{service}'.")
    words = f'incorrect service "{signed_for}". This endpoint belongs to "s3".'
    if query:
        words = f"Error parsing the X-Amz-Credential parameter; {words}"
    return malformed(service, words, query=query)
