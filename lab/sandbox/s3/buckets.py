"""Buckets themselves: create, list, head, delete, location, and the settings that are read as they were put."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lab.sandbox import render
from lab.sandbox.exchange import Answer, Exchange, ServiceError
from lab.sandbox.moto_hooks import s3 as moto_s3
from lab.sandbox.realm import REGION
from lab.sandbox.s3 import bodies, lookup, owners
from lab.sandbox.wire_values import whole_number

if TYPE_CHECKING:
    from lab.sandbox.realm import Account

_NAME: Final = re.compile(r"(?!\d+\.\d+\.\d+\.\d+$)(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_RESERVED_PREFIXES: Final = ("xn--", "sthree-", "amzn-s3-demo-")
_RESERVED_SUFFIXES: Final = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
_OWNERSHIPS: Final = {"BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"}


def create_bucket(exchange: Exchange) -> Answer:
    """CreateBucket: public access blocked, ACLs off, SSE-S3 by default, SSE-C blocked (S3 User Guide)."""
    request = exchange.request
    name = request.bucket or ""
    if not valid_name(name):
        raise ServiceError(400, "InvalidBucketName", "The specified bucket is not valid.", {"BucketName": name})
    _check_location(exchange)
    ownership = request.headers.get("x-amz-object-ownership")
    if ownership is not None and ownership not in _OWNERSHIPS:
        raise ServiceError(
            400,
            "InvalidArgument",
            f"Invalid x-amz-object-ownership header: {ownership}",
            {"ArgumentName": "x-amz-object-ownership"},
        )
    account = _own_account(exchange)
    with exchange.realm.lock:
        owner = exchange.sandbox.realms.owner(exchange.realm, name)
        if owner is not None and owner.id != account.id:
            raise ServiceError(
                409,
                "BucketAlreadyExists",
                "The requested bucket name is not available. The bucket namespace is shared by all users of the "
                "system. Please select a different name and try again.",
                {"BucketName": name},
            )
        if owner is None:  # in us-east-1, creating one's own bucket again changes nothing and is no error
            bucket = moto_s3.SealedBucket(name, account.storage_id, request.at)
            bucket.ownership = ownership or "BucketOwnerEnforced"
            moto_s3.buckets(account)[name] = bucket
            exchange.sandbox.realms.changed(exchange.realm)
    return Answer(200, [("Location", f"/{name}")])


def valid_name(name: str) -> bool:
    """Whether AWS takes this name for a new bucket (S3 User Guide, "Bucket naming rules")."""
    return (
        _NAME.fullmatch(name) is not None
        and not name.startswith(_RESERVED_PREFIXES)
        and not name.endswith(_RESERVED_SUFFIXES)
    )


def _check_location(exchange: Exchange) -> None:
    document = bodies.read_xml(exchange, "CreateBucketConfiguration", required=False)
    location = bodies.child_text(document, "LocationConstraint") if document is not None else None
    if document is not None and location is None and not list(document):
        raise bodies.malformed_xml()
    if location is None:
        return
    if location == REGION or not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d|EU", location):
        raise ServiceError(
            400,
            "InvalidLocationConstraint",
            "The specified location-constraint is not valid",
            {"LocationConstraint": location},
        )
    raise ServiceError(
        501,
        "NotImplemented",
        f"The sandbox has one Region, {REGION}: the LocationConstraint {location} is not modelled.",
    )


def _own_account(exchange: Exchange) -> Account:
    account = exchange.realm.accounts.get(exchange.identity.account)
    if account is None:
        raise ServiceError(403, "AccessDenied", "Access Denied")
    return account


def head_bucket(exchange: Exchange) -> Answer:
    """HeadBucket."""
    lookup.bucket_of(exchange)
    return Answer(
        200,
        [
            ("x-amz-bucket-region", REGION),
            ("x-amz-access-point-alias", "false"),
            ("Content-Type", "application/xml"),
        ],
    )


def delete_bucket(exchange: Exchange) -> Answer:
    """DeleteBucket."""
    place = lookup.bucket_of(exchange)
    with lookup.changing(exchange, place) as bucket:
        if len(bucket.keys):
            versioned = " You must delete all versions in the bucket." if bucket.versioning_status else ""
            raise ServiceError(
                409,
                "BucketNotEmpty",
                f"The bucket you tried to delete is not empty{'.' + versioned if versioned else ''}",
                {"BucketName": bucket.name},
            )
        moto_s3.buckets(place.account).pop(bucket.name, None)
    return Answer(204)


def list_buckets(exchange: Exchange) -> Answer:
    """ListBuckets: those of the caller's account."""
    request = exchange.request
    account = _own_account(exchange)
    prefix = request.query_value("prefix") or ""
    region = request.query_value("bucket-region")
    after = request.query_value("continuation-token") or ""
    limit = _max_buckets(request.query_value("max-buckets"))
    found = sorted(
        (bucket for bucket in list(moto_s3.buckets(account).values()) if bucket.name.startswith(prefix)),
        key=lambda bucket: bucket.name,
    )
    if region is not None and region != REGION:
        found = []
    found = [bucket for bucket in found if bucket.name > after]
    page = found[:limit]
    paged = request.query_value("max-buckets") is not None
    members: dict[str, object] = {
        "Owner": owners.owner(account.id),
        "Buckets": {
            "Bucket": [
                {
                    "Name": bucket.name,
                    "CreationDate": render.iso_time(int(bucket.created_at)),
                    **({"BucketRegion": REGION} if paged else {}),
                }
                for bucket in page
            ]
        },
    }
    if len(found) > len(page):
        members["ContinuationToken"] = page[-1].name
    if prefix:
        members["Prefix"] = prefix
    return render.xml_answer("ListAllMyBucketsResult", members)


def _max_buckets(text: str | None) -> int:
    if text is None:
        return 10_000
    number = whole_number(text)
    if number is None or not 1 <= number <= 10_000:
        raise ServiceError(
            400,
            "InvalidArgument",
            "Argument max-buckets must be an integer between 1 and 10000",
            {"ArgumentName": "max-buckets", "ArgumentValue": text},
        )
    return number


def get_bucket_location(exchange: Exchange) -> Answer:
    """GetBucketLocation: us-east-1 reads as nothing."""
    lookup.bucket_of(exchange)
    return render.xml_answer("LocationConstraint", "")
