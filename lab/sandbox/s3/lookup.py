"""Finding what a request is about, a bucket in its realm or one version of an object, or saying that it is not there.

Recorded answers; S3 User Guide, "Working with delete markers".
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from lab.sandbox import authorize
from lab.sandbox.exchange import Exchange, ServiceError
from lab.sandbox.moto_hooks import s3 as moto_s3
from lab.sandbox.moto_hooks.s3 import SealedBucket, SealedKey, SealedMarker
from lab.sandbox.realm import Account

#: The version id of what is written while versioning is not enabled.
NULL: Final = "null"
_VERSION_ID: Final = re.compile(r"[A-Za-z0-9._]{32}")


@dataclass(frozen=True, slots=True)
class Place:
    """A bucket and the account that owns it."""

    account: Account
    bucket: SealedBucket


def bucket_of(exchange: Exchange, name: str | None = None) -> Place:
    """The bucket that the request addresses, or another one by name.

    Raises:
        ServiceError: ``NoSuchBucket``.
    """
    wanted = exchange.request.bucket if name is None else name
    owner = exchange.sandbox.realms.owner(exchange.realm, wanted) if wanted else None
    bucket = moto_s3.buckets(owner).get(wanted) if owner is not None and wanted else None
    if owner is None or bucket is None:
        raise no_such_bucket(wanted or "")
    return Place(owner, bucket)


def no_such_bucket(name: str) -> ServiceError:
    """The bucket is not there."""
    return ServiceError(404, "NoSuchBucket", "The specified bucket does not exist", {"BucketName": name})


@contextmanager
def changing(exchange: Exchange, place: Place) -> Iterator[SealedBucket]:
    """Hold the realm's lock around a change and say that something changed.

    Raises:
        ServiceError: ``NoSuchBucket``: the bucket went away while the body streamed.
    """
    with exchange.realm.lock:
        if moto_s3.buckets(place.account).get(place.bucket.name) is not place.bucket:
            raise no_such_bucket(place.bucket.name)
        yield place.bucket
        exchange.sandbox.realms.changed(exchange.realm)


def version_of(exchange: Exchange, place: Place, key: str, version_id: str | None, *, method: str = "GET") -> SealedKey:
    """One version of an object: the one named, or the current one.

    Raises:
        ServiceError: It is not there, or is a delete marker; ``AccessDenied`` for who may not know.
    """
    bucket = place.bucket
    if version_id is None:
        found = bucket.current(key)
        if isinstance(found, SealedKey):
            return found
        authorize.hide_absence(exchange, bucket.name)
        headers = marker_headers(found) if found is not None else []
        raise ServiceError(404, "NoSuchKey", "The specified key does not exist.", {"Key": key}, headers)
    check_version_id(bucket, version_id)
    for version in bucket.versions(key):
        if version.version_id != version_id:
            continue
        if isinstance(version, SealedKey):
            return version
        raise ServiceError(
            405,
            "MethodNotAllowed",
            "The specified method is not allowed against this resource.",
            {"Method": method, "ResourceType": "DeleteMarker"},
            [*marker_headers(version), ("Allow", "DELETE")],
        )
    authorize.hide_absence(exchange, bucket.name)
    if version_id == NULL and not bucket.versions(key):
        raise ServiceError(404, "NoSuchKey", "The specified key does not exist.", {"Key": key})
    raise ServiceError(
        404, "NoSuchVersion", "The specified version does not exist.", {"Key": key, "VersionId": version_id}
    )


def check_version_id(bucket: SealedBucket, version_id: str) -> None:
    """Refuse what cannot be a version's id in this bucket."""
    if version_id == NULL:
        return
    if bucket.versioning_status is None or not _VERSION_ID.fullmatch(version_id):
        raise ServiceError(
            400,
            "InvalidArgument",
            "Invalid version id specified",
            {"ArgumentName": "versionId", "ArgumentValue": version_id},
        )


def marker_headers(marker: SealedMarker) -> list[tuple[str, str]]:
    """By what an answer shows that it met a delete marker."""
    return [("x-amz-delete-marker", "true"), ("x-amz-version-id", marker.version_id)]


def new_version_id(bucket: SealedBucket) -> str:
    """The id of a version that is written now."""
    if bucket.versioning_status != "Enabled":
        return NULL
    return secrets.token_urlsafe(24).replace("-", ".")


def version_headers(bucket: SealedBucket, version_id: str) -> list[tuple[str, str]]:
    """The version header of answers about objects in a bucket that has, or had, versioning."""
    return [("x-amz-version-id", version_id)] if bucket.versioning_status is not None else []


def add_version(bucket: SealedBucket, key: str, version: SealedKey | SealedMarker) -> None:
    """Put a version on top; without versioning, and for the null version, it replaces the one that was there."""
    versions = bucket.versions(key)
    if version.version_id == NULL:
        versions = [other for other in versions if other.version_id != NULL]
    bucket.set_versions(key, [*versions, version])
