"""Facts that no S3 API can make: objects as they were before January 2023, and damage on the disk.

Each is registered under its name for worlds and the gate (:mod:`lab.sandbox.plants`).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lab.sandbox.control import ControlError
from lab.sandbox.envelope import Envelope, Part
from lab.sandbox.moto_hooks import s3 as moto_s3
from lab.sandbox.moto_hooks.s3 import SealedBucket, SealedKey
from lab.sandbox.plants import plant
from lab.sandbox.s3 import lookup

if TYPE_CHECKING:
    from lab.sandbox.core import Sandbox
    from lab.sandbox.realm import Realm


@plant("legacy-unencrypted")
def legacy_unencrypted(sandbox: Sandbox, realm: Realm, members: dict[str, Any]) -> dict[str, Any]:
    """Write an object without any encryption, as S3 stored it before January 2023.

    Members: ``bucket``, ``key``, ``body`` (base64), and optionally ``metadata``, ``content_type`` and
    ``last_modified`` (seconds since the epoch). A version below the others is made with ``oldest: true``.
    """
    bucket = _bucket(sandbox, realm, members)
    key = _text(members, "key")
    try:
        body = base64.b64decode(_text(members, "body"), validate=True)
    except (binascii.Error, ValueError):
        raise ControlError("bad-request", "The member body is not base64.") from None
    writer = sandbox.blobs.create(())
    writer.write(body)
    blob = writer.finish()
    etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
    at = float(members.get("last_modified", sandbox.clock.now()))
    version = SealedKey(
        bucket,
        key,
        version_id=lookup.new_version_id(bucket),
        last_modified=at,
        etag=etag,
        size=len(body),
        envelope=Envelope("none", ()),
        parts=(Part(1, blob, etag, at),),
    )
    version.system_headers = {"Content-Type": str(members.get("content_type", "binary/octet-stream"))}
    version.user_metadata = {str(name).lower(): str(value) for name, value in (members.get("metadata") or {}).items()}
    if members.get("oldest") is True and version.version_id != lookup.NULL:
        bucket.set_versions(key, [version, *bucket.versions(key)])
    else:
        lookup.add_version(bucket, key, version)
    sandbox.blobs.settle(blob.name)
    return {"version_id": version.version_id, "etag": version.etag}


@plant("damaged")
def damaged(sandbox: Sandbox, realm: Realm, members: dict[str, Any]) -> dict[str, Any]:
    """Flip one bit in the file of an object, as a failing disk would; snapshots of the world keep the whole one.

    Members: ``bucket``, ``key``, and optionally ``offset`` into the file (default: its last byte).
    """
    bucket = _bucket(sandbox, realm, members)
    version = bucket.current(_text(members, "key"))
    if not isinstance(version, SealedKey) or not version.parts:
        raise ControlError("no-such-object", "There is no such object in this world.")
    first, *others = version.parts
    data = bytearray(sandbox.blobs.path(first.blob.name).read_bytes())
    offset = int(members.get("offset", len(data) - 1))
    data[offset] ^= 1
    blob = sandbox.blobs.replace(first.blob, bytes(data))
    version.parts = (replace(first, blob=blob), *others)
    sandbox.blobs.settle(blob.name)
    return {"offset": offset}


def _bucket(sandbox: Sandbox, realm: Realm, members: dict[str, Any]) -> SealedBucket:
    name = _text(members, "bucket")
    account = sandbox.realms.owner(realm, name)
    bucket = moto_s3.buckets(account).get(name) if account is not None else None
    if bucket is None:
        raise ControlError("no-such-bucket", "There is no such bucket in this world.")
    return bucket


def _text(members: dict[str, Any], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str):
        raise ControlError("bad-request", f"The member {name} is missing or not text.")
    return value
