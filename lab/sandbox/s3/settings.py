"""Settings of a bucket that are read as they were put: policy, versioning, public access block, ownership, ACL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lab.sandbox import policy_checks, render
from lab.sandbox.exchange import Answer, Exchange, ServiceError
from lab.sandbox.moto_hooks import s3 as moto_s3
from lab.sandbox.policy import compile_policy
from lab.sandbox.policy.public import is_public
from lab.sandbox.s3 import bodies, lookup, owners

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_LARGEST_POLICY: Final = 64 << 10
_OWNERSHIPS: Final = {"BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"}
#: Element to the name that moto's record has for it.
_BLOCKS: Final = {
    "BlockPublicAcls": "block_public_acls",
    "IgnorePublicAcls": "ignore_public_acls",
    "BlockPublicPolicy": "block_public_policy",
    "RestrictPublicBuckets": "restrict_public_buckets",
}
_INSTANCE: Final = "http://www.w3.org/2001/XMLSchema-instance"


# ---- Policy ----------------------------------------------------------------------------------------------------------


def get_bucket_policy(exchange: Exchange) -> Answer:
    """GetBucketPolicy: the text as it was put."""
    text = _policy(exchange)
    return Answer(200, [("Content-Type", "application/json")], text.encode())


def get_bucket_policy_status(exchange: Exchange) -> Answer:
    """GetBucketPolicyStatus."""
    public = is_public(compile_policy(_policy(exchange)))
    return render.xml_answer("PolicyStatus", {"IsPublic": public})


def _policy(exchange: Exchange) -> str:
    bucket = lookup.bucket_of(exchange).bucket
    if bucket.policy_text is None:
        raise ServiceError(404, "NoSuchBucketPolicy", "The bucket policy does not exist", {"BucketName": bucket.name})
    return bucket.policy_text


def put_bucket_policy(exchange: Exchange) -> Answer:
    """PutBucketPolicy."""
    place = lookup.bucket_of(exchange)
    data = bodies.read_document(exchange, limit=_LARGEST_POLICY)
    if not data.strip():
        raise ServiceError(400, "MissingRequestBodyError", "Request Body is empty")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise ServiceError(400, "MalformedPolicy", "This policy contains invalid Json") from None
    policy_checks.accept_bucket_policy(exchange, place.bucket.name, text)
    with lookup.changing(exchange, place) as bucket:
        bucket.policy = data
    return Answer(204)


def delete_bucket_policy(exchange: Exchange) -> Answer:
    """DeleteBucketPolicy: 204 whether there was one or not."""
    place = lookup.bucket_of(exchange)
    with lookup.changing(exchange, place) as bucket:
        bucket.policy = None
    return Answer(204)


# ---- Versioning ------------------------------------------------------------------------------------------------------


def get_bucket_versioning(exchange: Exchange) -> Answer:
    """GetBucketVersioning: empty for a bucket that never had it."""
    return render.xml_answer("VersioningConfiguration", {"Status": lookup.bucket_of(exchange).bucket.versioning_status})


def put_bucket_versioning(exchange: Exchange) -> Answer:
    """PutBucketVersioning."""
    place = lookup.bucket_of(exchange)
    document = bodies.read_xml(exchange, "VersioningConfiguration")
    status = bodies.child_text(document, "Status") if document is not None else None
    if document is not None and document.find("MfaDelete") is not None:
        raise ServiceError(501, "NotImplemented", "The sandbox does not model MfaDelete.")
    if status is None:
        raise ServiceError(400, "IllegalVersioningConfigurationException", "The Versioning element must be specified")
    if status not in {"Enabled", "Suspended"}:
        raise bodies.malformed_xml()
    with lookup.changing(exchange, place) as bucket:
        bucket.versioning_status = status
    return Answer()


# ---- Public access block ---------------------------------------------------------------------------------------------


def get_public_access_block(exchange: Exchange) -> Answer:
    """GetPublicAccessBlock."""
    bucket = lookup.bucket_of(exchange).bucket
    block = bucket.public_access_block
    if block is None:
        raise ServiceError(
            404,
            "NoSuchPublicAccessBlockConfiguration",
            "The public access block configuration was not found",
            {"BucketName": bucket.name},
        )
    return render.xml_answer(
        "PublicAccessBlockConfiguration", {name: bool(getattr(block, member)) for name, member in _BLOCKS.items()}
    )


def put_public_access_block(exchange: Exchange) -> Answer:
    """PutPublicAccessBlock."""
    place = lookup.bucket_of(exchange)
    document = bodies.read_xml(exchange, "PublicAccessBlockConfiguration")
    if document is None or any(node.tag not in _BLOCKS for node in document):
        raise bodies.malformed_xml()
    values = {member: _boolean(document, name) for name, member in _BLOCKS.items()}
    with lookup.changing(exchange, place) as bucket:
        bucket.public_access_block = moto_s3.public_access_block(**values)
    return Answer()


def delete_public_access_block(exchange: Exchange) -> Answer:
    """DeletePublicAccessBlock."""
    place = lookup.bucket_of(exchange)
    with lookup.changing(exchange, place) as bucket:
        bucket.public_access_block = None
    return Answer(204)


def _boolean(document: Element, name: str) -> bool:
    text = (bodies.child_text(document, name) or "false").strip().lower()
    if text not in {"true", "false"}:
        raise bodies.malformed_xml()
    return text == "true"


# ---- Ownership and ACLs ----------------------------------------------------------------------------------------------


def get_ownership_controls(exchange: Exchange) -> Answer:
    """GetBucketOwnershipControls."""
    bucket = lookup.bucket_of(exchange).bucket
    if bucket.ownership is None:
        raise ServiceError(
            404,
            "OwnershipControlsNotFoundError",
            "The bucket ownership controls were not found",
            {"BucketName": bucket.name},
        )
    return render.xml_answer("OwnershipControls", {"Rule": {"ObjectOwnership": bucket.ownership}})


def put_ownership_controls(exchange: Exchange) -> Answer:
    """PutBucketOwnershipControls."""
    place = lookup.bucket_of(exchange)
    document = bodies.read_xml(exchange, "OwnershipControls")
    rules = document.findall("Rule") if document is not None else []
    ownership = bodies.child_text(rules[0], "ObjectOwnership") if len(rules) == 1 else None
    if ownership not in _OWNERSHIPS:
        raise bodies.malformed_xml()
    with lookup.changing(exchange, place) as bucket:
        bucket.ownership = ownership
    return Answer()


def delete_ownership_controls(exchange: Exchange) -> Answer:
    """DeleteBucketOwnershipControls."""
    place = lookup.bucket_of(exchange)
    with lookup.changing(exchange, place) as bucket:
        bucket.ownership = None
    return Answer(204)


def get_bucket_acl(exchange: Exchange) -> Answer:
    """GetBucketAcl: the owner has full control and nobody else has anything."""
    return _owner_only(lookup.bucket_of(exchange).account.id, [])


def get_object_acl(exchange: Exchange) -> Answer:
    """GetObjectAcl: as for the bucket; ACLs cannot be set."""
    request = exchange.request
    place = lookup.bucket_of(exchange)
    version = lookup.version_of(
        exchange, place, request.key or "", request.query_value("versionId"), method=request.method
    )
    return _owner_only(place.account.id, lookup.version_headers(place.bucket, version.version_id))


def _owner_only(account: str, headers: list[tuple[str, str]]) -> Answer:
    owner = owners.owner(account)
    grantee = {"@xmlns:xsi": _INSTANCE, "@xsi:type": "CanonicalUser", **owner}
    members = {
        "Owner": owner,
        "AccessControlList": {"Grant": [{"Grantee": grantee, "Permission": "FULL_CONTROL"}]},
    }
    return render.xml_answer("AccessControlPolicy", members, headers=headers)
