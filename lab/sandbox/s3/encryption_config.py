"""A bucket's default encryption and blocked encryption types: read, put, reset.

S3 API reference, PutBucketEncryption and GetBucketEncryption; recorded answers for what is refused. What
DeleteBucketEncryption does to the block is not known: here the block stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from lab.sandbox import render
from lab.sandbox.exchange import Answer, Exchange, ServiceError
from lab.sandbox.s3 import bodies, lookup

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from lab.sandbox.moto_hooks.s3 import SealedBucket

_ALGORITHMS: Final = {"AES256", "aws:kms", "aws:kms:dsse"}
_BLOCKABLE: Final = {"SSE-C", "NONE"}


@dataclass(frozen=True, slots=True)
class EncryptionRule:
    """The default encryption that was put on a bucket.

    Attributes:
        kms_key_id: As it was put: S3 does not check or resolve it before an object is written.
    """

    algorithm: Literal["AES256", "aws:kms", "aws:kms:dsse"]
    kms_key_id: str | None = None
    bucket_key_enabled: bool = False

    def describe(self) -> dict[str, Any]:
        """As events tell it."""
        return {
            "algorithm": self.algorithm,
            "kms_key_id": self.kms_key_id,
            "bucket_key_enabled": self.bucket_key_enabled,
        }


def get_bucket_encryption(exchange: Exchange) -> Answer:
    """GetBucketEncryption."""
    bucket = lookup.bucket_of(exchange).bucket
    return render.xml_answer("ServerSideEncryptionConfiguration", {"Rule": _rule(bucket)})


def _rule(bucket: SealedBucket) -> dict[str, object]:
    rule: EncryptionRule = bucket.default_encryption or EncryptionRule("AES256")
    return {
        "ApplyServerSideEncryptionByDefault": {
            "SSEAlgorithm": rule.algorithm,
            "KMSMasterKeyID": rule.kms_key_id,
        },
        "BucketKeyEnabled": rule.bucket_key_enabled,
        "BlockedEncryptionTypes": {"EncryptionType": list(bucket.blocked_encryption or ("NONE",))},
    }


def put_bucket_encryption(exchange: Exchange) -> Answer:
    """PutBucketEncryption."""
    place = lookup.bucket_of(exchange)
    document = bodies.read_xml(exchange, "ServerSideEncryptionConfiguration")
    rules = document.findall("Rule") if document is not None else []
    if len(rules) != 1:
        raise bodies.malformed_xml()
    rule, blocked = _read_default(rules[0]), _read_blocked(rules[0])
    if rule is None and blocked is None:
        raise bodies.malformed_xml()
    with lookup.changing(exchange, place) as bucket:
        # A rule that only blocks or unblocks leaves the default alone, and the other way round.
        if rule is not None:
            bucket.default_encryption = rule
        if blocked is not None:
            bucket.blocked_encryption = blocked
    return Answer()


def delete_bucket_encryption(exchange: Exchange) -> Answer:
    """DeleteBucketEncryption: back to AWS's own default."""
    place = lookup.bucket_of(exchange)
    with lookup.changing(exchange, place) as bucket:
        bucket.default_encryption = None
    return Answer(204)


def _read_default(rule: Element) -> EncryptionRule | None:
    default = rule.find("ApplyServerSideEncryptionByDefault")
    enabled = _boolean(bodies.child_text(rule, "BucketKeyEnabled"))
    if default is None:
        if enabled:
            raise bodies.malformed_xml()
        return None
    algorithm = bodies.child_text(default, "SSEAlgorithm")
    key_id = bodies.child_text(default, "KMSMasterKeyID")
    if algorithm not in _ALGORITHMS:
        raise bodies.malformed_xml()
    if key_id is not None and algorithm == "AES256":
        raise ServiceError(
            400,
            "InvalidArgument",
            "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse",
            {"ArgumentName": "ApplyServerSideEncryptionByDefault"},
        )
    return EncryptionRule(algorithm, key_id or None, enabled)  # type: ignore[arg-type]


def _read_blocked(rule: Element) -> tuple[str, ...] | None:
    """What is blocked; None where the rule does not say, which changes nothing (recorded)."""
    element = rule.find("BlockedEncryptionTypes")
    if element is None:
        return None
    types = [node.text or "" for node in element.findall("EncryptionType")]
    if not types or not set(types) <= _BLOCKABLE or ("NONE" in types and len(set(types)) > 1):
        raise bodies.malformed_xml()
    return () if "NONE" in types else ("SSE-C",)


def _boolean(text: str | None) -> bool:
    if text is None:
        return False
    if text not in {"true", "false"}:
        raise bodies.malformed_xml()
    return text == "true"
