"""A back end in memory with the few operations that the fixture's exercises use; the real one is tried in test_real."""

from __future__ import annotations

import copy
import queue
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

from botocore.exceptions import ClientError

from lab.backends.protocol import (
    CAPABILITIES,
    AtRest,
    Capability,
    Credentials,
    Decision,
    Direction,
    Endpoints,
    WireConnection,
    WorldSpec,
)
from lab.errors import SandboxLostError
from lab.events import Event, Origin


class FakeSubscription:
    def __init__(self, world: FakeWorld, after: int) -> None:
        self._world = world
        self._queue: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        for event in world.backend.log:
            if event.seq > after:
                self._queue.put(event)
        world.backend.subscribers.append(self._queue)

    def __iter__(self) -> Iterator[Event]:
        while (event := self._queue.get()) is not None:
            yield event

    def close(self) -> None:
        self._queue.put(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


#: What boto3's clients have for those who want to hear of answers; here nobody tells.
NO_EVENTS = SimpleNamespace(events=SimpleNamespace(register=lambda *_args, **_options: None))


class FakeS3:
    meta = NO_EVENTS

    def __init__(self, world: FakeWorld, principal: str) -> None:
        self._world = world
        self._origin: Origin = "learner"
        if world.is_fork or principal == "validator":
            self._origin = "validator"
        elif principal.startswith("builder"):
            self._origin = "world"

    def create_bucket(self, Bucket: str) -> dict[str, Any]:  # noqa: N803
        self._world.state.setdefault("buckets", []).append(Bucket)
        return self._answer("CreateBucket", 200)

    def put_object(self, Bucket: str, Key: str, Body: bytes) -> dict[str, Any]:  # noqa: N803
        if Bucket not in self._world.state["buckets"]:
            raise self._refuse("PutObject", 404, "NoSuchBucket")
        self._world.state[Bucket, Key] = Body
        return self._answer("PutObject", 200)

    def head_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        if self._world.backend.lost:
            raise SandboxLostError("The sandbox is gone.", "Start it again.")
        if (Bucket, Key) not in self._world.state:
            raise self._refuse("HeadObject", 404, "404")
        self._answer("HeadObject", 200)
        return {"ContentLength": len(self._world.state[Bucket, Key])}

    def _answer(self, operation: str, status: int) -> dict[str, Any]:
        for step, data in (("request", {"operation": operation}), ("answer", {"status": status})):
            self._world.backend.emit(step, data, self._origin, self._world.exercise)
        return {}

    def _refuse(self, operation: str, status: int, code: str) -> ClientError:
        self._answer(operation, status)
        return ClientError({"Error": {"Code": code}}, operation)


class FakeKms:
    meta = NO_EVENTS

    def __init__(self, world: FakeWorld) -> None:
        self._world = world

    def create_key(self, **_: Any) -> dict[str, Any]:
        return {"KeyMetadata": {"Arn": "arn:aws:kms:us-east-1:111122223333:key/1234"}}

    def create_alias(self, AliasName: str, TargetKeyId: str) -> None:  # noqa: N803
        self._world.state["alias"] = (AliasName, TargetKeyId)


class FakeIam:
    meta = NO_EVENTS

    def __init__(self, world: FakeWorld) -> None:
        self._world = world

    def put_role_policy(self, RoleName: str, PolicyName: str, PolicyDocument: str) -> None:  # noqa: N803
        self._world.state["policy", RoleName, PolicyName] = PolicyDocument


class FakeWorld:
    def __init__(self, backend: FakeBackend, spec: WorldSpec) -> None:
        self.backend = backend
        self.spec = spec
        self.exercise = spec.exercise
        self.realm = spec.exercise
        self.is_fork = False
        self.dropped = False
        self.state: dict[Any, Any] = {}
        self.snapshots: dict[str, dict[Any, Any]] = {}
        self.accounts: Mapping[str, str] = {"home": "111122223333"}
        names = ["validator", "builder", *(principal.name for principal in spec.principals)]
        self.credentials: Mapping[str, Credentials] = {
            name: Credentials(f"AKIA{name.upper()}", f"secret-{name}", None,
                              f"arn:aws:iam::111122223333:user/{name}", "111122223333", "user")
            for name in names
        }  # fmt: skip

    def client(self, principal: str, service: str, *, http: bool = False) -> Any:
        assert principal in self.credentials
        return {"s3": FakeS3(self, principal), "kms": FakeKms(self), "iam": FakeIam(self)}[service]

    def snapshot(self, label: str) -> None:
        self.snapshots[label] = copy.deepcopy(self.state)

    def restore(self, label: str) -> None:
        self.state = copy.deepcopy(self.snapshots[label])

    def fork(self) -> FakeWorld:
        fork = FakeWorld(self.backend, self.spec)
        fork.is_fork = True
        fork.state = copy.deepcopy(self.state)
        self.backend.forks.append(fork)
        return fork

    def drop(self) -> None:
        self.dropped = True

    def fingerprint(self) -> str:
        return repr(self.state)

    def events(
        self, *, after: int = 0, step: str | None = None, origin: Origin | None = None, limit: int | None = None
    ) -> list[Event]:
        return [
            event
            for event in self.backend.log
            if event.seq > after and step in (None, event.step) and origin in (None, event.origin)
        ][:limit]

    def subscribe(self, after: int = 0) -> FakeSubscription:
        return FakeSubscription(self, after)

    def decide(self, principal: str, action: str, resource: str, context: Any = None) -> Decision:
        raise NotImplementedError

    def at_rest(self, bucket: str, key: str, version_id: str | None = None) -> AtRest | None:
        raise NotImplementedError

    def connections(self) -> list[WireConnection]:
        return []

    def wire(self, connection: int, direction: Direction) -> bytes:
        raise NotImplementedError

    def plant(self, fact: str, **members: object) -> dict[str, Any]:
        raise NotImplementedError

    def clock(self, advance: float = 0.0) -> float:
        return time.time() + advance


class FakeBackend:
    def __init__(self, name: str = "sandbox", without: frozenset[Capability] = frozenset()) -> None:
        self.name = name
        self.capabilities: frozenset[Capability] = frozenset(CAPABILITIES) - without
        self.worlds: dict[str, FakeWorld] = {}
        self.forks: list[FakeWorld] = []
        self.log: list[Event] = []
        self.subscribers: list[queue.SimpleQueue[Event | None]] = []
        self.lost = False

    def open(self) -> None: ...

    def close(self) -> None: ...

    def endpoints(self) -> Endpoints:
        return Endpoints("https://localhost:1", "http://localhost:2", Path("/tmp/no-ca.pem"), "us-east-1")

    def create_world(self, spec: WorldSpec) -> FakeWorld:
        self.worlds[spec.exercise] = FakeWorld(self, spec)
        return self.worlds[spec.exercise]

    def open_world(self, exercise: str) -> FakeWorld | None:
        return self.worlds.get(exercise)

    def drop_world(self, exercise: str) -> None:
        self.worlds.pop(exercise, None)

    def emit(self, step: str, data: dict[str, Any], origin: Origin, exercise: str) -> None:
        event = Event(len(self.log) + 1, time.time(), origin, exercise, "arn", 1, step, data)
        self.log.append(event)
        for subscriber in self.subscribers:
            subscriber.put(event)
