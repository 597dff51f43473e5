"""Any S3-compatible endpoint that the user names: it answers requests, and nothing else can be asked of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn
from urllib.parse import urlsplit

from lab.backends.clients import Clients
from lab.backends.protocol import (
    BUILDER,
    VALIDATOR,
    AtRest,
    Capability,
    Credentials,
    Decision,
    Direction,
    Endpoints,
    ServiceName,
    Subscription,
    WireConnection,
    WorldHandle,
    WorldSpec,
    not_capable,
)
from lab.errors import BackendError, UsageError
from lab.events import Event, Origin

if TYPE_CHECKING:
    from botocore.client import BaseClient

#: The only principal: the learner, with the profile that the user named.
LEARNER: Final = "default"

#: What the endpoint's account is called where nobody can tell its number.
_UNKNOWN_ACCOUNT: Final = "000000000000"


class EndpointBackend:
    """An S3-compatible endpoint.

    Args:
        url: Where it listens, with its scheme.
        profile: The profile in the user's AWS files whose credentials, region and CA bundle are taken.
    """

    name = "endpoint"

    def __init__(self, url: str, profile: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.password:
            # What was given is not repeated: it may hold a password.
            raise UsageError("That is not the URL of an endpoint.", "Name it like this: https://HOST:PORT.")
        self._url = url
        self._plain = parts.scheme == "http"
        self._profile = profile
        self._credentials: Credentials | None = None
        self._clients: Clients | None = None
        self.capabilities: frozenset[Capability] = frozenset({"http"}) if self._plain else frozenset()

    def open(self) -> None:
        """Read the profile.

        Raises:
            UsageError: There is no such profile, or it has no credentials.
        """
        self.close()
        self._credentials, region, bundle = _read_profile(self._profile)
        endpoints = Endpoints(self._url, self._url if self._plain else None, bundle, region)
        self._clients = Clients(endpoints, attempts=3)

    def close(self) -> None:
        """Close every connection."""
        if self._clients is not None:
            self._clients.close()
        self._clients = self._credentials = None

    @property
    def clients(self) -> Clients:
        """The clients of the only principal."""
        if self._clients is None:
            raise BackendError("The endpoint is not open.", "Open the back end first.")
        return self._clients

    def endpoints(self) -> Endpoints:
        """Where it listens."""
        return self.clients.endpoints

    def create_world(self, spec: WorldSpec) -> EndpointWorld:
        """The account behind the profile; nothing is made, and nothing that exists is touched.

        Raises:
            NotCapableError: The exercise needs other principals than the learner, or a second account.
        """
        if list(spec.accounts) != ["home"] or any(principal.name != LEARNER for principal in spec.principals):
            raise not_capable(self.name, "principals")
        return self._world(spec.exercise)

    def open_world(self, exercise: str) -> EndpointWorld | None:
        """The account behind the profile: an endpoint cannot tell whether a world was built there."""
        return self._world(exercise)

    def drop_world(self, exercise: str) -> None:
        """Nothing: what was made is removed by who made it."""

    def _world(self, exercise: str) -> EndpointWorld:
        if self._credentials is None:
            raise BackendError("The endpoint is not open.", "Open the back end first.")
        return EndpointWorld(self, exercise, self._credentials)


class EndpointWorld:
    """The account behind the profile, as one exercise sees it."""

    def __init__(self, backend: EndpointBackend, exercise: str, credentials: Credentials) -> None:
        self._backend = backend
        self.exercise = exercise
        self.realm = exercise
        self.accounts: Mapping[str, str] = {"home": credentials.account}
        self.credentials: Mapping[str, Credentials] = dict.fromkeys((LEARNER, VALIDATOR, BUILDER), credentials)

    def client(self, principal: str, service: ServiceName, *, http: bool = False) -> Any:
        """A boto3 client of the learner's profile, pointed at the endpoint."""
        if principal not in self.credentials:
            self._refuse("principals")
        if http and "http" not in self._backend.capabilities:
            self._refuse("http")
        client: BaseClient = self._backend.clients.client(self.credentials[principal], service, http=http)
        return client

    def snapshot(self, label: str) -> None:  # noqa: ARG002 - the protocol's signature
        """Not capable: ``snapshot``."""
        self._refuse("snapshot")

    def restore(self, label: str) -> None:  # noqa: ARG002 - the protocol's signature
        """Not capable: ``snapshot``."""
        self._refuse("snapshot")

    def fork(self) -> WorldHandle:
        """Not capable: ``snapshot``."""
        self._refuse("snapshot")

    def drop(self) -> None:
        """Nothing: see :meth:`EndpointBackend.drop_world`."""

    def fingerprint(self) -> str:
        """Not capable: ``snapshot``."""
        self._refuse("snapshot")

    def events(
        self,
        *,
        after: int = 0,  # noqa: ARG002 - the protocol's signature
        step: str | None = None,  # noqa: ARG002
        origin: Origin | None = None,  # noqa: ARG002
        limit: int | None = None,  # noqa: ARG002
    ) -> list[Event]:
        """Not capable: ``events``."""
        self._refuse("events")

    def subscribe(self, after: int = 0) -> Subscription:  # noqa: ARG002 - the protocol's signature
        """Not capable: ``events``."""
        self._refuse("events")

    def decide(
        self,
        principal: str,  # noqa: ARG002 - the protocol's signature
        action: str,  # noqa: ARG002
        resource: str,  # noqa: ARG002
        context: Mapping[str, str | list[str] | None] | None = None,  # noqa: ARG002
    ) -> Decision:
        """Not capable: ``decide``."""
        self._refuse("decide")

    def at_rest(self, bucket: str, key: str, version_id: str | None = None) -> AtRest | None:  # noqa: ARG002 - protocol
        """Not capable: ``at_rest``."""
        self._refuse("at_rest")

    def connections(self) -> list[WireConnection]:
        """Not capable: ``wire``."""
        self._refuse("wire")

    def wire(self, connection: int, direction: Direction) -> bytes:  # noqa: ARG002 - the protocol's signature
        """Not capable: ``wire``."""
        self._refuse("wire")

    def plant(self, fact: str, **members: object) -> dict[str, Any]:  # noqa: ARG002 - the protocol's signature
        """Not capable: ``plant``."""
        self._refuse("plant")

    def clock(self, advance: float = 0.0) -> float:  # noqa: ARG002 - the protocol's signature
        """Not capable: ``clock``."""
        self._refuse("clock")

    def _refuse(self, capability: Capability) -> NoReturn:
        raise not_capable(self._backend.name, capability)


def _read_profile(profile: str) -> tuple[Credentials, str, Path | None]:
    """Credentials, region and CA bundle of a profile of the user's own AWS files.

    Only profiles that hold a key pair are taken: nothing is run and nobody is asked for a role.
    """
    import botocore.session

    known = botocore.session.Session().full_config["profiles"]
    if profile not in known:
        raise UsageError(f'There is no AWS profile "{profile}".', "See your profiles: aws configure list-profiles.")
    values = known[profile]
    key, secret = values.get("aws_access_key_id"), values.get("aws_secret_access_key")
    if not key or not secret:
        raise UsageError(
            f'The AWS profile "{profile}" holds no access key.', "Name a profile that has one: aws configure."
        )
    credentials = Credentials(
        access_key_id=key,
        secret_access_key=secret,
        session_token=values.get("aws_session_token"),
        arn=f"arn:aws:iam::{_UNKNOWN_ACCOUNT}:root",
        account=_UNKNOWN_ACCOUNT,
        kind="unknown",
    )
    bundle = values.get("ca_bundle")
    return credentials, values.get("region", "us-east-1"), Path(bundle).expanduser() if bundle else None
