"""Answers and errors are what each protocol's clients read, whatever is in the names."""

from __future__ import annotations

import base64
import datetime as dt
import json
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from botocore.awsrequest import HeadersDict
from botocore.parsers import create_parser
from hypothesis import given
from hypothesis import strategies as st

from lab.sandbox import render
from lab.sandbox.exchange import Answer, Request, Service, ServiceError
from tests.sandbox import compile_operations as compiler
from tests.sandbox import wire

MODELS = compiler.models()
AT = dt.datetime(2026, 11, 21, 22, 38, 1, 250_000, tzinfo=dt.UTC)


def request(service: Service, operation: str = "", method: str = "GET") -> Request:
    made = wire.build(method, "http://localhost/b/k")
    made.service, made.operation = service, operation
    return made


def parse(service: str, operation: str, answer: Answer) -> dict[str, Any]:
    """As botocore reads it."""
    model = MODELS[service]
    assert isinstance(answer.body, bytes)
    headers = HeadersDict(dict(answer.headers))
    response = {"headers": headers, "body": answer.body, "status_code": answer.status, "context": {}}
    shape: Any = model.operation_model(operation).output_shape
    parsed = create_parser(model.metadata["protocol"]).parse(response, shape)
    assert isinstance(parsed, dict)
    return parsed


ERROR = ServiceError(403, "AccessDenied", "No <b>&\x01", {"BucketName": "a&b", "Key": "k\x00\n]]>"})


def test_s3_errors() -> None:
    answer = render.render_error(request("s3", "GetObject"), ERROR)
    assert answer.body == (
        b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code>'
        b"<Message>No &lt;b&gt;&amp;\xef\xbf\xbd</Message>"
        b"<BucketName>a&amp;b</BucketName><Key>k\xef\xbf\xbd&#xA;]]&gt;</Key>"
        b"<RequestId>0123456789ABCDEF</RequestId><HostId>"
        + render.host_id("0123456789ABCDEF").encode()
        + b"</HostId></Error>"
    )
    assert answer.header("content-type") == "application/xml"
    assert answer.header("x-amz-request-id") == "0123456789ABCDEF"
    assert answer.header("x-amz-id-2") == render.host_id("0123456789ABCDEF")
    assert parse("s3", "GetObject", answer)["Error"]["Code"] == "AccessDenied"


def test_head_is_answered_without_a_body() -> None:
    assert render.render_error(request("s3", "HeadObject", "HEAD"), ERROR).body == b""


@pytest.mark.parametrize("service", ["kms", "cloudtrail", "servicequotas"])
def test_json_errors(service: Service) -> None:
    error = ServiceError(400, "DisabledException", "arn:… is disabled.", headers=[("x-amzn-extra", "1")])
    answer = render.render_error(request(service), error)
    assert isinstance(answer.body, bytes)
    assert json.loads(answer.body) == {"__type": "DisabledException", "message": "arn:… is disabled."}
    assert answer.header("content-type") == "application/x-amz-json-1.1"
    assert answer.header("x-amzn-errortype") == "DisabledException"
    assert answer.header("x-amzn-requestid") == "0123456789ABCDEF"
    assert answer.header("x-amzn-extra") == "1"


def test_a_json_error_without_a_message() -> None:
    answer = render.render_error(request("kms", "Decrypt"), ServiceError(400, "InvalidCiphertextException", ""))
    assert answer.body == b'{"__type":"InvalidCiphertextException"}'
    assert parse("kms", "Decrypt", answer)["Error"] == {"Code": "InvalidCiphertextException", "Message": ""}


@pytest.mark.parametrize(("service", "operation"), [("sts", "GetCallerIdentity"), ("iam", "GetUser")])
def test_query_errors(service: Service, operation: str) -> None:
    answer = render.render_error(request(service, operation), ServiceError(403, "AccessDenied", "a < b"))
    parsed = parse(service, operation, answer)
    assert parsed["Error"] == {"Type": "Sender", "Code": "AccessDenied", "Message": "a < b"}
    assert parsed["ResponseMetadata"]["RequestId"] == "0123456789ABCDEF"


def test_an_unknown_json_service_is_answered_in_json() -> None:
    headers = [("X-Amz-Target", "DynamoDB_20120810.ListTables")]
    answer = render.render_error(
        wire.build("POST", "http://localhost/", headers), ServiceError(501, "NotImplemented", "m")
    )
    assert answer.body == b'{"__type":"NotImplemented","message":"m"}'


def test_s3_answers_are_what_botocore_reads() -> None:
    owner = {"ID": "1", "DisplayName": "a"}
    answer = render.xml_answer(
        "ListVersionsResult",
        {
            "Name": "b",
            "Prefix": "",
            "KeyMarker": None,
            "IsTruncated": False,
            "Version": [
                {"Key": "k\t<&>", "VersionId": "null", "IsLatest": True, "Size": 3, "LastModified": AT, "Owner": owner}
            ],
            "CommonPrefixes": [{"Prefix": "a/"}, {"Prefix": "b/"}],
        },
        headers=[("x-amz-a", "b")],
    )
    parsed = parse("s3", "ListObjectVersions", answer)
    assert parsed["IsTruncated"] is False
    assert "KeyMarker" not in parsed
    assert parsed["Versions"] == [
        {"Key": "k\t<&>", "VersionId": "null", "IsLatest": True, "Size": 3, "LastModified": AT, "Owner": owner}
    ]
    assert parsed["CommonPrefixes"] == [{"Prefix": "a/"}, {"Prefix": "b/"}]
    assert answer.header("x-amz-a") == "b"


def test_attributes_and_text() -> None:
    answer = render.xml_answer(
        "AccessControlPolicy",
        {
            "Grantee": {
                "@xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
                "@xsi:type": "CanonicalUser",
                "ID": "1",
            }
        },
    )
    assert isinstance(answer.body, bytes)
    assert b'xsi:type="CanonicalUser"><ID>1</ID></Grantee>' in answer.body
    assert render.xml_answer("LocationConstraint", "").body == (
        b'<?xml version="1.0" encoding="UTF-8"?>\n<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/"/>'
    )


def test_json_answers_are_what_botocore_reads() -> None:
    members = {"KeyMetadata": {"KeyId": "k", "CreationDate": AT, "Enabled": True, "DeletionDate": None}}
    parsed = parse("kms", "DescribeKey", render.json_answer(members))
    assert parsed["KeyMetadata"]["CreationDate"] == AT
    assert parsed["KeyMetadata"]["KeyId"] == "k"
    assert "DeletionDate" not in parsed["KeyMetadata"]
    answer = render.json_answer({"Plaintext": b"\x00\xff", "KeyId": "k"})
    assert isinstance(answer.body, bytes)
    assert json.loads(answer.body)["Plaintext"] == base64.b64encode(b"\x00\xff").decode()
    assert parse("kms", "Decrypt", answer)["Plaintext"] == b"\x00\xff"
    assert render.json_answer().body == b""


def test_query_answers_are_what_botocore_reads() -> None:
    answer = render.query_answer(
        request("sts", "AssumeRole"),
        {"Credentials": {"AccessKeyId": "ASIA", "Expiration": AT}, "PackedPolicySize": 6},
    )
    parsed = parse("sts", "AssumeRole", answer)
    assert parsed["Credentials"] == {"AccessKeyId": "ASIA", "Expiration": AT.replace(microsecond=0)}
    assert parsed["PackedPolicySize"] == 6
    answer = render.query_answer(request("iam", "ListUserPolicies"), {"PolicyNames": ["a", "b"], "IsTruncated": False})
    assert parse("iam", "ListUserPolicies", answer)["PolicyNames"] == ["a", "b"]
    answer = render.query_answer(request("iam", "DeleteUser"))
    assert answer.body == (
        b'<DeleteUserResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><ResponseMetadata>'
        b"<RequestId>0123456789ABCDEF</RequestId></ResponseMetadata></DeleteUserResponse>"
    )


@given(st.text(), st.dictionaries(st.sampled_from(["Key", "BucketName", "Resource"]), st.text()))
def test_any_text_leaves_well_formed(message: str, extra: dict[str, str]) -> None:
    for service in ("s3", "kms", "sts"):
        answer = render.render_error(request(service), ServiceError(400, "Code", message, extra))
        assert isinstance(answer.body, bytes)
        if service == "kms":
            assert json.loads(answer.body)["__type"] == "Code"
            continue
        found = ET.fromstring(answer.body).iter()  # noqa: S314 - our own answer
        texts = {element.tag.rpartition("}")[2]: element.text or "" for element in found}
        for name, text in {"Message": message, **extra}.items():
            if all(character.isprintable() or character in "\t\n\r" for character in text):
                assert texts[name] == text
