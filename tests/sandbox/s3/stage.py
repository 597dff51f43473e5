"""What the S3 tests share: a world of their own in a running sandbox, and errors as one can compare them."""

from __future__ import annotations

import base64
import itertools
import secrets
from collections.abc import Callable
from typing import Any

import pytest
import urllib3
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from lab.sandbox import checksums
from tests.sandbox.harness import RunningSandbox

_numbers = itertools.count()


class Stage:
    """A world with an administrator, a user with a few rights, and an administrator of another account."""

    def __init__(self, sandbox: RunningSandbox, exercise: str) -> None:
        self.sandbox, self.exercise = sandbox, exercise
        self.made = sandbox.create_world(
            exercise,
            accounts=["home", "other"],
            principals=[
                {"name": "default", "kind": "user", "account": "home", "policies": {}, "administrator": True},
                {"name": "second", "kind": "user", "account": "home", "policies": {}, "administrator": True},
                {"name": "plain", "kind": "user", "account": "home", "policies": {}, "administrator": False},
                {"name": "abroad", "kind": "user", "account": "other", "policies": {}, "administrator": True},
            ],
        )
        self.s3 = self.client("default", "s3")
        self.kms = self.client("default", "kms")

    def client(self, who: str, service: str = "s3", **options: Any) -> Any:
        credential = self.made[who] if who in {"builder", "validator"} else self.made["credentials"][who]
        return self.sandbox.client_of(credential, service, **options)

    def bucket(self, *, customer_keys: bool = False) -> str:
        """A new bucket; with ``customer_keys`` it takes SSE-C."""
        name = f"bucket-{next(_numbers)}-{secrets.token_hex(4)}"
        self.s3.create_bucket(Bucket=name)
        if customer_keys:
            self.encrypt(name, BlockedEncryptionTypes={"EncryptionType": ["NONE"]})
        return name

    def encrypt(self, bucket: str, **rule: Any) -> None:
        self.s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})

    def default(self, bucket: str, algorithm: str, key: str | None = None, *, bucket_key: bool | None = None) -> None:
        """Put a default encryption."""
        by_default = {"SSEAlgorithm": algorithm} | ({"KMSMasterKeyID": key} if key else {})
        more = {} if bucket_key is None else {"BucketKeyEnabled": bucket_key}
        self.encrypt(bucket, ApplyServerSideEncryptionByDefault=by_default, **more)

    def key(self, **options: Any) -> str:
        """The ARN of a new KMS key."""
        return str(self.kms.create_key(**options)["KeyMetadata"]["Arn"])

    def fetch(
        self, method: str, url: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> urllib3.BaseHTTPResponse:
        """Send a request as it is, without boto3."""
        with urllib3.PoolManager(ca_certs=str(self.sandbox.ca_bundle)) as pool:
            return pool.request(method, url, body=body, headers=headers or {}, retries=False, timeout=20)

    def signed(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> urllib3.BaseHTTPResponse:
        """Send a request that boto3 would not send, signed by the administrator."""
        credential = self.made["credentials"]["default"]
        url = self.sandbox.https + path
        request = AWSRequest(method, url, headers=headers or {}, data=body)
        keys = Credentials(credential["access_key_id"], credential["secret_access_key"])
        S3SigV4Auth(keys, "s3", "us-east-1").add_auth(request)
        return self.fetch(method, url, body, dict(request.headers))

    def events(self, step: str, after: int = 0) -> list[dict[str, Any]]:
        found = self.sandbox.call("events", after=after, exercise=self.exercise)
        return [event for event in found if event["step"] == step]

    def mark(self) -> int:
        """The number of the last event so far."""
        found = self.sandbox.call("events", after=0, exercise=self.exercise)
        return max((event["seq"] for event in found), default=0)

    def at_rest(self, bucket: str, key: str, **more: Any) -> dict[str, Any]:
        found: dict[str, Any] = self.sandbox.call("at_rest", exercise=self.exercise, bucket=bucket, key=key, **more)
        return found


def refused(status: int, code: str, message: str | None, call: Callable[..., Any], **parameters: Any) -> dict[str, Any]:
    """Make a call that is refused, and return the error's members."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    response: Any = caught.value.response
    error: dict[str, Any] = dict(response["Error"])
    seen = (response["ResponseMetadata"]["HTTPStatusCode"], error["Code"])
    assert seen == (status, code), error
    if message is not None:
        assert error["Message"] == message
    return error


def customer_key(letter: bytes = b"k") -> dict[str, Any]:
    """The members for a customer's key."""
    return {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": letter * 32}


def source_key(letter: bytes = b"k") -> dict[str, Any]:
    """The members for the customer's key of a copy's source."""
    return {"CopySourceSSECustomerAlgorithm": "AES256", "CopySourceSSECustomerKey": letter * 32}


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def crc64nvme(data: bytes) -> bytes:
    """CRC-64/NVME; ``tests/sandbox/test_checksums.py`` holds it to its definition."""
    running = checksums.start("CRC64NVME")
    running.update(data)
    return running.digest()
