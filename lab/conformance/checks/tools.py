"""X: what clients and openssl do before, or instead of, asking AWS."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from lab.conformance import programs
from lab.conformance.expect import Deviation, attempt, differs, same, true
from lab.conformance.stage import BODY, Stage, b64, customer

_KEY: Final = bytes(range(32))
_SALT: Final = "0102030405060708"
_C: Final = "x-amz-server-side-encryption-customer"


@contextmanager
def _directory(**files: bytes) -> Iterator[Path]:
    """A directory with these files; ``_`` in a name stands for a dot."""
    with tempfile.TemporaryDirectory(prefix="s3lab-") as made:
        directory = Path(made)
        for name, data in files.items():
            (directory / name.replace("_", ".")).write_bytes(data)
        yield directory


# ---- openssl ---------------------------------------------------------------------------------------------------------


def _derived(directory: Path, *arguments: str) -> tuple[str, str]:
    """Key and IV that openssl derives."""
    done = programs.openssl(directory, "enc", "-aes-256-cbc", "-P", "-S", _SALT, *arguments)
    lines = dict(line.split("=", 1) for line in done.out.decode().split("\n") if "=" in line)
    found = {name.strip(): value.strip().lower() for name, value in lines.items()}
    return found.get("key", ""), found.get("iv", "")


def _expected(password: bytes) -> tuple[str, str]:
    salt = bytes.fromhex(_SALT)
    key = hashlib.sha256(password + salt).digest()
    return key.hex(), hashlib.sha256(key + password + salt).hexdigest()[:32]


def x01(_stage: Stage) -> None:
    files = {"plain": b"a whole password", "line": b"AB\nrest", "nul": b"AB\0rest", "cr": b"AB\r\nrest"}
    with _directory(**files) as directory:
        derived = {name: _derived(directory, "-pass", f"file:{name}") for name in files}
    passwords = {"plain": b"a whole password", "line": b"AB", "nul": b"AB", "cr": b"AB\r"}
    # Compared by name: derived keys of made-up passwords are no secret, and long.
    for name, password in passwords.items():
        same(f"key and IV of the file {name}", _expected(password), derived[name])


def x09(_stage: Stage) -> None:
    with _directory(plain=BODY) as directory:
        done = programs.openssl(directory, "enc", "-aes-256-gcm", "-in", "plain", "-pass", "pass:x")
    true("a refusal", done.status != 0 and b"AEAD" in done.err, done.err)


def x10(_stage: Stage) -> None:
    with _directory(plain=BODY) as directory:
        one = ["enc", "-aes-256-cbc", "-in", "plain", "-pass", "pass:x"]
        salted = programs.openssl(directory, *one).out
        fixed = programs.openssl(directory, *one, "-S", _SALT).out
    blocks = (len(BODY) // 16 + 1) * 16
    same("beginning", b"Salted__", salted[:8])
    same("bytes with and without -S", (blocks + 16, blocks), (len(salted), len(fixed)))


def x11(_stage: Stage) -> None:
    text = b'{"account": "1001", "amount": 0000100, "to": "ACME"}'
    with _directory(plain=text) as directory:
        one = ["enc", "-aes-256-cbc", "-pass", "pass:x", "-S", _SALT]
        sealed = bytearray(programs.openssl(directory, *one, "-in", "plain").out)
        sealed[16] ^= 1  # the first byte of the second block: changes one bit of the third
        done = programs.openssl(directory, *one, "-d", stdin=bytes(sealed))
    same("status", 0, done.status)
    differs("a text", text, done.out)
    same("third block", bytes([text[32] ^ 1]) + text[33:], done.out[32:])


def x12(_stage: Stage) -> None:
    with _directory(key=b"\nthirty-one more bytes of a key") as directory:
        same("key and IV", _expected(b""), _derived(directory, "-pass", "file:key"))


def x15(_stage: Stage) -> None:
    with _directory() as directory:
        usual = _derived(directory, "-pbkdf2", "-pass", "pass:x")
        more = _derived(directory, "-pbkdf2", "-iter", "20000", "-pass", "pass:x")
    for times, found in ((10_000, usual), (20_000, more)):
        made = hashlib.pbkdf2_hmac("sha256", b"x", bytes.fromhex(_SALT), times, 48).hex()
        same(f"key and IV after {times} times", (made[:64], made[64:]), found)


# ---- the AWS CLI -----------------------------------------------------------------------------------------------------


def _aws(stage: Stage, directory: Path, *arguments: str) -> programs.Done:
    return programs.aws(directory, stage.endpoints, stage.world.credentials["default"], *arguments)


def _sent(stage: Stage, bucket: str, mark: int) -> list[int | None]:
    """Decoded length of the customer key in each request for an object of the bucket since then."""
    requests = [one.data for one in stage.world.events(after=mark, step="request")]
    keys = [one["customer_key"] for one in requests if one["bucket"] == bucket and one["key"]]
    return [key and key["length"] for key in keys]


def _put_customer(stage: Stage, key: str, /, *more: str, **files: bytes) -> list[int | None]:
    """Lengths of the customer keys that one put-object sends."""
    bucket, mark = stage.bucket(customer_keys=True), stage.mark()
    one = ["s3api", "put-object", "--bucket", bucket, "--key", "object", "--body", "body"]
    with _directory(body=BODY, **files) as directory:
        _aws(stage, directory, *one, "--sse-customer-algorithm", "AES256", "--sse-customer-key", key, *more)
    return _sent(stage, bucket, mark)


def x02(stage: Stage) -> None:
    text = b64(_KEY).encode() + b"\n"
    same("lengths of base64 text", [45], _put_customer(stage, "fileb://key", key=text))
    same("lengths of raw bytes", [32], _put_customer(stage, "fileb://key", key=_KEY))


def x03(stage: Stage) -> None:
    md5 = b64(hashlib.md5(_KEY, usedforsecurity=False).digest())
    same("lengths", [32], _put_customer(stage, b64(_KEY), "--sse-customer-key-md5", md5))


def x04(stage: Stage) -> None:
    same("requests", [], _put_customer(stage, "file://key", key=b"\xff" * 32))


def _nothing_sent(stage: Stage, directory: Path, *arguments: str) -> None:
    mark = stage.mark()
    done = _aws(stage, directory, *arguments)
    true("an error", done.status != 0, f"status {done.status}")
    same("requests", 0, len(stage.world.events(after=mark, step="request")))


def x05(stage: Stage) -> None:
    text = b'{"Rules": [{"BucketKeyEnabled": true # on\n}]}'
    put = ["s3api", "put-bucket-encryption", "--bucket", stage.bucket(), "--server-side-encryption-configuration"]
    with _directory(cfg_json=text) as directory:
        _nothing_sent(stage, directory, *put, text.decode())
        _nothing_sent(stage, directory, *put, "file://cfg.json")


def x06(stage: Stage) -> None:
    bucket = stage.bucket()
    put = ["s3api", "put-object", "--bucket", bucket, "--key", "object", "--body", "body"]
    with _directory(body=BODY) as directory:
        _nothing_sent(stage, directory, *put, "--sse-kms-key-id", "alias/aws/s3")
        copy = ["s3", "cp", "body", f"s3://{bucket}/object", "--sse", "aws:kms", "--bucket-key-enabled"]
        _nothing_sent(stage, directory, *copy)


def x14(stage: Stage) -> None:
    bucket, mark = stage.bucket(customer_keys=True), stage.mark()
    key = ["--sse-c", "AES256", "--sse-c-key", "fileb://key"]
    with _directory(body=BODY, key=_KEY) as directory:
        _aws(stage, directory, "s3", "cp", "body", f"s3://{bucket}/object", *key)
        _aws(stage, directory, "s3", "cp", f"s3://{bucket}/object", "again", *key)
        again = directory / "again"
        true("the object read again", again.exists() and again.read_bytes() == BODY)
    lengths = _sent(stage, bucket, mark)
    true("32 bytes in every request", set(lengths) == {32}, lengths)


# ---- boto3 -----------------------------------------------------------------------------------------------------------


def x07(stage: Stage) -> None:
    bucket = stage.bucket()
    with _directory(body=BODY) as directory:
        more = {"ServerSideEncryption": "aws:kms", "BucketKeyEnabled": True}
        try:
            stage.s3.upload_file(str(directory / "body"), bucket, "object", ExtraArgs=more)
        except ValueError as error:
            true("an error that names BucketKeyEnabled", "BucketKeyEnabled" in str(error), error)
            return
    raise Deviation("a ValueError", "it was sent")


def x08(stage: Stage) -> None:
    one: dict[str, Any] = {"Bucket": "bucket", "Key": "object"}
    usual = stage.s3.generate_presigned_url("get_object", Params={**one, **customer()})
    true("signature version 2", "AWSAccessKeyId=" in usual and "Signature=" in usual, "another version")
    true("the customer's key in the URL", f"{_C}-key=" in usual.lower(), "it is not there")
    named = stage.presign("get_object", **one, **customer())
    true("signature version 4", "X-Amz-Signature=" in named, "another version")
    true("no customer's key in the URL", f"{_C}-key=" not in named.lower(), "the key")


def x13(stage: Stage) -> None:
    bucket, mark = stage.bucket(), stage.mark()
    stage.put(bucket)
    stage.s3_http.put_object(Bucket=bucket, Key="object", Body=BODY)
    requests = [one.data for one in stage.world.events(after=mark, step="request")]
    seen = {one["scheme"]: one["headers"].get("x-amz-content-sha256") for one in requests}
    wanted = {"https": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "http": hashlib.sha256(BODY).hexdigest()}
    same("x-amz-content-sha256", wanted, seen)


def x16(stage: Stage) -> None:
    bucket, mark = stage.bucket(customer_keys=True), stage.mark()
    attempt(stage.s3_http.put_object, Bucket=bucket, Key="object", Body=BODY, **customer())
    same("lengths of keys that arrived over HTTP", [32], _sent(stage, bucket, mark))
