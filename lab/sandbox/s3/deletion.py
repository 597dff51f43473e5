"""Deleting objects, one or many: versions go, delete markers come. No key is ever needed for it.

S3 User Guide, "Deleting object versions"; recorded answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lab.sandbox import authorize, render
from lab.sandbox.actions import delete_action
from lab.sandbox.exchange import Answer, Exchange, ServiceError
from lab.sandbox.moto_hooks.s3 import SealedBucket, SealedMarker
from lab.sandbox.s3 import bodies, lookup

_MOST = 1000


@dataclass(frozen=True, slots=True)
class Gone:
    """What a deletion did.

    Attributes:
        version_id: The version that went, or the delete marker that came; None without versioning.
        marker: Whether that version is a delete marker.
        made: Whether the delete marker came by this deletion.
    """

    version_id: str | None = None
    marker: bool = False
    made: bool = False


def delete(bucket: SealedBucket, key: str, version_id: str | None, at: float) -> Gone:
    """Delete a version, or the object; hold the realm's lock."""
    if version_id is None and bucket.versioning_status is not None:
        marker = SealedMarker(key, version_id=lookup.new_version_id(bucket), last_modified=at)
        lookup.add_version(bucket, key, marker)
        return Gone(marker.version_id, marker=True, made=True)
    versions = bucket.versions(key)
    if version_id is None:
        bucket.set_versions(key, [])
        return Gone()
    left = [version for version in versions if version.version_id != version_id]
    removed = [version for version in versions if version.version_id == version_id]
    bucket.set_versions(key, left)
    shown = version_id if bucket.versioning_status is not None else None
    return Gone(shown, marker=bool(removed) and isinstance(removed[0], SealedMarker))


def delete_object(exchange: Exchange) -> Answer:
    """DeleteObject: 204 whether there was something to delete or not."""
    request = exchange.request
    place = lookup.bucket_of(exchange)
    version_id = request.query_value("versionId")
    if version_id is not None:
        lookup.check_version_id(place.bucket, version_id)
    with lookup.changing(exchange, place) as bucket:
        gone = delete(bucket, request.key or "", version_id, request.at)
    headers = []
    if gone.version_id is not None:
        headers.append(("x-amz-version-id", gone.version_id))
    if gone.marker:
        headers.append(("x-amz-delete-marker", "true"))
    return Answer(204, headers)


def delete_objects(exchange: Exchange) -> Answer:
    """DeleteObjects: each key is judged by the policies on its own."""
    place = lookup.bucket_of(exchange)
    _require_checksum(exchange)
    document = bodies.read_xml(exchange, "Delete")
    nodes = document.findall("Object") if document is not None else []
    wanted = [(bodies.child_text(node, "Key"), bodies.child_text(node, "VersionId")) for node in nodes]
    if not 1 <= len(wanted) <= _MOST or any(not key for key, _ in wanted):
        raise bodies.malformed_xml()
    quiet = document is not None and bodies.child_text(document, "Quiet") == "true"
    deleted: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    for key, version_id in wanted:
        try:
            deleted.append(_delete_one(exchange, place, key or "", version_id or None))
        except ServiceError as error:
            errors.append({"Key": key, "VersionId": version_id, "Code": error.code, "Message": error.message})
    return render.xml_answer("DeleteResult", {"Deleted": [] if quiet else deleted, "Error": errors})


def _delete_one(exchange: Exchange, place: lookup.Place, key: str, version_id: str | None) -> dict[str, Any]:
    authorize.authorize_key(exchange, delete_action(version_id), place.bucket.name, key, version_id)
    with lookup.changing(exchange, place) as bucket:
        if version_id not in {None, lookup.NULL} and version_id not in {v.version_id for v in bucket.versions(key)}:
            raise ServiceError(404, "NoSuchVersion", "The specified version does not exist.")
        gone = delete(bucket, key, version_id, exchange.request.at)
    told: dict[str, Any] = {"Key": key}
    if version_id is not None and gone.version_id is not None:
        told["VersionId"] = version_id
    if gone.marker:
        told |= {"DeleteMarker": True, "DeleteMarkerVersionId": gone.version_id}
    return told


def _require_checksum(exchange: Exchange) -> None:
    headers = exchange.request.headers
    if "content-md5" not in headers and "x-amz-trailer" not in headers and not headers.starting("x-amz-checksum-"):
        raise ServiceError(400, "InvalidRequest", "Missing required header for this request: Content-MD5")
