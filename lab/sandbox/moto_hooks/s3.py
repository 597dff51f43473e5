"""What we rely on in moto's S3: the objects in which buckets, versions and uploads are remembered.

moto is plumbing for state only. Bodies never come here: a version keeps its envelope and the names of its files, and
has no value at all. Buckets belong to the account that stores them; moto's map of all bucket names to accounts is
replaced by one that stays empty, because realms are separate universes in which the same names occur.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NoReturn, Self, cast

from moto.s3 import models
from moto.utilities.utils import LowercaseDict
from requests.structures import CaseInsensitiveDict

from lab.sandbox.envelope import Envelope, Part
from lab.sandbox.realm import PARTITION, REGION, Account


class NoGlobalNames(dict[str, tuple[str, str]]):
    """Forgets what it is told: bucket names are looked up through the realm, never across accounts."""

    def __setitem__(self, key: str, value: tuple[str, str]) -> None:
        """Do nothing."""


models.s3_backends.bucket_accounts = NoGlobalNames()


def backend(account: Account) -> models.S3Backend:
    """The account's S3 as moto has it."""
    return models.s3_backends[account.storage_id][PARTITION]


def drop_backend(storage_id: str) -> None:
    """Forget all that moto's S3 holds under a storage id."""
    dict.pop(models.s3_backends, storage_id, None)


class SealedKey(models.FakeKey):
    """One object version: what is known of it, without its bytes.

    Attributes:
        envelope: What protects it.
        parts: Its files in order; one, unless it was uploaded in parts.
        system_headers: Content headers to answer, by their names in answers (``Content-Type``).
        user_metadata: Without the ``x-amz-meta-`` prefix, lower-case names.
        tags: The object's tags.
        in_parts: Whether it was uploaded in parts.
    """

    envelope: Envelope
    parts: tuple[Part, ...]
    system_headers: dict[str, str]
    user_metadata: dict[str, str]
    tags: dict[str, str]
    checksum: Any
    in_parts: bool

    def __new__(cls, *_args: object, **_kwargs: object) -> Self:
        """Make one without moto's list of all instances, which would keep every version for ever."""
        return object.__new__(cls)

    def __init__(  # moto's own constructor opens a temporary file for the value
        self,
        bucket: models.FakeBucket,
        name: str,
        *,
        version_id: str,
        last_modified: float,
        etag: str,
        size: int,
        envelope: Envelope,
        parts: tuple[Part, ...],
    ) -> None:
        self.name = name
        self.bucket_name = bucket.name
        self.account_id = bucket.account_id
        self.region_name = bucket.region_name
        self.partition = bucket.partition
        self.last_modified = datetime.fromtimestamp(last_modified, UTC).replace(tzinfo=None)
        self.acl = None
        self.website_redirect_location = None
        self.checksum_algorithm = None
        self._storage_class = "STANDARD"
        self._metadata = LowercaseDict()
        self._expiry = None
        self._etag = etag
        self._version_id = version_id
        self._is_versioned = version_id != "null"
        self.multipart = None
        self.encryption = None
        self.kms_key_id = None
        self.bucket_key_enabled = None
        self.lock_mode = self.lock_legal_status = self.lock_until = None
        self.disposed = True
        self._tick = 0
        self.contentsize = size
        self.envelope = envelope
        self.parts = parts
        self.system_headers = {}
        self.user_metadata = {}
        self.tags = {}
        self.checksum = None
        self.in_parts = False

    @property
    def value(self) -> NoReturn:
        """There is none: bodies lie in sealed files."""
        raise RuntimeError("object bodies never reach moto")

    @property
    def bare_etag(self) -> str:
        """The ETag without quotes."""
        return cast("str", self._etag)

    @property
    def modified_at(self) -> float:
        """Seconds since the epoch on the sandbox's clock."""
        return self.last_modified.replace(tzinfo=UTC).timestamp()

    def dispose(self, garbage: bool = False) -> None:
        """Nothing to close."""

    def __getstate__(self) -> dict[str, Any]:
        return dict(self.__dict__)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)


class SealedMarker(models.FakeDeleteMarker):
    """A delete marker."""

    def __new__(cls, *_args: object, **_kwargs: object) -> Self:
        """See :meth:`SealedKey.__new__`."""
        return object.__new__(cls)

    def __init__(self, name: str, *, version_id: str, last_modified: float) -> None:
        self.name = name
        self.last_modified = datetime.fromtimestamp(last_modified, UTC).replace(tzinfo=None)
        self._version_id = version_id

    @property
    def modified_at(self) -> float:
        """Seconds since the epoch on the sandbox's clock."""
        return self.last_modified.replace(tzinfo=UTC).timestamp()

    def dispose(self) -> None:
        """Nothing to close; moto's key store calls this on whatever it lets go."""


class SealedUpload(models.FakeMultipart):
    """A multipart upload that was begun and neither completed nor aborted.

    Attributes:
        envelope: What protects all its parts; made when the upload was begun.
        sealed_parts: By number; a part that is sent again replaces the earlier one.
        system_headers: As for the version that it will become; so are ``user_metadata`` and ``tags``.
        initiated: Seconds since the epoch on the sandbox's clock.
        initiator: ARN of who began it.
        checksum_algorithm: Chosen when it was begun, or None.
        checksum_type: ``COMPOSITE`` or ``FULL_OBJECT``.
        requested: The encryption headers that it was begun with; policies judge its parts by them.
    """

    envelope: Envelope
    sealed_parts: dict[int, Part]
    system_headers: dict[str, str]
    user_metadata: dict[str, str]
    tags: dict[str, str]
    initiated: float
    initiator: str
    checksum_algorithm: str | None
    checksum_type: str | None
    requested: dict[str, str]

    def __new__(cls, *_args: object, **_kwargs: object) -> Self:
        """See :meth:`SealedKey.__new__`."""
        return object.__new__(cls)

    def __init__(self, bucket: models.FakeBucket, key_name: str, envelope: Envelope, initiated: float) -> None:
        super().__init__(key_name, CaseInsensitiveDict(), account_id=bucket.account_id, region_name=bucket.region_name)
        self.id = secrets.token_urlsafe(96)  # 128 characters, as AWS makes them
        self.envelope = envelope
        self.sealed_parts = {}
        self.system_headers = {}
        self.user_metadata = {}
        self.tags = {}
        self.initiated = initiated
        self.initiator = ""
        self.checksum_algorithm = None
        self.checksum_type = None
        self.requested = {}


class SealedBucket(models.FakeBucket):
    """A bucket and all that is configured on it.

    Attributes:
        default_encryption: The rule that was put, None while the bucket has AWS's own default.
        blocked_encryption: What ``BlockedEncryptionTypes`` reads as.
        ownership: ``BucketOwnerEnforced`` and so on; None where the controls were deleted.
        tags: The bucket's tags.
        created_at: Seconds since the epoch on the sandbox's clock.
    """

    default_encryption: Any
    blocked_encryption: tuple[str, ...]
    ownership: str | None
    tags: dict[str, str]
    created_at: float

    def __new__(cls, *_args: object, **_kwargs: object) -> Self:
        """See :meth:`SealedKey.__new__`."""
        return object.__new__(cls)

    def __init__(self, name: str, storage_id: str, created_at: float) -> None:
        super().__init__(name, storage_id, REGION)
        self.creation_date = datetime.fromtimestamp(created_at, UTC)
        self.default_encryption = None
        self.blocked_encryption = ("SSE-C",)
        self.ownership = "BucketOwnerEnforced"
        self.tags = {}
        self.created_at = created_at
        self.public_access_block = public_access_block(
            block_public_acls=True, ignore_public_acls=True, block_public_policy=True, restrict_public_buckets=True
        )

    @staticmethod
    def is_created() -> bool:
        """For moto's CloudFormation, which is not used; its base class wants it."""
        return True

    @property
    def policy_text(self) -> str | None:
        """The bucket policy as it was put, None where there is none."""
        return self.policy.decode() if self.policy else None

    def versions(self, name: str) -> list[SealedKey | SealedMarker]:
        """All versions of a key, oldest first; a copy."""
        return list(cast("list[SealedKey | SealedMarker]", self.keys.getlist(name, [])))

    def current(self, name: str) -> SealedKey | SealedMarker | None:
        """The newest version of a key."""
        return cast("SealedKey | SealedMarker | None", self.keys.get(name))

    def set_versions(self, name: str, versions: list[SealedKey | SealedMarker]) -> None:
        """Replace the versions of a key; without any, the key is gone."""
        if versions:
            self.keys.setlist(name, versions)
        else:
            dict.pop(self.keys, name, None)

    def all_versions(self) -> Iterator[tuple[str, list[SealedKey | SealedMarker]]]:
        """Every key with its versions, oldest first, in order of the keys' UTF-8 bytes."""
        snapshot = dict(dict.items(self.keys))
        for name in sorted(snapshot, key=lambda key: key.encode("utf-8", "surrogatepass")):
            yield name, list(snapshot[name])

    @property
    def uploads(self) -> dict[str, SealedUpload]:
        """Uploads under way, by id."""
        return cast("dict[str, SealedUpload]", self.multiparts)


def public_access_block(
    *, block_public_acls: bool, ignore_public_acls: bool, block_public_policy: bool, restrict_public_buckets: bool
) -> models.PublicAccessBlock:
    """The four switches of Block Public Access."""
    return models.PublicAccessBlock(block_public_acls, ignore_public_acls, block_public_policy, restrict_public_buckets)


def buckets(account: Account) -> dict[str, SealedBucket]:
    """The account's buckets, by name."""
    return cast("dict[str, SealedBucket]", backend(account).buckets)


def referenced_blobs(account: Account) -> set[str]:
    """Names of all files that the account's versions and uploads refer to."""
    found: set[str] = set()
    for bucket in list(buckets(account).values()):
        found |= blobs_of(bucket)
    return found


def blobs_of(bucket: SealedBucket) -> set[str]:
    """Names of all files that a bucket's versions and uploads refer to."""
    found: set[str] = set()
    for _, versions in bucket.all_versions():
        for version in versions:
            if isinstance(version, SealedKey):
                found.update(part.blob.name for part in version.parts)
    for upload in list(bucket.uploads.values()):
        found.update(part.blob.name for part in list(upload.sealed_parts.values()))
    return found
