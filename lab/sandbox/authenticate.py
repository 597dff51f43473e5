"""Who asks: the signature of a request is verified and its principal and realm become part of the exchange.

SigV4 in a header or in the URL, SigV2 likewise (S3 alone), or nobody. Signatures are judged by the machine's clock,
because clients sign by it; the lifetime of a session is judged by the sandbox's, which exercises can move.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from typing import Final, Literal

from lab.sandbox import signature_errors as errors
from lab.sandbox import sigv2, sigv4
from lab.sandbox.claims import Claim, claim_in_header, claim_in_query, header_date
from lab.sandbox.exchange import Exchange, Request, ServiceError
from lab.sandbox.identity import ANONYMOUS, Credential
from lab.sandbox.sigv4 import ChunkSigner, PayloadCheck

SignatureKind = Literal["v4-header", "v4-query", "v2-header", "v2-query", "none"]

LONGEST_LIFETIME: Final = 7 * 24 * 3600
_SHA256: Final = re.compile(r"[0-9a-fA-F]{64}")
_CUSTOMER_ALGORITHM: Final = "x-amz-server-side-encryption-customer-algorithm"
_CUSTOMER_KEY: Final = {"x-amz-server-side-encryption-customer-key", "x-amz-server-side-encryption-customer-key-md5"}


def describe_signature(request: Request) -> tuple[SignatureKind, str]:
    """Kind of signature and access key id as claimed, unverified, for the event log."""
    authorization = request.headers.get("authorization")
    if authorization is not None:
        scheme, _, rest = authorization.partition(" ")
        if scheme == sigv4.ALGORITHM:
            return "v4-header", rest.partition("Credential=")[2].partition("/")[0][:128]
        if scheme == "AWS":
            return "v2-header", rest.strip().partition(":")[0][:128]
        return "none", ""
    if not request.query:
        return "none", ""
    credential = request.query_value("X-Amz-Credential")
    if credential is not None:
        return "v4-query", credential.partition("/")[0][:128]
    key_id = request.query_value("AWSAccessKeyId")
    return ("none", "") if key_id is None else ("v2-query", key_id[:128])


def authenticate(exchange: Exchange) -> None:
    """Set identity and realm, and tell the body what the signature promises about it.

    The realm is set as soon as the access key is known, so that a wrong signature is attributed to the exercise it
    came from; the identity only when the signature holds.

    Raises:
        ServiceError: As the service answers it.
    """
    request = exchange.request
    authorization = request.headers.get("authorization")
    names = {name for name, _ in request.query}
    v4_query = "X-Amz-Algorithm" in names or "X-Amz-Signature" in names
    v2_query = request.service == "s3" and not v4_query and bool({"AWSAccessKeyId", "Signature"} & names)
    if authorization is not None and (v4_query or v2_query):
        raise ServiceError(
            400,
            "InvalidArgument",
            "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string "
            "parameter or the Authorization header should be specified",
            {"ArgumentName": "Authorization"},
        )
    if authorization is not None:
        scheme = authorization.partition(" ")[0]
        if scheme == sigv4.ALGORITHM:
            _authenticate_v4(exchange, claim_in_header(request, authorization))
        elif scheme == "AWS" and request.service == "s3":
            _authenticate_v2_header(exchange, authorization)
        else:
            raise _unsupported(request, scheme)
    elif v4_query:
        _authenticate_v4(exchange, claim_in_query(request))
    elif v2_query:
        _authenticate_v2_query(exchange)
    else:
        _admit_anonymous(exchange)


def _unsupported(request: Request, scheme: str) -> ServiceError:
    if scheme.startswith("AWS4-ECDSA"):
        return ServiceError(501, "NotImplemented", f"{scheme} is not implemented. This sandbox does not model it.")
    if request.service == "s3":
        return ServiceError(400, "InvalidArgument", "Unsupported Authorization Type", {"ArgumentName": "Authorization"})
    return errors.malformed(request.service, "Authorization header requires 'Credential' parameter.", query=False)


def _admit_anonymous(exchange: Exchange) -> None:
    request = exchange.request
    if request.service != "s3":
        raise errors.missing_token(request.service)
    exchange.identity = ANONYMOUS
    if request.bucket is None or request.operation == "CreateBucket":
        raise ServiceError(403, "AccessDenied", "Access Denied")
    realm = exchange.sandbox.realms.of_bucket(request.bucket)
    if realm is None:
        raise ServiceError(404, "NoSuchBucket", "The specified bucket does not exist", {"BucketName": request.bucket})
    exchange.realm = realm


def _credential(exchange: Exchange, access_key_id: str, token: str | None) -> Credential:
    """Find the key, attribute the exchange to its realm, and check everything but the signature."""
    service = exchange.request.service
    found = exchange.sandbox.realms.credential(access_key_id)
    if found is None:
        raise errors.unknown_key(service, access_key_id)
    credential, exchange.realm = found
    if not credential.active:
        raise errors.unknown_key(service, access_key_id)
    if credential.session_token is not None and token is None:
        raise errors.unknown_key(service, access_key_id)
    if token is not None and not hmac.compare_digest(
        token.encode("latin-1", "replace"), (credential.session_token or "").encode()
    ):
        raise errors.wrong_token(service, access_key_id)
    if credential.expires_at is not None and exchange.sandbox.clock.now() >= credential.expires_at:
        raise errors.expired_token(service)
    return credential


# ---- SigV4 -----------------------------------------------------------------------------------------------------------


def _authenticate_v4(exchange: Exchange, claim: Claim) -> None:
    request = exchange.request
    credential = _credential(exchange, claim.access_key_id, claim.token)
    _check_time(request, claim)
    payload_hash = _payload_hash(request, claim)
    path, _, query = request.target.partition("?")
    canonical = sigv4.canonical_request(
        method=request.method,
        path=path,
        query=query,
        headers=list(request.headers.items),
        signed_headers=claim.signed_headers,
        payload_hash=payload_hash,
        s3=request.service == "s3",
    )
    text = sigv4.string_to_sign(claim.timestamp, claim.scope, canonical)
    wanted = sigv4.sign(credential.secret_access_key, claim.scope, text)
    if not hmac.compare_digest(wanted.encode(), claim.signature.encode("latin-1", "replace")):
        raise errors.mismatch(request.service, claim.access_key_id, claim.signature, text, canonical)
    if request.service == "s3":
        _check_all_signed(request, claim)
        _promise(request, claim, payload_hash, sigv4.signing_key(credential.secret_access_key, claim.scope))
    exchange.identity = credential.identity


def _check_time(request: Request, claim: Claim) -> None:
    now = time.time()
    lifetime = request.query_value("X-Amz-Expires") if claim.in_query else None
    if lifetime is None or request.service != "s3":
        allowed = errors.S3_SKEW if request.service == "s3" else errors.OTHER_SKEW
        if abs(now - claim.at) > max(allowed, _lifetime(request, lifetime) if lifetime else 0):
            raise errors.skewed(request.service, claim.timestamp, claim.at, now)
        return
    seconds = _lifetime(request, lifetime)
    if claim.at - now > errors.S3_SKEW:
        raise ServiceError(403, "AccessDenied", "Request is not valid yet")
    if now > claim.at + seconds:
        raise errors.expired_url(now, claim.at + seconds, lifetime)


def _lifetime(request: Request, text: str) -> int:
    if not re.fullmatch(r"-?\d{1,18}", text, re.ASCII):
        raise errors.malformed(request.service, "X-Amz-Expires should be a number", query=True)
    seconds = int(text)
    if seconds < 0:
        raise errors.malformed(request.service, "X-Amz-Expires must be non-negative", query=True)
    if seconds > LONGEST_LIFETIME:
        raise errors.malformed(
            request.service,
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than "
            f"{LONGEST_LIFETIME} seconds",
            query=True,
        )
    return seconds


def _payload_hash(request: Request, claim: Claim) -> str:
    """What stands for the body in the canonical request; S3 takes the client's word and checks it while reading."""
    if request.service != "s3":
        return hashlib.sha256(request.raw_body).hexdigest()
    declared = request.headers.get("x-amz-content-sha256")
    if declared is None:
        if claim.in_query:
            return sigv4.UNSIGNED_PAYLOAD
        raise ServiceError(400, "InvalidRequest", "Missing required header for this request: x-amz-content-sha256")
    if declared.startswith("STREAMING-AWS4-ECDSA-"):
        raise ServiceError(501, "NotImplemented", f"{declared} is not implemented. This sandbox does not model it.")
    known = {
        sigv4.UNSIGNED_PAYLOAD,
        sigv4.STREAMING_UNSIGNED_TRAILER,
        sigv4.STREAMING_SIGNED,
        sigv4.STREAMING_SIGNED_TRAILER,
    }
    if declared not in known and not _SHA256.fullmatch(declared):
        raise ServiceError(
            400,
            "InvalidArgument",
            "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, "
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, "
            "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER or a valid "
            "sha256 value.",
            {"ArgumentName": "x-amz-content-sha256", "ArgumentValue": declared},
        )
    return declared


def _check_all_signed(request: Request, claim: Claim) -> None:
    """Every header that S3 obeys must be covered, the host too; what stands in a presigned URL is covered with it.

    A presigned URL that covers the customer algorithm is made without the customer's key: who uses it adds the key
    and its MD5 (S3 User Guide, presigned URLs with SSE-C).
    """
    signed = set(claim.signed_headers)
    unsigned = [
        name
        for name in dict.fromkeys(name for name, _ in request.headers.items)
        if (name == "host" or name.startswith("x-amz-")) and name not in signed
    ]
    if unsigned and claim.in_query:
        in_url = {(name.lower(), value) for name, value in request.query}
        unsigned = [
            name for name in unsigned if any((name, value) not in in_url for value in request.headers.all(name))
        ]
        if _CUSTOMER_ALGORITHM in signed:
            unsigned = [name for name in unsigned if name not in _CUSTOMER_KEY]
    if unsigned:
        raise errors.unsigned_headers(unsigned)


def _promise(request: Request, claim: Claim, payload_hash: str, key: bytes) -> None:
    if payload_hash in {sigv4.STREAMING_SIGNED, sigv4.STREAMING_SIGNED_TRAILER}:
        chunks = ChunkSigner(key, claim.timestamp, claim.scope, claim.signature)
        check = PayloadCheck(payload_hash, chunks=chunks, trailer=payload_hash == sigv4.STREAMING_SIGNED_TRAILER)
    elif payload_hash in {sigv4.UNSIGNED_PAYLOAD, sigv4.STREAMING_UNSIGNED_TRAILER}:
        check = PayloadCheck(payload_hash)
    else:
        check = PayloadCheck(payload_hash, sha256=payload_hash.lower())
    request.body.expect(check)


# ---- SigV2 -----------------------------------------------------------------------------------------------------------


def _authenticate_v2_header(exchange: Exchange, authorization: str) -> None:
    request = exchange.request
    access_key_id, colon, signature = authorization.partition(" ")[2].strip().partition(":")
    if not colon or not access_key_id:
        raise ServiceError(
            400,
            "InvalidArgument",
            "AWS authorization header is invalid.  Expected AwsAccessKeyId:signature",
            {"ArgumentName": "Authorization"},
        )
    credential = _credential(exchange, access_key_id, request.headers.get("x-amz-security-token"))
    _, at = header_date(request)
    now = time.time()
    if abs(now - at) > errors.S3_SKEW:
        shown = request.headers.get("x-amz-date") or request.headers.get("date") or ""
        raise errors.skewed("s3", shown, at, now)
    _verify_v2(exchange, credential, signature, expires=None)


def _authenticate_v2_query(exchange: Exchange) -> None:
    request = exchange.request
    access_key_id = request.query_value("AWSAccessKeyId")
    signature = request.query_value("Signature")
    expires = request.query_value("Expires")
    if not access_key_id or not signature or not expires:
        raise ServiceError(
            403,
            "AccessDenied",
            "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters",
        )
    credential = _credential(exchange, access_key_id, request.headers.get("x-amz-security-token"))
    if not re.fullmatch(r"\d{1,18}", expires, re.ASCII):
        raise ServiceError(403, "AccessDenied", f"Invalid date (should be seconds since epoch): {expires}")
    now = time.time()
    if now > int(expires):
        raise errors.expired_url(now, int(expires), None)
    _verify_v2(exchange, credential, signature, expires=expires)


def _verify_v2(exchange: Exchange, credential: Credential, signature: str, *, expires: str | None) -> None:
    request = exchange.request
    host = (request.headers.get("host") or "").partition(":")[0]
    text = sigv2.string_to_sign(request, virtual_hosted=host.lower().endswith(".localhost"), expires=expires)
    wanted = sigv2.sign(credential.secret_access_key, text)
    if not hmac.compare_digest(wanted.encode(), signature.encode("latin-1", "replace")):
        raise errors.mismatch("s3", credential.access_key_id, signature, text, None)
    exchange.identity = credential.identity
