"""What S3 and KMS refuse to store, and with which sentence."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lab.sandbox.policy.grammar import MOST_BYTES, MalformedError, check_bucket_policy, check_key_policy

BUCKET = "vault"


def valid(**members: Any) -> dict[str, Any]:
    """A statement that S3 stores; a member of None removes one."""
    statement = {
        "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{BUCKET}/*", **members,
    }  # fmt: skip
    return {name: value for name, value in statement.items() if value is not None}


def check(document: Any) -> None:
    check_bucket_policy(document if isinstance(document, str) else json.dumps(document), BUCKET, lambda _arn: True)


def refusal(document: Any) -> str:
    with pytest.raises(MalformedError) as caught:
        check(document)
    return str(caught.value)


def with_statement(**members: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [valid(**members)]}


BOTH = [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"]
SSE = "s3:x-amz-server-side-encryption"


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"Sid": "One"},
        {"Action": "s3:*", "Resource": BOTH},
        {"Action": "*", "Resource": BOTH},
        {"Action": ["s3:Get*", "s3:ListBucket"], "Resource": BOTH},
        {"Action": None, "NotAction": "s3:GetObject", "Resource": BOTH},
        {"Resource": None, "NotResource": f"arn:aws:s3:::{BUCKET}/public/*"},
        {"Resource": f"arn:aws:s3:::{BUCKET}*"},
        {"Principal": {"AWS": "111122223333"}},
        {"Principal": {"AWS": ["arn:aws:iam::111122223333:root", "arn:aws:iam::111122223333:role/path/app"]}},
        {"Principal": {"AWS": "arn:aws:sts::111122223333:assumed-role/app/session"}},
        {"Principal": {"Service": "logging.s3.amazonaws.com"}},
        {"Principal": None, "NotPrincipal": {"AWS": "arn:aws:iam::111122223333:user/ann"}},
        {"Condition": {"Bool": {"aws:SecureTransport": "false"}}},
        {"Condition": {"Bool": {"aws:SecureTransport": False}}},
        {"Condition": {"Null": {SSE: "false"}, "StringNotEquals": {SSE: "aws:kms"}}},
        {"Action": "s3:*", "Resource": BOTH, "Condition": {"NumericLessThan": {"s3:TlsVersion": 1.3}}},
        {"Action": "s3:*", "Resource": BOTH, "Condition": {"StringEquals": {SSE: "AES256"}}},
        {"Condition": {"StringEqualsIfExists": {"S3:X-Amz-Acl": "private"}}},
        {"Condition": {"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "::1"]}}},
        {"Condition": {"ForAnyValue:StringLike": {"s3:RequestObjectTagKeys": "a*"}}},
        {"Condition": {"StringEquals": {"s3:RequestObjectTag/team": "blue"}}},
        {"Action": "s3:ListBucket", "Resource": BOTH[0], "Condition": {"StringLike": {"s3:prefix": "a/*"}}},
    ],
)
def test_stored(members: dict[str, Any]) -> None:
    check(with_statement(**members))


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        ({"Effect": None}, "Missing required field Effect"),
        ({"Effect": "deny"}, "Invalid effect: deny"),
        ({"Principal": None}, "Missing required field Principal"),
        ({"NotPrincipal": "*"}, "Statement/policy already has instance of Principal"),
        ({"Action": None}, "Missing required field Action"),
        ({"Action": []}, "Missing required field Action cannot be empty!"),
        ({"Action": 1}, "Invalid policy syntax."),
        ({"Action": "kms:Decrypt"}, "Policy has invalid action"),
        ({"Action": "s3:ListObjects"}, "Policy has invalid action"),
        ({"Action": "PutObject"}, "Policy has invalid action"),
        ({"Resource": None}, "Missing required field Resource"),
        ({"Resource": "*"}, "Policy has invalid resource"),
        ({"Resource": "arn:aws:s3:::other/*"}, "Policy has invalid resource"),
        ({"Resource": "arn:aws:s3:::*"}, "Policy has invalid resource"),
        ({"Resource": "arn:aws:s3:::vaults/*"}, "Policy has invalid resource"),
        ({"Resource": [BOTH[1], "arn:aws:s3:::other/*"]}, "Policy has invalid resource"),
        ({"Resource": BOTH[0]}, "Action does not apply to any resource(s) in statement"),
        ({"Action": "s3:ListBucket"}, "Action does not apply to any resource(s) in statement"),
        ({"Action": "s3:ListAllMyBuckets", "Resource": BOTH}, "Action does not apply to any resource(s) in statement"),
        ({"Principal": "111122223333"}, "Invalid principal in policy"),
        ({"Principal": {}}, "Invalid principal in policy"),
        ({"Principal": {"AWS": []}}, "Invalid principal in policy"),
        ({"Principal": {"AWS": "arn:aws:iam::111122223333:role/*"}}, "Invalid principal in policy"),
        ({"Principal": {"AWS": "arn:aws:iam::1111:root"}}, "Invalid principal in policy"),
        ({"Principal": {"aws": "*"}}, "Invalid principal in policy"),
        ({"Condition": []}, "Invalid policy syntax."),
        ({"Condition": {"StringEquals": {SSE: None}}}, "Invalid policy syntax."),
        ({"Condition": {"StringMatches": {SSE: "x"}}}, "Invalid Condition type : StringMatches"),
        ({"Condition": {"NullIfExists": {SSE: "x"}}}, "Invalid Condition type : NullIfExists"),
        ({"Condition": {"StringEquals": {"s3:x-amz-sse": "x"}}}, "Policy has an invalid condition key"),
        ({"Condition": {"StringEquals": {"kms:ViaService": "x"}}}, "Policy has an invalid condition key"),
        ({"Condition": {"IpAddress": {"aws:SourceIp": "300.0.0.1"}}}, "Invalid IP address in Conditions"),
        (
            {"Action": "s3:GetObject", "Condition": {"StringEquals": {SSE: "AES256"}}},
            "Conditions do not apply to combination of actions and resources in statement",
        ),
        (
            {
                "Action": ["s3:ListBucket", "s3:GetObject"],
                "Resource": BOTH,
                "Condition": {"StringEquals": {"s3:prefix": "a"}},
            },
            "Conditions do not apply to combination of actions and resources in statement",
        ),
        ({"Conditions": {}}, "Unknown field Conditions"),
        ({"Sid": 1}, "Invalid policy syntax."),
    ],
)
def test_refused(members: dict[str, Any], sentence: str) -> None:
    assert refusal(with_statement(**members)) == sentence


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ("", "Policies must be valid JSON and the first byte must be '{'"),
        ("[]", "Policies must be valid JSON and the first byte must be '{'"),
        ('{"Statement": [}', "This policy contains invalid Json"),
        ({"Version": "2012-10-18", "Statement": [valid()]}, "The policy must contain a valid version string"),
        ({"Version": "2012-10-17"}, "Missing required field Statement"),
        ({"Statement": []}, "Could not parse the policy: Statement is empty!"),
        ({"Statement": ["x"]}, "Invalid policy syntax."),
        ({"statement": [valid()]}, "Unknown field statement"),
        (
            {"Id": "x" * MOST_BYTES, "Statement": [valid()]},
            f"Normalized policy document exceeds the maximum allowed size of {MOST_BYTES} bytes",
        ),
    ],
)
def test_refused_documents(document: Any, sentence: str) -> None:
    assert refusal(document) == sentence


def test_one_statement_needs_no_list() -> None:
    check({"Statement": valid()})


def test_named_users_and_roles_must_exist() -> None:
    document = json.dumps(with_statement(Principal={"AWS": "arn:aws:iam::111122223333:user/ghost"}))
    check_bucket_policy(document, BUCKET, lambda arn: arn.endswith("/ghost"))
    with pytest.raises(MalformedError, match="Invalid principal in policy"):
        check_bucket_policy(document, BUCKET, lambda _arn: False)


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        ({"Principal": {"AWS": "arn:aws:iam::111122223333:user/ghost"}},
         "Policy contains a statement with one or more invalid principals."),
        ({"Principal": {"AWS": "someone"}}, "Policy contains a statement with one or more invalid principals."),
        ({"Principal": None}, "Missing required field Principal"),
        ({"Condition": {"Sometimes": {"aws:a": "b"}}}, "Invalid Condition type : Sometimes"),
    ],
)  # fmt: skip
def test_key_policies(members: dict[str, Any], sentence: str) -> None:
    statement = valid(**{"Action": "kms:*", "Resource": "*", **members})
    with pytest.raises(MalformedError) as caught:
        check_key_policy(json.dumps({"Statement": [statement]}), lambda _arn: False)
    assert str(caught.value) == sentence
