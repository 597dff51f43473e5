"""What we rely on in moto's S3, by name: fails loudly where a new moto changes it."""

from __future__ import annotations

import inspect

import moto
import pytest
from moto.s3 import models, utils

from lab.sandbox import graph
from lab.sandbox.blobs import Blob
from lab.sandbox.envelope import Envelope, Layer, Part
from lab.sandbox.moto_hooks import s3
from lab.sandbox.realm import Account

ENVELOPE = Envelope("AES256", (Layer("layer 1", "s3", b"wrapped"),))


@pytest.fixture
def account() -> Account:
    made = Account("111111111111", "home", "999999999901", None, None)  # type: ignore[arg-type]
    s3.drop_backend(made.storage_id)
    return made


def version(bucket: s3.SealedBucket, name: str = "k", version_id: str = "null") -> s3.SealedKey:
    part = Part(1, Blob(f"file-of-{name}-{version_id}", 3), "etag", 5.0)
    return s3.SealedKey(
        bucket, name, version_id=version_id, last_modified=5.0, etag="etag", size=3, envelope=ENVELOPE, parts=(part,)
    )


def test_the_version_that_these_hooks_were_written_for() -> None:
    assert moto.__version__ == "5.2.5"


def test_the_classes_that_are_extended_have_what_is_set() -> None:
    source = inspect.getsource(models.FakeKey.__init__)
    for name in ("_storage_class", "_metadata", "_expiry", "_etag", "_version_id", "_is_versioned", "last_modified"):
        assert f"self.{name}" in source
    source = inspect.getsource(models.FakeBucket.__init__)
    for name in ("keys", "multiparts", "versioning_status", "policy", "public_access_block"):
        assert f"self.{name}" in source
    assert "s3_backends.bucket_accounts[name]" in source
    assert issubclass(utils._VersionedKeyStore, dict)


def test_bucket_names_are_not_shared_between_accounts(account: Account) -> None:
    other = Account("222222222222", "other", "999999999902", None, None)  # type: ignore[arg-type]
    s3.drop_backend(other.storage_id)
    bucket = s3.SealedBucket("shared-name", account.storage_id, 0.0)
    s3.buckets(account)["shared-name"] = bucket
    assert not models.s3_backends.bucket_accounts
    assert s3.buckets(other) == {}
    s3.buckets(other)["shared-name"] = s3.SealedBucket("shared-name", other.storage_id, 0.0)
    assert s3.buckets(account)["shared-name"] is bucket


def test_versions_have_no_value_and_are_not_tracked(account: Account) -> None:
    bucket = s3.SealedBucket("b", account.storage_id, 0.0)
    key = version(bucket)
    with pytest.raises(RuntimeError, match="never reach moto"):
        _ = key.value
    assert (key.size, key.etag, key.version_id, key.modified_at) == (3, '"etag"', "null", 5.0)
    assert key not in getattr(s3.SealedKey, "instances_tracked", [])
    assert not hasattr(key, "_value_buffer")


def test_the_key_store_keeps_every_version(account: Account) -> None:
    bucket = s3.SealedBucket("b", account.storage_id, 0.0)
    first, second = version(bucket, version_id="1"), version(bucket, version_id="2")
    bucket.set_versions("k", [first, second])
    assert bucket.versions("k") == [first, second]
    assert bucket.current("k") is second
    assert [name for name, _ in bucket.all_versions()] == ["k"]
    bucket.set_versions("k", [first])
    assert bucket.current("k") is first
    bucket.set_versions("k", [])
    assert (bucket.current("k"), len(bucket.keys)) == (None, 0)


def test_a_backend_is_kept_and_copied_as_a_graph(account: Account) -> None:
    bucket = s3.SealedBucket("b", account.storage_id, 7.0)
    s3.buckets(account)["b"] = bucket
    bucket.set_versions("k", [version(bucket), s3.SealedMarker("k", version_id="m", last_modified=6.0)])
    upload = s3.SealedUpload(bucket, "u", ENVELOPE, 5.0)
    upload.sealed_parts[1] = Part(1, Blob("file-of-part", 1), "etag", 5.0)
    bucket.uploads[upload.id] = upload
    copied = graph.decode(graph.encode(s3.backend(account))).buckets["b"]
    assert isinstance(copied, s3.SealedBucket)
    kept, marker = copied.versions("k")
    assert (kept.envelope, kept.parts, marker.version_id) == (ENVELOPE, bucket.versions("k")[0].parts, "m")  # type: ignore[union-attr]
    assert copied.uploads[upload.id].sealed_parts == upload.sealed_parts
    assert copied.public_access_block.block_public_policy is True  # type: ignore[union-attr]
    assert s3.referenced_blobs(account) == s3.blobs_of(copied) == {"file-of-k-null", "file-of-part"}
