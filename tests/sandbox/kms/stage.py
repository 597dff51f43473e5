"""A realm with two accounts, a KMS on it, and callers: what these tests need of a sandbox, without its transport."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

import pytest

from lab.sandbox.exchange import Connection, Exchange, Headers, Request, ServiceError
from lab.sandbox.identity import Identity
from lab.sandbox.kms import KmsService
from lab.sandbox.kms.state import KmsState
from lab.sandbox.moto_hooks import iam
from lab.sandbox.realm import Account, Realm

if TYPE_CHECKING:
    from lab.sandbox.core import Sandbox
    from lab.sandbox.kms.state import KmsKey

HOME, OTHER = "111122223333", "444455556666"


class Clock:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.time = 1_790_000_000.0

    def now(self) -> float:
        return self.time


class Log:
    """Keeps the data of events."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []

    def append(self, step: str, data: dict[str, Any], **_: object) -> int:
        self.events.append((step, data))
        return len(self.events)


class Realms:
    """Counts changes."""

    def __init__(self) -> None:
        self.changes = 0

    def changed(self, realm: Realm) -> None:
        self.changes += 1


@dataclass
class FakeSandbox:
    clock: Clock = field(default_factory=Clock)
    log: Log = field(default_factory=Log)
    realms: Realms = field(default_factory=Realms)
    kms: Any = None


def user(account: str = HOME, name: str = "learner", **members: Any) -> Identity:
    arn = f"arn:aws:iam::{account}:user/{name}"
    return Identity("user", account, arn, arn, f"AIDA{name}", name, f"AKIA{name}", **members)


class Stage:
    """KMS with whatever authorizer a test brings; asks are recorded."""

    def __init__(self) -> None:
        self.sandbox = FakeSandbox()
        self.refuse: set[str] = set()
        self.asked: list[dict[str, Any]] = []
        self.service = KmsService(self._authorize)
        self.sandbox.kms = self.service
        self.realm = Realm("world", "exercise", lock=threading.RLock())
        for account, name in ((HOME, "home"), (OTHER, "other")):
            self.realm.accounts[account] = Account(
                account, name, f"{uuid4().int % 10**12:012}", KmsState(), cast("Any", None)
            )
        self.me = user()
        self.stranger = user(OTHER, "stranger")

    def _authorize(self, exchange: Exchange, **asked: Any) -> None:
        self.asked.append(asked)
        if asked["action"] in self.refuse:
            raise ServiceError(400, "AccessDeniedException", f"User: {asked['caller'].arn} may not {asked['action']}")

    @property
    def clock(self) -> Clock:
        return self.sandbox.clock

    @property
    def state(self) -> KmsState:
        return self.realm.accounts[HOME].kms

    def enrol(self, *users: Identity) -> None:
        """Make users in IAM: grants and key policies are checked for who they name."""
        for one in users:
            iam.backend(self.realm.accounts[one.account]).create_user("us-east-1", one.name)

    def exchange(self, caller: Identity | None = None) -> Exchange:
        request = Request(
            Connection(1, "https", 443), "request-1", self.clock.now(), "POST", "/", "/", (), Headers([]),
            cast("Any", None), service="kms",
        )  # fmt: skip
        return Exchange(cast("Sandbox", self.sandbox), request, caller or self.me, self.realm)

    def call(
        self, operation: str, *, caller: Identity | None = None, via: str | None = None, **parameters: Any
    ) -> dict[str, Any]:
        caller = caller or self.me
        return self.service.call(self.exchange(caller), operation, parameters, caller=caller, via=via)

    def refusal(
        self, operation: str, *, caller: Identity | None = None, via: str | None = None, **parameters: Any
    ) -> tuple[str, str]:
        """Code and message that a call is refused with; KMS refuses with 400."""
        with pytest.raises(ServiceError) as caught:
            self.call(operation, caller=caller, via=via, **parameters)
        error = caught.value
        assert error.status == (501 if error.code == "NotImplemented" else 400)
        return error.code, error.message

    def new_key(self, **parameters: Any) -> str:
        return str(self.call("CreateKey", **parameters)["KeyMetadata"]["Arn"])

    def key(self, arn: str) -> KmsKey:
        return self.state.keys[arn.rpartition("/")[2]]

    def last_event(self) -> dict[str, Any]:
        step, data = self.sandbox.log.events[-1]
        assert step == "kms"
        return data
