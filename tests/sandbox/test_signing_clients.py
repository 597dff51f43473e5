"""Clients that are not boto3, against a running sandbox: curl signs by itself, and follows URLs that boto3 signed."""

from __future__ import annotations

import hashlib
import subprocess
import uuid
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.sandbox.harness import RunningSandbox


def curl(sandbox: RunningSandbox, *arguments: str) -> tuple[int, bytes]:
    """Status and body; the CA is the lab's own."""
    done = subprocess.run(
        ["curl", "--silent", "--show-error", "--cacert", str(sandbox.ca_bundle), "--write-out", "\n%{http_code}",
         "--max-time", "20", *arguments],
        capture_output=True, check=True,
    )  # fmt: skip
    body, _, status = done.stdout.rpartition(b"\n")
    return int(status), body


def signed(sandbox: RunningSandbox, service: str = "s3", secret: str | None = None) -> list[str]:
    user = f"{sandbox.access_key_id}:{secret or sandbox.secret_access_key}"
    return ["--aws-sigv4", f"aws:amz:us-east-1:{service}", "--user", user]


@pytest.fixture
def bucket(sandbox: RunningSandbox) -> str:
    name = f"signing-{uuid.uuid4().hex[:8]}"
    s3: Any = sandbox.client("s3")
    s3.create_bucket(Bucket=name)
    return name


def test_curl_signs(sandbox: RunningSandbox, bucket: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.write_bytes(b"curl was here")
    # Older curl signs no body hash of its own, which S3 requires.
    body_hash = ["--header", f"x-amz-content-sha256: {hashlib.sha256(b'curl was here').hexdigest()}"]
    none = ["--header", f"x-amz-content-sha256: {hashlib.sha256(b'').hexdigest()}"]
    for endpoint, key in ((sandbox.https, "over/https"), (sandbox.http, "over%20http")):
        url = f"{endpoint}/{bucket}/{key}"
        put = ["--request", "PUT", "--data-binary", f"@{data}"]
        assert curl(sandbox, *signed(sandbox), *body_hash, *put, url)[0] == 200
        assert curl(sandbox, *signed(sandbox), *none, url) == (200, b"curl was here")
    url = f"{sandbox.https}/{bucket}/over/https"
    status, body = curl(sandbox, *signed(sandbox, secret="another"), *none, url)
    assert (status, ET.fromstring(body).findtext("Code")) == (403, "SignatureDoesNotMatch")  # noqa: S314 - ours
    assert sandbox.secret_access_key.encode() not in body


def test_curl_calls_kms_and_sts(sandbox: RunningSandbox) -> None:
    headers = [
        "--header",
        "X-Amz-Target: TrentService.ListKeys",
        "--header",
        "Content-Type: application/x-amz-json-1.1",
    ]
    status, body = curl(sandbox, *signed(sandbox, "kms"), *headers, "--data", "{}", f"{sandbox.https}/")
    assert (status, b'"Keys"' in body) == (200, True)
    form = "Action=GetCallerIdentity&Version=2011-06-15"
    status, body = curl(sandbox, *signed(sandbox, "sts"), "--data", form, f"{sandbox.https}/")
    assert (status, b"<GetCallerIdentityResult>" in body) == (200, True)


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_presigned_urls_work_without_credentials(sandbox: RunningSandbox, bucket: str, version: str) -> None:
    s3: Any = sandbox.client("s3", signature_version=version)
    put = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "a b+ü"})
    assert curl(sandbox, "--request", "PUT", "--header", "Content-Type:", "--data-binary", "presigned", put)[0] == 200
    get = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a b+ü"})
    assert curl(sandbox, get) == (200, b"presigned")
    status, body = curl(sandbox, get.replace("a%20b", "a%20c"))
    assert (status, ET.fromstring(body).findtext("Code")) == (403, "SignatureDoesNotMatch")  # noqa: S314 - ours
    assert curl(sandbox, f"{sandbox.https}/{bucket}/a%20b%2B%C3%BC")[0] == 403
