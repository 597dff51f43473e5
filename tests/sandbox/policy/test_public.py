"""Which bucket policies S3 calls public."""

from __future__ import annotations

from typing import Any

import pytest

from lab.sandbox.policy import compile_policy
from lab.sandbox.policy.public import is_public
from tests.sandbox.policy.asking import HOME, document, statement

FIXED = {"StringEquals": {"aws:SourceVpc": "vpc-1"}}


@pytest.mark.parametrize(
    ("members", "public"),
    [
        ({"Principal": "*"}, True),
        ({"Principal": {"AWS": "*"}}, True),
        ({"Principal": {"AWS": [HOME, "*"]}}, True),
        ({"Principal": {"AWS": HOME}}, False),
        ({"Principal": {"Service": "s3.amazonaws.com"}}, False),
        ({"NotPrincipal": {"AWS": HOME}}, True),
        ({"Principal": "*", "Condition": FIXED}, False),
        ({"Principal": "*", "Condition": {"StringLike": {"aws:SourceVpc": "vpc-*"}}}, True),
        ({"Principal": "*", "Condition": {"StringEquals": {"aws:PrincipalArn": "${aws:PrincipalArn}"}}}, True),
        ({"Principal": "*", "Condition": {"StringEqualsIfExists": {"aws:SourceVpc": "vpc-1"}}}, True),
        ({"Principal": "*", "Condition": {"StringNotEquals": {"aws:SourceVpc": "vpc-1"}}}, True),
        ({"Principal": "*", "Condition": {"Bool": {"aws:SecureTransport": "true"}}}, True),
        ({"Principal": "*", "Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}, False),
        ({"Principal": "*", "Condition": {"IpAddress": {"aws:SourceIp": "128.0.0.0/1"}}}, True),
        ({"Principal": "*", "Condition": {"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "0.0.0.0/0"]}}}, True),
        ({"Principal": "*", "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}}, False),
    ],
)
def test_public(members: dict[str, Any], public: bool) -> None:
    assert is_public(compile_policy(document(statement(**members)))) == public


def test_denies_are_never_public_and_one_statement_is_enough() -> None:
    deny = statement("Deny", Principal="*")
    assert not is_public(compile_policy(document(deny)))
    assert is_public(compile_policy(document(deny, statement(Principal={"AWS": HOME}), statement(Principal="*"))))
