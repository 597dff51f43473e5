"""A world with buckets and principals, and requests in it, without a server: for tests of the judge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lab.sandbox.assembly import Assembly
from lab.sandbox.exchange import Connection, Exchange, Headers, Request, Service, ServiceError
from lab.sandbox.identity import ANONYMOUS, Identity
from lab.sandbox.moto_hooks import s3
from lab.sandbox.principals import PrincipalRequest
from lab.sandbox.realm import Account, Realm
from lab.sandbox.sigv4 import PayloadCheck
from lab.sandbox.worlds import World

EXERCISE = "judging"


class NoBody:
    """A request without a body."""

    length = 0
    trailers: dict[str, str] = {}  # noqa: RUF012 - an empty constant

    def expect(self, check: PayloadCheck) -> None:
        """Nothing is promised about nothing."""

    def chunks(self, size: int = 1 << 20) -> Iterator[bytes]:
        yield from ()

    def read(self, limit: int) -> bytes:
        return b""


@dataclass
class Judged:
    """A world and how to ask in it."""

    assembly: Assembly
    world: World
    buckets: dict[str, s3.SealedBucket] = field(default_factory=dict)

    @property
    def realm(self) -> Realm:
        return self.world.realm

    def account(self, name: str = "home") -> Account:
        return next(one for one in self.realm.accounts.values() if one.name == name)

    def identity(self, name: str) -> Identity:
        for handed in self.world.handed:
            if handed.what == "principal" and handed.name == name:
                return self.realm.credentials[handed.access_key_id].identity
        raise LookupError(name)

    def builder(self, account: str = "home") -> Identity:
        key = next(one.access_key_id for one in self.world.handed if (one.what, one.account) == ("builder", account))
        return self.realm.credentials[key].identity

    @property
    def validator(self) -> Identity:
        key = next(one.access_key_id for one in self.world.handed if one.what == "validator")
        return self.realm.credentials[key].identity

    def bucket(self, name: str = "vault", account: str = "home") -> s3.SealedBucket:
        owner = self.account(account)
        made = s3.SealedBucket(name, owner.storage_id, 0.0)
        s3.buckets(owner)[name] = made
        return made

    def exchange(
        self,
        who: Identity | str | None,
        operation: str,
        *,
        service: Service = "s3",
        bucket: str | None = "vault",
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        tls: str | None = "TLSv1.3",
        parameters: dict[str, Any] | None = None,
        body: bytes = b"",
        realm: Realm | None = None,
    ) -> Exchange:
        scheme = "http" if tls is None else "https"
        connection = Connection(1, "http" if tls is None else "https", 1, tls)
        request = Request(
            connection, "REQ", 0.0, "GET", "/", "/", tuple((query or {}).items()), Headers((headers or {}).items()),
            NoBody(), service, operation, bucket, key, parameters or {}, body,
        )  # fmt: skip
        assert request.secure == (scheme == "https")
        identity = ANONYMOUS if who is None else self.identity(who) if isinstance(who, str) else who
        return Exchange(self.assembly.sandbox, request, identity, realm or self.realm)

    def events(self) -> list[dict[str, Any]]:
        """Data of the decision events so far."""
        return [event["data"] for event in self.assembly.log.events() if event["step"] == "decision"]


def user(name: str, *documents: str, account: str = "home", administrator: bool = False) -> PrincipalRequest:
    policies = {f"policy-{number}": document for number, document in enumerate(documents)}
    return PrincipalRequest(name, "user", account, administrator=administrator, policies=policies)


def role(name: str, *documents: str, account: str = "home", administrator: bool = False) -> PrincipalRequest:
    policies = {f"policy-{number}": document for number, document in enumerate(documents)}
    return PrincipalRequest(name, "role", account, administrator=administrator, policies=policies)


def denial(error: ServiceError) -> tuple[int, str, str]:
    return error.status, error.code, error.message
