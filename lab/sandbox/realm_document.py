"""One realm as a document and back: what a snapshot, a saved file and a fork are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from lab.sandbox.graph import Document, encode
from lab.sandbox.identity import Credential
from lab.sandbox.moto_hooks import iam, s3
from lab.sandbox.realm import Account, Realm

if TYPE_CHECKING:
    from collections.abc import Mapping

HandedKind = Literal["principal", "validator", "builder"]


@dataclass(frozen=True, slots=True)
class Handed:
    """An access key that the lab handed out.

    Attributes:
        name: The principal's name; the account's name for a builder.
        account: ``home`` or ``other``.
    """

    what: HandedKind
    name: str
    account: str
    access_key_id: str


@dataclass(slots=True)
class Saved:
    """A realm read from a document: new objects that nothing else refers to.

    Attributes:
        s3: moto's S3 of each account, by visible number; so is ``iam``.
    """

    exercise: str
    accounts: list[Account]
    credentials: dict[str, Credential]
    handed: list[Handed]
    s3: dict[str, Any] = field(default_factory=dict)
    iam: dict[str, Any] = field(default_factory=dict)


def document_of(realm: Realm, handed: list[Handed], externals: Mapping[str, object]) -> Document:
    """Everything of a realm; the caller holds its lock."""
    accounts = list(realm.accounts.values())
    saved = Saved(
        exercise=realm.exercise,
        accounts=accounts,
        credentials=realm.credentials,
        handed=handed,
        s3={account.id: s3.backend(account) for account in accounts},
        iam={account.id: iam.backend(account) for account in accounts},
    )
    return encode(saved, externals)


def place(account: Account, saved: Saved) -> None:
    """Give an account the S3 and IAM state of a document.

    Both the backend that moto knows and the one of the document then have one ``__dict__``: whatever in the graph
    points back at its backend points at the living one.
    """
    found_s3, found_iam = saved.s3[account.id], saved.iam[account.id]
    _move(found_s3, account.storage_id)
    s3.backend(account).__dict__ = found_s3.__dict__
    iam.backend(account).__dict__ = found_iam.__dict__


def forget_storage(account: Account) -> None:
    """Remove what moto keeps for an account."""
    s3.drop_backend(account.storage_id)
    iam.drop_backend(account.storage_id)


def referenced(realm: Realm) -> set[str]:
    """Names of the files that a realm refers to."""
    return set().union(*(s3.referenced_blobs(account) for account in realm.accounts.values()))


def referenced_by(saved: Saved) -> set[str]:
    """Names of the files that a document refers to."""
    return set().union(*(s3.blobs_of(bucket) for backend in saved.s3.values() for bucket in backend.buckets.values()))


def _move(backend: Any, storage_id: str) -> None:
    """Say in S3's records under which number they are stored; no client sees it."""
    if backend.account_id == storage_id:
        return
    backend.account_id = storage_id
    for bucket in backend.buckets.values():
        bucket.account_id = storage_id
        records = [record for versions in dict.values(bucket.keys) for record in versions]
        for record in (*records, *bucket.multiparts.values()):
            if hasattr(record, "account_id"):
                record.account_id = storage_id
