"""What is shown of a request helps to understand it and cannot be used to repeat it."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.sandbox import redact
from lab.sandbox.exchange import Headers

V4 = "AWS4-HMAC-SHA256 Credential=AKIA/20261121/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-date, Signature="


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (V4 + "a" * 64, V4 + "<64 bytes>"),
        ("AWS AKIA:frJIUN8DYpKDtOLCwo//yllqDzg=", "AWS AKIA:<28 bytes>"),
        ("AWS secret", "AWS"),
        ("Bearer abc", "Bearer <3 bytes>"),
        ("abc", "<3 bytes>"),
    ],
)
def test_authorization_keeps_everything_but_the_signature(value: str, shown: str) -> None:
    assert redact.authorization(value) == shown


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        ("/b/k", "/b/k"),
        ("/b/k?versionId=1&acl", "/b/k?versionId=1&acl"),
        ("/b?X-Amz-Signature=abcd&X-Amz-Date=x", "/b?X-Amz-Signature=<4 bytes>&X-Amz-Date=x"),
        ("/b?x-amz-security%2Dtoken=abcd", "/b?x-amz-security%2Dtoken=<4 bytes>"),
        ("/b?AWSAccessKeyId=A&Signature=s%3D&Expires=1", "/b?AWSAccessKeyId=A&Signature=<4 bytes>&Expires=1"),
        ("/b?x-amz-server-side-encryption-customer-key=a2V5", "/b?x-amz-server-side-encryption-customer-key=<4 bytes>"),
    ],
)
def test_targets_keep_everything_but_secrets(target: str, shown: str) -> None:
    assert redact.target(target) == shown


@given(st.binary(max_size=64), st.booleans())
def test_customer_keys_are_shown_as_length_and_md5(key: bytes, source: bool) -> None:
    prefix = "x-amz-copy-source-" if source else "x-amz-"
    name = f"{prefix}server-side-encryption-customer-key"
    headers = Headers([(name, base64.b64encode(key).decode()), (f"{name}-MD5", "sent")])
    assert redact.customer_key(headers) == {
        "length": len(key),
        "md5_sent": "sent",
        "md5_of_key": base64.b64encode(hashlib.md5(key).digest()).decode(),  # noqa: S324 - what S3 compares
        "source": source,
    }


def test_a_key_that_is_no_base64_has_no_length() -> None:
    shown = redact.customer_key(Headers([("x-amz-server-side-encryption-customer-key", "a")]))
    assert shown == {"length": None, "md5_sent": None, "md5_of_key": None, "source": False}
    assert redact.customer_key(Headers([])) is None
