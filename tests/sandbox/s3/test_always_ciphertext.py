"""The proof: whatever is stored, in whichever mode, no byte of it and no key of it lies readable on the disk."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.sandbox.harness import RunningSandbox, wait_until
from tests.sandbox.s3.stage import Stage, customer_key, source_key

MARKER = b"MARKER-of-a-body-" + hashlib.sha256(b"body").hexdigest().encode()
KEY = hashlib.sha256(b"a customer's key").digest()


def spellings(secret: bytes) -> list[bytes]:
    """A secret as it is, in hexadecimal digits, and in base64 at each of the three alignments."""
    found = [secret, secret.hex().encode(), secret.hex().upper().encode()]
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + secret)
        found.append(encoded[4:-4])
    return found


def search(directory: Path, secret: bytes) -> list[str]:
    names = []
    for path in sorted(directory.rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            if any(spelling in data for spelling in spellings(secret)):
                names.append(str(path.relative_to(directory)))
    return names


def store_everywhere(stage: Stage) -> list[tuple[str, str, dict[str, Any]]]:
    """Store the marker in every mode and every way; bucket, key and what a read needs."""
    bucket, arn = stage.bucket(customer_keys=True), stage.key()
    own = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": KEY}
    modes: dict[str, dict[str, Any]] = {
        "sse-s3": {},
        "kms": {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": arn},
        "bucket-key": {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": arn, "BucketKeyEnabled": True},
        "dsse": {"ServerSideEncryption": "aws:kms:dsse", "SSEKMSKeyId": arn},
        "sse-c": own,
    }
    body = MARKER + b"." * (1 << 20) + MARKER
    for name, options in modes.items():
        read = own if name == "sse-c" else {}
        stage.s3.put_object(Bucket=bucket, Key=f"put-{name}", Body=body, **options)
        source = {f"CopySource{member}": value for member, value in read.items()}
        stage.s3.copy_object(Bucket=bucket, Key=f"copy-{name}", CopySource=f"{bucket}/put-{name}", **source, **options)
        upload = stage.s3.create_multipart_upload(Bucket=bucket, Key=f"parts-{name}", **options)["UploadId"]
        where = {"Bucket": bucket, "Key": f"parts-{name}", "UploadId": upload}
        etag = stage.s3.upload_part(**where, PartNumber=1, Body=body, **read)["ETag"]
        stage.s3.upload_part(**where, PartNumber=2, Body=MARKER, **read)  # stays behind, never completed
        stage.s3.complete_multipart_upload(**where, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]})
    stage.s3.update_object_encryption(Bucket=bucket, Key="put-sse-s3", ObjectEncryption={"SSEKMS": {"KMSKeyArn": arn}})
    unfinished = stage.s3.create_multipart_upload(Bucket=bucket, Key="unfinished")["UploadId"]
    stage.s3.upload_part(Bucket=bucket, Key="unfinished", UploadId=unfinished, PartNumber=1, Body=MARKER)
    return [
        (bucket, f"{way}-{name}", own if name == "sse-c" else {}) for name in modes for way in ("put", "copy", "parts")
    ]


def test_no_body_and_no_customer_key_lies_on_the_disk(
    start_sandbox: Callable[..., RunningSandbox], tmp_path: Path
) -> None:
    state = tmp_path / "state"
    sandbox = start_sandbox("--serve", "--state", str(state))
    stage = Stage(sandbox, "ciphertext")
    stored = store_everywhere(stage)
    for bucket, key, read in stored:
        assert stage.s3.get_object(Bucket=bucket, Key=key, **read)["Body"].read().endswith(MARKER)
    # moto's state is in the saved realm: what moto holds is searched with it.
    wait_until(lambda: any(b"put-sse-c" in path.read_bytes() for path in state.glob("realms/*/state.json")))
    sandbox.stop()
    assert search(state, MARKER) == []
    assert search(state, KEY) == []
    assert search(state, b"put-sse-c") != []  # names are not secret, and the search finds what is there

    again = start_sandbox("--serve", "--state", str(state))
    stage.sandbox = again
    client = stage.client("default")
    for bucket, key, read in stored:
        assert client.get_object(Bucket=bucket, Key=key, **read)["Body"].read().startswith(MARKER)


def test_events_hold_no_body_and_no_key(stage: Stage) -> None:
    bucket, arn, mark = stage.bucket(customer_keys=True), stage.key(), stage.mark()
    stage.s3.put_object(Bucket=bucket, Key="a", Body=MARKER, ServerSideEncryption="aws:kms", SSEKMSKeyId=arn)
    stage.s3.put_object(Bucket=bucket, Key="b", Body=MARKER, **customer_key())
    stage.s3.copy_object(Bucket=bucket, Key="c", CopySource=f"{bucket}/b", **source_key())
    stage.s3.get_object(Bucket=bucket, Key="a")
    told = repr(stage.sandbox.call("events", after=mark, exercise=stage.exercise)).encode()
    assert all(spelling not in told for secret in (MARKER, b"k" * 32) for spelling in spellings(secret))
