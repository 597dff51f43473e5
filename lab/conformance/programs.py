"""Run the AWS CLI, curl and openssl as a learner would, with nothing of the user's own settings."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.backends.protocol import Credentials, Endpoints

_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Done:
    """How a program ended."""

    status: int
    out: bytes
    err: bytes


def find(name: str) -> str | None:
    """Where a program is: beside the interpreter that runs us, or on the path."""
    beside = Path(sys.executable).parent / name
    return str(beside) if beside.exists() else shutil.which(name)


def openssl(directory: Path, *arguments: str, stdin: bytes = b"") -> Done:
    """Run openssl in a directory."""
    return _run("openssl", arguments, directory, stdin, {})


def aws(directory: Path, endpoints: Endpoints, credentials: Credentials, *arguments: str, http: bool = False) -> Done:
    """Run the AWS CLI in a directory, pointed at the endpoint."""
    settings = {
        "AWS_ACCESS_KEY_ID": credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
        "AWS_REGION": endpoints.region,
        "AWS_DEFAULT_REGION": endpoints.region,
        "AWS_ENDPOINT_URL": (endpoints.http if http else endpoints.https) or "",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_PAGER": "",
    }
    if credentials.session_token:
        settings["AWS_SESSION_TOKEN"] = credentials.session_token
    if endpoints.ca_bundle:
        settings["AWS_CA_BUNDLE"] = str(endpoints.ca_bundle)
    return _run("aws", arguments, directory, b"", settings)


def curl(directory: Path, endpoints: Endpoints, credentials: Credentials | None, *arguments: str) -> tuple[int, bytes]:
    """Run curl in a directory, signing for S3 where there are credentials; status and body of the answer.

    The key pair goes in through standard input: an argument would show in the list of processes.
    """
    settings = ["silent", "show-error", "max-time = 30", 'write-out = "\\n%{http_code}"']
    if endpoints.ca_bundle:
        settings.append(f'cacert = "{endpoints.ca_bundle}"')
    if credentials is not None:
        settings.append(f'aws-sigv4 = "aws:amz:{endpoints.region}:s3"')
        settings.append(f'user = "{credentials.access_key_id}:{credentials.secret_access_key}"')
    done = _run("curl", ("--config", "-", *arguments), directory, "\n".join(settings).encode(), {})
    body, _, status = done.out.rpartition(b"\n")
    return int(status or 0), body


def _run(name: str, arguments: tuple[str, ...], directory: Path, stdin: bytes, settings: Mapping[str, str]) -> Done:
    inherited = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith("AWS_") and "proxy" not in key.lower() and key != "OPENSSL_CONF"
    }
    done = subprocess.run(
        [find(name) or name, *arguments],
        input=stdin,
        cwd=directory,
        env={**inherited, **settings},
        capture_output=True,
        timeout=_SECONDS,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)
