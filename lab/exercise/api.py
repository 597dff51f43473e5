"""All of the lab that ``world.py`` and ``validators.py`` import: two protocols, their records, and two verdicts.

A validator gets a :class:`World` and returns ``passed(…)`` or ``not_yet("code", …)``. It reads and never changes
anything. Whatever it raises is the lab's fault and never the learner's, with one exception: a capture that is no
longer kept (:class:`CaptureGoneError`) becomes the diagnosis ``capture-gone`` by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from lab.backends.protocol import (
    AtRest,
    CaptureGoneError,
    Decision,
    WireConnection,
    WireRecord,
)
from lab.events import Event, Origin

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import HeadObjectOutputTypeDef
    from mypy_boto3_sts import STSClient

    from lab.backends.refusal import ClientError

__all__ = [
    "AtRest",
    "BadJson",
    "CaptureGoneError",
    "ClientError",
    "Clients",
    "Decision",
    "Event",
    "LearnerRun",
    "Origin",
    "Verdict",
    "WireConnection",
    "WireRecord",
    "World",
    "WorldBuilder",
    "not_yet",
    "passed",
]


def __getattr__(name: str) -> Any:
    """``ClientError``, which clients raise when the service refuses: loaded on first use."""
    if name == "ClientError":
        from lab.backends import refusal

        return refusal.ClientError
    raise AttributeError(name)


#: What a validator observed: numbers, texts, truth values and lists of them; never keys, tokens or bodies.
Observed = str | int | float | bool | None | Sequence["Observed"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a validator found.

    Attributes:
        passed: Whether the fact holds.
        diagnosis: A code of ``diagnoses.toml``, '' when passed.
        observed: What was seen, by name; diagnoses quote it as ``{name}``.
    """

    passed: bool
    diagnosis: str = ""
    observed: Mapping[str, Observed] = field(default_factory=dict)


def passed(**observed: Observed) -> Verdict:
    """The fact holds; what was observed may be quoted after the pass."""
    return Verdict(passed=True, observed=observed)


def not_yet(diagnosis: str, **observed: Observed) -> Verdict:
    """The fact does not hold yet.

    Args:
        diagnosis: A code of the exercise's ``diagnoses.toml``, or one that every exercise has: ``missing-file``
            (``file``), ``bad-json`` (``file``, ``line``, ``column``, ``problem``), ``not-run`` (``what``),
            ``unknown-state`` (any facts; all are shown).
        observed: What was seen, by name.
    """
    return Verdict(passed=False, diagnosis=diagnosis, observed=observed)


@dataclass(frozen=True, slots=True)
class BadJson:
    """A file of the workspace that should be JSON and is not.

    Attributes:
        problem: What the parser said, without quoting the file.
    """

    file: str
    line: int
    column: int
    problem: str

    def verdict(self) -> Verdict:
        """``not_yet`` with the diagnosis ``bad-json``, which every exercise has."""
        return not_yet("bad-json", file=self.file, line=self.line, column=self.column, problem=self.problem)


@dataclass(frozen=True, slots=True)
class LearnerRun:
    """What a learner's script left behind.

    Attributes:
        finished: It ended by itself within the limits, whatever its exit status.
        timed_out: It was ended because its time was up.
        stopped_by: The limit that ended it: ``time``, ``memory``, ``processes`` or ''.
        status: Its exit status, None where it was ended; not a thing to judge by.
        files: The workspace copy afterwards: name (with ``/``) to bytes, files of at most 16 MiB.
        changed: Names that the run made or changed.
    """

    finished: bool
    timed_out: bool
    stopped_by: Literal["", "time", "memory", "processes"]
    status: int | None
    files: Mapping[str, bytes] = field(repr=False)
    changed: frozenset[str]


class Clients(Protocol):
    """boto3 clients of one principal; they neither read the user's AWS files nor retry."""

    @property
    def s3(self) -> S3Client:
        """S3 over HTTPS."""

    @property
    def s3_http(self) -> S3Client:
        """S3 over plain HTTP; needs the capability ``http``."""

    @property
    def kms(self) -> KMSClient:
        """KMS."""

    @property
    def sts(self) -> STSClient:
        """STS."""

    @property
    def iam(self) -> IAMClient:
        """IAM."""


class World(Protocol):
    """What a validator may look at: the exercise's world as it is now, and the learner's workspace."""

    @property
    def workspace(self) -> Path:
        """The learner's folder."""

    def name(self, logical: str) -> str:
        """A rendered name.

        Args:
            logical: ``bucket.vault``, ``key.main`` (full ARN), ``alias.envelope`` (``alias/envelope-…``),
                ``principal.reader`` (ARN), ``account.home`` (12 digits).
        """

    def fact(self, name: str) -> Any:
        """A private fact that ``build`` kept: whatever JSON can hold, bytes included."""

    def read_file(self, name: str, limit: int = 1 << 20) -> bytes | None:
        """At most ``limit`` bytes of a file of the workspace; None where it is absent, no file, or outside."""

    def read_json(self, name: str, limit: int = 1 << 20) -> Any:
        """The value in a JSON file of the workspace; None where it is absent, :class:`BadJson` where it is none."""

    def mode(self, name: str) -> int | None:
        """Permission bits of a file of the workspace (``0o600``); None where it is absent."""

    def clients(self, principal: str = "validator") -> Clients:
        """Clients of the validator, who may read everything, or of a principal of the exercise.

        A principal's requests go to a fork of the world as it is when the first of them is asked for: they are not
        counted as the learner's, and what they change is not seen. On an endpoint they go to the endpoint.
        """

    def head(self, bucket: str, key: str, **members: Any) -> HeadObjectOutputTypeDef | None:
        """HeadObject as the validator; None where there is no such object or bucket.

        Args:
            bucket: Rendered name.
            key: Object key.
            members: Further members of HeadObject (``VersionId``, ``SSECustomerKey``).
        """

    def events(
        self,
        step: str | None = None,
        origin: Origin | None = "learner",
        after: int = 0,
    ) -> list[Event]:
        """What happened since the exercise was started or reset, oldest first (capability ``events``).

        Args:
            step: Only this step.
            origin: Whose; None for everybody's.
            after: Only events with a higher ``seq``.
        """

    def decide(
        self, principal: str, action: str, resource: str, context: Mapping[str, str | list[str]] | None = None
    ) -> Decision:
        """What the policies say (capability ``decide``).

        Args:
            principal: Name or ARN.
            action: ``s3:GetObject``.
            resource: ARN.
            context: Condition keys and their values.
        """

    def at_rest(self, bucket: str, key: str, version_id: str | None = None) -> AtRest | None:
        """The object as it lies on the disk; None where there is none (capability ``at_rest``)."""

    def connections(self) -> list[WireConnection]:
        """Every connection of this exercise that the tap knows (capability ``wire``)."""

    def wire(self, connection: int, direction: Literal["in", "out"]) -> bytes:
        """The raw bytes that the tap still holds (capability ``wire``).

        Raises:
            CaptureGoneError: They are no longer kept; left alone, it becomes the diagnosis ``capture-gone``.
        """

    def aead_open(self, key: bytes, nonce: bytes, sealed: bytes, aad: bytes = b"") -> bytes | None:
        """AES-GCM: the plaintext of ciphertext and tag; None where the tag does not verify or a length is wrong."""

    def run_learner(
        self,
        script: str,
        args: Sequence[str] = (),
        files: Mapping[str, bytes] | None = None,
        stdin: bytes = b"",
        seconds: float = 10,
    ) -> LearnerRun:
        """Run a script of the learner on a fork of the world and a copy of the workspace (capability ``snapshot``).

        Nothing that it does is seen afterwards, except the files that it left in the copy. A script that is
        not there leaves no files and is not ``finished``; check with :meth:`read_file` first to name that mistake.

        Args:
            script: Its name in the workspace or in ``files``: ``.py`` runs with the lab's Python, ``.sh`` with bash,
                others by themselves.
            args: Arguments.
            files: Files to put into the copy first, by name; a script of the validator's own may be among them.
            stdin: What it reads on standard input.
            seconds: When it is ended.
        """


class WorldBuilder(Protocol):
    """What ``build`` works with: the empty world, as the root of its accounts.

    Building twice must give the same world: the lab starts every build in an empty one, but a build may be repeated
    after it was interrupted.
    """

    @property
    def workspace(self) -> Path:
        """The learner's folder, with ``files/`` laid out."""

    def name(self, logical: str) -> str:
        """A rendered name, as :meth:`World.name`; keys have one after :meth:`create_key`."""

    def clients(self, principal: str = "builder") -> Clients:
        """Clients of ``builder``, ``builder-other``, or a principal (whose policies are attached after ``build``)."""

    def create_bucket(self, name: str, **members: Any) -> str:
        """Create a bucket of ``[names] buckets`` and return its real name.

        Args:
            name: Logical name.
            members: Further members of CreateBucket.
        """

    def create_key(self, name: str, **members: Any) -> str:
        """Create a KMS key of ``[names] keys`` and return its ARN.

        Args:
            name: Logical name.
            members: Members of CreateKey (``Policy`` may be a document, which is turned into JSON text).
        """

    def create_alias(self, name: str, key: str) -> str:
        """Create an alias of ``[names] aliases`` and return it.

        Args:
            name: Logical name.
            key: Logical name of the key.
        """

    def keep(self, name: str, value: Any) -> Any:
        """Keep a private fact for validators, outside the workspace, and return it."""

    def fact(self, name: str) -> Any:
        """A private fact kept before."""

    def random_bytes(self, name: str, length: int = 32) -> bytes:
        """Bytes that nobody can guess; the same ones when the same exercise's build is repeated."""

    def random_text(self, name: str, length: int = 16) -> str:
        """Lower-case letters and digits that nobody can guess; the same ones when a build is repeated."""

    def write_file(self, name: str, data: bytes | str, mode: int = 0o644) -> Path:
        """Write a file into the workspace; directories are made."""

    def plant(self, fact: str, **members: Any) -> dict[str, Any]:
        """Make a fact that no API can make, as an object from before 2023 (capability ``plant``)."""


#: A function of ``validators.py`` for one check.
Validator = Callable[[World], Verdict]
