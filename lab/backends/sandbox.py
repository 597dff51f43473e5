"""The sandbox as a back end: worlds over its control socket, everything else over HTTP(S) as with AWS."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lab.backends import process
from lab.backends.clients import Clients
from lab.backends.control_client import ControlClient, ControlFailureError, EventStream
from lab.backends.protocol import (
    BUILDER,
    CAPABILITIES,
    VALIDATOR,
    AtRest,
    Capability,
    CaptureGoneError,
    Credentials,
    Decision,
    Direction,
    Endpoints,
    ServiceName,
    WireConnection,
    WireRecord,
    WorldSpec,
)
from lab.backends.runtime import RunningSandbox, ensure_sandbox
from lab.errors import BackendError, SandboxLostError
from lab.events import Event, Origin

if TYPE_CHECKING:
    from botocore.client import BaseClient

#: Making and copying worlds may have to wait for a machine that is busy.
_WORLD_SECONDS: Final = 60.0

#: How long a sandbox that ends may take to write what is left.
_ENDING_SECONDS: Final = 5.0


class SandboxBackend:
    """The sandbox of this user and data directory; started where it is not running.

    Args:
        running: A sandbox that runs already, such as one of ``lab sandbox serve``; by default the shared one.
    """

    name = "sandbox"
    capabilities: frozenset[Capability] = frozenset(CAPABILITIES)

    def __init__(self, running: RunningSandbox | None = None) -> None:
        self._given = running
        self._running: RunningSandbox | None = None
        self._control: ControlClient | None = None
        self._clients: Clients | None = None

    def open(self) -> None:
        """Find or start the sandbox and hold it: while this is open, it stays."""
        self.close()
        self._running, self._control = self._hold()
        self._clients = Clients(self._running.endpoints)

    def _hold(self) -> tuple[RunningSandbox, ControlClient]:
        running = self._given or ensure_sandbox()
        control = ControlClient(running.control)
        try:
            control.connect()
        except SandboxLostError:
            # It may have been about to end, for want of clients, when it was found.
            if self._given is not None or not process.wait_gone(running.pid, running.began, _ENDING_SECONDS):
                raise
            running = ensure_sandbox()
            control = ControlClient(running.control)
            control.connect()
        return running, control

    def close(self) -> None:
        """Let go of the sandbox; it ends some time after its last client."""
        if self._control is not None:
            self._control.close()
        if self._clients is not None:
            self._clients.close()
        self._running = self._control = self._clients = None

    @property
    def running(self) -> RunningSandbox:
        """Process and addresses of the sandbox.

        Raises:
            SandboxLostError: It is not open.
        """
        if self._running is None:
            raise SandboxLostError("The sandbox is not open.", "Open the back end first.")
        return self._running

    @property
    def control(self) -> ControlClient:
        """The control connection, for what the protocol has no word for."""
        if self._control is None:
            raise SandboxLostError("The sandbox is not open.", "Open the back end first.")
        return self._control

    @property
    def clients(self) -> Clients:
        """The clients of all worlds."""
        if self._clients is None:
            raise SandboxLostError("The sandbox is not open.", "Open the back end first.")
        return self._clients

    def endpoints(self) -> Endpoints:
        """Where it listens."""
        return self.running.endpoints

    def create_world(self, spec: WorldSpec) -> SandboxWorld:
        """Make a world; one that exists under this id is dropped first."""
        principals = [
            {
                "name": principal.name,
                "kind": principal.kind,
                "account": principal.account,
                "administrator": principal.administrator,
                "policies": dict(principal.policies),
            }
            for principal in spec.principals
        ]
        answer = self.control.call(
            "world.create",
            timeout=_WORLD_SECONDS,
            exercise=spec.exercise,
            accounts=list(spec.accounts),
            principals=principals,
        )
        return SandboxWorld(self, spec.exercise, answer)

    def open_world(self, exercise: str) -> SandboxWorld | None:
        """The world of that id, None where there is none."""
        answer = self.control.call("world.open", exercise=exercise)
        return None if answer is None else SandboxWorld(self, exercise, answer)

    def drop_world(self, exercise: str) -> None:
        """Remove the world; nothing happens where there is none."""
        self.control.call("world.drop", exercise=exercise, timeout=_WORLD_SECONDS)


class SandboxWorld:
    """One world in the sandbox.

    Args:
        backend: The open back end.
        exercise: Stable id of the exercise.
        answer: What ``world.create``, ``world.open`` or ``world.fork`` answered.
    """

    def __init__(self, backend: SandboxBackend, exercise: str, answer: Mapping[str, Any]) -> None:
        self._backend = backend
        self.exercise = exercise
        self.realm = str(answer.get("realm", exercise))
        self.accounts: Mapping[str, str] = dict(answer["accounts"])
        self.credentials: Mapping[str, Credentials] = _all_credentials(answer)

    def client(self, principal: str, service: ServiceName, *, http: bool = False) -> Any:
        """A boto3 client with this principal's credentials; the same object when asked again."""
        credentials = self.credentials.get(principal)
        if credentials is None:
            raise BackendError(f'This world has no principal "{principal}".')
        client: BaseClient = self._backend.clients.client(credentials, service, http=http)
        return client

    def snapshot(self, label: str) -> None:
        """Keep the account state under this label."""
        self._call("world.snapshot", timeout=_WORLD_SECONDS, label=label)

    def restore(self, label: str) -> None:
        """Bring the account state back to the snapshot; credentials handed out stay valid."""
        self._call("world.restore", timeout=_WORLD_SECONDS, label=label)

    def fork(self) -> SandboxWorld:
        """A copy in which the same names hold; drop it after use."""
        return SandboxWorld(self._backend, self.exercise, self._call("world.fork", timeout=_WORLD_SECONDS))

    def drop(self) -> None:
        """Remove the world and everything in it."""
        self._call("world.drop", timeout=_WORLD_SECONDS)
        self._backend.clients.forget({credentials.access_key_id for credentials in self.credentials.values()})

    def fingerprint(self) -> str:
        """A digest of everything that a client could see or that protects it."""
        return str(self._call("world.fingerprint", timeout=_WORLD_SECONDS))

    def events(
        self,
        *,
        after: int = 0,
        step: str | None = None,
        origin: Origin | None = None,
        limit: int | None = None,
    ) -> list[Event]:
        """What happened in this world, oldest first."""
        found = [Event.from_json(line) for line in self._call("events", after=after)]
        chosen = [
            event
            for event in found
            if (step is None or event.step == step) and (origin is None or event.origin == origin)
        ]
        return chosen[:limit]

    def subscribe(self, after: int = 0) -> EventStream:
        """Events of this world from ``after`` on, those that exist first, then as they happen."""
        return EventStream(self._backend.running.control, after, self.realm)

    def decide(
        self, principal: str, action: str, resource: str, context: Mapping[str, str | list[str] | None] | None = None
    ) -> Decision:
        """What the policies say; no side effect."""
        answer = self._call(
            "decide", principal=principal, action=action, resource=resource, context=dict(context or {})
        )
        return Decision(
            allowed=bool(answer["allowed"]),
            reason=str(answer["reason"]),
            denied_by=answer["denied_by"],
            message=str(answer["message"] or ""),
            trace=list(answer["trace"]),
        )

    def at_rest(self, bucket: str, key: str, version_id: str | None = None) -> AtRest | None:
        """The object as it lies on the disk, None where there is no such object."""
        try:
            answer = self._call("at_rest", bucket=bucket, key=key, version_id=version_id)
        except ControlFailureError as error:
            if error.code == "no-such-object":
                return None
            raise
        return AtRest(
            path=Path(answer["path"]),
            size_on_disk=int(answer["size_on_disk"]),
            head=base64.b64decode(answer["head"]),
            envelope=dict(answer["envelope"]),
            metadata=dict(answer["metadata"]),
            etag=str(answer["etag"]),
            plaintext_size=int(answer["plaintext_size"]),
            parts=list(answer["parts"]),
        )

    def connections(self) -> list[WireConnection]:
        """Every connection that the tap knows of this world."""
        return [_connection(line) for line in self._call("wire.connections")]

    def wire(self, connection: int, direction: Direction) -> bytes:
        """The raw bytes of one direction that the tap still holds, from the first one on."""
        try:
            answer = self._backend.control.call("wire.raw", connection=connection, direction=direction)
        except ControlFailureError as error:
            if error.code == "capture-gone":
                raise CaptureGoneError(
                    f"The bytes of connection {connection} are no longer kept.", "Send the request again."
                ) from None
            raise
        return base64.b64decode(answer)

    def plant(self, fact: str, **members: object) -> dict[str, Any]:
        """Change what no API can change; for ``build()`` and the gate only."""
        sent = {
            name: base64.b64encode(value).decode() if isinstance(value, bytes) else value
            for name, value in members.items()
        }
        return dict(self._call("plant", fact=fact, **sent) or {})

    def clock(self, advance: float = 0.0) -> float:
        """The sandbox's time in seconds since the epoch, after moving it forward."""
        return float(self._backend.control.call("clock", advance=advance))

    def _call(self, op: str, **members: Any) -> Any:
        return self._backend.control.call(op, exercise=self.realm, **members)


def _all_credentials(answer: Mapping[str, Any]) -> dict[str, Credentials]:
    found = {name: _credentials(line) for name, line in answer["credentials"].items()}
    found[VALIDATOR] = _credentials(answer["validator"])
    for account, line in answer["builders"].items():
        found[BUILDER if account == "home" else f"{BUILDER}-{account}"] = _credentials(line)
    return found


def _credentials(line: Mapping[str, Any]) -> Credentials:
    return Credentials(
        access_key_id=line["access_key_id"],
        secret_access_key=line["secret_access_key"],
        session_token=line["session_token"],
        arn=line["arn"],
        account=line["account"],
        kind=line["kind"],
    )


def _connection(line: Mapping[str, Any]) -> WireConnection:
    return WireConnection(
        number=int(line["connection"]),
        scheme=line["scheme"],
        port=int(line["port"]),
        opened_at=float(line["opened_at"]),
        bytes_in=int(line["bytes_in"]),
        bytes_out=int(line["bytes_out"]),
        kept_in=int(line["kept_in"]),
        kept_out=int(line["kept_out"]),
        records=[
            WireRecord(record["direction"], record["type"], record["version"], int(record["length"]))
            for record in line["records"]
        ],
        sni=line["sni"],
        tls_version=line["tls_version"],
    )
