"""The wrappers, run as programs: a stand-in for the AWS CLI writes down what it was given."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lab.shell.environment import Endpoints

from .conftest import MakeEnvironment


@pytest.fixture
def old_cli(tmp_path: Path) -> Path:
    """A directory with an ``aws`` that prints its arguments and what of the environment decides."""
    directory = tmp_path / "user-bin"
    directory.mkdir()
    script = directory / "aws"
    script.write_text('#!/bin/sh\nfor word in "$@"; do echo "[$word]"; done\necho "env=$AWS_ENDPOINT_URL"\n')
    script.chmod(0o755)
    return directory


def run(environment: dict[str, str], *arguments: str, program: str = "aws") -> subprocess.CompletedProcess[str]:
    wrapper = environment["PATH"].split(":")[0] + "/" + program
    return subprocess.run(
        [wrapper, *arguments], env=environment, capture_output=True, text=True, timeout=20, check=False
    )


@pytest.fixture
def with_old_cli(make_environment: MakeEnvironment, old_cli: Path, monkeypatch: pytest.MonkeyPatch) -> MakeEnvironment:
    """Environments whose only AWS CLI is the stand-in: the lab's interpreter has none beside it."""
    monkeypatch.setattr("sys.executable", str(old_cli.parent / "no-venv" / "python"))

    def make(**changes: object) -> dict[str, str]:
        return make_environment(base={"PATH": f"{old_cli}:/usr/bin:/bin"}, **changes)

    return make


HOME = "https://localhost:4001"
PLAIN = "http://localhost:4002"


@pytest.mark.parametrize(
    ("mode", "extra", "arguments", "endpoint"),
    [
        ("env", {}, [], HOME),
        ("profile", {}, [], HOME),
        ("http", {}, [], PLAIN),
        ("http", {}, ["--profile", "reader"], PLAIN),
        ("http", {}, ["--profile=nobody"], PLAIN),
        ("env", {"AWS_ENDPOINT_URL": PLAIN}, [], PLAIN),
        ("env", {"AWS_ENDPOINT_URL": PLAIN, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}, [], HOME),
        ("env", {"AWS_ENDPOINT_URL": ""}, [], HOME),
    ],
)
def test_old_command_lines_are_told_the_endpoint_that_holds(
    with_old_cli: MakeEnvironment, mode: str, extra: dict[str, str], arguments: list[str], endpoint: str
) -> None:
    done = run(with_old_cli(endpoint_mode=mode) | extra, "s3", "ls", *arguments)
    assert done.returncode == 0, done.stderr
    assert f"[--endpoint-url]\n[{endpoint}]" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["--endpoint-url", PLAIN],
        [f"--endpoint-url={PLAIN}"],
        ["--endpoint", PLAIN],
        [f"--endp={PLAIN}"],
        ["--endpoint-url", "https://127.0.0.1:4001/"],
        ["--endpoint-url", "https://[::1]:4001"],
    ],
)
def test_an_endpoint_on_the_command_line_holds(with_old_cli: MakeEnvironment, arguments: list[str]) -> None:
    done = run(with_old_cli(), "s3api", *arguments, "list-buckets")
    assert done.stdout.splitlines()[:-1] == [f"[{word}]" for word in ["s3api", *arguments, "list-buckets"]]


@pytest.mark.parametrize(
    "url",
    [
        "https://s3.amazonaws.com",
        "https://127.0.0.1.example.com",
        "https://127.example.com",
        "https://localhost.example.com:443/",
        "https://localhost@example.com/",
        "https://localhost:4001@example.com",
        "https://example.com\\@localhost",
        "https://example.com#localhost",
        "https://[2001:db8::1]:443",
        "https://169.254.169.254",
        "https://",
    ],
)
def test_other_machines_are_refused(with_old_cli: MakeEnvironment, url: str) -> None:
    done = run(with_old_cli(), "s3", "ls", "--endpoint-url", url)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "$LAB_HTTPS" in done.stderr


def test_other_machines_are_refused_in_environment_and_profile_too(with_old_cli: MakeEnvironment) -> None:
    environment = with_old_cli(endpoint_mode="profile")
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        assert run(environment | {name: "https://s3.example.com"}, "s3", "ls").returncode == 2
    config = Path(environment["AWS_CONFIG_FILE"])
    config.write_text(config.read_text().replace(HOME, "https://s3.example.com"))
    assert run(environment, "s3", "ls").returncode == 2


def test_another_back_end_may_be_anywhere(with_old_cli: MakeEnvironment) -> None:
    environment = with_old_cli(endpoints=Endpoints("https://ceph.example.com", local=False), runtime_file=None)
    done = run(environment, "s3", "ls")
    assert "[https://ceph.example.com]" in done.stdout
    assert "--ca-bundle" not in done.stdout


@pytest.mark.parametrize(
    ("mode", "arguments", "added"),
    [("env", [], False), ("http", [], False), ("http", ["--profile", "nobody"], True)],
)
def test_the_authority_is_added_where_nothing_names_one(
    with_old_cli: MakeEnvironment, mode: str, arguments: list[str], added: bool
) -> None:
    environment = with_old_cli(endpoint_mode=mode)
    assert ("[--ca-bundle]" in run(environment, "s3", "ls", *arguments).stdout) is added
    assert "[--ca-bundle]" not in run(environment, "s3", "ls", "--no-verify-ssl", *arguments).stdout


@pytest.mark.parametrize(("mode", "expected"), [("env", "https://localhost:5001"), ("http", "http://localhost:4001")])
def test_an_open_shell_follows_a_sandbox_on_other_ports(
    with_old_cli: MakeEnvironment, runtime_file: Path, mode: str, expected: str
) -> None:
    environment = with_old_cli(endpoint_mode=mode)
    runtime_file.write_text('{\n  "https": "https://localhost:5001",\n  "http": "http://localhost:4001"\n}\n')
    done = run(environment, "s3", "ls")
    assert f"[{expected}]" in done.stdout
    assert f"env={expected if mode == 'env' else ''}\n" in done.stdout
    config = Path(environment["AWS_CONFIG_FILE"])
    assert config.stat().st_mode & 0o077 == 0
    assert config.read_text().count(expected) == (2 if mode == "http" else 0)
    assert f"[{expected}]" in run(environment, "s3", "ls").stdout


def test_python_follows_too_and_is_the_labs_own(make_environment: MakeEnvironment, runtime_file: Path) -> None:
    environment = make_environment()
    runtime_file.write_text('{"https":"https://localhost:5001","http":"http://localhost:5002"}')
    code = "import os, boto3, sys; print(os.environ['AWS_ENDPOINT_URL'], os.environ['LAB_HTTP'], sys.argv[1])"
    for program in ("python", "python3"):
        done = run(environment, "-c", code, "a b", program=program)
        assert done.stdout == "https://localhost:5001 http://localhost:5002 a b\n"


def test_no_cli_at_all_says_what_to_do(make_environment: MakeEnvironment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    done = run(make_environment(base={"PATH": "/bin:/usr/bin"}), "s3", "ls")
    assert done.returncode == 127
    assert "-m pip install awscli" in done.stderr


def test_a_sandbox_that_is_not_there_is_said_before_the_cli_fails(
    with_old_cli: MakeEnvironment, runtime_file: Path
) -> None:
    environment = with_old_cli()
    runtime_file.unlink()
    done = run(environment, "s3", "ls")
    assert "sandbox is not running" in done.stderr
    assert done.returncode == 0
