"""The world as a validator sees it: :class:`lab.exercise.api.World` on any back end."""

from __future__ import annotations

import json
import stat
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from lab.backends.protocol import VALIDATOR, AtRest, Decision, WireConnection, WorldHandle
from lab.errors import BackendError, CourseError
from lab.events import Event, Origin
from lab.exercise.api import BadJson, LearnerRun
from lab.exercise.deadline import Deadline
from lab.exercise.learner_run import MakeEnvironment, run_script

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_iam import IAMClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import HeadObjectOutputTypeDef
    from mypy_boto3_sts import STSClient

    from lab.backends.refusal import BaseClient

_Client = TypeVar("_Client", bound="BaseClient")
_ABSENT = frozenset({"404", "NotFound", "NoSuchKey", "NoSuchBucket", "NoSuchVersion"})


class History:
    """The learner's events since one event, asked for piece by piece: validators leave many more of their own.

    Args:
        handle: The world on its back end.
        since: Events up to this one do not count.
    """

    def __init__(self, handle: WorldHandle, since: int) -> None:
        self.since = since
        self.last = since
        self._handle = handle
        self._events: list[Event] = []

    def refresh(self) -> None:
        """Ask for what is new."""
        for event in self._handle.events(after=self.last):
            self.last = max(self.last, event.seq)
            if event.origin == "learner":
                self._events.append(event)

    def learner_events(self) -> list[Event]:
        """As of the last :meth:`refresh`, oldest first."""
        return list(self._events)


class PrincipalClients:
    """The clients of one principal; each is made when it is first asked for."""

    def __init__(self, handle: WorldHandle, principal: str) -> None:
        self._handle = handle
        self._principal = principal

    @property
    def s3(self) -> S3Client:
        """S3 over HTTPS."""
        return _blameless(self._handle.client(self._principal, "s3"))

    @property
    def s3_http(self) -> S3Client:
        """S3 over plain HTTP."""
        return _blameless(self._handle.client(self._principal, "s3", http=True))

    @property
    def kms(self) -> KMSClient:
        """KMS."""
        return _blameless(self._handle.client(self._principal, "kms"))

    @property
    def sts(self) -> STSClient:
        """STS."""
        return _blameless(self._handle.client(self._principal, "sts"))

    @property
    def iam(self) -> IAMClient:
        """IAM."""
        return _blameless(self._handle.client(self._principal, "iam"))


def _blameless(client: _Client) -> _Client:
    """The same client, which takes a failure of the service for what it is: validators read refusals, not faults."""
    client.meta.events.register("after-call", _raise_fault, unique_id="lab-service-fault")
    return client


def _raise_fault(http_response: Any, model: Any, **_: object) -> None:
    if http_response.status_code >= 500:
        raise BackendError(
            f"The back end failed at {model.name} (status {http_response.status_code}).",
            "What you did is not the reason. Reset the exercise, and run lab doctor if it comes back.",
        )


class ExerciseWorld:
    """What validators look at during one run of the checks.

    Args:
        handle: The world on its back end.
        names: Rendered names by logical name.
        facts: What ``build`` kept.
        workspace: The learner's folder.
        history: The learner's events since the start or the last reset.
        can_fork: Whether the back end can copy the world.
        learner_environment: Makes the environment of a script's run for a fork of the world.
        deadline: Of the validator that runs; runs of the learner's scripts are added to it.
    """

    def __init__(
        self,
        handle: WorldHandle,
        *,
        names: Mapping[str, str],
        facts: Mapping[str, Any],
        workspace: Path,
        history: History,
        can_fork: bool,
        learner_environment: Callable[[WorldHandle], MakeEnvironment],
        deadline: Deadline | None = None,
    ) -> None:
        self._handle = handle
        self._names = names
        self._facts = facts
        self._workspace = workspace
        self._history = history
        self._can_fork = can_fork
        self._fork: WorldHandle | None = None
        self.asked: list[dict[str, Any]] = []
        self._learner_environment = learner_environment
        self.deadline = deadline or Deadline(3600)

    @property
    def workspace(self) -> Path:
        """The learner's folder."""
        return self._workspace

    def name(self, logical: str) -> str:
        """A rendered name; a name that nobody declared is the exercise's mistake."""
        return named(self._names, logical)

    def fact(self, name: str) -> Any:
        """A private fact of ``build``."""
        if name not in self._facts:
            raise CourseError(f"build() keeps no fact {name!r}.")
        return self._facts[name]

    def read_file(self, name: str, limit: int = 1 << 20) -> bytes | None:
        """At most ``limit`` bytes of a regular file of the workspace."""
        path = self._path(name)
        if path is None:
            return None
        try:
            with path.open("rb") as stream:
                return stream.read(limit)
        except OSError:
            return None

    def read_json(self, name: str, limit: int = 1 << 20) -> Any:
        """The value of a JSON file."""
        data = self.read_file(name, limit)
        if data is None:
            return None
        try:
            return json.loads(data.decode("utf-8-sig"))
        except json.JSONDecodeError as error:
            return BadJson(name, error.lineno, error.colno, error.msg)
        except UnicodeDecodeError:
            return BadJson(name, 1, 1, "it is not UTF-8 text")
        except RecursionError:
            return BadJson(name, 1, 1, "it is nested too deeply")

    def mode(self, name: str) -> int | None:
        """Permission bits of a file of the workspace."""
        path = self._path(name)
        return None if path is None else stat.S_IMODE(path.stat().st_mode)

    def clients(self, principal: str = VALIDATOR) -> PrincipalClients:
        """Clients of a principal; for others than the validator in a fork, where requests are not the learner's."""
        if principal == VALIDATOR or not self._can_fork:
            return PrincipalClients(self._handle, principal)
        if self._fork is None:
            self._fork = self._handle.fork()
        return PrincipalClients(self._fork, principal)

    def close(self) -> None:
        """Drop what was made for this run of the checks."""
        if self._fork is not None:
            self._fork.drop()
            self._fork = None

    def head(self, bucket: str, key: str, **members: Any) -> HeadObjectOutputTypeDef | None:
        """HeadObject as the validator, None where there is nothing."""
        from lab.backends.refusal import ClientError

        try:
            return self.clients().s3.head_object(Bucket=bucket, Key=key, **members)
        except ClientError as error:
            if error.response["Error"]["Code"] in _ABSENT:
                return None
            raise

    def events(self, step: str | None = None, origin: Origin | None = "learner", after: int = 0) -> list[Event]:
        """Events since the start or the last reset."""
        if origin != "learner":
            return self._handle.events(after=max(after, self._history.since), step=step, origin=origin)
        events = self._history.learner_events()
        return [event for event in events if event.seq > after and (step is None or event.step == step)]

    def decide(
        self, principal: str, action: str, resource: str, context: Mapping[str, str | list[str]] | None = None
    ) -> Decision:
        """What the policies say; kept for the policy view."""
        decision = self._handle.decide(principal, action, resource, context)
        self.asked.append(
            {
                "principal": principal,
                "action": action,
                "resource": resource,
                "context": dict(context or {}),
                "decision": asdict(decision),
            }
        )
        return decision

    def at_rest(self, bucket: str, key: str, version_id: str | None = None) -> AtRest | None:
        """The object on the disk."""
        return self._handle.at_rest(bucket, key, version_id)

    def connections(self) -> list[WireConnection]:
        """Connections that the tap knows."""
        return self._handle.connections()

    def wire(self, connection: int, direction: Literal["in", "out"]) -> bytes:
        """Raw bytes of one direction."""
        return self._handle.wire(connection, direction)

    def aead_open(self, key: bytes, nonce: bytes, sealed: bytes, aad: bytes = b"") -> bytes | None:
        """AES-GCM open, None where it does not fit."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            return AESGCM(key).decrypt(nonce, sealed, aad)
        except (InvalidTag, ValueError):
            return None

    def run_learner(
        self,
        script: str,
        args: Sequence[str] = (),
        files: Mapping[str, bytes] | None = None,
        stdin: bytes = b"",
        seconds: float = 10,
    ) -> LearnerRun:
        """Run a script of the learner on a fork of the world."""
        # Making and dropping the fork is not the validator's time either.
        self.deadline.extend(seconds + 30)
        fork = self._handle.fork()
        try:
            return run_script(
                self._workspace,
                script,
                self._learner_environment(fork),
                args=args,
                files=files,
                stdin=stdin,
                seconds=seconds,
            )
        finally:
            fork.drop()

    def _path(self, name: str) -> Path | None:
        """A regular file inside the workspace; links that lead out of it are not followed."""
        try:
            path = (self._workspace / name).resolve()
            return path if path.is_file() and path.is_relative_to(self._workspace.resolve()) else None
        except (OSError, ValueError, RuntimeError):
            return None


def named(names: Mapping[str, str], logical: str) -> str:
    """A rendered name.

    Raises:
        CourseError: There is none.
    """
    if logical not in names:
        raise CourseError(f"There is no name {logical!r} in this world.")
    return names[logical]
