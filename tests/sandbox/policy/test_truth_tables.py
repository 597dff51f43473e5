"""The course's truth tables: which uploads and connections each well-known Deny statement refuses.

Rows whose answer AWS has not documented (an absent key id under P5 and P6, T2 and T3 over HTTP) are left out.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.policy.asking import ADMINISTRATOR, ask, document, statement, user

SSE = "s3:x-amz-server-side-encryption"
KEY_ID = f"{SSE}-aws-kms-key-id"
SSEC = f"{SSE}-customer-algorithm"
KEY_A = "arn:aws:kms:us-east-1:111122223333:key/aaaaaaaa-0000-0000-0000-000000000000"
KEY_B = "arn:aws:kms:us-east-1:111122223333:key/bbbbbbbb-0000-0000-0000-000000000000"

REQUESTS: dict[str, dict[str, str]] = {
    "no header": {},
    "AES256": {SSE: "AES256"},
    "aws:kms": {SSE: "aws:kms"},
    "key A": {SSE: "aws:kms", KEY_ID: KEY_A},
    "key B": {SSE: "aws:kms", KEY_ID: KEY_B},
    "dsse key A": {SSE: "aws:kms:dsse", KEY_ID: KEY_A},
    "SSE-C": {SSEC: "AES256"},
}

P4 = {"Null": {SSE: "false"}, "StringNotEquals": {SSE: "aws:kms"}}
POLICIES: dict[str, list[dict[str, Any]]] = {
    "P1": [{"Null": {SSE: "true"}}],
    "P2": [{"StringNotEquals": {SSE: "aws:kms"}}],
    "P3": [{"StringNotEqualsIfExists": {SSE: "aws:kms"}}],
    "P4": [P4],
    "P5": [P4, {"Null": {KEY_ID: "false"}, "StringNotEquals": {KEY_ID: KEY_A}}],
    "P6": [{"StringNotEquals": {KEY_ID: KEY_A}}],
    "P7": [{"Null": {SSEC: "false"}}],
    "P8": [{"StringEquals": {SSE: "AES256"}}],
    "P9": [{"Null": {SSE: "false", KEY_ID: "true"}}],
}

DENIED: dict[str, set[str]] = {
    "P1": {"no header", "SSE-C"},
    "P2": {"no header", "AES256", "dsse key A", "SSE-C"},
    "P3": {"no header", "AES256", "dsse key A", "SSE-C"},
    "P4": {"AES256", "dsse key A"},
    "P5": {"AES256", "key B", "dsse key A"},
    "P6": {"AES256", "key B", "SSE-C"},
    "P7": {"SSE-C"},
    "P8": {"AES256"},
    "P9": {"AES256", "aws:kms"},
}
UNDOCUMENTED = {("P5", "aws:kms"), ("P6", "aws:kms"), ("P6", "no header")}


@pytest.mark.parametrize(
    ("policy", "request_name"),
    [(policy, name) for policy in POLICIES for name in REQUESTS if (policy, name) not in UNDOCUMENTED],
)
def test_upload(policy: str, request_name: str) -> None:
    denies = [statement("Deny", Principal="*", Action="s3:PutObject", Condition=one) for one in POLICIES[policy]]
    decision = ask(
        user(),
        action="s3:PutObject",
        policies=[ADMINISTRATOR],
        bucket=document(*denies),
        seen=REQUESTS[request_name],
    )
    assert decision.allowed == (request_name not in DENIED[policy])
    assert decision.denied_by == (None if decision.allowed else "bucket policy")
    assert decision.reason == ("allow" if decision.allowed else "explicit_deny")


SECURE = "aws:SecureTransport"
TLS = "s3:TlsVersion"
CONNECTIONS: dict[str, dict[str, str]] = {
    "HTTP": {SECURE: "false"},
    "TLS 1.2": {SECURE: "true", TLS: "1.2"},
    "TLS 1.3": {SECURE: "true", TLS: "1.3"},
}
T1 = {"Bool": {SECURE: "false"}}
T2 = {"NumericLessThan": {TLS: "1.3"}}
TRANSPORT: dict[str, tuple[list[dict[str, Any]], set[str]]] = {
    "T1": ([T1], {"HTTP"}),
    "T2": ([T2], {"TLS 1.2"}),
    "T3": ([{**T1, **T2}], set()),
    "T4": ([T1, T2], {"HTTP", "TLS 1.2"}),
    "T5": ([{"Bool": {SECURE: "true"}}], {"TLS 1.2", "TLS 1.3"}),
}


@pytest.mark.parametrize(
    ("policy", "connection"),
    [(one, how) for one in TRANSPORT for how in CONNECTIONS if not (one in {"T2", "T3"} and how == "HTTP")],
)
def test_connection(policy: str, connection: str) -> None:
    conditions, denied = TRANSPORT[policy]
    denies = [statement("Deny", Principal="*", Action="s3:*", Condition=one) for one in conditions]
    decision = ask(user(), policies=[ADMINISTRATOR], bucket=document(*denies), seen=CONNECTIONS[connection])
    assert decision.allowed == (connection not in denied)


def test_trace_shows_wanted_and_seen() -> None:
    deny = statement(
        "Deny", Principal="*", Action="s3:PutObject", Sid="NoOtherSse",
        Condition={"Null": {SSE: "false"}, "StringNotEquals": {SSE: "aws:kms"}},
    )  # fmt: skip
    decision = ask(user(), action="s3:PutObject", policies=[ADMINISTRATOR], bucket=document(deny), seen={})
    assert decision.trace == [
        {
            "policy": "bucket policy",
            "name": "",
            "sid": "NoOtherSse",
            "index": 0,
            "effect": "Deny",
            "applies": "condition",
            "conditions": [
                {"operator": "Null", "key": SSE, "wanted": ["false"], "seen": None, "matched": False},
                {"operator": "StringNotEquals", "key": SSE, "wanted": ["aws:kms"], "seen": None, "matched": True},
            ],
        },
        {
            "policy": "identity policy",
            "name": "p0",
            "sid": None,
            "index": 0,
            "effect": "Allow",
            "applies": "yes",
            "conditions": [],
        },
    ]
