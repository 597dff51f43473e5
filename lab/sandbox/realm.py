"""The universe that a request is judged in: its accounts, their state, and the credentials that lead there.

Every exercise has a realm of its own with one or two accounts; a fork (a copy made to run a learner's script without
touching the world) is a realm too, with the same account numbers, names and ARNs. Bucket names are unique within a
realm. What moto stores is kept under ``storage_id``, which differs between a realm and its fork while the visible
account number does not.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab.sandbox.identity import Credential, Origin

if TYPE_CHECKING:
    from lab.sandbox.kms.state import KmsState
    from lab.sandbox.s3.bucket_keys import BucketKeyCache

REGION = "us-east-1"
PARTITION = "aws"


@dataclass(slots=True)
class Account:
    """One AWS account of a realm.

    Attributes:
        id: The 12 digits that clients see.
        name: Its logical name in the exercise, ``home`` or ``other``.
        storage_id: The 12 digits under which moto keeps this account's S3 and IAM state.
        kms: The account's KMS keys, aliases and grants.
        bucket_keys: Cached bucket-level keys of S3 for this account's buckets.
    """

    id: str
    name: str
    storage_id: str
    kms: KmsState
    bucket_keys: BucketKeyCache


@dataclass(slots=True)
class Realm:
    """A set of accounts that can see each other, and nothing else.

    Attributes:
        id: Unique in the sandbox; the exercise's stable id, or that and a suffix for a fork.
        exercise: Stable id of the exercise that events are attributed to; ``''`` for a bare sandbox.
        accounts: By visible account number.
        credentials: Every access key of this realm by its id.
        origin_override: For forks: every credential counts as this origin.
        lock: Held while state changes; requests hold it only around the change, never while a body streams.
    """

    id: str
    exercise: str
    accounts: dict[str, Account] = field(default_factory=dict)
    credentials: dict[str, Credential] = field(default_factory=dict)
    origin_override: Origin | None = None
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def home(self) -> Account:
        """The account named ``home``."""
        return next(account for account in self.accounts.values() if account.name == "home")
