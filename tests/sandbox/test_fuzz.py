"""Whatever is sent, an answer comes that a client of AWS can read: never a fault, never HTML, never nothing.

:func:`tests.sandbox.attacking.read` holds every answer to that; hypothesis looks for what does not get one.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.sandbox.policy.conditions import _OPERATORS
from tests.sandbox.attacking import UNSIGNED, Door, Pairs, read
from tests.sandbox.judging import user

bounded = settings(
    max_examples=25,
    deadline=timedelta(seconds=5),
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    opened = Door(tmp_path_factory.mktemp("fuzz"), [user("default", administrator=True), user("nobody")])
    for bucket in ("vault", "keys"):
        assert opened.ask("PUT", f"/{bucket}").status == 200
    assert opened.ask("PUT", "/vault/o", body=b"hello").status == 200
    opened.ask("PUT", "/vault", "encryption", [_md5(UNBLOCKED)], UNBLOCKED)
    yield opened
    opened.close()


UNBLOCKED = (
    b"<ServerSideEncryptionConfiguration><Rule><BlockedEncryptionTypes><EncryptionType>NONE</EncryptionType>"
    b"</BlockedEncryptionTypes></Rule></ServerSideEncryptionConfiguration>"
)


def _md5(body: bytes) -> tuple[str, str]:
    return "content-md5", base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()


# ---- What is sent ----------------------------------------------------------------------------------------------------

digits = st.sampled_from(["0", "1", "-1", "10001", "9" * 20, "9" * 5000, "1e9", "0x1", "٣", "", "--1", "1_0", " 1"])
dates = st.sampled_from(
    ["Mon, 01 Jan 99999999999 00:00:00 GMT", "Mon, 01 Jan 0001 00:00:00 +2359", "99", "Sun, 06 Nov 1994 08:49:37 GMT"]
)
encoded = st.binary(max_size=40).map(lambda raw: base64.b64encode(raw).decode())
#: As it can stand in a header: no controls, bytes as latin-1.
plain = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=40).map(
    str.strip
)
odd_text = st.one_of(plain, digits.filter(str.isascii), dates, encoded)
header_names = st.sampled_from(
    [
        "range", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "content-type",
        "content-encoding", "content-md5", "expect", "x-amz-acl", "x-amz-checksum-crc32", "x-amz-checksum-mode",
        "x-amz-checksum-sha256", "x-amz-checksum-type", "x-amz-content-sha256", "x-amz-copy-source",
        "x-amz-copy-source-if-match", "x-amz-copy-source-range", "x-amz-date", "x-amz-decoded-content-length",
        "x-amz-expected-bucket-owner", "x-amz-meta-a", "x-amz-metadata-directive", "x-amz-mp-object-size",
        "x-amz-object-attributes", "x-amz-max-parts", "x-amz-part-number-marker", "x-amz-sdk-checksum-algorithm",
        "x-amz-security-token", "x-amz-server-side-encryption", "x-amz-server-side-encryption-aws-kms-key-id",
        "x-amz-server-side-encryption-bucket-key-enabled", "x-amz-server-side-encryption-context",
        "x-amz-server-side-encryption-customer-algorithm", "x-amz-server-side-encryption-customer-key",
        "x-amz-server-side-encryption-customer-key-md5", "x-amz-storage-class", "x-amz-tagging", "x-amz-target",
        "x-amz-trailer", "x-amz-nothing",
    ]
)  # fmt: skip
known_values = st.sampled_from(
    ["AES256", "aws:kms", "aws:kms:dsse", "alias/aws/s3", "true", "*", "/vault/o", "vault/o?versionId=null",
     "bytes=0-1", f"bytes=0-{'9' * 5000}", base64.b64encode(b"[" * 4000).decode(), "COPY", "REPLACE", "CRC32",
     "ETag,Checksum,ObjectParts,ObjectSize", "TrentService.Decrypt", UNSIGNED]
)  # fmt: skip
headers = st.lists(st.tuples(header_names, st.one_of(known_values, odd_text)), max_size=5)
query_names = st.sampled_from(
    [
        "acl", "attributes", "delete", "encryption", "list-type", "location", "max-keys", "max-buckets", "marker",
        "partNumber", "policy", "prefix", "delimiter", "encoding-type", "continuation-token", "response-content-type",
        "tagging", "uploadId", "uploads", "versionId", "versioning", "versions", "key-marker", "version-id-marker",
        "X-Amz-Signature", "X-Amz-Algorithm", "X-Amz-Credential", "Signature", "AWSAccessKeyId", "Expires", "Action",
        "Version", "x-amz-meta-q",
    ]
)  # fmt: skip
any_text = st.text(max_size=30)
queries = st.lists(st.tuples(query_names, st.one_of(digits, any_text)), max_size=3).map(
    lambda pairs: "&".join(f"{name}={quote(value, safe='', errors='surrogatepass')}" for name, value in pairs)
)
paths = st.one_of(
    st.sampled_from(
        ["/", "/vault", "/vault/o", "//", "/vault//o", "/vault/%2e%2e/o", "/vault/%", "/vault/%ff", "/%00"]
    ),
    any_text.map(lambda text: "/vault/" + quote(text, errors="surrogatepass")),
    any_text.map(lambda text: "/" + quote(text, errors="surrogatepass")),
)
methods = st.sampled_from(["GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "PATCH"])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | any_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=8,
)


# ---- Requests --------------------------------------------------------------------------------------------------------


@bounded
@given(st.tuples(methods, paths), queries, headers, st.binary(max_size=60))
def test_requests_of_any_kind(door: Door, start: tuple[str, str], query: str, sent: Pairs, body: bytes) -> None:
    method, path = start
    door.ask(method, path, query, sent, body)


@bounded
@given(headers, st.binary(max_size=30), st.sampled_from(["GET", "HEAD", "PUT"]))
def test_headers_of_an_object(door: Door, sent: list[tuple[str, str]], body: bytes, method: str) -> None:
    door.ask(method, "/vault/o", "", sent, body if method == "PUT" else b"")


@bounded
@given(st.lists(st.sampled_from(
    [b"GET", b"PUT", b" ", b"/vault/o", b" HTTP/1.1", b"\r\n", b"\n", b"\r", b"\0", b"\xff", b":",
     b"Host: localhost\r\n", b"Content-Length: 5\r\n",
     b"Content-Length: -5\r\n", b"Transfer-Encoding: chunked\r\n", b"\r\n\r\n", b"0\r\n\r\n",
     b" folded\r\n", b"hello", b"Expect: 100-continue\r\n", b"Connection: upgrade\r\nUpgrade: h2c\r\n", b"\x16\x03\x01"]
), min_size=1, max_size=14))  # fmt: skip
def test_bytes_that_are_hardly_http(door: Door, parts: list[bytes]) -> None:
    answer = door.send(b"".join(parts))
    while answer:
        answer = read(answer).rest if not answer.startswith(b"HTTP/1.1 100") else answer.partition(b"\r\n\r\n")[2]


@bounded
@given(
    st.lists(st.sampled_from(
        ["AWS4-HMAC-SHA256", "AWS", " ", ",", "Credential=", "/", "us-east-1", "s3", "aws4_request", "SignedHeaders=",
         "host", ";", "Signature=", "00", ":", "é", "20260101", "KEY"]
    ), max_size=16),
    st.one_of(dates, plain),
)  # fmt: skip
def test_authorization_of_any_kind(door: Door, parts: list[str], date: str) -> None:
    value = "".join(parts).replace("KEY", door.credential("default").access_key_id).strip()
    assert door.bare("GET", "/vault/o", [("authorization", value), ("date", date)]).status >= 400


@bounded
@given(st.lists(st.tuples(st.sampled_from(
    ["x-amz-meta-a", "x-amz-meta-\x01", "x-amz-acl", "X-Amz-Date", "response-expires", "versionId"]
), any_text), max_size=3))  # fmt: skip
def test_presigned_urls_with_anything_in_them(door: Door, pairs: list[tuple[str, str]]) -> None:
    door.bare("PUT", door.presigned("PUT", "/vault/presigned", _writable(pairs)), body=b"x")
    door.bare("GET", door.presigned("GET", "/vault/presigned", _writable(pairs)))


def _writable(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, value.encode("utf-8", "replace").decode()) for name, value in pairs]


# ---- Bodies ----------------------------------------------------------------------------------------------------------

elements = st.sampled_from(
    ["Delete", "Object", "Key", "VersionId", "Quiet", "Tagging", "TagSet", "Tag", "Value", "VersioningConfiguration",
     "Status", "CompleteMultipartUpload", "Part", "PartNumber", "ETag", "Rule", "ServerSideEncryptionConfiguration",
     "ApplyServerSideEncryptionByDefault", "SSEAlgorithm", "KMSMasterKeyID", "BlockedEncryptionTypes"]
)  # fmt: skip
xml_leaves = st.one_of(any_text, digits).map(lambda text: escape(text.encode("utf-8", "replace").decode()))


def _element(name: str, inner: list[str], attribute: str | None) -> str:
    return f"<{name}{'' if attribute is None else ' a=' + quoteattr(attribute)}>{''.join(inner)}</{name}>"


documents = st.recursive(
    xml_leaves,
    lambda inner: st.builds(_element, elements, st.lists(inner, max_size=3), st.none() | plain),
    max_leaves=10,
)
roots = {
    "delete": "Delete", "tagging": "Tagging", "versioning": "VersioningConfiguration",
    "encryption": "ServerSideEncryptionConfiguration", "publicAccessBlock": "PublicAccessBlockConfiguration",
    "ownershipControls": "OwnershipControls",
}  # fmt: skip


@bounded
@given(st.sampled_from(sorted(roots)), documents, st.sampled_from(["utf-8", "utf-16", "latin-1"]), st.booleans())
def test_xml_of_any_kind(door: Door, resource: str, inner: str, encoding: str, whole: bool) -> None:
    text = _element(roots[resource], [inner], None) if whole else inner
    body = text.encode(encoding, "replace")
    door.ask("POST" if resource == "delete" else "PUT", "/keys", resource, [_md5(body)], body)


operations = st.sampled_from(
    ["CreateKey", "Decrypt", "Encrypt", "GenerateDataKey", "ReEncrypt", "CreateGrant", "ListGrants", "RetireGrant",
     "CreateAlias", "ListAliases", "PutKeyPolicy", "TagResource", "ScheduleKeyDeletion", "DescribeKey"]
)  # fmt: skip
kms_members = st.sampled_from(
    ["KeyId", "Plaintext", "CiphertextBlob", "EncryptionContext", "GrantTokens", "NumberOfBytes", "KeySpec", "Policy",
     "Tags", "Operations", "GranteePrincipal", "Constraints", "AliasName", "TargetKeyId", "Limit", "Marker", "DryRun"]
)  # fmt: skip


@bounded
@given(
    operations, st.dictionaries(kms_members, json_values | encoded, max_size=5) | json_values | st.binary(max_size=40)
)
def test_json_of_any_kind(door: Door, operation: str, body: object) -> None:
    door.kms(operation, body)


actions = st.sampled_from(
    ["CreateUser", "GetUser", "ListUsers", "CreateRole", "PutUserPolicy", "CreatePolicy", "ListRoles",
     "CreateAccessKey", "AssumeRole", "GetCallerIdentity", "Nothing"]
)  # fmt: skip
form_names = st.sampled_from(
    ["UserName", "RoleName", "Path", "PolicyName", "PolicyDocument", "AssumeRolePolicyDocument", "Tags.member.1.Key",
     "Tags.member.1.Value", "Tags.member.x", "Tags", "Description", "MaxItems", "Marker", "RoleArn", "RoleSessionName",
     "Policy", "DurationSeconds", "PolicyArns.member.1.arn", "Tags.member.1.Key.a.b.c"]
)  # fmt: skip


@bounded
@given(actions, st.dictionaries(form_names, any_text | digits | json_values.map(json.dumps), max_size=5))
def test_forms_of_any_kind(door: Door, action: str, fields: dict[str, str]) -> None:
    version = "2011-06-15" if action in {"AssumeRole", "GetCallerIdentity"} else "2010-05-08"
    pairs = "&".join(f"{name}={quote(value, safe='', errors='surrogatepass')}" for name, value in fields.items())
    door.form(f"Action={action}&Version={version}&{pairs}", service="sts" if version.startswith("2011") else "iam")


chunk_lines = st.sampled_from(
    [b"5\r\n", b"hello\r\n", b"0\r\n", b"\r\n", b"-1\r\n", b"ffffffffffffffff\r\n", b"5;chunk-signature=00\r\n",
     b"2000\r\n", b"x-amz-checksum-crc32:NhCmhg==\r\n", b"x-amz-checksum-crc32:\xff\r\n",
     b"x-amz-trailer-signature:00\r\n", b"x" * 1100]
)  # fmt: skip


@bounded
@given(
    st.lists(chunk_lines, max_size=7),
    st.one_of(st.just("5"), digits.filter(str.isascii)),
    st.sampled_from(
        ["STREAMING-UNSIGNED-PAYLOAD-TRAILER", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
         "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", "STREAMING-NOTHING"]
    ),
    st.sampled_from(["x-amz-checksum-crc32", "x-amz-meta-a", ",,", ""]),
)  # fmt: skip
def test_chunks_of_any_kind(door: Door, lines: list[bytes], length: str, payload: str, trailer: str) -> None:
    sent = [("content-encoding", "aws-chunked"), ("x-amz-decoded-content-length", length), ("x-amz-trailer", trailer)]
    door.ask("PUT", "/vault/chunks", "", sent, b"".join(lines), payload=payload)


@bounded
@given(st.integers(0, 200), st.binary(max_size=100), st.booleans())
def test_bodies_that_break_off(door: Door, length: int, body: bytes, chunked: bool) -> None:
    framing = ("transfer-encoding", "chunked") if chunked else ("content-length", str(length))
    raw = door.signed("PUT", "/vault/broken", "", [framing], body, payload=UNSIGNED)
    read(door.send(raw))


# ---- Policies and names ----------------------------------------------------------------------------------------------

patterns = st.text(st.sampled_from("*?a:s3/${}.,'"), max_size=40)
condition_values = st.one_of(
    patterns, digits, dates, json_values, st.sampled_from(["127.0.0.0/8", "arn:aws:iam::1:a", "AQ=="])
)
condition_keys = st.sampled_from(
    ["aws:SourceIp", "aws:CurrentTime", "aws:EpochTime", "aws:UserAgent", "aws:PrincipalArn", "aws:username",
     "s3:prefix", "aws:PrincipalTag/${aws:username}", "", "s3:x-amz-server-side-encryption"]
)  # fmt: skip
operators = st.builds(
    lambda before, name, after: f"{before}{name}{after}",
    st.sampled_from(["", "ForAllValues:", "ForAnyValue:"]),
    st.sampled_from([*_OPERATORS, "Null"]),
    st.sampled_from(["", "IfExists"]),
)
statements = st.fixed_dictionaries(
    {"Effect": st.sampled_from(["Allow", "Deny"]) | json_values},
    optional={
        "Sid": json_values,
        "Action": patterns | st.sampled_from(["s3:GetObject", "s3:*", "*"]) | json_values,
        "NotAction": patterns,
        "Resource": patterns.map(lambda text: f"arn:aws:s3:::keys/{text}") | json_values,
        "NotResource": patterns,
        "Principal": st.just("*") | st.fixed_dictionaries({"AWS": any_text | json_values}) | json_values,
        "NotPrincipal": json_values,
        "Condition": st.dictionaries(
            operators, st.dictionaries(condition_keys, condition_values, max_size=2), max_size=2
        ),
    },
)
policies = st.fixed_dictionaries(
    {"Version": st.sampled_from(["2012-10-17", "2008-10-17"]) | json_values},
    optional={"Statement": st.lists(statements, min_size=1, max_size=2) | statements | json_values, "Id": json_values},
)


def _with_valid_frame(statement: dict[str, Any], account: str) -> dict[str, Any]:
    """The same conditions in a statement that AWS takes, so that they are evaluated too."""
    framed = {
        "Effect": "Allow",
        "Principal": {"AWS": account},
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::keys/*",
    }
    return {**framed, **({"Condition": statement["Condition"]} if "Condition" in statement else {})}


@bounded
@given(policies, statements)
def test_policies_of_any_kind(door: Door, document: dict[str, Any], statement: dict[str, Any]) -> None:
    framed = {"Version": "2012-10-17", "Statement": [_with_valid_frame(statement, door.account())]}
    for policy in (document, framed):
        body = json.dumps(policy).encode()
        if door.ask("PUT", "/keys", "policy", body=body).status == 204:
            door.ask("GET", "/keys/nothing", who="nobody")
            door.bare("GET", "/keys/nothing")
            door.ask("DELETE", "/keys", "policy")
        put = f"Action=PutUserPolicy&Version=2010-05-08&UserName=nobody&PolicyName=p&PolicyDocument={quote(body)}"
        if door.form(put).status == 200:
            door.ask("GET", "/keys/nothing", who="nobody")
        door.kms("CreateKey", {"Policy": body.decode(), "BypassPolicyLockoutSafetyCheck": True})


@bounded
@given(
    st.lists(st.text(min_size=1, max_size=60).filter(lambda key: key.isprintable() or "\0" not in key), max_size=3),
    any_text,
)
def test_key_names_of_any_kind(door: Door, keys: list[str], delimiter: str) -> None:
    for key in keys:
        path = f"/keys/{quote(key, safe='', errors='replace')}"
        assert door.ask("PUT", path, body=b"k").status == 200
        assert door.ask("GET", path).body == b"k"
    split = quote(delimiter, safe="", errors="replace")
    listings: list[Callable[[], object]] = [
        lambda: door.ask("GET", "/keys", f"list-type=2&delimiter={split}"),
        lambda: door.ask("GET", "/keys", f"list-type=2&encoding-type=url&prefix={split}"),
        lambda: door.ask("GET", "/keys", f"versions&delimiter={split}&max-keys=2"),
    ]
    for listing in listings:
        listing()


def test_the_longest_key_of_nothing_but_controls(door: Door) -> None:
    path = "/keys/" + "%01" * 1024
    assert door.ask("PUT", path, body=b"k").status == 200
    assert door.ask("GET", "/keys", "prefix=%01").status == 200
    assert door.ask("PUT", path + "%01", body=b"k").code == "KeyTooLongError"


def test_an_upload_that_breaks_off_leaves_no_file(door: Door) -> None:
    def files() -> set[Path]:
        return {path for path in (door.assembly.sandbox.state_dir / "blobs").rglob("*") if path.is_file()}

    before = files()
    raw = door.signed("PUT", "/vault/never-whole", "", [("content-length", "1000000")], b"x" * 50_000, payload=UNSIGNED)
    assert read(door.send(raw)).code == "IncompleteBody"
    assert files() <= before
    assert door.ask("HEAD", "/vault/never-whole").status == 404
