"""All realms of the sandbox: made for an exercise, kept, brought back, copied, dropped.

A snapshot is the document that the disk would hold of the realm: what is restored after a reset and what is loaded
after a restart go the same way. Files of sealed bytes are immutable and shared by all copies; a file goes when no
realm, no snapshot and no saved state refers to it.
"""

from __future__ import annotations

import secrets
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lab.sandbox import credentials, fingerprint, principals
from lab.sandbox.graph import Document, ForeignDocumentError, decode
from lab.sandbox.identity import Credential
from lab.sandbox.kms.state import KmsState
from lab.sandbox.moto_hooks import iam, s3
from lab.sandbox.principals import PrincipalRequest
from lab.sandbox.realm import Account, Realm
from lab.sandbox.realm_document import (
    Handed,
    Saved,
    document_of,
    forget_storage,
    place,
    referenced,
    referenced_by,
)
from lab.sandbox.s3.bucket_keys import BucketKeyCache
from lab.sandbox.state import Keeper, StateDirectory

if TYPE_CHECKING:
    from lab.sandbox.blobs import BlobStore
    from lab.sandbox.clock import Clock
    from lab.sandbox.core import Sandbox

#: The realm of a sandbox that serves no exercise (``lab sandbox serve``); no exercise can have this id.
BARE: Final = "~bare"

#: Forks are dropped by whoever made them; this many of one exercise may be forgotten before the oldest go.
_MOST_FORKS: Final = 16
_SWEEP_SECONDS: Final = 30.0

_DAMAGED: Final = (ForeignDocumentError, LookupError, TypeError, AttributeError)


@dataclass(slots=True)
class World:
    """A realm and what belongs to it beside what clients see.

    Attributes:
        handed: The keys that the lab handed out, in the order of the request.
        snapshots: Documents by label.
        blobs: Names of the files that each snapshot, and the state last saved (``''``), refer to.
    """

    realm: Realm
    handed: list[Handed] = field(default_factory=list)
    snapshots: dict[str, Document] = field(default_factory=dict)
    blobs: dict[str, set[str]] = field(default_factory=dict)

    @property
    def is_fork(self) -> bool:
        """Whether it is a copy that nobody keeps."""
        return self.realm.origin_override is not None


class NoSuchWorldError(LookupError):
    """There is no world of that id, or no snapshot of that label."""


class Worlds:
    """Every realm; the sandbox's :class:`~lab.sandbox.core.Realms`.

    Args:
        state_dir: Where realms are kept.
        persistent: Whether they are kept across restarts.
        clock: The sandbox's.
        blobs: The sealed files that realms refer to.
        forget_events: Told the id of every realm that is dropped.
    """

    def __init__(
        self,
        state_dir: Path,
        *,
        persistent: bool,
        clock: Clock,
        blobs: BlobStore,
        forget_events: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._clock = clock
        self._blobs = blobs
        self._forget_events = forget_events
        self._persistent = persistent
        self._lock = threading.RLock()
        self._worlds: dict[str, World] = {}
        self._forks = 0
        self._swept_at = time.monotonic()
        self._sweep_soon = False
        self._keep_files = False
        self._directory = StateDirectory(state_dir, _software(), _complain)
        self._keeper = Keeper(self._save, self._sweep_if_due, _complain)

    # What every step of a request asks.

    def get(self, realm_id: str) -> Realm | None:
        """The realm of that id."""
        world = self._worlds.get(realm_id)
        return None if world is None else world.realm

    def credential(self, access_key_id: str) -> tuple[Credential, Realm] | None:
        """The credential of that id, handed out by the lab or made by a client through IAM or STS."""
        for world in self._all():
            found = world.realm.credentials.get(access_key_id)
            if found is not None:
                if not world.is_fork and found.identity.kind == "user":
                    found = principals.current(world.realm, found)
                return None if found is None else (found, world.realm)
        for world in self._all():
            if not world.is_fork and (made := principals.made_by_client(world.realm, access_key_id)) is not None:
                return made, world.realm
        return None

    def of_bucket(self, bucket: str) -> Realm | None:
        """The realm that an unsigned request for this bucket is judged in; never a fork."""
        for world in self._all():
            if not world.is_fork and self.owner(world.realm, bucket) is not None:
                return world.realm
        return None

    def owner(self, realm: Realm, bucket: str) -> Account | None:
        """The account that owns the bucket in this realm, None where there is no such bucket."""
        for account in realm.accounts.values():
            if bucket in s3.buckets(account):
                return account
        return None

    def changed(self, realm: Realm) -> None:
        """Something in this realm changed and should be kept across restarts."""
        if realm.origin_override is None and realm.id in self._worlds:
            self._keeper.changed(realm.id)

    # Their life.

    def create(self, exercise: str, accounts: Iterable[str], wanted: Iterable[PrincipalRequest]) -> World:
        """Make a world of that id; one that exists is dropped first."""
        self.drop(exercise)
        realm = Realm(id=exercise, exercise="" if exercise == BARE else exercise)
        with self._lock:
            for name in accounts:
                number = self._new_number()
                realm.accounts[number] = _account(number, name)
            world = World(realm)
            world.handed = principals.hand_out(realm, list(wanted))
            self._worlds[exercise] = world
        self._keeper.changed(exercise)
        return world

    def find(self, realm_id: str) -> World:
        """The world of that id.

        Raises:
            NoSuchWorldError: There is none.
        """
        world = self._worlds.get(realm_id)
        if world is None:
            raise NoSuchWorldError(f'There is no world "{realm_id}".')
        return world

    def ids(self) -> list[str]:
        """The ids of all worlds and forks."""
        return sorted(self._worlds)

    def drop(self, realm_id: str) -> bool:
        """Remove a world or a fork; False where there is none."""
        with self._lock:
            world = self._worlds.pop(realm_id, None)
        if world is None:
            return False
        self._keeper.forget(realm_id)
        with world.realm.lock:
            for account in world.realm.accounts.values():
                forget_storage(account)
        if not world.is_fork:
            self._directory.remove(realm_id)
        self._forget_events(realm_id)
        self._sweep_soon = True
        self._keeper.changed(realm_id)
        return True

    def snapshot(self, world: World, label: str) -> None:
        """Keep the state under this label, across restarts too."""
        with world.realm.lock:
            document, blobs = self._document(world), referenced(world.realm)
        world.snapshots[label] = document
        world.blobs[f"snapshot {label}"] = blobs
        if self._persistent and not world.is_fork:
            self._blobs.flush(blobs)
            self._directory.write_snapshot(world.realm.id, label, document)

    def restore(self, world: World, label: str) -> None:
        """Bring the state back to the snapshot; keys that the lab handed out stay as they are.

        Raises:
            NoSuchWorldError: There is no snapshot of that label.
        """
        document = world.snapshots.get(label)
        if document is None:
            raise NoSuchWorldError(f'The world "{world.realm.id}" has no snapshot "{label}".')
        saved = self._decode(document)
        with world.realm.lock:
            for account in saved.accounts:
                live = world.realm.accounts[account.id]
                live.kms, live.bucket_keys = account.kms, account.bucket_keys
                place(live, saved)
            world.realm.credentials = saved.credentials
        self.changed(world.realm)

    def fork(self, world: World) -> World:
        """A copy in which the same names, numbers and ARNs hold, under new keys that count as the validator's."""
        with world.realm.lock:
            saved = self._decode(self._document(world))
        with self._lock:
            self._forks += 1
            realm_id = f"{world.realm.exercise or world.realm.id}~{self._forks}"
            realm = Realm(id=realm_id, exercise=world.realm.exercise, origin_override="validator")
            for account in saved.accounts:
                account.storage_id = self._new_number()
                realm.accounts[account.id] = account
                place(account, saved)
            copy = World(realm)
            for handed in saved.handed:
                old: Credential = saved.credentials[handed.access_key_id]
                identity = replace(
                    old.identity, access_key_id=credentials.new_id(old.access_key_id[:4]), origin="validator"
                )
                realm.credentials[identity.access_key_id] = credentials.credential(identity, realm_id)
                copy.handed.append(replace(handed, access_key_id=identity.access_key_id))
            self._worlds[realm_id] = copy
            forgotten = [
                one.realm.id
                for one in self._all()
                if one.is_fork and one.realm.exercise == realm.exercise and one.realm.id != realm_id
            ]
        for old_id in forgotten[: -(_MOST_FORKS - 1)]:
            self.drop(old_id)
        return copy

    def fingerprint(self, world: World) -> str:
        """A digest of everything that a client could see or that protects it."""
        with world.realm.lock:
            return fingerprint.fingerprint(
                [[account.name, account, s3.backend(account), iam.backend(account)]
                 for account in sorted(world.realm.accounts.values(), key=lambda account: account.name)]
            )  # fmt: skip

    # Across restarts.

    def load(self) -> None:
        """Bring back what an earlier life of the state directory kept; called once, before requests come."""
        if not self._persistent:
            return
        for realm_id, found in self._directory.load().items():
            try:
                self._worlds[realm_id] = _revive(realm_id, self._decode(found.state))
            except _DAMAGED as error:
                reason = str(error) if isinstance(error, ForeignDocumentError) else "damaged"
                self._directory.set_aside(realm_id, reason)
                continue
            world = self._worlds[realm_id]
            world.blobs[""] = referenced(world.realm)
            for label, document in found.snapshots.items():
                try:
                    world.blobs[f"snapshot {label}"] = referenced_by(self._decode(document))
                    world.snapshots[label] = document
                except _DAMAGED:
                    self._directory.set_aside(realm_id, "damaged", label)
        # What was set aside may yet be wanted by another version of the lab: its files stay, for this life.
        self._keep_files = self._directory.set_aside_count > 0
        self.sweep()

    def close(self) -> None:
        """Write what is left to write."""
        self._keeper.close()

    def flush(self) -> None:
        """Write what changed, now."""
        self._keeper.flush()

    def sweep(self) -> int:
        """Remove the files that nothing refers to any more; returns how many."""
        self._sweep_soon, self._swept_at = False, time.monotonic()
        if self._keep_files:
            return 0
        in_use: set[str] = set()
        for world in self._all():
            with world.realm.lock:
                in_use |= referenced(world.realm)
            in_use.update(*list(world.blobs.values()))
        return self._blobs.sweep(in_use)

    def _all(self) -> list[World]:
        with self._lock:
            return list(self._worlds.values())

    def _externals(self) -> dict[str, object]:
        return {"clock": self._clock}

    def _save(self, realm_id: str) -> None:
        world = self._worlds.get(realm_id)
        if world is None or not self._persistent:
            return
        with world.realm.lock:
            document, blobs = self._document(world), referenced(world.realm)
        # What the disk refers to must not be swept before the disk refers to something else.
        world.blobs[""] = world.blobs.get("", set()) | blobs
        self._blobs.flush(blobs)
        self._directory.write_state(realm_id, document)
        world.blobs[""] = blobs

    def _sweep_if_due(self) -> None:
        if self._sweep_soon or time.monotonic() - self._swept_at > _SWEEP_SECONDS:
            self.sweep()

    def _document(self, world: World) -> Document:
        """Everything of a realm; the caller holds its lock."""
        return document_of(world.realm, world.handed, self._externals())

    def _decode(self, document: Document) -> Saved:
        """A document's realm.

        Raises:
            ForeignDocumentError: It is damaged, or not a realm.
        """
        saved = decode(document, self._externals())
        if not isinstance(saved, Saved):
            raise ForeignDocumentError("it holds no realm")
        return saved

    def _new_number(self) -> str:
        """Twelve digits that no account of this sandbox has, visible or not."""
        taken = {
            number
            for world in self._worlds.values()
            for account in world.realm.accounts.values()
            for number in (account.id, account.storage_id)
        }
        while True:
            number = str(secrets.randbelow(9 * 10**11) + 10**11)
            if number not in taken:
                return number


def keeps_events(realm_id: str, exercise: str) -> bool:
    """Whether the events of a realm outlive the process: of worlds, of nobody, of the bare realm; never of forks."""
    return realm_id in {exercise, BARE}


def bare_realm(sandbox: Sandbox) -> Credential:
    """The realm of a sandbox that serves no exercise, made where it is missing, and its administrator's key."""
    worlds = sandbox.realms
    if not isinstance(worlds, Worlds):  # pragma: no cover - a sandbox has no others
        raise TypeError("the sandbox's realms are not worlds")
    try:
        world = worlds.find(BARE)
    except NoSuchWorldError:
        world = worlds.create(BARE, ["home"], [PrincipalRequest("default", "user", "home", administrator=True)])
    handed = next(one for one in world.handed if one.what == "principal")
    return world.realm.credentials[handed.access_key_id]


def _account(number: str, name: str) -> Account:
    return Account(id=number, name=name, storage_id=number, kms=KmsState(), bucket_keys=BucketKeyCache())


def _revive(realm_id: str, saved: Saved) -> World:
    realm = Realm(id=realm_id, exercise=saved.exercise)
    for account in saved.accounts:
        realm.accounts[account.id] = account
        place(account, saved)
    realm.credentials = saved.credentials
    return World(realm, handed=saved.handed)


def _software() -> str:
    """What documents depend on beside their own format."""
    return f"moto {version('moto')}"


def _complain(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
