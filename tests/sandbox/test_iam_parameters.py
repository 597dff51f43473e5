"""IAM's request model: the table against the API model that AWS ships, and its words for what does not fit."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest

from lab.sandbox.exchange import ServiceError
from lab.sandbox.iam_parameters import EXCEPTIONS, MEMBERS, OF_CALLER, OPTIONAL, Member, check
from lab.sandbox.operations import tables

LISTED = {name: operation for name, operation in tables().services["iam"].items() if operation.support != "refused"}
MODEL = botocore.session.Session().get_service_model("iam")


@pytest.mark.parametrize("operation", LISTED)
def test_the_table_is_the_model(operation: str) -> None:
    shape: Any = MODEL.operation_model(operation).input_shape
    types = LISTED[operation].types
    optional = OPTIONAL | {"UserName"} if operation in OF_CALLER else OPTIONAL
    assert {name for name in types if name not in optional} == set(shape.required_members if shape else ())
    for name in types:
        about = shape.members[name].metadata
        if shape.members[name].type_name in {"string", "integer"}:
            low, high = about.get("min", 0), about.get("max")
            wanted = Member(low, high, about.get("pattern", ""), tuple(about.get("enum", ())))
            assert (EXCEPTIONS.get((operation, name)) or MEMBERS[name]) == wanted


@pytest.mark.parametrize(
    ("operation", "parameters", "message"),
    [
        (
            "CreateUser",
            {"UserName": "<x>"},
            (
                "The specified value for userName is invalid. It must contain only alphanumeric characters and/or the "
                "following: +=,.@_-"
            ),
        ),
        (
            "CreateUser",
            {"UserName": "a" * 65},
            (
                f"1 validation error detected: Value '{'a' * 65}' at 'userName' failed to satisfy constraint: Member "
                "must have length less than or equal to 64"
            ),
        ),
        (
            "DeleteUser",
            {},
            (
                "1 validation error detected: Value null at 'userName' failed to satisfy constraint: Member must not "
                "be null"
            ),
        ),
        (
            "CreateUser",
            {"UserName": "a", "Path": "no-slash"},
            (
                "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric "
                "characters and/or / characters."
            ),
        ),
        (
            "ListUsers",
            {"MaxItems": 0},
            (
                "1 validation error detected: Value '0' at 'maxItems' failed to satisfy constraint: Member must have "
                "value greater than or equal to 1"
            ),
        ),
        (
            "UpdateAccessKey",
            {"AccessKeyId": "AKIALABEXAMPLE000001", "Status": "Foo"},
            (
                "1 validation error detected: Value 'Foo' at 'status' failed to satisfy constraint: Member must "
                "satisfy enum value set: [Active, Inactive, Expired]"
            ),
        ),
        (
            "CreateUser",
            {"UserName": "a", "Tags": [{"Key": "team"}]},
            (
                "1 validation error detected: Value null at 'tags.1.member.value' failed to satisfy constraint: Member "
                "must not be null"
            ),
        ),
    ],
)
def test_misfits_are_told_in_iams_words(operation: str, parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ServiceError) as caught:
        check(operation, LISTED[operation].types, parameters)
    assert (caught.value.status, caught.value.code, caught.value.message) == (400, "ValidationError", message)


@pytest.mark.parametrize("tags", ["text", {"Key": "a"}, [["Key"]], [{"Key": "\x01", "Value": ""}], [{}] * 51])
def test_odd_tags_are_refused(tags: Any) -> None:
    with pytest.raises(ServiceError):
        check("CreateUser", LISTED["CreateUser"].types, {"UserName": "a", "Tags": tags})


def test_the_usual_is_let_through() -> None:
    check("CreateUser", LISTED["CreateUser"].types, {"UserName": "a+b@c", "Path": "/team/", "Tags": []})
    tag = {"Key": "Straße/1", "Value": ""}
    check("CreateRole", LISTED["CreateRole"].types, {"RoleName": "r", "AssumeRolePolicyDocument": "{}", "Tags": [tag]})
    check("ListAccessKeys", LISTED["ListAccessKeys"].types, {})
