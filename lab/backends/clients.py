"""boto3 clients that know only what they are told: no AWS file, no environment variable, no retry changes them."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import boto3
    from botocore.client import BaseClient
    from botocore.config import Config

    from lab.backends.protocol import Credentials, Endpoints, ServiceName

#: Services that no exercise uses, and that the conformance list asks all the same.
OtherService = Literal["cloudtrail", "service-quotas"]


class Clients:
    """Makes and keeps clients for one set of endpoints; usable from every thread.

    Args:
        endpoints: Where every service of the back end listens.
        attempts: How often a request is sent at most.
        signature: ``s3`` (version 2) or ``s3v4`` for S3's presigned URLs; None leaves it to boto3, as a learner has it.
    """

    def __init__(
        self, endpoints: Endpoints, *, attempts: int = 1, signature: Literal["s3", "s3v4"] | None = None
    ) -> None:
        self.endpoints = endpoints
        self._attempts = attempts
        self._signature = signature
        self._lock = threading.Lock()
        self._session: boto3.Session | None = None
        self._clients: dict[tuple[str, str, bool], BaseClient] = {}

    def client(self, credentials: Credentials, service: ServiceName | OtherService, *, http: bool) -> BaseClient:
        """The client of these credentials for this service; the same object when asked again."""
        wanted = (credentials.access_key_id, service, http)
        with self._lock:
            if wanted not in self._clients:
                self._clients[wanted] = self._make(credentials, service, http=http)
            return self._clients[wanted]

    def forget(self, access_key_ids: set[str]) -> None:
        """Close the clients of these access keys."""
        with self._lock:
            for key in [key for key in self._clients if key[0] in access_key_ids]:
                self._clients.pop(key).close()

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            for client in self._clients.values():
                client.close()
            self._clients.clear()

    def _make(self, credentials: Credentials, service: ServiceName | OtherService, *, http: bool) -> BaseClient:
        if self._session is None:
            self._session = isolated_session()
        bundle = self.endpoints.ca_bundle
        # boto3-stubs type only literal service names.
        make: Any = self._session.client
        client: BaseClient = make(
            service,
            region_name=self.endpoints.region,
            endpoint_url=self.endpoints.http if http else self.endpoints.https,
            verify=str(bundle) if bundle is not None else True,
            aws_access_key_id=credentials.access_key_id,
            aws_secret_access_key=credentials.secret_access_key,
            aws_session_token=credentials.session_token,
            config=client_config(self._attempts, self._signature),
        )
        return client


def client_config(attempts: int, signature: str | None = None) -> Config:
    """Path style, bounded waits, and no proxy, whatever the environment says."""
    from botocore.config import Config

    return Config(
        signature_version=signature,
        s3={"addressing_style": "path"},
        retries={"mode": "standard", "total_max_attempts": attempts},
        connect_timeout=5,
        read_timeout=60,
        max_pool_connections=10,
        proxies={},
    )


def isolated_session() -> boto3.Session:
    """A session that reads neither ``~/.aws`` nor any ``AWS_*`` variable."""
    import boto3
    import botocore.session
    from botocore import configprovider

    session = botocore.session.Session()
    factory = configprovider.ConfigChainFactory(session=session, environ={})

    def chains(variables: dict[str, Any]) -> dict[str, Any]:
        return {
            name: factory.create_config_chain(
                instance_name=name,
                env_var_names=environment,
                config_property_names=names,
                default=default,
                conversion_func=conversion,
            )
            for name, (names, environment, default, conversion) in variables.items()
        }

    mapping = chains(configprovider.BOTOCORE_DEFAUT_SESSION_VARIABLES)
    mapping["s3"] = configprovider.SectionConfigProvider("s3", session, chains(configprovider.DEFAULT_S3_CONFIG_VARS))
    mapping["proxies_config"] = configprovider.SectionConfigProvider(
        "proxies_config", session, chains(configprovider.DEFAULT_PROXIES_CONFIG_VARS)
    )
    session.register_component("config_store", configprovider.ConfigValueStore(mapping=mapping))
    for name in ("config_file", "credentials_file"):
        session.set_config_variable(name, os.devnull)
    return boto3.Session(botocore_session=session)
