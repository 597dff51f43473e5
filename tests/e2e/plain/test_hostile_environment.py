"""A machine set up for real AWS, with all that could lead a request astray: none of it is read, run or called."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.e2e.plain.harness import CONTENT, Lab
from tests.e2e.plain.terminal import terminal

SOLUTION = (
    CONTENT / "exercises" / "04-envelope-encryption" / "02-envelope-with-kms" / "solutions" / "keys-from-the-cli.sh"
)


@dataclass
class Trap:
    """A port that nobody may call, and files that nobody may make."""

    port: int
    canaries: Path
    callers: list[str] = field(default_factory=list)

    def program(self, name: str) -> Path:
        """A program that leaves a canary and then works as a source of credentials."""
        path = self.canaries.parent / f"{name}.sh"
        path.write_text(
            f"#!/bin/sh\necho \"$PPID $0 $*\" > '{self.canaries}/{name}'\n"
            'echo \'{"Version": 1, "AccessKeyId": "AKIATHEIRS", "SecretAccessKey": "theirs"}\'\n'
        )
        path.chmod(0o755)
        return path

    def sprung(self) -> list[str]:
        return self.callers + sorted(path.name for path in self.canaries.iterdir())


@pytest.fixture
def trap(tmp_path: Path) -> Iterator[Trap]:
    canaries = tmp_path / "canaries"
    canaries.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as server:
        found = Trap(server.getsockname()[1], canaries)

        def listen() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.settimeout(2)
                    try:
                        found.callers.append(repr(connection.recv(200)))
                    except OSError:
                        found.callers.append("somebody")

        thread = threading.Thread(target=listen)
        thread.start()
        yield found
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)


@pytest.fixture
def hostile(lab: Lab, trap: Trap) -> Lab:
    address = f"http://127.0.0.1:{trap.port}"
    profile = (
        "region = eu-central-1\n"
        f"credential_process = {trap.program('credential-process')}\n"
        f"endpoint_url = {address}\n"
        "cli_pager = false\n"
    )
    settings = lab.home / ".aws"
    settings.mkdir()
    (settings / "config").write_text(f"[default]\n{profile}\n[profile production]\n{profile}")
    (settings / "credentials").write_text("[default]\naws_access_key_id = AKIATHEIRS\naws_secret_access_key = theirs\n")
    other = lab.home / "other-config"
    other.write_text(f"[default]\n{profile}\n[profile production]\n{profile}")
    (lab.home / ".bashrc").write_text(
        "export AWS_PROFILE=production AWS_ACCESS_KEY_ID=AKIATHEIRS AWS_SECRET_ACCESS_KEY=theirs\n"
        f"export AWS_CONFIG_FILE='{other}' AWS_ENDPOINT_URL={address} AWS_ENDPOINT_URL_KMS={address}\n"
        f"alias aws='{trap.program('alias')}'\n"
        f"aws() {{ '{trap.program('function')}' \"$@\"; }}\n"
        f"curl() {{ '{trap.program('curl')}' \"$@\"; }}\n"
        "export THEIR_EDITOR=kept\n"
    )
    (lab.home / ".boto").write_text("[Credentials]\naws_access_key_id = AKIATHEIRS\naws_secret_access_key = theirs\n")
    evil = trap.canaries.parent / "evil"
    evil.mkdir()
    (evil / "sitecustomize.py").write_text("")
    lab.extra |= {
        "AWS_PROFILE": "production",
        "AWS_DEFAULT_PROFILE": "production",
        "AWS_ACCESS_KEY_ID": "AKIATHEIRS",
        "AWS_SECRET_ACCESS_KEY": "theirs",
        "AWS_SESSION_TOKEN": "theirs",
        "AWS_CONFIG_FILE": str(other),
        "AWS_SHARED_CREDENTIALS_FILE": str(settings / "credentials"),
        "AWS_ENDPOINT_URL": address,
        "AWS_ENDPOINT_URL_S3": address,
        "AWS_ENDPOINT_URL_KMS": address,
        "AWS_CA_BUNDLE": "/nonexistent.pem",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": address,
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": address,
        "AWS_REGION": "eu-central-1",
        "AWS_USE_FIPS_ENDPOINT": "true",
        "MOTO_S3_CUSTOM_ENDPOINTS": address,
        "HTTP_PROXY": address,
        "HTTPS_PROXY": address,
        "http_proxy": address,
        "https_proxy": address,
        "ALL_PROXY": address,
        "REQUESTS_CA_BUNDLE": "/nonexistent.pem",
        "SSL_CERT_DIR": "/nonexistent",
        "BASH_ENV": str(lab.home / ".bashrc"),
    }
    return lab


@pytest.mark.slow
def test_an_exercise_is_done_and_nothing_of_the_users_aws_is_touched(hostile: Lab, trap: Trap) -> None:
    lab = hostile
    lab.done("start", "4.2")
    solved = lab.shell("4.2", f"bash {SOLUTION}")
    assert solved.returncode == 0, solved.stderr
    assert lab.json("check", "4.2")["verdict"] == "passed"  # runs the learner's program in an environment of its own
    for view in ("wire", "rest", "keys", "policy"):
        lab.json("xray", view, "4.2")
    lab.done("doctor")
    lab.done("reset", "4.2")
    assert trap.sprung() == []

    process = int(lab.runtime_record()["pid"])
    variables = Path(f"/proc/{process}/environ").read_bytes().split(b"\0")
    assert not [name for name in variables if name.startswith((b"AWS_", b"MOTO_", b"BOTO_"))]


@pytest.mark.slow
def test_the_shell_takes_back_what_the_users_start_up_files_did(hostile: Lab, trap: Trap) -> None:
    lab = hostile
    lab.done("start", "8.1")
    with terminal(lab, "shell 8.1") as shell:
        shell.read_until(r"lab 8\.1")
        shell.type("echo editor=$THEIR_EDITOR profile=${AWS_PROFILE-none} key=${AWS_ACCESS_KEY_ID-none}.\n")
        shell.read_until(r"editor=kept profile=none key=none\.")
        shell.type("type -t aws curl python; echo types-$((1+1))\n")
        shell.read_until("types-2")
        assert "alias" not in shell.text.partition("type -t")[2]
        assert "function" not in shell.text.partition("type -t")[2]
        shell.type("aws sts get-caller-identity --query Arn --output text; echo status=$?.\n")
        shell.read_until(r"status=0\.")
        assert re.search(r"arn:aws:iam::\d{12}:user/default", shell.text)
        shell.type("aws s3 ls; curl -s -o /dev/null -w 'http=%{http_code}' $LAB_HTTPS; echo; echo end-$((1+1))\n")
        shell.read_until("end-2")
        assert "records-" in shell.text
        assert re.search(r"http=(403|200|307)", shell.text)
        shell.type(
            'python -c \'import boto3; print(boto3.client("s3").list_buckets()["Buckets"])\'; echo boto-$((1+1))\n'
        )
        shell.read_until("boto-2")
        assert "'Name': 'records-" in shell.text
        shell.type("exit 0\n")
        assert shell.end() == 0
    asked = {request["operation"] for request in lab.json("xray", "wire", "8.1")["requests"]}
    assert asked >= {"GetCallerIdentity", "ListBuckets"}
    assert trap.sprung() == []


def test_the_wrapper_refuses_to_leave_the_machine(hostile: Lab, trap: Trap) -> None:
    hostile.done("start", "8.1")
    answer = hostile.shell("8.1", "aws --endpoint-url https://s3.amazonaws.com s3 ls")
    assert answer.returncode == 2
    assert "talks to the sandbox on this machine only" in answer.stderr
    assert trap.sprung() == []
