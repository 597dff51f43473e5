"""What the tools of a learner find: variables and profiles."""

from __future__ import annotations

import configparser
import stat
from pathlib import Path
from typing import Literal

import pytest

from lab.shell.environment import Credentials, Endpoints, variable_name
from lab.shell.profiles import ProfileFiles

from .conftest import MakeEnvironment


def read_config(environment: dict[str, str]) -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(environment["AWS_CONFIG_FILE"])
    return parser


def test_nothing_of_the_users_aws_survives(make_environment: MakeEnvironment) -> None:
    environment = make_environment(base={"AWS_CA_BUNDLE": "/evil", "BASH_FUNC_aws%%": "() { :; }", "BASH_ENV": "/x"})
    assert "AWS_PROFILE" not in environment
    assert "AWS_ACCESS_KEY_ID" not in environment
    assert "BASH_FUNC_aws%%" not in environment
    assert "BASH_ENV" not in environment
    assert environment["AWS_CA_BUNDLE"].endswith("ca.pem")
    assert environment["AWS_EC2_METADATA_DISABLED"] == "true"
    assert environment["AWS_PAGER"] == ""


def test_names_become_variables(make_environment: MakeEnvironment) -> None:
    environment = make_environment(base={"LAB_BUCKET_OLD": "of another exercise"})
    assert environment["LAB_BUCKET_VAULT"] == "vault-3f9a0c11"
    assert environment["LAB_ACCOUNT_HOME"] == "111122223333"
    assert "LAB_BUCKET_OLD" not in environment
    assert variable_name("principal.key-admin") == "LAB_PRINCIPAL_KEY_ADMIN"


@pytest.mark.parametrize(
    ("mode", "in_environment", "in_profile"),
    [
        ("env", "https://localhost:4001", None),
        ("profile", None, "https://localhost:4001"),
        ("http", None, "http://localhost:4002"),
    ],
)
def test_the_endpoint_stands_where_the_mode_says(
    make_environment: MakeEnvironment,
    mode: Literal["env", "profile", "http"],
    in_environment: str | None,
    in_profile: str | None,
) -> None:
    environment = make_environment(endpoint_mode=mode)
    assert environment.get("AWS_ENDPOINT_URL") == in_environment
    for section in ("default", "profile reader"):
        assert read_config(environment)[section].get("endpoint_url") == in_profile
        assert read_config(environment)[section]["ca_bundle"].endswith("ca.pem")


def test_private_files_are_private_and_outside_the_workspace(
    make_environment: MakeEnvironment, workspace: Path, tmp_path: Path
) -> None:
    environment = make_environment()
    for path in (tmp_path / "state" / "shell").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    assert list(workspace.iterdir()) == []
    assert stat.S_IMODE(Path(environment["AWS_SHARED_CREDENTIALS_FILE"]).stat().st_mode) == 0o600


def test_secrets_are_in_the_credentials_file_alone(make_environment: MakeEnvironment, tmp_path: Path) -> None:
    environment = make_environment()
    assert not any("secret-of" in value or "token-of" in value for value in environment.values())
    holders = [
        path.name for path in (tmp_path / "state").rglob("*") if path.is_file() and "secret-of" in path.read_text()
    ]
    assert holders == ["aws-credentials"]
    assert "secret" not in repr(Credentials("AKIA", "secret", "secret"))


def test_what_the_learner_writes_into_a_profile_stays_until_reset(make_environment: MakeEnvironment) -> None:
    config = Path(make_environment(endpoint_mode="http")["AWS_CONFIG_FILE"])
    config.write_text(config.read_text() + "# mine\n")
    make_environment(endpoint_mode="http")
    assert "# mine" in config.read_text()
    make_environment(endpoint_mode="http", fresh=True)
    assert "# mine" not in config.read_text()


def test_a_new_world_has_new_profiles(make_environment: MakeEnvironment) -> None:
    config = Path(make_environment()["AWS_CONFIG_FILE"])
    config.write_text(config.read_text() + "# of the old world\n")
    make_environment(profiles={"default": Credentials("AKIANEW", "another")})
    assert "# of the old world" not in config.read_text()


def test_new_ports_replace_old_ones_in_the_profiles_and_nothing_else(make_environment: MakeEnvironment) -> None:
    first = make_environment(endpoint_mode="http")
    config = Path(first["AWS_CONFIG_FILE"])
    config.write_text(config.read_text() + "[profile mine]\nendpoint_url = https://localhost:4001\nregion = x\n")
    # The new HTTP port is the old HTTPS one: each line changes once.
    make_environment(endpoint_mode="http", endpoints=Endpoints("https://localhost:5001", "http://localhost:4001"))
    parser = read_config(first)
    assert parser["default"]["endpoint_url"] == "http://localhost:4001"
    assert parser["profile mine"]["endpoint_url"] == "https://localhost:5001"
    assert parser["profile mine"]["region"] == "x"


def test_a_profile_file_that_is_missing_is_made_again(make_environment: MakeEnvironment) -> None:
    files = ProfileFiles.within(Path(make_environment()["AWS_CONFIG_FILE"]).parent)
    files.config.unlink()
    make_environment()
    assert files.config.exists()


@pytest.mark.parametrize(
    ("inherited", "expected"),
    [
        ({"LANG": "de_DE.UTF-8"}, None),
        ({"LANG": "C.utf8"}, None),
        ({"LANG": "de_DE.UTF-8", "LC_ALL": "C"}, "C.UTF-8"),
        ({"LANG": ""}, "C.UTF-8"),
    ],
)
def test_text_is_utf8(make_environment: MakeEnvironment, inherited: dict[str, str], expected: str | None) -> None:
    environment = make_environment(base=inherited)
    if expected is None:
        assert environment.get("LC_ALL") == inherited.get("LC_ALL")
    else:
        assert environment["LC_ALL"] == expected


def test_a_proxy_does_not_stand_before_this_machine(make_environment: MakeEnvironment) -> None:
    assert "NO_PROXY" not in make_environment()
    environment = make_environment(base={"HTTPS_PROXY": "http://proxy:3128", "no_proxy": "corp"})
    assert environment["no_proxy"] == environment["NO_PROXY"] == "corp,localhost,127.0.0.1,::1"


def test_a_shell_in_a_shell_does_not_grow_the_path(make_environment: MakeEnvironment) -> None:
    once = make_environment()["PATH"]
    assert make_environment(base={"PATH": once})["PATH"] == once
