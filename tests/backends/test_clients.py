"""Clients know only what they are told, whatever the user's environment and AWS files say."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.backends.clients import Clients
from lab.backends.protocol import Credentials, PrincipalSpec, WorldSpec
from lab.backends.sandbox import SandboxBackend

HOSTILE = {
    "AWS_ACCESS_KEY_ID": "AKIAUSERSOWN",
    "AWS_SECRET_ACCESS_KEY": "users-own",
    "AWS_SESSION_TOKEN": "users-own",
    "AWS_PROFILE": "production",
    "AWS_REGION": "eu-central-1",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ENDPOINT_URL": "https://127.0.0.1:1",
    "AWS_ENDPOINT_URL_S3": "https://127.0.0.1:1",
    "AWS_CA_BUNDLE": "/nowhere",
    "AWS_USE_FIPS_ENDPOINT": "true",
    "AWS_USE_DUALSTACK_ENDPOINT": "true",
    "AWS_MAX_ATTEMPTS": "9",
    "AWS_DEFAULTS_MODE": "in-region",
    "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
    "AWS_S3_USE_ARN_REGION": "true",
    "REQUESTS_CA_BUNDLE": "/nowhere",
    "HTTPS_PROXY": "http://127.0.0.1:1",
    "HTTP_PROXY": "http://127.0.0.1:1",
    "ALL_PROXY": "http://127.0.0.1:1",
}
CONFIG = """
[profile production]
region = eu-central-1
endpoint_url = https://127.0.0.1:1
s3 =
    addressing_style = virtual
    use_accelerate_endpoint = true
"""


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in HOSTILE.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "config").write_text(CONFIG)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))


@pytest.mark.usefixtures("hostile")
def test_nothing_of_the_user_reaches_a_client(backend: SandboxBackend) -> None:
    world = backend.create_world(WorldSpec("ex", principals=(PrincipalSpec("default", administrator=True),)))
    s3 = world.client("default", "s3")
    s3.create_bucket(Bucket="vault-0a1b2c3d")
    for http in (False, True):
        client = world.client("default", "s3", http=http)
        client.put_object(Bucket="vault-0a1b2c3d", Key="k", Body=b"x")
        endpoints = backend.endpoints()
        assert client.meta.endpoint_url == (endpoints.http if http else endpoints.https)
        assert client.meta.region_name == "us-east-1"
    (request, *_) = world.events(step="request", origin="learner")
    assert request.data["access_key_id"] == world.credentials["default"].access_key_id
    assert {event.data["target"].split("?")[0] for event in world.events(step="request")} <= {
        "/vault-0a1b2c3d", "/vault-0a1b2c3d/k",
    }  # fmt: skip
    assert world.client("default", "sts").get_caller_identity()["Account"] == world.accounts["home"]
    world.drop()


def test_failures_are_not_repeated(backend: SandboxBackend) -> None:
    from botocore.exceptions import ConnectionError as Unreachable

    wrong = Clients(type(backend.endpoints())("https://127.0.0.1:1", None, None, "us-east-1"))
    credentials = Credentials("AKIA", "secret", None, "arn", "1", "user")
    with pytest.raises(Unreachable):
        wrong.client(credentials, "s3", http=False).list_buckets()  # type: ignore[attr-defined]
    wrong.close()
