"""Getting the data keys of an object: made for a write, opened for a read; from S3's own key, KMS or the customer.

S3 asks KMS in the requester's name (:meth:`lab.sandbox.core.Kms.call` with ``via="s3"``) and passes KMS's refusals on
in its own words.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from lab.sandbox import sse
from lab.sandbox.envelope import (
    BucketKeyInfo,
    CustomerKeyRecord,
    DataKeys,
    Envelope,
    Layer,
    RootKey,
    new_data_key,
    unwrap_under,
    wrap_under,
)
from lab.sandbox.exchange import Exchange, ServiceError
from lab.sandbox.s3.bucket_keys import BucketLevelKey, requester

if TYPE_CHECKING:
    from lab.sandbox.blobs import BlobStore
    from lab.sandbox.s3.lookup import Place

_LAYER_1: Final = "layer 1"
_LAYER_2: Final = "layer 2"
_MANAGED: Final = "alias/aws/s3"
_root_keys: WeakKeyDictionary[BlobStore, RootKey] = WeakKeyDictionary()
_root_keys_lock = threading.Lock()


def bucket_arn(bucket: str) -> str:
    """The ARN of a bucket."""
    return f"arn:aws:s3:::{bucket}"


def object_arn(bucket: str, key: str) -> str:
    """The ARN of an object."""
    return f"arn:aws:s3:::{bucket}/{key}"


def root_key(exchange: Exchange) -> RootKey:
    """S3's own key of this sandbox."""
    store = exchange.sandbox.blobs
    found = _root_keys.get(store)
    if found is None:
        with _root_keys_lock:
            found = _root_keys.get(store)
            if found is None:
                found = _root_keys[store] = RootKey(Path(exchange.sandbox.state_dir) / "s3-root.key")
    return found


# ---- Writing ---------------------------------------------------------------------------------------------------------


def make(exchange: Exchange, place: Place, key: str, choice: sse.Choice) -> tuple[Envelope, DataKeys]:
    """Make the data keys of a new object or upload, and the envelope that leads back to them.

    Args:
        exchange: The request.
        place: Where the object goes.
        key: The object's key.
        choice: Which encryption.

    Raises:
        ServiceError: KMS refused, in S3's words.
    """
    bucket = place.bucket
    arn = _resolve(exchange, choice) if choice.uses_kms else None
    sse.emit_choice(exchange, bucket, key, choice, arn)
    purpose = object_arn(bucket.name, key).encode()
    if choice.customer is not None:
        record = CustomerKeyRecord.of(choice.customer.key, choice.customer.md5)
        return Envelope("SSE-C", (Layer(_LAYER_1, "customer"),), customer=record), DataKeys((choice.customer.key,))
    if not choice.uses_kms:
        data_key = new_data_key()
        layer = Layer(_LAYER_1, "s3", root_key(exchange).wrap(data_key, purpose))
        return Envelope("AES256", (layer,)), DataKeys((data_key,))
    if choice.bucket_key:
        return _make_under_bucket_key(exchange, place, choice, arn=arn, purpose=purpose)
    context = {**dict(choice.context), "aws:s3:arn": object_arn(bucket.name, key)}
    answer = kms_call(exchange, "GenerateDataKey", _data_key_request(choice, context))
    inner = Layer(_LAYER_1, "kms", answer["CiphertextBlob"], answer["KeyId"])
    layers: tuple[Layer, ...] = (inner,)
    keys: tuple[bytes, ...] = (answer["Plaintext"],)
    if choice.mode == "aws:kms:dsse":
        outer_key = new_data_key()
        layers = (inner, Layer(_LAYER_2, "s3", root_key(exchange).wrap(outer_key, purpose)))
        keys = (answer["Plaintext"], outer_key)
    envelope = Envelope(
        choice.mode, layers, answer["KeyId"], tuple(context.items()), client_context=choice.context_header
    )
    return envelope, DataKeys(keys)


def _make_under_bucket_key(
    exchange: Exchange, place: Place, choice: sse.Choice, *, arn: str | None, purpose: bytes
) -> tuple[Envelope, DataKeys]:
    data_key = new_data_key()
    return _under_bucket_key(exchange, place, choice, arn=arn, purpose=purpose, data_key=data_key), DataKeys(
        (data_key,)
    )


def _under_bucket_key(
    exchange: Exchange, place: Place, choice: sse.Choice, *, arn: str | None, purpose: bytes, data_key: bytes
) -> Envelope:
    context = {"aws:s3:arn": bucket_arn(place.bucket.name)}

    def fetch() -> BucketLevelKey:
        answer = kms_call(exchange, "GenerateDataKey", _data_key_request(choice, context))
        return BucketLevelKey(answer["Plaintext"], answer["CiphertextBlob"], answer["KeyId"])

    if _may_cache(exchange) and arn is not None:
        who = requester(exchange.identity)
        now = exchange.sandbox.clock.now()
        level_key, cached = place.account.bucket_keys.for_writing(who, arn, place.bucket.name, now, fetch)
        if cached:
            _emit_cached(exchange, "write", level_key.arn, place.bucket.name)
    else:
        level_key = fetch()
    layer = Layer(_LAYER_1, "bucket-key", wrap_under(level_key.key, data_key, purpose), level_key.arn)
    return Envelope(
        "aws:kms",
        (layer,),
        level_key.arn,
        tuple({**dict(choice.context), **context}.items()),
        client_context=choice.context_header,
        bucket_key=BucketKeyInfo(level_key.wrapped, tuple(context.items())),
    )


def rewrap(exchange: Exchange, place: Place, key: str, old: Envelope, choice: sse.Choice) -> Envelope:
    """Wrap the data key of a stored object anew, under a KMS key, without touching the data.

    Args:
        exchange: The request.
        place: Where the object lies.
        key: The object's key.
        old: Its envelope: of one layer, under S3's own key or KMS.
        choice: The KMS key that is wanted, and whether a bucket key is.

    Raises:
        ServiceError: KMS refused, in S3's words.
    """
    arn = _resolve(exchange, choice)
    sse.emit_choice(exchange, place.bucket, key, choice, arn)
    purpose = object_arn(place.bucket.name, key).encode()
    if choice.bucket_key:
        (data_key,) = open_keys(exchange, place, key, old, None).keys
        return _under_bucket_key(exchange, place, choice, arn=arn, purpose=purpose, data_key=data_key)
    context = {**dict(choice.context), "aws:s3:arn": object_arn(place.bucket.name, key)}
    (layer,) = old.layers
    if layer.key_source == "kms":
        answer = kms_call(
            exchange,
            "ReEncrypt",
            {
                "CiphertextBlob": layer.wrapped_key,
                "SourceEncryptionContext": dict(old.context or ()),
                "DestinationKeyId": choice.kms_key_id,
                "DestinationEncryptionContext": context,
            },
        )
    else:
        (data_key,) = open_keys(exchange, place, key, old, None).keys
        request = {"KeyId": choice.kms_key_id, "Plaintext": data_key, "EncryptionContext": context}
        answer = kms_call(exchange, "Encrypt", request)
    wrapped = Layer(_LAYER_1, "kms", answer["CiphertextBlob"], answer["KeyId"])
    return Envelope(
        "aws:kms", (wrapped,), answer["KeyId"], tuple(context.items()), client_context=choice.context_header
    )


def _resolve(exchange: Exchange, choice: sse.Choice) -> str | None:
    """The ARN of the key that will be used; None where it does not exist: the call to KMS then says so."""
    try:
        key = exchange.sandbox.kms.find_key(exchange, choice.kms_key_id or _MANAGED, caller=exchange.identity, via="s3")
    except ServiceError:
        return None
    return str(key.arn)


def _data_key_request(choice: sse.Choice, context: dict[str, str]) -> dict[str, Any]:
    return {"KeyId": choice.kms_key_id or _MANAGED, "KeySpec": "AES_256", "EncryptionContext": context}


# ---- Reading ---------------------------------------------------------------------------------------------------------


def open_keys(
    exchange: Exchange, place: Place, key: str, envelope: Envelope, customer: sse.CustomerKey | None
) -> DataKeys:
    """Open the data keys of a stored object or an upload that is under way.

    Args:
        exchange: The request; KMS is asked in its identity's name.
        place: Where the object lies.
        key: The object's key.
        envelope: What protects it.
        customer: The customer's key, already matched with the envelope.

    Raises:
        ServiceError: KMS refused, in S3's words.
    """
    purpose = object_arn(place.bucket.name, key).encode()
    keys = []
    for layer in envelope.layers:
        match layer.key_source:
            case "s3":
                keys.append(root_key(exchange).unwrap(layer.wrapped_key, purpose))
            case "customer":
                if customer is None:
                    raise RuntimeError("the customer's key was not asked for")
                keys.append(customer.key)
            case "bucket-key":
                level_key = _bucket_level_key(exchange, place, envelope)
                keys.append(unwrap_under(level_key.key, layer.wrapped_key, purpose))
            case "kms":
                keys.append(_decrypt(exchange, layer.wrapped_key, dict(envelope.context or ()), layer.kms_key_arn))
    return DataKeys(tuple(keys))


def _bucket_level_key(exchange: Exchange, place: Place, envelope: Envelope) -> BucketLevelKey:
    info, arn = envelope.bucket_key, envelope.kms_key_arn
    if info is None or arn is None:
        raise RuntimeError("an envelope under a bucket key must lead back to it")

    def fetch() -> BucketLevelKey:
        return BucketLevelKey(_decrypt(exchange, info.wrapped_key, dict(info.context), arn), info.wrapped_key, arn)

    if not _may_cache(exchange):
        return fetch()
    who = requester(exchange.identity)
    now = exchange.sandbox.clock.now()
    level_key, cached = place.account.bucket_keys.for_reading(who, info.wrapped_key, now, fetch)
    if cached:
        _emit_cached(exchange, "read", arn, place.bucket.name)
    return level_key


def _decrypt(exchange: Exchange, wrapped: bytes, context: dict[str, str], arn: str | None) -> bytes:
    request: dict[str, Any] = {"CiphertextBlob": wrapped, "EncryptionContext": context}
    if arn is not None:
        request["KeyId"] = arn
    plaintext: bytes = kms_call(exchange, "Decrypt", request)["Plaintext"]
    return plaintext


# ---- KMS -------------------------------------------------------------------------------------------------------------


def _may_cache(exchange: Exchange) -> bool:
    """Only learners fill and use caches: what validators and worlds do must not be seen in a learner's counts."""
    return exchange.identity.origin == "learner"


def _emit_cached(exchange: Exchange, use: str, arn: str, bucket: str) -> None:
    exchange.emit("bucket_key", {"use": use, "key_arn": arn, "bucket": bucket, "caller": exchange.identity.arn})


def kms_call(exchange: Exchange, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Call KMS in the requester's name.

    Raises:
        ServiceError: KMS refused, in S3's words.
    """
    try:
        return exchange.sandbox.kms.call(exchange, operation, parameters, caller=exchange.identity, via="s3")
    except ServiceError as error:
        raise reworded(error) from error


def reworded(error: ServiceError) -> ServiceError:
    """KMS's refusal as S3 passes it on (recorded answers; S3 API reference, "Error responses")."""
    if error.code == "AccessDeniedException":
        return ServiceError(403, "AccessDenied", error.message)
    if error.code == "ThrottlingException":
        return ServiceError(503, "SlowDown", "Please reduce your request rate for operations involving AWS KMS.")
    if error.status >= 500:
        return error
    message = error.message
    if error.code == "NotFoundException" and message == "Invalid keyId 'aws/s3'":
        message = "Invalid keyId aws/s3"  # recorded without quotes for this one
    return ServiceError(400, f"KMS.{error.code}", message)
