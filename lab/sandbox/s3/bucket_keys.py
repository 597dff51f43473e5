"""Cached bucket-level keys: what spares S3 a call to KMS per object.

A write entry belongs to a requester, a KMS key and a bucket; it comes to be when KMS allowed GenerateDataKey. A read
entry belongs to a requester and the bucket-level key that an object was written under; it comes to be when KMS
allowed Decrypt. Neither serves the other. While an entry lives, KMS is not asked and the key policy is not checked
(S3 User Guide, "Reducing the cost of SSE-KMS with Amazon S3 Bucket Keys").

Entries live in memory only: a copy of a cache, and one that is read back from the disk, is empty.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from lab.sandbox.identity import Identity

#: How long an entry lives, in seconds on the sandbox's clock. This number is ours: AWS says "a limited time" and
#: publishes none.
LIFETIME: float = 600.0

_LIMIT: Final = 10_000


@dataclass(frozen=True, slots=True)
class BucketLevelKey:
    """A bucket-level key in the clear, and as KMS wrapped it.

    Attributes:
        arn: The KMS key.
        wrapped: Goes into the envelope of every object that is written under it.
    """

    key: bytes = field(repr=False)
    wrapped: bytes
    arn: str


_Entry = tuple[float, BucketLevelKey]
_Name = tuple[str, ...]


class BucketKeyCache:
    """The bucket-level keys that S3 holds for one account's buckets."""

    def __init__(self) -> None:
        self._entries: dict[_Name, _Entry] = {}
        # Held while KMS is asked, so that requests that arrive together cause one call and not many.
        self._lock = threading.RLock()

    def for_writing(
        self, requester: str, arn: str, bucket: str, now: float, fetch: Callable[[], BucketLevelKey]
    ) -> tuple[BucketLevelKey, bool]:
        """The key to write under, and whether it was cached."""
        return self._find(("write", requester, arn, bucket), now, fetch)

    def for_reading(
        self, requester: str, wrapped: bytes, now: float, fetch: Callable[[], BucketLevelKey]
    ) -> tuple[BucketLevelKey, bool]:
        """The key that an object was written under, and whether it was cached."""
        return self._find(("read", requester, hashlib.sha256(wrapped).hexdigest()), now, fetch)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()

    def _find(self, name: _Name, now: float, fetch: Callable[[], BucketLevelKey]) -> tuple[BucketLevelKey, bool]:
        with self._lock:
            entry = self._entries.get(name)
            if entry is not None and entry[0] > now:
                return entry[1], True
            key = fetch()
            if len(self._entries) >= _LIMIT:
                self._entries = {n: e for n, e in self._entries.items() if e[0] > now}
            self._entries[name] = (now + LIFETIME, key)
            return key, False

    def __getstate__(self) -> dict[str, Any]:
        return {}

    def __setstate__(self, _state: dict[str, Any]) -> None:
        self._entries = {}
        self._lock = threading.RLock()


def requester(identity: Identity) -> str:
    """Who counts as one requester: another role, account or scoping policy is another one (S3 User Guide)."""
    if not identity.session_policies:
        return identity.principal_arn
    scope = hashlib.sha256(repr(identity.session_policies).encode()).hexdigest()
    return f"{identity.principal_arn} {scope}"
