"""What an exercise may ask of the AWS it runs against: one small protocol that every back end implements.

Above this line nobody knows whether the answers come from the sandbox or from an endpoint that the user named. What a
back end cannot do is missing from its ``capabilities``; calling it all the same raises
:class:`~lab.errors.NotCapableError`, which names the capability.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, Self, get_args, overload

from lab.errors import BackendError, NotCapableError
from lab.events import Event, Origin

if TYPE_CHECKING:
    from types import TracebackType

    from botocore.client import BaseClient
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sts import STSClient

Capability = Literal["events", "at_rest", "wire", "decide", "clock", "snapshot", "plant", "http", "principals"]

CAPABILITIES: Final[tuple[Capability, ...]] = get_args(Capability)

#: What each capability is, as the learner is told when it is missing: "This back end has no …".
CAPABILITY_TITLES: Final[Mapping[Capability, str]] = {
    "events": "record of what S3 and KMS did",
    "at_rest": "view of the stored bytes",
    "wire": "recording of the bytes on the wire",
    "decide": "policy decisions to ask for",
    "clock": "clock that can be moved",
    "snapshot": "snapshots of a world",
    "plant": "way to plant facts that no API can make",
    "http": "plain HTTP endpoint",
    "principals": "principals of the lab's making",
}

AccountName = Literal["home", "other"]
PrincipalKind = Literal["user", "role"]
ServiceName = Literal["s3", "kms", "sts", "iam"]
Direction = Literal["in", "out"]

VALIDATOR: Final = "validator"
BUILDER: Final = "builder"


class CaptureGoneError(BackendError):
    """The bytes of this connection are no longer kept: the sandbox was restarted, or the buffer was full."""


def not_capable(backend: str, capability: Capability) -> NotCapableError:
    """The error for a capability that a back end lacks, in words for the learner."""
    return NotCapableError(
        f'The back end "{backend}" has no {CAPABILITY_TITLES[capability]} (capability {capability}).',
        "Use the sandbox for this: --backend sandbox.",
    )


@dataclass(frozen=True, slots=True)
class PrincipalSpec:
    """A principal that a world needs: it becomes an AWS profile of the same name.

    Attributes:
        name: The profile's name and the IAM name.
        kind: ``user`` gets an access key, ``role`` a session of the role.
        account: In which of the world's accounts it lives.
        administrator: Whether it may do everything in its account, as far as resource policies let it.
        policies: Inline policies by name, as decoded JSON; most exercises attach them later, when keys have ARNs.
    """

    name: str
    kind: PrincipalKind = "user"
    account: AccountName = "home"
    administrator: bool = False
    policies: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WorldSpec:
    """What a world starts from: accounts and principals, nothing in them.

    Attributes:
        exercise: Stable id of the exercise; also the world's id.
        accounts: ``home`` and perhaps ``other``.
        principals: Everybody beside the validator and the builders, who are always there.
    """

    exercise: str
    accounts: Sequence[AccountName] = ("home",)
    principals: Sequence[PrincipalSpec] = ()


@dataclass(frozen=True, slots=True)
class Credentials:
    """The access key of one principal. The secret parts never show in a repr.

    Attributes:
        access_key_id: ``AKIA…`` for users and roots, ``ASIA…`` for sessions.
        session_token: Only for sessions.
        arn: What policies name: the user's or the role's ARN (not the session's).
        account: 12 digits.
        kind: ``user``, ``role`` or ``root``; ``unknown`` where the back end cannot tell.
    """

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(repr=False)
    arn: str
    account: str
    kind: Literal["user", "role", "root", "unknown"]


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the learner's tools find the back end.

    Attributes:
        https: ``https://localhost:PORT``.
        http: ``http://localhost:PORT``, None where there is no plain HTTP.
        ca_bundle: PEM file of the authority that signed the HTTPS certificate, None for a public one.
        region: The region that clients must name.
    """

    https: str
    http: str | None
    ca_bundle: Path | None
    region: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What the policies say about one action, and why; asking has no side effect.

    Attributes:
        reason: ``allow``, ``explicit_deny`` or ``implicit_deny``.
        denied_by: Which policy denied, None where it is allowed (values: ``docs/architecture.md``, Events).
        message: The denial in AWS's words, empty where it is allowed.
        trace: Every statement looked at, with its conditions (same document).
    """

    allowed: bool
    reason: str
    denied_by: str | None
    message: str
    trace: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class AtRest:
    """One object version as it lies on the disk.

    Attributes:
        path: The file that holds the sealed bytes.
        size_on_disk: Of that file (of all parts' files together).
        head: The first 256 bytes of it.
        envelope: What protects it (members: ``docs/architecture.md``, Events).
        metadata: What S3 keeps readable beside the body: user metadata and content headers.
        etag: With quotation marks, as S3 answers it.
        plaintext_size: Bytes before sealing.
        parts: For a multipart object one entry per part, with members as above; empty otherwise.
    """

    path: Path
    size_on_disk: int
    head: bytes
    envelope: dict[str, Any]
    metadata: dict[str, str]
    etag: str
    plaintext_size: int
    parts: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class WireRecord:
    """One TLS record as an eavesdropper sees it: its header and its length.

    Attributes:
        direction: ``in`` from the client, ``out`` to it.
        type: ``handshake``, ``application_data``, …
        version: The version in the record's header.
        length: Of the record's body.
    """

    direction: Direction
    type: str
    version: str
    length: int


@dataclass(frozen=True, slots=True)
class WireConnection:
    """One TCP connection as the tap saw it.

    Attributes:
        number: The connection's number, as in events.
        opened_at: Seconds since the epoch.
        bytes_in: From the client, all of them.
        bytes_out: To the client, all of them.
        kept_in: How many of ``bytes_in`` the tap still holds, from the first one on.
        kept_out: The same for ``bytes_out``.
        records: TLS records in order; empty on plain HTTP.
        sni: The server name the client sent in clear.
    """

    number: int
    scheme: Literal["http", "https"]
    port: int
    opened_at: float
    bytes_in: int
    bytes_out: int
    kept_in: int
    kept_out: int
    records: list[WireRecord]
    sni: str | None
    tls_version: str | None


class Subscription(Protocol):
    """Events as they happen. Iterating waits for the next one; ``close`` (from any thread) ends the iteration."""

    def __iter__(self) -> Iterator[Event]:
        """Yield events in order of ``seq``; :class:`~lab.errors.SandboxLostError` when the sandbox goes away."""

    def close(self) -> None:
        """End the iteration; may be called twice."""

    def __enter__(self) -> Self:
        """The subscription itself."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""


class WorldHandle(Protocol):
    """One exercise's world on a back end: its accounts, who is in them, and what can be seen of it.

    Attributes:
        exercise: Stable id of the exercise.
        realm: The world's id on the back end; that of a fork differs from ``exercise``.
        accounts: Account number by name: ``home`` and perhaps ``other``.
        credentials: By principal's name; always with ``validator`` and ``builder``, and with ``builder-other`` where
            there is a second account (``endpoint`` has the learner's own credentials under all three).
    """

    exercise: str
    realm: str
    accounts: Mapping[str, str]
    credentials: Mapping[str, Credentials]

    if TYPE_CHECKING:

        @overload
        def client(self, principal: str, service: Literal["s3"], *, http: bool = False) -> S3Client: ...
        @overload
        def client(self, principal: str, service: Literal["kms"], *, http: bool = False) -> KMSClient: ...
        @overload
        def client(self, principal: str, service: Literal["sts"], *, http: bool = False) -> STSClient: ...
        @overload
        def client(self, principal: str, service: Literal["iam"], *, http: bool = False) -> IAMClient: ...

    def client(self, principal: str, service: ServiceName, *, http: bool = False) -> BaseClient:
        """A boto3 client with this principal's credentials; the same object when asked again.

        It reads neither the user's AWS files nor the environment, and does not retry.

        Args:
            principal: A name in ``credentials``.
            service: Which service.
            http: Over plain HTTP (capability ``http``).
        """

    def snapshot(self, label: str) -> None:
        """Keep the account state under this label (capability ``snapshot``)."""

    def restore(self, label: str) -> None:
        """Bring the account state back to the snapshot; credentials handed out stay valid."""

    def fork(self) -> WorldHandle:
        """A copy in which the same names hold; its credentials are new and of origin ``validator``. Drop it after."""

    def drop(self) -> None:
        """Remove the world and everything in it."""

    def fingerprint(self) -> str:
        """A digest of everything that a client could see or that protects it (capability ``snapshot``)."""

    def events(
        self,
        *,
        after: int = 0,
        step: str | None = None,
        origin: Origin | None = None,
        limit: int | None = None,
    ) -> list[Event]:
        """What happened in this world, oldest first (capability ``events``).

        Args:
            after: Only events with a higher ``seq``.
            step: Only this step.
            origin: Only of this origin.
            limit: At most so many.
        """

    def subscribe(self, after: int = 0) -> Subscription:
        """Events of this world from ``after`` on, those that exist first, then as they happen."""

    def decide(
        self, principal: str, action: str, resource: str, context: Mapping[str, str | list[str] | None] | None = None
    ) -> Decision:
        """What the policies say (capability ``decide``).

        Args:
            principal: Name or ARN.
            action: ``s3:GetObject``.
            resource: ARN.
            context: Condition keys and their values; None for a key that is absent though a request usually has it.
        """

    def at_rest(self, bucket: str, key: str, version_id: str | None = None) -> AtRest | None:
        """The object as it lies on the disk, None where there is no such object (capability ``at_rest``)."""

    def connections(self) -> list[WireConnection]:
        """Every connection that the tap knows of this world (capability ``wire``)."""

    def wire(self, connection: int, direction: Direction) -> bytes:
        """The raw bytes of one direction that the tap still holds, from the first one on.

        Raises:
            CaptureGoneError: They are no longer kept.
        """

    def plant(self, fact: str, **members: object) -> dict[str, Any]:
        """Change what no API can change (capability ``plant``); for ``build()`` and the gate only.

        Args:
            fact: Which fact; those of the sandbox are registered in ``lab/sandbox`` with ``@plant``.
            members: What the fact needs, as JSON values; bytes are sent as base64 text.
        """

    def clock(self, advance: float = 0.0) -> float:
        """The back end's time in seconds since the epoch, after moving it forward (capability ``clock``)."""


class Backend(Protocol):
    """An AWS, or something that speaks like one.

    Attributes:
        name: ``sandbox``, ``endpoint`` or ``aws``.
        capabilities: What it can do beyond answering requests.
    """

    name: str
    capabilities: frozenset[Capability]

    def open(self) -> None:
        """Make it ready: start it, or find it. May be called again after it was lost."""

    def close(self) -> None:
        """Let go of it; what was started for others goes on."""

    def endpoints(self) -> Endpoints:
        """Where it listens."""

    def create_world(self, spec: WorldSpec) -> WorldHandle:
        """Make a world; one that exists under this id is dropped first."""

    def open_world(self, exercise: str) -> WorldHandle | None:
        """The world of that id, None where there is none."""

    def drop_world(self, exercise: str) -> None:
        """Remove the world; nothing happens where there is none."""
