"""Tags of objects and of buckets."""

from __future__ import annotations

from lab.sandbox import render
from lab.sandbox.exchange import Answer, Exchange, ServiceError
from lab.sandbox.moto_hooks.s3 import SealedKey
from lab.sandbox.s3 import bodies, lookup, metadata


def get_object_tagging(exchange: Exchange) -> Answer:
    """GetObjectTagging."""
    place, version = _version(exchange)
    return _answer(version.tags, lookup.version_headers(place.bucket, version.version_id))


def put_object_tagging(exchange: Exchange) -> Answer:
    """PutObjectTagging."""
    place, version = _version(exchange)
    tags = _read_tags(exchange, 10)
    with lookup.changing(exchange, place):
        version.tags = tags
    return Answer(200, lookup.version_headers(place.bucket, version.version_id))


def delete_object_tagging(exchange: Exchange) -> Answer:
    """DeleteObjectTagging."""
    place, version = _version(exchange)
    with lookup.changing(exchange, place):
        version.tags = {}
    return Answer(204, lookup.version_headers(place.bucket, version.version_id))


def get_bucket_tagging(exchange: Exchange) -> Answer:
    """GetBucketTagging."""
    bucket = lookup.bucket_of(exchange).bucket
    if not bucket.tags:
        raise ServiceError(404, "NoSuchTagSet", "The TagSet does not exist", {"BucketName": bucket.name})
    return _answer(bucket.tags, [])


def put_bucket_tagging(exchange: Exchange) -> Answer:
    """PutBucketTagging."""
    place = lookup.bucket_of(exchange)
    tags = _read_tags(exchange, 50)
    with lookup.changing(exchange, place) as bucket:
        bucket.tags = tags
    return Answer(204)


def delete_bucket_tagging(exchange: Exchange) -> Answer:
    """DeleteBucketTagging."""
    place = lookup.bucket_of(exchange)
    with lookup.changing(exchange, place) as bucket:
        bucket.tags = {}
    return Answer(204)


def _version(exchange: Exchange) -> tuple[lookup.Place, SealedKey]:
    request = exchange.request
    place = lookup.bucket_of(exchange)
    version_id = request.query_value("versionId")
    return place, lookup.version_of(exchange, place, request.key or "", version_id, method=request.method)


def _read_tags(exchange: Exchange, limit: int) -> dict[str, str]:
    document = bodies.read_xml(exchange, "Tagging")
    tag_set = document.find("TagSet") if document is not None else None
    if tag_set is None:
        raise bodies.malformed_xml()
    tags: dict[str, str] = {}
    for node in tag_set.findall("Tag"):
        name, value = bodies.child_text(node, "Key"), bodies.child_text(node, "Value")
        if name is None or value is None:
            raise bodies.malformed_xml()
        if name in tags:
            raise ServiceError(400, "InvalidTag", "Cannot provide multiple Tags with the same key", {"TagKey": name})
        tags[name] = value
    metadata.check_tags(tags, limit)
    return tags


def _answer(tags: dict[str, str], headers: list[tuple[str, str]]) -> Answer:
    members = {"TagSet": {"Tag": [{"Key": name, "Value": value} for name, value in tags.items()]}}
    return render.xml_answer("Tagging", members, headers=headers)
