"""What an attacker sends and what it must not get: every request here once found something."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from lab.sandbox.sigv4 import canonical_request
from tests.sandbox.attacking import HOST, UNSIGNED, Door, Reply, read
from tests.sandbox.judging import user

MANY_DIGITS = "9" * 5000
SSE = "x-amz-server-side-encryption"
CUSTOMER = f"{SSE}-customer-"
KEY = b"0123456789abcdef0123456789ABCDEF"


def _statement(action: object, resource: object = "*", **members: object) -> dict[str, object]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **members}


def _policy(*statements: object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    on_itself = _policy(_statement("iam:*", "arn:aws:iam::*:user/mallory"))
    principals = [
        user("default", administrator=True),
        user("mallory", on_itself),
        user("nobody"),
        user("eve", account="other", administrator=True),
    ]
    opened = Door(tmp_path_factory.mktemp("attacks"), principals)
    assert opened.ask("PUT", "/vault").status == 200
    unblocked = _encryption("<BlockedEncryptionTypes><EncryptionType>NONE</EncryptionType></BlockedEncryptionTypes>")
    assert opened.ask("PUT", "/vault", "encryption", [_md5(unblocked)], unblocked).status == 200
    assert opened.ask("PUT", "/vault/o", body=b"hello").status == 200
    yield opened
    opened.close()


def _encryption(inner: str) -> bytes:
    name = "ServerSideEncryptionConfiguration"
    return f"<{name}><Rule>{inner}</Rule></{name}>".encode()


def _md5(body: bytes) -> tuple[str, str]:
    return "content-md5", base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()


def _customer(md5: str | None = None, prefix: str = CUSTOMER) -> list[tuple[str, str]]:
    right = base64.b64encode(hashlib.md5(KEY, usedforsecurity=False).digest()).decode()
    key = base64.b64encode(KEY).decode()
    return [(f"{prefix}algorithm", "AES256"), (f"{prefix}key", key), (f"{prefix}key-md5", md5 or right)]


# ---- What no client means --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "headers", "expected"),
    [
        ("", {"range": f"bytes=0-{MANY_DIGITS}"}, (206, "")),
        ("", {"range": f"bytes=-{MANY_DIGITS}"}, (206, "")),
        ("", {"range": f"bytes={MANY_DIGITS}-"}, (416, "InvalidRange")),
        ("", {"range": "bytes=٣-".encode().decode("latin-1")}, (200, "")),
        (f"partNumber={MANY_DIGITS}", {}, (400, "InvalidArgument")),
        (f"uploadId=u&part-number-marker={MANY_DIGITS}", {}, (404, "NoSuchUpload")),
        ("attributes", {"x-amz-object-attributes": "ETag", "x-amz-max-parts": MANY_DIGITS}, (200, "")),
        ("", {"if-modified-since": "Mon, 01 Jan 99999999999 00:00:00 GMT"}, (200, "")),
        ("", {"if-unmodified-since": "Mon, 01 Jan 2020 00:00:00 +99999999999999"}, (200, "")),
        ("", {"if-unmodified-since": "Mon, 01 Jan 0001 00:00:00 +2359"}, (412, "PreconditionFailed")),
    ],
)
def test_numbers_and_dates_beyond_all_bounds(
    door: Door, query: str, headers: dict[str, str], expected: tuple[int, str]
) -> None:
    reply = door.ask("GET", "/vault/o", query, headers.items())
    assert (reply.status, reply.code) == expected


@pytest.mark.parametrize(
    ("path", "query"),
    [("/vault", f"max-keys={MANY_DIGITS}"), ("/vault", "max-keys=--1"), ("/", f"max-buckets={MANY_DIGITS}")],
)
def test_limits_of_listings_beyond_all_bounds(door: Door, path: str, query: str) -> None:
    reply = door.ask("GET", path, query)
    assert (reply.status, reply.code) == (400, "InvalidArgument")


def test_parts_beyond_all_bounds(door: Door) -> None:
    upload = door.ask("POST", "/vault/parts", "uploads").body.decode().partition("<UploadId>")[2].partition("<")[0]
    for query, headers, body in (
        (f"uploadId={upload}&partNumber={MANY_DIGITS}", [], b"x"),
        (f"uploadId={upload}&partNumber=1", [("x-amz-copy-source", "/vault/o"),
                                             ("x-amz-copy-source-range", f"bytes=0-{MANY_DIGITS}")], b""),
    ):  # fmt: skip
        assert door.ask("PUT", "/vault/parts", query, headers, body).code == "InvalidArgument"
    document = (
        "<CompleteMultipartUpload><Part><PartNumber>{}</PartNumber><ETag>x</ETag></Part></CompleteMultipartUpload>"
    )
    for number, code in ((MANY_DIGITS, "InvalidPart"), ("٣", "MalformedXML"), ("-1", "MalformedXML")):
        reply = door.ask("POST", "/vault/parts", f"uploadId={upload}", body=document.format(number).encode())
        assert reply.code == code
    streaming = [("x-amz-decoded-content-length", MANY_DIGITS)]
    reply = door.ask("PUT", "/vault/x", "", streaming, b"0\r\n\r\n", payload="STREAMING-UNSIGNED-PAYLOAD-TRAILER")
    assert reply.code == "EntityTooLarge"


@pytest.mark.parametrize("raw", [b"[" * 5000, b'{"a":' * 1000, b"\xff", b"null", b'{"a":' + b"1" * 5000 + b"}"])
def test_an_encryption_context_that_is_none(door: Door, raw: bytes) -> None:
    headers = [(SSE, "aws:kms"), (f"{SSE}-context", base64.b64encode(raw).decode())]
    assert door.ask("PUT", "/vault/k", "", headers, b"x").code == "InvalidArgument"


def test_an_md5_of_a_customer_key_that_is_not_ascii(door: Door) -> None:
    assert door.ask("PUT", "/vault/c", "", _customer(), b"x").status == 200
    source = [
        ("x-amz-copy-source", "/vault/c"),
        *_customer("\xe9", "x-amz-copy-source-" + CUSTOMER.removeprefix("x-amz-")),
    ]
    for reply in (
        door.ask("PUT", "/vault/d", "", _customer("\xe9"), b"x"),
        door.ask("GET", "/vault/c", "", _customer("\xe9")),
        door.ask("PUT", "/vault/d", "", source),
    ):
        assert (reply.status, reply.code) == (400, "InvalidArgument")


@pytest.mark.parametrize("effect", [["Allow"], {}, 5, None, "allow"])
def test_an_effect_of_any_type(door: Door, effect: Any) -> None:
    statement = {
        **_statement("s3:GetObject", "arn:aws:s3:::vault/*", Principal={"AWS": door.account()}),
        "Effect": effect,
    }
    assert door.ask("PUT", "/vault", "policy", body=_policy(statement).encode()).code == "MalformedPolicy"
    session = _policy({**_statement("*"), "Effect": effect})
    role = f"arn:aws:iam::{door.account()}:role/assumed"
    trust = _policy({"Effect": "Allow", "Principal": {"AWS": door.account()}, "Action": "sts:AssumeRole"})
    door.form(f"Action=CreateRole&Version=2010-05-08&RoleName=assumed&AssumeRolePolicyDocument={quote(trust)}")
    asked = f"Action=AssumeRole&Version=2011-06-15&RoleArn={role}&RoleSessionName=session&Policy={quote(session)}"
    assert door.form(asked, service="sts").code == "MalformedPolicyDocument"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_document_type_is_refused_in_every_encoding(door: Door, encoding: str) -> None:
    text = '<!DOCTYPE x [<!ENTITY e "o">]><Delete><Object><Key>&e;</Key></Object></Delete>'
    body = text.encode(encoding)
    assert door.ask("POST", "/vault", "delete", [_md5(body)], body).code == "MalformedXML"
    plain = "<Delete><Object><Key>never-there</Key></Object></Delete>".encode(encoding)
    assert door.ask("POST", "/vault", "delete", [_md5(plain)], plain).status == 200


def test_a_policy_of_nothing_but_wildcards_is_quick(door: Door) -> None:
    resource = "arn:aws:s3:::vault/" + "*a" * 4000
    statement = _statement("s3:GetObject", resource, Principal={"AWS": door.account()})
    assert door.ask("PUT", "/vault", "policy", body=_policy(statement).encode()).status == 204
    assert door.ask("GET", f"/vault/{'a' * 1000}b", who="nobody").code == "AccessDenied"
    assert door.ask("DELETE", "/vault", "policy").status == 204


# ---- HTTP ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [("content-length", "transfer-encoding"), ("transfer-encoding", "content-length")])
def test_two_lengths_are_refused_and_end_the_connection(door: Door, order: tuple[str, str]) -> None:
    values = {"content-length": "6", "transfer-encoding": "chunked"}
    head = "".join(f"{name}: {values[name]}\r\n" for name in order)
    hidden = f"GET /vault/hidden HTTP/1.1\r\nHost: {HOST}\r\n\r\n"
    answer = door.send(f"PUT /vault/o HTTP/1.1\r\nHost: {HOST}\r\n{head}\r\n0\r\n\r\n{hidden}".encode())
    reply = read(answer)
    assert (reply.status, reply.code, reply.headers["connection"], reply.rest) == (400, "BadRequest", "close", b"")


def test_chunks_of_http_alone_are_not_implemented(door: Door) -> None:
    chunks = b"3\r\nabc\r\n0\r\n\r\n"
    reply = door.ask("PUT", "/vault/x", "", [("transfer-encoding", "chunked")], chunks, payload=UNSIGNED)
    assert (reply.status, reply.code) == (501, "NotImplemented")
    assert b"<Header>Transfer-Encoding</Header>" in reply.body


def test_a_bucket_in_the_host_knows_no_case(door: Door) -> None:
    assert door.ask("GET", "/o", "", [("host", "VAULT.LocalHost:4566")]).body == b"hello"


@pytest.mark.parametrize("value", ["a%0bb", "%0c%0bx%0by", "%0d%0aX-Evil:%201", "%00", "%e2%82%ac"])
def test_an_overridden_header_stays_one_header(door: Door, value: str) -> None:
    reply = door.ask("GET", "/vault/o", f"response-content-type={value}")
    assert (reply.status, reply.body) == (200, b"hello")
    assert "x-evil" not in reply.headers


def test_overrides_are_not_for_everybody(door: Door) -> None:
    assert door.ask("PUT", "/open").status == 200
    assert door.ask("PUT", "/open/o", body=b"hello").status == 200
    assert door.ask("DELETE", "/open", "publicAccessBlock").status == 204
    public = _policy(_statement("s3:GetObject", "arn:aws:s3:::open/*", Principal="*"))
    assert door.ask("PUT", "/open", "policy", body=public.encode()).status == 204
    assert door.bare("GET", "/open/o").body == b"hello"
    reply = door.bare("GET", "/open/o?response-content-type=text/html")
    assert (reply.status, reply.code) == (400, "InvalidRequest")


# ---- Signatures ------------------------------------------------------------------------------------------------------


def test_a_signed_header_cannot_be_added_to(door: Door) -> None:
    target = door.presigned("PUT", "/vault/meta", [("x-amz-meta-a", "signed")])
    assert door.bare("PUT", target, [("x-amz-meta-a", "signed")], b"x").status == 200
    reply = door.bare("PUT", target, [("x-amz-meta-a", "signed"), ("x-amz-meta-a", "added")], b"x")
    assert (reply.status, reply.code) == (403, "AccessDenied")
    assert door.ask("HEAD", "/vault/meta").headers["x-amz-meta-a"] == "signed"


@pytest.mark.parametrize(
    "pair", [("x-amz-meta-a b\r\nX-Evil: 1", "v"), ("x-amz-meta-€", "v"), ("x-amz-meta-a", "v\x0bw\r\nX-Evil: 1€")]
)
def test_a_header_in_a_url_cannot_spoil_answers(door: Door, pair: tuple[str, str]) -> None:
    assert door.bare("PUT", door.presigned("PUT", "/vault/odd", [pair]), body=b"x").status == 200
    reply = door.ask("GET", "/vault/odd")
    assert (reply.body, "x-evil" in reply.headers) == (b"x", False)


def test_a_letter_of_utf_8_is_no_blank() -> None:
    """The last byte of à is a blank in latin-1; two blanks beside it become one, and nothing more."""
    value = "à  la\tcarte".encode().decode("latin-1")
    parts = {"method": "GET", "path": "/", "query": "", "payload_hash": "", "s3": True}
    signed = canonical_request(headers=[("x-amz-meta-a", value)], signed_headers=["x-amz-meta-a"], **parts)  # type: ignore[arg-type]
    assert "x-amz-meta-a:à la carte\n".encode() in signed


@pytest.mark.parametrize("name", ["X-Amz-Expires=60", "X-Amz-SignedHeaders=host", "/vault/o"])
def test_no_part_of_a_presigned_url_can_be_changed(door: Door, name: str) -> None:
    target = door.presigned("GET", "/vault/o")
    assert door.bare("GET", target).body == b"hello"
    assert door.bare("GET", target.replace(name, f"{name}0")).status == 403
    assert door.bare("GET", f"{target}&response-content-type=text/html").code == "SignatureDoesNotMatch"
    assert door.bare("GET", target, [("x-amz-request-payer", "requester")]).code == "AccessDenied"


# ---- KMS -------------------------------------------------------------------------------------------------------------


def test_a_grant_is_not_passed_on_wider(door: Door) -> None:
    key = json.loads(door.kms("CreateKey", {}).body)["KeyMetadata"]["KeyId"]
    me = f"arn:aws:iam::{door.account()}:user/nobody"

    def grant(who: str, operations: list[str], **constraints: dict[str, str]) -> Reply:
        asked = {"KeyId": key, "GranteePrincipal": me, "Operations": operations, "Constraints": constraints}
        return door.kms("CreateGrant", asked, who)

    assert grant("default", ["Decrypt", "CreateGrant"], EncryptionContextSubset={"a": "b"}).status == 200
    for operations, constraints in (
        (["Encrypt"], {"EncryptionContextSubset": {"a": "b"}}),
        (["Decrypt", "Encrypt"], {"EncryptionContextEquals": {"a": "b"}}),
        (["Decrypt"], {}),
        (["Decrypt"], {"EncryptionContextSubset": {"a": "c"}}),
    ):
        assert grant("nobody", operations, **constraints).code == "AccessDeniedException"
    assert door.kms("Encrypt", {"KeyId": key, "Plaintext": "AQ=="}, "nobody").code == "AccessDeniedException"
    assert grant("nobody", ["Decrypt"], EncryptionContextSubset={"a": "b", "c": "d"}).status == 200
    assert grant("nobody", ["Decrypt"], EncryptionContextEquals={"a": "b"}).status == 200


def test_two_ciphertexts_cannot_be_made_one(door: Door) -> None:
    key = json.loads(door.kms("CreateKey", {}).body)["KeyMetadata"]["KeyId"]
    context = {"EncryptionContext": {"a": "b"}}

    def encrypt(text: str) -> bytes:
        return base64.b64decode(
            json.loads(door.kms("Encrypt", {"KeyId": key, "Plaintext": text, **context}).body)["CiphertextBlob"]
        )

    one, two = encrypt("AQ=="), encrypt("Ag==")
    for cut in range(1, len(one)):
        if one[:cut] != two[:cut]:
            mixed = {"CiphertextBlob": base64.b64encode(one[:cut] + two[cut:]).decode(), **context}
            if one[:cut] + two[cut:] not in {one, two}:
                assert door.kms("Decrypt", mixed).code == "InvalidCiphertextException"


# ---- IAM -------------------------------------------------------------------------------------------------------------

IAM = "Version=2010-05-08"


@pytest.mark.parametrize(
    ("body", "query"),
    [
        ("Action=CreateAccessKey&UserName=default&UserName=mallory", ""),
        ("Action=CreateAccessKey&User%4eame=default&UserName=mallory", ""),
        ("Action=CreateAccessKey&UserName=default&RoleName=mallory", ""),
        ("Action=CreateAccessKey&UserName=default", "UserName=mallory"),
        ("Action=AttachUserPolicy&UserName=default&PolicyArn=arn:aws:iam::aws:policy/AdministratorAccess", ""),
        ("Action=AddUserToGroup&UserName=mallory&GroupName=admins", ""),
        ("Action=CreateUser&UserName=mallory&Path=/somewhere/else/", ""),
    ],
)
def test_iam_carries_out_what_it_judged(door: Door, body: str, query: str) -> None:
    door.form(f"Action=CreateGroup&GroupName=admins&{IAM}")
    reply = door.form(f"{body}&{IAM}", query, who="mallory")
    assert (reply.status, reply.code) == (403, "AccessDenied")


def test_iam_takes_the_caller_for_granted(door: Door) -> None:
    for query in ("", "UserName=mallory"):
        listed = door.form(f"Action=ListAccessKeys&{IAM}", query, who="mallory")
        assert door.credential("mallory").access_key_id in listed.body.decode()
    made = door.form(f"Action=CreateAccessKey&{IAM}", who="mallory")
    assert b"<UserName>mallory</UserName>" in made.body
    assert b"<UserName>mallory</UserName>" in door.form("", f"Action=GetUser&{IAM}", "GET", "mallory").body


def test_a_path_belongs_to_the_name(door: Door) -> None:
    deny = _policy(_statement("iam:*"), _statement("iam:*", "arn:aws:iam::*:user/chiefs/*", Effect="Deny"))
    put = f"Action=PutUserPolicy&UserName=nobody&PolicyName=p&PolicyDocument={quote(deny)}&{IAM}"
    assert door.form(put).status == 200
    assert door.form(f"Action=CreateUser&UserName=boss&Path=/chiefs/&{IAM}", who="nobody").code == "AccessDenied"
    assert door.form(f"Action=CreateUser&UserName=boss&Path=/chiefs/&{IAM}").status == 200
    assert door.form(f"Action=CreateAccessKey&UserName=boss&{IAM}", who="nobody").code == "AccessDenied"
    assert door.form(f"Action=CreateUser&UserName=clerk&{IAM}", who="nobody").status == 200
    assert door.form(f"Action=DeleteUserPolicy&UserName=nobody&PolicyName=p&{IAM}").status == 200


def test_a_key_does_not_outlive_its_user(door: Door) -> None:
    door.form(f"Action=CreateUser&UserName=gone&{IAM}")
    key = door.form(f"Action=CreateAccessKey&UserName=gone&{IAM}").body.decode()
    key_id = key.partition("<AccessKeyId>")[2].partition("<")[0]
    reply = door.form(f"Action=DeleteUser&UserName=gone&{IAM}")
    assert (reply.status, reply.code) == (409, "DeleteConflict")
    assert door.form(f"Action=DeleteAccessKey&UserName=gone&AccessKeyId={key_id}&{IAM}").status == 200
    assert door.form(f"Action=DeleteUser&UserName=gone&{IAM}").status == 200


@pytest.mark.parametrize(
    "body",
    [
        "Action=CreateUser&UserName=%01%00",
        "Action=CreateUser&UserName=%3Cx%3E",
        "Action=CreateUser",
        "Action=CreateRole&RoleName=r&AssumeRolePolicyDocument=" + "[" * 5000,
        "Action=CreateUser&Tags" + ".member.1" * 3000 + "=x",
        f"Action=CreateUser&UserName=t&Tags.member.{MANY_DIGITS}.Key=a",
        "Action=CreatePolicyVersion&PolicyArn=a&PolicyDocument=b&SetAsDefault.x=true",
        f"Action=ListUsers&MaxItems={MANY_DIGITS}",
    ],
)
def test_iam_refuses_what_it_cannot_read(door: Door, body: str) -> None:
    assert door.form(f"{body}&{IAM}").status == 400


def test_iam_s_answers_are_well_formed_whatever_was_put_into_them(door: Door) -> None:
    document = quote(_policy(_statement("s3:*")))
    made = f"Action=CreatePolicy&PolicyName=odd&PolicyDocument={document}&Description=%3C%26%01%EF%BF%BF&{IAM}"
    assert door.form(made).status == 200
    assert door.form(f"Action=GetPolicy&PolicyArn=arn:aws:iam::{door.account()}:policy/odd&{IAM}").status == 200


# ---- Secrets ---------------------------------------------------------------------------------------------------------


def test_a_customer_key_is_kept_nowhere(tmp_path: Path) -> None:
    door = Door(tmp_path, [user("default", administrator=True)])
    try:
        assert door.ask("PUT", "/secrets").status == 200
        body = _encryption("<BlockedEncryptionTypes><EncryptionType>NONE</EncryptionType></BlockedEncryptionTypes>")
        assert door.ask("PUT", "/secrets", "encryption", [_md5(body)], body).status == 200
        assert door.ask("PUT", "/secrets/o", "", _customer(), b"the plaintext").status == 200
        assert door.ask("GET", "/secrets/o", "", _customer()).body == b"the plaintext"
        door.ask("GET", "/secrets/o", "", _customer("wrong"))
        door.bare("GET", door.presigned("GET", "/secrets/o", _customer()))
        events = json.dumps(door.assembly.log.events())
    finally:
        door.close()
    encoded = base64.b64encode(KEY).decode()
    forms = [KEY, KEY.hex().encode(), encoded.encode(), quote(encoded, safe="").encode(), b"the plaintext"]
    kept = [Path(folder, name).read_bytes() for folder, _, names in os.walk(tmp_path) for name in names]
    assert [form for form in forms if any(form in one for one in kept)] == []
    assert [form for form in forms if form.decode() in events] == []
