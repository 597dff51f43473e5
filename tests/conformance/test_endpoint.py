"""The list runs at an endpoint that shows nothing of its inside, and leaves nothing behind there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.backends.endpoint import EndpointBackend
from lab.backends.private import private_sandbox
from lab.backends.protocol import PrincipalSpec, WorldHandle, WorldSpec
from lab.cli import main
from lab.conformance.run import chosen, run

_IDS = ["A01", "A12", "A23", "B28", "C07", "E13", "E27", "I09", "K31", "P10", "T02", "T06", "U02", "V04", "X01"]


@pytest.fixture(scope="module")
def world() -> Iterator[WorldHandle]:
    with private_sandbox() as backend:
        spec = WorldSpec("elsewhere", principals=[PrincipalSpec("default", administrator=True)])
        yield backend.create_world(spec)


@pytest.fixture
def endpoint(world: WorldHandle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """URL of the endpoint; the profile ``there`` has an administrator's key."""
    client = world.client("default", "s3")
    mine = world.credentials["default"]
    lines = [
        "[there]",
        f"aws_access_key_id = {mine.access_key_id}",
        f"aws_secret_access_key = {mine.secret_access_key}",
    ]
    (tmp_path / "credentials").write_text("\n".join(lines) + "\n")
    bundle = client._endpoint.http_session._verify  # type: ignore[attr-defined]
    (tmp_path / "config").write_text(f"[profile there]\nregion = us-east-1\nca_bundle = {bundle}\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    return str(client.meta.endpoint_url)


def test_everything_holds_that_can_be_seen(world: WorldHandle, endpoint: str) -> None:
    backend = EndpointBackend(endpoint, "there")
    backend.open()
    try:
        results = list(run(backend, chosen(_IDS)))
    finally:
        backend.close()
    assert [(one.behavior.id, one.seen) for one in results if not one.as_listed] == []
    hidden = {one.behavior.id for one in results if one.outcome == "not shown"}
    assert hidden == {"A23", "C07", "T02"}  # a refusal of the sandbox, events, plain HTTP
    assert world.client("default", "s3").list_buckets()["Buckets"] == []
    assert world.client("default", "iam").list_users()["Users"][0]["UserName"] == "default"
    assert len(world.client("default", "iam").list_users()["Users"]) == 1
    kms = world.client("default", "kms")
    made = [kms.describe_key(KeyId=one["KeyId"])["KeyMetadata"] for one in kms.list_keys()["Keys"]]
    assert {one["KeyState"] for one in made if one["KeyManager"] == "CUSTOMER"} == {"PendingDeletion"}


def test_the_command_takes_an_endpoint(endpoint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fidelity", "--endpoint", endpoint, "--profile", "there", "E13", "C07"]) == 0
    shown = capsys.readouterr()
    assert "1 hold here, 0 are refused by name, 1 could not be shown, 0 are not as the ledger says." in shown.out
    assert "lacks events" in shown.out
    assert "remove them afterwards" in shown.err
