"""Which encryption applies to a write, and what S3 refuses to encrypt or to open: header, bucket default, fallback.

Statuses, codes and messages are recorded answers of AWS (the integration-test snapshots of LocalStack, issues that
quote AWS) unless a comment says otherwise.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from lab.sandbox.envelope import KEY_BYTES, CustomerKeyRecord, Envelope, Mode, md5_of
from lab.sandbox.exchange import Exchange, Headers, Request, ServiceError

if TYPE_CHECKING:
    from lab.sandbox.moto_hooks.s3 import SealedBucket

SSE: Final = "x-amz-server-side-encryption"
KMS_KEY_ID: Final = "x-amz-server-side-encryption-aws-kms-key-id"
CONTEXT: Final = "x-amz-server-side-encryption-context"
BUCKET_KEY: Final = "x-amz-server-side-encryption-bucket-key-enabled"
CUSTOMER: Final = "x-amz-server-side-encryption-customer-"
SOURCE_CUSTOMER: Final = "x-amz-copy-source-server-side-encryption-customer-"

_MODES: Final[dict[str, Mode]] = {"AES256": "AES256", "aws:kms": "aws:kms", "aws:kms:dsse": "aws:kms:dsse"}
_MUST_PROVIDE: Final = "Requests specifying Server Side Encryption with Customer provided keys must provide "

DecidedBy = Literal["header", "bucket_default", "fallback", "upload"]


@dataclass(frozen=True, slots=True)
class CustomerKey:
    """A key that came with a request: used while it runs, and forgotten."""

    key: bytes = field(repr=False)
    md5: str


@dataclass(frozen=True, slots=True)
class Choice:
    """Which encryption a write gets.

    Attributes:
        kms_key_id: As it was named (id, ARN, alias); None for ``alias/aws/s3``, and without KMS.
        context: The client's own encryption context, decoded.
        context_header: The same as it was sent.
        customer: The customer's key, for SSE-C.
    """

    mode: Mode
    decided_by: DecidedBy
    kms_key_id: str | None = None
    context: tuple[tuple[str, str], ...] = ()
    context_header: str | None = None
    bucket_key: bool = False
    customer: CustomerKey | None = None

    @property
    def uses_kms(self) -> bool:
        """Whether KMS is asked for a data key."""
        return self.mode in {"aws:kms", "aws:kms:dsse"}


def choose(exchange: Exchange, bucket: SealedBucket) -> Choice:
    """Decide for a write from its headers and the bucket's default.

    Raises:
        ServiceError: What AWS refuses.
    """
    headers = exchange.request.headers
    named = headers.get(SSE)
    if names_customer_key(headers):
        refuse_blocked(exchange, bucket)
        if named is not None:
            raise _invalid(
                "Server Side Encryption with Customer provided key is incompatible with the encryption method "
                "specified",
                named,
            )
        return Choice("SSE-C", "header", customer=read_customer_key(exchange.request))
    choice = _by_header(headers, named, bucket) if named is not None else _by_default(headers, bucket)
    if choice.uses_kms:
        require_kms_transport(exchange.request)
    return choice


def _by_header(headers: Headers, named: str, bucket: SealedBucket) -> Choice:
    mode = _MODES.get(named)
    if mode is None:
        raise _invalid("The encryption method specified is not supported", named)
    if mode == "AES256":
        _refuse_kms_headers(headers)
        return Choice(mode, "header")
    context, sent = _read_context(headers)
    wanted = _wants_bucket_key(headers)
    if wanted is None:  # the bucket's setting holds for an explicit aws:kms too (S3 User Guide, Bucket Keys)
        wanted = bool(bucket.default_encryption and bucket.default_encryption.bucket_key_enabled)
    return Choice(
        mode, "header", headers.get(KMS_KEY_ID) or None, context, sent, bucket_key=wanted and mode == "aws:kms"
    )


def _by_default(headers: Headers, bucket: SealedBucket) -> Choice:
    _refuse_kms_headers(headers)
    rule = bucket.default_encryption
    if rule is None:
        return Choice("AES256", "fallback")
    mode: Mode = rule.algorithm
    if mode == "AES256":
        return Choice(mode, "bucket_default")
    wanted = _wants_bucket_key(headers)
    enabled = rule.bucket_key_enabled if wanted is None else wanted
    return Choice(mode, "bucket_default", rule.kms_key_id, bucket_key=enabled and mode == "aws:kms")


def emit_choice(exchange: Exchange, bucket: SealedBucket, key: str, choice: Choice, kms_key_arn: str | None) -> None:
    """Append the ``sse`` event of a write."""
    _emit(
        exchange,
        bucket,
        key,
        {
            "decided_by": choice.decided_by,
            "algorithm": choice.mode,
            "kms_key_arn": kms_key_arn,
            "bucket_key_enabled": choice.bucket_key,
            "context": dict(choice.context) or None,
        },
    )


def emit_inherited(exchange: Exchange, bucket: SealedBucket, key: str, envelope: Envelope) -> None:
    """Append the ``sse`` event of a part: its upload decided when it was begun."""
    _emit(
        exchange,
        bucket,
        key,
        {
            "decided_by": "upload",
            "algorithm": envelope.mode,
            "kms_key_arn": envelope.kms_key_arn,
            "bucket_key_enabled": envelope.bucket_key is not None,
            "context": dict(envelope.context) if envelope.context is not None else None,
        },
    )


def _emit(exchange: Exchange, bucket: SealedBucket, key: str, outcome: dict[str, Any]) -> None:
    default = bucket.default_encryption
    exchange.emit(
        "sse",
        {
            "operation": exchange.request.operation,
            "bucket": bucket.name,
            "key": key,
            "requested": requested(exchange.request.headers),
            "bucket_default": default.describe() if default is not None else None,
            **outcome,
        },
    )


def requested(headers: Headers) -> dict[str, str]:
    """The encryption headers as they were sent; a customer's key is named by its length only."""
    found = {}
    for name, value in {**headers.starting(SSE), **headers.starting(SOURCE_CUSTOMER)}.items():
        found[name] = f"<{_decoded_length(value)} bytes>" if name.endswith("-customer-key") else value
    return found


def _decoded_length(value: str) -> int:
    try:
        return len(base64.b64decode(value, validate=True))
    except (binascii.Error, ValueError):
        return len(value)


# ---- Customer keys ---------------------------------------------------------------------------------------------------


def names_customer_key(headers: Headers, prefix: str = CUSTOMER) -> bool:
    """Whether any of the three headers of a customer's key was sent."""
    return any(prefix + name in headers for name in ("algorithm", "key", "key-md5"))


def read_customer_key(request: Request, prefix: str = CUSTOMER) -> CustomerKey:
    """The customer's key of a write, checked in the order in which AWS checks.

    Raises:
        ServiceError: What AWS refuses.
    """
    headers = request.headers
    _require_secure_customer_key(request)
    algorithm, encoded = headers.get(prefix + "algorithm"), headers.get(prefix + "key")
    sent_md5 = headers.get(prefix + "key-md5")
    _check_algorithm(algorithm, encoded)
    if sent_md5 is None:
        # Documented as required; the words are those that other S3 servers took over from AWS.
        raise _invalid(f"{_MUST_PROVIDE}the client calculated MD5 of the secret key.")
    key = _decode_key(encoded or "")
    _check_md5(key, sent_md5)
    if len(key) != KEY_BYTES:
        raise _invalid("The secret key was invalid for the specified algorithm.")
    return CustomerKey(key, sent_md5)


def open_with_customer_key(
    request: Request, record: CustomerKeyRecord | None, prefix: str = CUSTOMER
) -> CustomerKey | None:
    """The customer's key of a read, matched with what was kept of the one that the object was written with.

    Args:
        request: The request.
        record: Of the stored version; None where it is not encrypted with a customer's key.
        prefix: Whose headers are read: the object's, or the copy source's.

    Raises:
        ServiceError: No key, a key where none belongs, or another key.
    """
    headers = request.headers
    sent = names_customer_key(headers, prefix)
    if sent:
        _require_secure_customer_key(request)
    if record is None:
        if sent and prefix == CUSTOMER:
            raise not_applicable()
        if sent:
            _check_algorithm(headers.get(prefix + "algorithm"), headers.get(prefix + "key"))
            raise not_applicable()
        return None
    if not sent:
        raise ServiceError(
            400,
            "InvalidRequest",
            "The object was stored using a form of Server Side Encryption. "
            "The correct parameters must be provided to retrieve the object.",
        )
    encoded, sent_md5 = headers.get(prefix + "key"), headers.get(prefix + "key-md5")
    _check_algorithm(headers.get(prefix + "algorithm"), encoded)
    key = _decode_key(encoded or "")
    if sent_md5 is not None:
        _check_md5(key, sent_md5)
    if not record.matches(key):
        raise ServiceError(403, "AccessDenied", f"{_MUST_PROVIDE}the correct secret key.")
    return CustomerKey(key, record.md5)


def not_applicable() -> ServiceError:
    """A customer's key for an object that was not written with one."""
    return ServiceError(400, "InvalidRequest", "The encryption parameters are not applicable to this object.")


def _check_algorithm(algorithm: str | None, key: str | None) -> None:
    if not algorithm:
        raise _invalid(f"{_MUST_PROVIDE}a valid encryption algorithm.")
    if not key:
        raise _invalid(f"{_MUST_PROVIDE}an appropriate secret key.")
    if algorithm != "AES256":
        raise ServiceError(
            400,
            "InvalidEncryptionAlgorithmError",
            "The Encryption request you specified is not valid. Supported value: AES256.",
            {"ArgumentName": SSE, "ArgumentValue": algorithm},
        )


def _decode_key(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise _invalid("The secret key was invalid for the specified algorithm.") from None


def _check_md5(key: bytes, sent: str) -> None:
    if not hmac.compare_digest(base64.b64encode(md5_of(key)), sent.encode()):
        raise _invalid("The calculated MD5 hash of the key did not match the hash that was provided.")


def _require_secure_customer_key(request: Request) -> None:
    if not request.secure:
        # AWS documents the refusal but not its words; these are the words of AWS's list of S3 error codes.
        raise _invalid(
            "Requests specifying Server Side Encryption with Customer provided keys must be made over a secure "
            "connection."
        )


def refuse_blocked(exchange: Exchange, bucket: SealedBucket) -> None:
    """Refuse a write with a customer's key to a bucket that blocks them, before the key is looked at.

    Raises:
        ServiceError: 403 in the words of the S3 User Guide, "Troubleshoot access denied (403 Forbidden) errors".
    """
    if "SSE-C" not in bucket.blocked_encryption:
        return
    request = exchange.request
    action = f"s3:{request.operation}"  # the operation, not the permission: recorded for CopyObject
    resource = f"arn:aws:s3:::{bucket.name}/{request.key}"
    message = (
        f'User: {exchange.identity.arn} is not authorized to perform: {action} on resource: "{resource}" because this '
        "bucket has blocked upload requests that specify Server Side Encryption with Customer provided keys (SSE-C). "
        "Please specify a different server-side encryption type"
    )
    exchange.emit(
        "decision",
        {
            "action": action,
            "resource": resource,
            "allowed": False,
            "reason": "explicit_deny",
            "denied_by": "blocked encryption type",
            "trace": [],
            "message": message,
        },
    )
    raise ServiceError(403, "AccessDenied", message)


# ---- KMS -------------------------------------------------------------------------------------------------------------


def require_kms_transport(request: Request) -> None:
    """Refuse what touches a KMS key over plain HTTP, or without Signature Version 4.

    Raises:
        ServiceError: 400 in AWS's words.
    """
    if not request.secure:
        raise _invalid(
            "Requests specifying Server Side Encryption with AWS KMS managed keys must be made over a secure "
            "connection.",
            name=None,
        )
    if not signed_v4(request):
        raise ServiceError(
            400,
            "InvalidArgument",
            "Requests specifying Server Side Encryption with AWS KMS managed keys require AWS Signature Version 4.",
            {"ArgumentName": "Authorization", "ArgumentValue": "null"},
        )


def signed_v4(request: Request) -> bool:
    """Whether the request carries a signature of version 4, in its header or its query."""
    authorization = request.headers.get("authorization")
    if authorization is not None:
        return authorization.startswith("AWS4-")
    return request.query_value("X-Amz-Signature") is not None


def _refuse_kms_headers(headers: Headers) -> None:
    if KMS_KEY_ID in headers or CONTEXT in headers:
        raise _invalid(
            "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : "
            "aws:kms",
            headers.get(SSE) or "null",
        )


def _wants_bucket_key(headers: Headers) -> bool | None:
    value = headers.get(BUCKET_KEY)
    if value is None:
        return None
    if value.lower() not in {"true", "false"}:
        raise ServiceError(
            400, "InvalidArgument", "Invalid Argument", {"ArgumentName": BUCKET_KEY, "ArgumentValue": value}
        )
    return value.lower() == "true"


def _read_context(headers: Headers) -> tuple[tuple[tuple[str, str], ...], str | None]:
    sent = headers.get(CONTEXT)
    if sent is None:
        return (), None
    try:
        decoded = json.loads(base64.b64decode(sent, validate=True).decode())
    except (binascii.Error, ValueError, RecursionError):
        decoded = None
    if not isinstance(decoded, dict) or not all(isinstance(value, str) for value in decoded.values()):
        raise ServiceError(
            400,
            "InvalidArgument",  # the message is recorded, the code is not
            f"The header '{CONTEXT}' shall be Base64-encoded UTF-8 string holding JSON which represents a "
            "string-string map",
            {"ArgumentName": CONTEXT, "ArgumentValue": sent},
        )
    return tuple(decoded.items()), sent


# ---- Reads and answers -----------------------------------------------------------------------------------------------


def refuse_on_read(headers: Headers) -> None:
    """Refuse encryption headers on GET and HEAD (S3 API reference, GetObject: 400 Bad Request).

    Raises:
        ServiceError: 400.
    """
    for name in (SSE, KMS_KEY_ID, CONTEXT, BUCKET_KEY):
        value = headers.get(name)
        if value is not None:
            raise ServiceError(
                400,
                "InvalidArgument",
                f"{name} header is not supported for this operation.",
                {"ArgumentName": name, "ArgumentValue": value},
            )


def answer_headers(envelope: Envelope, *, echo_context: bool = False) -> list[tuple[str, str]]:
    """What every answer about an object tells of its encryption.

    Args:
        envelope: The object's.
        echo_context: Whether the client's encryption context is echoed: by the operations that begin to write.
    """
    if envelope.mode == "none":
        return []
    if envelope.customer is not None:
        return [(CUSTOMER + "algorithm", "AES256"), (CUSTOMER + "key-MD5", envelope.customer.md5)]
    headers = [(SSE, str(envelope.mode))]
    if envelope.kms_key_arn is not None:
        headers.append((KMS_KEY_ID, envelope.kms_key_arn))
    if echo_context and envelope.client_context is not None:
        headers.append((CONTEXT, envelope.client_context))
    if envelope.bucket_key is not None:
        headers.append((BUCKET_KEY, "true"))
    return headers


def _invalid(message: str, value: str = "null", name: str | None = SSE) -> ServiceError:
    extra = {"ArgumentName": name, "ArgumentValue": value} if name else {}
    return ServiceError(400, "InvalidArgument", message, extra)
