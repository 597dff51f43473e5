"""Any endpoint that the user names: here the sandbox, seen as a stranger would see it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.backends import open_backend
from lab.backends.endpoint import EndpointBackend, EndpointWorld
from lab.backends.protocol import Backend, Capability, PrincipalSpec, WorldHandle, WorldSpec
from lab.backends.sandbox import SandboxBackend
from lab.errors import EXIT_NOT_CAPABLE, NotCapableError, UsageError

LEARNER = WorldSpec("ex", principals=(PrincipalSpec("default", administrator=True),))


@pytest.fixture
def profile(backend: SandboxBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A profile in the user's files, with the keys of a world's learner."""
    world = backend.create_world(WorldSpec("elsewhere", principals=(PrincipalSpec("default", administrator=True),)))
    keys = world.credentials["default"]
    (tmp_path / "credentials").write_text(
        f"[mine]\naws_access_key_id = {keys.access_key_id}\naws_secret_access_key = {keys.secret_access_key}\n"
        "[role-only]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = mine\n"
    )
    (tmp_path / "config").write_text(f"[profile mine]\nca_bundle = {backend.endpoints().ca_bundle}\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    return "mine"


def test_requests_go_there_with_the_profiles_keys(backend: SandboxBackend, profile: str) -> None:
    opened: Backend = open_backend("endpoint", endpoint=backend.endpoints().https, profile=profile)
    world: WorldHandle = opened.create_world(LEARNER)
    s3 = world.client("default", "s3")
    s3.create_bucket(Bucket="vault-0a1b2c3d")
    assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == ["vault-0a1b2c3d"]
    assert world.client("validator", "s3") is s3
    assert world.client("builder", "s3") is s3
    assert opened.open_world("ex") is not None
    opened.drop_world("ex")
    world.drop()
    assert opened.endpoints().https == backend.endpoints().https
    assert "secret" not in repr(world.credentials).lower()
    opened.close()


def test_an_http_endpoint_has_http(backend: SandboxBackend, profile: str) -> None:
    url = backend.endpoints().http
    assert url is not None
    opened = open_backend("endpoint", endpoint=url, profile=profile)
    assert opened.capabilities == {"http"}
    opened.create_world(LEARNER).client("default", "s3", http=True).list_buckets()
    opened.close()


@pytest.mark.parametrize(
    ("capability", "use"),
    [
        ("snapshot", lambda world: world.snapshot("a")),
        ("snapshot", lambda world: world.restore("a")),
        ("snapshot", lambda world: world.fork()),
        ("snapshot", lambda world: world.fingerprint()),
        ("events", lambda world: world.events()),
        ("events", lambda world: world.subscribe()),
        ("decide", lambda world: world.decide("default", "s3:GetObject", "*")),
        ("at_rest", lambda world: world.at_rest("b", "k")),
        ("wire", lambda world: world.connections()),
        ("wire", lambda world: world.wire(1, "in")),
        ("plant", lambda world: world.plant("x")),
        ("clock", lambda world: world.clock()),
        ("http", lambda world: world.client("default", "s3", http=True)),
        ("principals", lambda world: world.client("reader", "s3")),
    ],
)
def test_what_it_lacks_is_named(
    backend: SandboxBackend, profile: str, capability: Capability, use: Callable[[EndpointWorld], Any]
) -> None:
    opened = EndpointBackend(backend.endpoints().https, profile)
    opened.open()
    assert capability not in opened.capabilities
    with pytest.raises(NotCapableError, match=rf"\(capability {capability}\)") as caught:
        use(opened.create_world(LEARNER))
    assert caught.value.exit_status == EXIT_NOT_CAPABLE
    opened.close()


@pytest.mark.parametrize(
    "spec",
    [
        WorldSpec("ex", ("home", "other")),
        WorldSpec("ex", principals=(PrincipalSpec("default"), PrincipalSpec("reader", "role"))),
    ],
)
def test_exercises_with_other_principals_are_refused_before_they_start(
    backend: SandboxBackend, profile: str, spec: WorldSpec
) -> None:
    opened = open_backend("endpoint", endpoint=backend.endpoints().https, profile=profile)
    with pytest.raises(NotCapableError, match="capability principals"):
        opened.create_world(spec)
    opened.close()


@pytest.mark.parametrize("url", ["", "localhost:9000", "ftp://host", "https://", "https://user:pw@host"])
def test_what_is_no_url_is_refused_without_repeating_a_password(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        open_backend("endpoint", endpoint=url, profile="mine")
    assert "pw" not in str(caught.value)


@pytest.mark.usefixtures("profile")
@pytest.mark.parametrize(("name", "text"), [("nobody", "no AWS profile"), ("role-only", "no access key")])
def test_profiles_without_keys_are_named(name: str, text: str) -> None:
    with pytest.raises(UsageError, match=text):
        open_backend("endpoint", endpoint="https://127.0.0.1:1", profile=name)


def test_no_profile_is_ever_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "mine")
    with pytest.raises(UsageError, match="profile that you name"):
        open_backend("endpoint", endpoint="https://127.0.0.1:1")


def test_other_names() -> None:
    with pytest.raises(NotCapableError, match="The real AWS back end is not built yet"):
        open_backend("aws")
    with pytest.raises(UsageError, match='no back end "azure"'):
        open_backend("azure")
