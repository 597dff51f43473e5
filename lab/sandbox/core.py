"""The sandbox as one object: what every step may reach beyond its own request."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from lab.sandbox.identity import Credential, Origin
from lab.sandbox.realm import Account, Realm

if TYPE_CHECKING:
    from lab.sandbox.blobs import BlobStore
    from lab.sandbox.clock import Clock
    from lab.sandbox.exchange import Exchange
    from lab.sandbox.identity import Identity
    from lab.sandbox.kms.state import KmsKey


class Log(Protocol):
    """The event log (``log.py``)."""

    def append(
        self,
        step: str,
        data: dict[str, Any],
        *,
        origin: Origin,
        realm: str,
        exercise: str,
        principal: str,
        connection: int,
    ) -> int:
        """Append one event and return its sequence number; subscribers are told."""


class Realms(Protocol):
    """All realms and the credentials that lead to them (``worlds.py``)."""

    def get(self, realm_id: str) -> Realm | None:
        """The realm of that id."""

    def credential(self, access_key_id: str) -> tuple[Credential, Realm] | None:
        """The credential of that id, handed out by the lab or made by a client through IAM or STS."""

    def of_bucket(self, bucket: str) -> Realm | None:
        """The realm that an unsigned request for this bucket is judged in; never a fork."""

    def owner(self, realm: Realm, bucket: str) -> Account | None:
        """The account that owns the bucket in this realm, None where there is no such bucket."""

    def changed(self, realm: Realm) -> None:
        """Something in this realm changed and should be kept across restarts."""


class Kms(Protocol):
    """KMS, one door for clients and for S3 acting in their name (``kms/service.py``)."""

    def call(
        self,
        exchange: Exchange,
        operation: str,
        parameters: dict[str, Any],
        *,
        caller: Identity,
        via: str | None = None,
    ) -> dict[str, Any]:
        """Authorize, check the key's state, run the operation, append a ``kms`` event.

        Args:
            exchange: The request in whose course this happens.
            operation: botocore's operation name.
            parameters: As boto3 takes them: blobs as bytes.
            caller: In whose name; S3 passes the requester.
            via: ``s3`` when S3 calls in the caller's name, None for a client's own call.

        Returns:
            The answer's members, as boto3 gives them: blobs as bytes.

        Raises:
            ServiceError: With KMS's own code (``DisabledException``); S3 rewords it.
        """

    def find_key(self, exchange: Exchange, key_id: str, *, caller: Identity, via: str | None = None) -> KmsKey:
        """What a key id, ARN, alias or alias ARN means to this caller; asks no permission and appends no event.

        ``alias/aws/s3`` comes to be when S3 asks for it.

        Raises:
            ServiceError: ``NotFoundException`` in KMS's words.
        """


@dataclass(slots=True)
class Sandbox:
    """Everything that outlives a request.

    Attributes:
        state_dir: The disk: sealed blobs and saved state, mode 0700.
        persistent: Whether state is kept across restarts.
    """

    state_dir: Path
    persistent: bool
    clock: Clock
    log: Log
    realms: Realms
    kms: Kms
    blobs: BlobStore
