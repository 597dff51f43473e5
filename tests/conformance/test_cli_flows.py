"""The flows that matter most, as a learner types them: the AWS CLI, version 1."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from lab.conformance import programs
from lab.conformance.stage import BODY, BODY_MD5, Stage, b64, customer, deny

pytestmark = pytest.mark.clients


class Cli:
    """The AWS CLI of the administrator, in a directory of its own."""

    def __init__(self, stage: Stage, directory: Path) -> None:
        self.stage, self.directory = stage, directory
        (directory / "body").write_bytes(BODY)

    def run(self, *arguments: str, http: bool = False) -> programs.Done:
        mine = self.stage.world.credentials["default"]
        return programs.aws(self.directory, self.stage.endpoints, mine, *arguments, http=http)

    def json(self, *arguments: str) -> Any:
        done = self.run(*arguments)
        assert done.status == 0, done.err
        return json.loads(done.out or b"{}")

    def refused(self, *arguments: str, http: bool = False) -> str:
        done = self.run(*arguments, http=http)
        assert done.status == 255, (done.status, done.out)
        return done.err.decode().strip()


@pytest.fixture
def cli(stage: Stage, tmp_path: Path) -> Cli:
    return Cli(stage, tmp_path)


def test_a_default_of_sse_kms(cli: Cli) -> None:
    bucket, key = cli.stage.bucket(), cli.stage.key()
    at = ["--bucket", bucket]
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    wanted = {"Rules": [{"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}]}
    (cli.directory / "cfg.json").write_text(json.dumps(wanted))
    put = ["s3api", "put-bucket-encryption", *at, "--server-side-encryption-configuration", "file://cfg.json"]
    assert cli.json(*put) == {}
    assert cli.run("s3", "cp", "body", f"s3://{bucket}/object").status == 0
    seen = cli.json("s3api", "head-object", *at, "--key", "object")
    assert (seen["ServerSideEncryption"], seen["SSEKMSKeyId"], seen["BucketKeyEnabled"]) == ("aws:kms", key, True)
    assert cli.stage.get(bucket)["Body"] == BODY


def test_sse_c_with_the_key_another_key_and_none(cli: Cli) -> None:
    bucket = cli.stage.bucket(customer_keys=True)
    (cli.directory / "key").write_bytes(b"k" * 32)
    (cli.directory / "wrong").write_bytes(b"w" * 32)
    at = ["--bucket", bucket, "--key", "object"]
    key = ["--sse-customer-algorithm", "AES256", "--sse-customer-key", "fileb://key"]
    seen = cli.json("s3api", "put-object", *at, "--body", "body", *key)
    assert seen["SSECustomerKeyMD5"] == b64(hashlib.md5(b"k" * 32, usedforsecurity=False).digest())
    assert "ServerSideEncryption" not in seen
    assert cli.stage.get(bucket, **customer())["Body"] == BODY
    assert cli.refused("s3api", "get-object", *at, *key[:-1], "fileb://wrong", "again").endswith(
        "An error occurred (AccessDenied) when calling the GetObject operation: Requests specifying Server Side "
        "Encryption with Customer provided keys must provide the correct secret key."
    )
    assert cli.refused("s3api", "head-object", *at).endswith(
        "An error occurred (400) when calling the HeadObject operation: Bad Request"
    )


def test_sse_c_into_a_new_bucket_is_blocked(cli: Cli) -> None:
    (cli.directory / "key").write_bytes(b"k" * 32)
    bucket = cli.stage.bucket()
    put = ["s3", "cp", "body", f"s3://{bucket}/object", "--sse-c", "AES256", "--sse-c-key", "fileb://key"]
    done = cli.run(*put)
    assert done.status == 1
    assert b"AccessDenied" in done.err
    assert b"blocked upload requests that specify" in done.err


def test_a_disabled_key(cli: Cli) -> None:
    bucket, key = cli.stage.bucket(), cli.stage.key()
    cli.stage.put(bucket, ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    cli.stage.kms.disable_key(KeyId=key)
    assert cli.refused("s3api", "get-object", "--bucket", bucket, "--key", "object", "again").endswith(
        f"An error occurred (KMS.DisabledException) when calling the GetObject operation: {key} is disabled."
    )


def test_an_envelope_by_hand(cli: Cli) -> None:
    key = cli.stage.key()
    context = ["--encryption-context", "department=books"]
    made = cli.json("kms", "generate-data-key", "--key-id", key, "--key-spec", "AES_256", *context)
    wrapped = base64.b64decode(made["CiphertextBlob"])
    (cli.directory / "wrapped").write_bytes(wrapped)
    opened = cli.stage.kms.decrypt(CiphertextBlob=wrapped, EncryptionContext={"department": "books"})
    assert (opened["KeyId"], b64(opened["Plaintext"]) == made["Plaintext"]) == (key, True)
    assert "(InvalidCiphertextException)" in cli.refused("kms", "decrypt", "--ciphertext-blob", "fileb://wrapped")


def test_a_bucket_policy(cli: Cli) -> None:
    bucket = cli.stage.bucket()
    cli.stage.policy(bucket, deny({"Null": {"s3:x-amz-server-side-encryption": "true"}}))
    put = ["s3api", "put-object", "--bucket", bucket, "--key", "object", "--body", "body"]
    assert cli.refused(*put).endswith(
        f"An error occurred (AccessDenied) when calling the PutObject operation: User: {cli.stage.me} is not "
        f'authorized to perform: s3:PutObject on resource: "arn:aws:s3:::{bucket}/object" with an explicit deny in a '
        "resource-based policy"
    )
    seen = cli.json(*put, "--server-side-encryption", "AES256")
    assert (seen["ServerSideEncryption"], seen["ETag"]) == ("AES256", BODY_MD5)


def test_a_large_upload_goes_in_parts(cli: Cli) -> None:
    bucket, key, size = cli.stage.bucket(), cli.stage.key(), 9 * 1024 * 1024
    (cli.directory / "large").write_bytes(b"x" * size)
    copy = ["s3", "cp", "large", f"s3://{bucket}/large", "--sse", "aws:kms", "--sse-kms-key-id", key]
    assert cli.run(*copy).status == 0
    seen = cli.stage.head(bucket, "large")
    assert (seen["ContentLength"], seen["SSEKMSKeyId"], seen["ETag"].endswith('-2"')) == (size, key, True)


def test_another_key_around_the_same_data(cli: Cli) -> None:
    bucket, key = cli.stage.bucket(), cli.stage.key()
    etag = cli.stage.put(bucket)["ETag"]
    wanted = json.dumps({"SSEKMS": {"KMSKeyArn": key, "BucketKeyEnabled": True}})
    at = ["--bucket", bucket, "--key", "object"]
    assert cli.run("s3api", "update-object-encryption", *at, "--object-encryption", wanted).status == 0
    seen = cli.stage.get(bucket)
    assert (seen["Body"], seen["SSEKMSKeyId"], seen["BucketKeyEnabled"], seen["ETag"]) == (BODY, key, True, etag)


def test_sse_kms_over_plain_http(cli: Cli) -> None:
    put = ["s3api", "put-object", "--bucket", cli.stage.bucket(), "--key", "object", "--body", "body"]
    assert cli.refused(*put, "--server-side-encryption", "aws:kms", http=True).endswith(
        "An error occurred (InvalidArgument) when calling the PutObject operation: Requests specifying Server Side "
        "Encryption with AWS KMS managed keys must be made over a secure connection."
    )


# ---- curl ------------------------------------------------------------------------------------------------------------


def _curl(stage: Stage, directory: Path, *arguments: str, signed: bool = True, body: bytes = b"") -> tuple[int, bytes]:
    mine = stage.world.credentials["default"] if signed else None
    # curl before 7.88 signs no hash of the body by itself, and S3 wants one.
    more = ["--header", f"x-amz-content-sha256: {hashlib.sha256(body).hexdigest()}"] if signed else []
    return programs.curl(directory, stage.endpoints, mine, *more, *arguments)


def test_curl_signs_sse_kms_and_sse_c(stage: Stage, tmp_path: Path) -> None:
    bucket, key = stage.bucket(customer_keys=True), stage.key()
    (tmp_path / "body").write_bytes(BODY)
    put = ["--request", "PUT", "--data-binary", "@body"]
    sse = "x-amz-server-side-encryption"
    with_kms = ["--header", f"{sse}: aws:kms", "--header", f"{sse}-aws-kms-key-id: {key}"]
    assert _curl(stage, tmp_path, *put, *with_kms, stage.url(bucket), body=BODY)[0] == 200
    assert stage.head(bucket)["SSEKMSKeyId"] == key
    assert _curl(stage, tmp_path, stage.url(bucket)) == (200, BODY)
    md5 = b64(hashlib.md5(b"k" * 32, usedforsecurity=False).digest())
    values = {"algorithm": "AES256", "key": b64(b"k" * 32), "key-MD5": md5}
    lines = "".join(f"{sse}-customer-{name}: {value}\n" for name, value in values.items())
    (tmp_path / "headers").write_text(lines)  # not as an argument: it holds the key
    own = ["--header", "@headers"]
    assert _curl(stage, tmp_path, *put, *own, stage.url(bucket, "mine"), body=BODY)[0] == 200
    assert stage.get(bucket, "mine", **customer())["Body"] == BODY
    assert _curl(stage, tmp_path, *own, stage.url(bucket, "mine")) == (200, BODY)
    status, answer = _curl(stage, tmp_path, stage.url(bucket, "mine"))
    assert (status, b"<Code>InvalidRequest</Code>" in answer) == (400, True)


def test_curl_follows_presigned_urls_and_meets_refusals(stage: Stage, tmp_path: Path) -> None:
    bucket = stage.bucket()
    stage.put(bucket, ServerSideEncryption="aws:kms")
    url = stage.presign("get_object", Bucket=bucket, Key="object")
    assert _curl(stage, tmp_path, url, signed=False) == (200, BODY)
    old = stage.presign("get_object", version="v2", Bucket=bucket, Key="object")
    status, answer = _curl(stage, tmp_path, old, signed=False)
    assert (status, b"<Code>InvalidArgument</Code>" in answer) == (400, True)
    status, answer = _curl(stage, tmp_path, stage.url(bucket), signed=False)
    assert (status, b"<Code>AccessDenied</Code>" in answer) == (403, True)
    assert stage.endpoints.http is not None
    status, answer = _curl(stage, tmp_path, stage.url(bucket, http=True))
    assert status == 400


def test_no_secret_is_an_argument(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []
    real = subprocess.run

    def watch(arguments: list[str], **members: Any) -> Any:
        seen.append(arguments)
        return real(arguments, **members)

    monkeypatch.setattr(subprocess, "run", watch)
    assert _curl(stage, tmp_path, f"{stage.endpoints.https}/")[0] == 200
    secret = stage.world.credentials["default"].secret_access_key
    assert len(seen) == 1
    assert all(secret not in argument for argument in seen[0])
