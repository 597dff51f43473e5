"""Default deny: every operation and request member of botocore's models is listed with proof, or refused when sent."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
from functools import cache
from typing import Any

import pytest
from botocore.model import OperationModel, Shape
from botocore.serialize import create_serializer

from lab.sandbox.exchange import Request, ServiceError
from lab.sandbox.kms import parameters as kms_parameters
from lab.sandbox.operations import tables
from lab.sandbox.recognize import recognize
from lab.sandbox.s3 import operations as s3_operations
from tests.sandbox import compile_operations as compiler
from tests.sandbox import wire

MODELS = compiler.models()
LISTED = compiler.listing()
OPERATIONS = [(service, name) for service, model in MODELS.items() for name in model.operation_names]
#: Clients send these elsewhere (directory buckets, Object Lambda): on this endpoint they look like something else.
OTHER_ENDPOINTS = {"ListDirectoryBuckets": "ListBuckets", "WriteGetObjectResponse": ""}
NEWER_NAMES = {
    "GetBucketLifecycle": "GetBucketLifecycleConfiguration",
    "PutBucketLifecycle": "PutBucketLifecycleConfiguration",
    "GetBucketNotification": "GetBucketNotificationConfiguration",
    "PutBucketNotification": "PutBucketNotificationConfiguration",
}


def sample(shape: Any, *, depth: int = 0) -> Any:
    """Some value of this shape, with the required members alone."""
    if shape.type_name == "structure":
        names = shape.required_members or list(shape.members)[:1]
        return {name: sample(shape.members[name], depth=depth + 1) for name in names} if depth < 4 else {}
    if shape.type_name == "list":
        return [sample(shape.member, depth=depth + 1)]
    if shape.type_name == "map":
        return {"k": sample(shape.value, depth=depth + 1)}
    values: dict[str, Any] = {
        "string": "sample", "integer": 7, "long": 7, "boolean": True, "double": 1.5, "float": 1.5, "blob": b"sample",
        "timestamp": dt.datetime(2026, 1, 2, tzinfo=dt.UTC), "character": "c",
    }  # fmt: skip
    return values[shape.type_name]


@cache
def serializer(service: str) -> Any:
    return create_serializer(MODELS[service].metadata["protocol"], include_validation=False)


def send(service: str, operation: OperationModel, parameters: dict[str, Any]) -> Request:
    """The request that botocore makes of these parameters, unsigned."""
    made = serializer(service).serialize_to_request(parameters, operation)
    path, _, fixed = made["url_path"].partition("?")
    query = made.get("query_string") or {}
    if not isinstance(query, str):
        query = wire.encode(query)
    body = made.get("body") or b""
    if isinstance(body, dict):
        body = wire.encode(body)
    headers = {"Host": "localhost:4566", **{name: str(value) for name, value in made["headers"].items()}}
    if made["method"] == "PUT" and service == "s3":
        headers.setdefault("Content-Type", "application/xml")
    joined = "&".join(part for part in (fixed, query) if part)
    target = path + (f"?{joined}" if joined else "")
    if not isinstance(body, bytes):
        body = body.encode()
    return wire.from_target(made["method"], target, list(headers.items()), body)


def required(operation: OperationModel) -> dict[str, Any]:
    shape = operation.input_shape
    if shape is None:
        return {}
    return {name: sample(shape.members[name]) for name in shape.required_members}


def refused(request: Request) -> str:
    """The message of the refusal, '' if there is none."""
    error: ServiceError | None = None
    try:
        recognize(request)
    except ServiceError as caught:
        error = caught
    assert error is None or (error.status, error.code) == (501, "NotImplemented"), error
    return error.message if error else ""


def test_operations_json_is_compiled_from_operations_toml() -> None:
    stored = (compiler.DIRECTORY / "operations.json").read_text("utf-8")
    assert stored == compiler.text(), "run: python -m tests.sandbox.compile_operations"


def test_the_list_names_only_what_exists_and_proves_it() -> None:
    for service, operations in LISTED.items():
        for name, entry in operations.items():
            shape = MODELS[service].operation_model(name).input_shape
            members = set(shape.members) if shape else set()
            listed = entry.get("modelled", []) + entry.get("passed", [])
            assert set(listed) <= members, (name, set(listed) - members)
            assert len(set(listed)) == len(listed), name
            assert set(entry.get("only", {})) <= set(listed), name
            assert set(entry) <= {"modelled", "passed", "proof", "only"}, name
            assert "modelled" in entry or "passed" in entry, name
            assert entry["proof"], name
            assert all(re.fullmatch(r"[A-Z]\d\d|plumbing", proof) for proof in entry["proof"]), name
            assert entry["proof"] == ["plumbing"] or "plumbing" not in entry["proof"], name


def test_body_members_of_listed_s3_operations_are_listed() -> None:
    """A handler reads the whole body; a part of it that is not listed could only be ignored in silence."""
    for name, entry in LISTED["s3"].items():
        shape = MODELS["s3"].operation_model(name).input_shape
        assert shape is not None
        for member, inner in shape.members.items():
            if inner.serialization.get("location") is None:
                assert member in entry["modelled"], (name, member)


def test_blobs_of_listed_operations_are_top_level() -> None:
    """Only these are decoded."""

    def nested(shape: Shape, seen: tuple[str, ...] = ()) -> bool:
        if shape.name in seen:
            return False
        children = getattr(shape, "members", {}).values() or [
            child for child in (getattr(shape, "member", None), getattr(shape, "value", None)) if child is not None
        ]
        return shape.type_name == "blob" or any(nested(child, (*seen, shape.name)) for child in children)

    for name, entry in LISTED["kms"].items():
        shape = MODELS["kms"].operation_model(name).input_shape
        for member in entry["modelled"]:
            assert shape is not None
            inner = shape.members[member]
            assert inner.type_name == "blob" or not nested(inner), (name, member)


@pytest.mark.parametrize(("service", "name"), OPERATIONS, ids=str)
def test_every_operation_is_recognized_or_refused_by_name(service: str, name: str) -> None:
    operation = MODELS[service].operation_model(name)
    request = send(service, operation, required(operation))
    if name in OTHER_ENDPOINTS:
        if OTHER_ENDPOINTS[name]:
            recognize(request)
            assert request.operation == OTHER_ENDPOINTS[name]
        else:
            with pytest.raises(ServiceError):
                recognize(request)
        return
    message = refused(request)
    wanted = NEWER_NAMES.get(name, name)
    assert request.service == service
    assert request.operation == wanted
    if name in LISTED.get(service, {}):
        assert not message
    else:
        assert message == f"{wanted} is not implemented. This sandbox does not model it."


@pytest.mark.parametrize(
    ("service", "name"),
    [(service, name) for service, ops in LISTED.items() for name in ops],
    ids=str,
)
def test_every_member_is_listed_or_refused_by_name(service: str, name: str) -> None:
    operation = MODELS[service].operation_model(name)
    entry = LISTED[service][name]
    listed = set(entry.get("modelled", []) + entry.get("passed", []))
    only = entry.get("only", {})
    shape = operation.input_shape
    for member, inner in (shape.members if shape else {}).items():
        values = [*only[member], sample(inner)] if member in only else [sample(inner)]
        for value in values:
            message = refused(send(service, operation, required(operation) | {member: value}))
            if member in listed and (member not in only or value in only[member]):
                assert not message, (member, value)
            else:
                where = inner.serialization.get("name", member) if service == "s3" else member
                assert name in message, (member, value)
                assert where.lower() in message.lower(), (member, value)


def test_s3_models_what_is_listed() -> None:
    assert set(s3_operations.OPERATIONS) == set(LISTED["s3"])


def test_kms_models_what_is_listed() -> None:
    listed = {name: set(entry["modelled"]) for name, entry in LISTED["kms"].items()}
    assert {name: set(members) for name, members in kms_parameters.MEMBERS.items()} == listed


def test_an_unknown_operation_of_a_json_service() -> None:
    headers = [("X-Amz-Target", "TrentService.Nonsense"), ("Content-Type", "application/x-amz-json-1.1")]
    with pytest.raises(ServiceError) as caught:
        recognize(wire.build("POST", "http://localhost/", headers, b"{}"))
    assert caught.value.code == "UnknownOperationException"


def test_a_service_that_is_not_ours_is_refused_by_name() -> None:
    headers = [("X-Amz-Target", "DynamoDB_20120810.ListTables"), ("Content-Type", "application/x-amz-json-1.0")]
    assert "DynamoDB_20120810.ListTables" in refused(wire.build("POST", "http://localhost/", headers, b"{}"))


def test_a_sub_resource_is_never_taken_for_the_plain_operation() -> None:
    """moto takes PUT ?encryption on a key for PutObject and replaces the object by the request's XML."""
    for path in ("/bucket", "/bucket/key"):
        for method in ("GET", "PUT", "POST", "DELETE", "HEAD"):
            plain = tables().s3_routes.get((method, "key" if path.endswith("key") else "bucket"), {}).get("")
            for mark in sorted(tables().s3_marks):
                request = wire.build(method, f"http://localhost{path}?{mark}")
                with contextlib.suppress(ServiceError):
                    recognize(request)
                assert request.operation != plain or not plain, (method, path, mark)
