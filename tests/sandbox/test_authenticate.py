"""Signatures of real clients are accepted, and nothing else is."""

from __future__ import annotations

import hashlib
import time
from email.utils import formatdate
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

import pytest
from botocore.auth import HmacV1Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import assume, given
from hypothesis import strategies as st

from lab.sandbox import sigv4
from lab.sandbox.authenticate import authenticate, describe_signature
from lab.sandbox.exchange import Exchange, Request, ServiceError
from lab.sandbox.identity import ANONYMOUS
from lab.sandbox.recognize import recognize
from lab.sandbox.sigv4 import ChunkSigner, Scope
from tests.sandbox import wire

KEYS = ["plain", "a b/c+d", "ümläut/日本", "percent%2F", "a//b/../c/./d", "~*'()!$&,:;=@", "tab\there", "/leading"]


def run(request: Request, realms: wire.FakeRealms | None = None, advance: float = 0.0) -> Exchange:
    exchange = wire.exchange(request, wire.sandbox(realms))
    if advance:
        exchange.sandbox.clock.advance(advance)
    recognize(request)
    authenticate(exchange)
    return exchange


def refusal(request: Request, realms: wire.FakeRealms | None = None, advance: float = 0.0) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        run(request, realms, advance)
    return caught.value


# ---- what real clients send ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("endpoint", ["https://localhost:4566", "http://localhost:4566", "http://127.0.0.1:4566"])
@pytest.mark.parametrize("style", ["path", "virtual"])
@pytest.mark.parametrize("version", ["s3v4", "s3"])
@pytest.mark.parametrize("session", [False, True])
def test_boto3_put_is_accepted(endpoint: str, style: str, version: str, session: bool) -> None:
    s3 = wire.client(
        "s3", endpoint=endpoint, session=session, signature_version=version, s3={"addressing_style": style}
    )
    for key in KEYS:
        request = wire.capture(s3, "put_object", Bucket="vault", Key=key, Body=b"x" * 3000, Metadata={"a": "b  c"})
        exchange = run(request)
        assert (exchange.identity, exchange.realm.id) == (wire.ALICE, "ex")
        assert (request.bucket, request.key) == ("vault", key)
        assert request.body.read(10_000) == b"x" * 3000
        kind = "v2-header" if version == "s3" else "v4-header"
        assert describe_signature(request) == (kind, wire.SESSION_KEY_ID if session else wire.KEY_ID)


@pytest.mark.parametrize(
    ("service", "operation", "parameters"),
    [
        ("s3", "list_objects_v2", {"Bucket": "vault", "Prefix": "a b+ü/", "Delimiter": "/", "StartAfter": ""}),
        ("s3", "get_object", {"Bucket": "vault", "Key": "k", "VersionId": "null", "ResponseContentType": "a/b; c=d"}),
        ("s3", "delete_objects", {"Bucket": "vault", "Delete": {"Objects": [{"Key": "k"}]}}),
        ("s3", "put_bucket_policy", {"Bucket": "vault", "Policy": "{}"}),
        ("kms", "encrypt", {"KeyId": "alias/a", "Plaintext": b"\x00\xff", "EncryptionContext": {"ü": "1"}}),
        ("sts", "get_caller_identity", {}),
        ("iam", "create_user", {"UserName": "bob", "Tags": [{"Key": "a", "Value": "b c"}]}),
    ],
)
@pytest.mark.parametrize("session", [False, True])
def test_every_service_is_accepted(service: str, operation: str, parameters: dict[str, Any], session: bool) -> None:
    request = wire.capture(wire.client(service, session=session), operation, **parameters)
    assert run(request).identity == wire.ALICE


@pytest.mark.parametrize("version", ["s3v4", "s3"])
@pytest.mark.parametrize("session", [False, True])
def test_presigned_urls_are_accepted(version: str, session: bool) -> None:
    s3 = wire.client("s3", session=session, signature_version=version)
    for key in KEYS:
        url = s3.generate_presigned_url("get_object", Params={"Bucket": "vault", "Key": key, "VersionId": "x y"})
        request = wire.build("GET", url)
        assert run(request).identity == wire.ALICE
        assert describe_signature(request)[0] == ("v2-query" if version == "s3" else "v4-query")
    url = s3.generate_presigned_url("put_object", Params={"Bucket": "vault", "Key": "k"})
    request = wire.build("PUT", url, body=b"data")
    assert run(request).identity == wire.ALICE
    assert request.body.read(10) == b"data"


def test_a_presigned_caller_identity_is_accepted() -> None:
    for method in ("GET", "POST"):
        url = wire.client("sts").generate_presigned_url("get_caller_identity", HttpMethod=method)
        request = wire.build(method, url)
        assert run(request).identity == wire.ALICE
        assert (request.service, request.operation) == ("sts", "GetCallerIdentity")


def test_sigv2_urls_carry_headers_in_the_query_and_they_count() -> None:
    key = b"k" * 32
    s3 = wire.client("s3", signature_version="s3")
    url = s3.generate_presigned_url(
        "put_object", Params={"Bucket": "vault", "Key": "k", "SSECustomerAlgorithm": "AES256", "SSECustomerKey": key}
    )
    request = wire.build("PUT", url)
    run(request)
    assert request.headers.get("x-amz-server-side-encryption-customer-algorithm") == "AES256"


def test_a_date_header_may_stand_in_for_x_amz_date() -> None:
    request = AWSRequest("GET", "http://localhost:1/vault/k", headers={"Date": formatdate(usegmt=True)})
    HmacV1Auth(Credentials(wire.KEY_ID, wire.SECRET)).add_auth(request)
    assert run(wire.from_prepared(request.prepare())).identity == wire.ALICE


# ---- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("service", "operation", "status", "code"),
    [
        ("s3", "list_buckets", 403, "InvalidAccessKeyId"),
        ("kms", "list_keys", 400, "UnrecognizedClientException"),
        ("sts", "get_caller_identity", 403, "InvalidClientTokenId"),
        ("iam", "list_users", 403, "InvalidClientTokenId"),
    ],
)
def test_unknown_and_inactive_keys(service: str, operation: str, status: int, code: str) -> None:
    inactive = wire.credentials()
    inactive[wire.KEY_ID].active = False
    for known in ({}, inactive):
        request = wire.capture(wire.client(service), operation)
        error = refusal(request, wire.FakeRealms(credentials=known))
        assert (error.status, error.code) == (status, code)


@pytest.mark.parametrize(
    ("service", "operation", "status", "code"),
    [
        ("s3", "list_buckets", 403, "SignatureDoesNotMatch"),
        ("kms", "list_keys", 400, "InvalidSignatureException"),
        ("sts", "get_caller_identity", 403, "SignatureDoesNotMatch"),
    ],
)
def test_a_wrong_secret(service: str, operation: str, status: int, code: str) -> None:
    known = wire.credentials()
    known[wire.KEY_ID].secret_access_key = "another"
    exchange = wire.exchange(
        wire.capture(wire.client(service), operation), wire.sandbox(wire.FakeRealms(credentials=known))
    )
    recognize(exchange.request)
    with pytest.raises(ServiceError) as caught:
        authenticate(exchange)
    assert (caught.value.status, caught.value.code) == (status, code)
    assert exchange.identity == ANONYMOUS
    assert exchange.realm.id == "ex"
    if service == "s3":
        assert list(caught.value.extra) == [
            "AWSAccessKeyId", "StringToSign", "SignatureProvided", "StringToSignBytes", "CanonicalRequest",
            "CanonicalRequestBytes",
        ]  # fmt: skip
        assert caught.value.extra["CanonicalRequest"].startswith("GET\n/\n\nhost:localhost:4566\n")
    assert wire.SECRET not in str(caught.value.extra) + str(caught.value)


def test_a_changed_json_body_is_refused() -> None:
    request = wire.capture(wire.client("kms"), "list_keys", Limit=5)
    request.body = wire.build("POST", "http://localhost/", body=b'{"Limit": 6}').body
    assert refusal(request).code == "InvalidSignatureException"


def test_a_changed_s3_body_is_refused_when_read() -> None:
    request = wire.capture(
        wire.client("s3", endpoint="http://localhost:1", request_checksum_calculation="when_required"),
        "put_object", Bucket="vault", Key="k", Body=b"data",
    )  # fmt: skip
    request = wire.from_target(request.method, request.target, list(request.headers.items), b"DATA")
    run(request)
    with pytest.raises(ServiceError) as caught:
        request.body.read(100)
    assert caught.value.code == "XAmzContentSHA256Mismatch"


@pytest.mark.parametrize(
    ("service", "missing", "wrong", "expired"),
    [
        ("s3", "InvalidAccessKeyId", "InvalidToken", "ExpiredToken"),
        ("kms", "UnrecognizedClientException", "UnrecognizedClientException", "ExpiredTokenException"),
        ("sts", "InvalidClientTokenId", "InvalidClientTokenId", "ExpiredToken"),
    ],
)
def test_sessions(service: str, missing: str, wrong: str, expired: str) -> None:
    operation = {"s3": "list_buckets", "kms": "list_keys", "sts": "get_caller_identity"}[service]
    body = b"Action=GetCallerIdentity&Version=2011-06-15" if service == "sts" else b"{}"

    def without(items: list[tuple[str, str]]) -> None:
        items[:] = [item for item in items if item[0] != "x-amz-security-token"]

    def other(items: list[tuple[str, str]]) -> None:
        items[:] = [(name, "other" if name == "x-amz-security-token" else value) for name, value in items]

    request = wire.capture(wire.client(service, session=True), operation)
    assert refusal(wire.changed(request, without, body)).code == missing
    assert refusal(wire.changed(request, other, body)).code == wrong
    assert refusal(request, advance=3601).code == expired


def test_a_token_with_a_long_lived_key_is_refused() -> None:
    request = wire.capture(wire.client("s3"), "list_buckets")
    assert (
        refusal(wire.changed(request, lambda items: items.append(("x-amz-security-token", "t")))).code == "InvalidToken"
    )


@pytest.mark.parametrize(
    ("service", "operation", "seconds", "code"),
    [
        ("s3", "list_buckets", -960, "RequestTimeTooSkewed"),
        ("s3", "list_buckets", 960, "RequestTimeTooSkewed"),
        ("kms", "list_keys", -360, "InvalidSignatureException"),
        ("sts", "get_caller_identity", 360, "SignatureDoesNotMatch"),
    ],
)
def test_clocks_that_differ(
    service: str, operation: str, seconds: int, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = wire.capture(wire.client(service), operation)
    real = time.time()
    monkeypatch.setattr("lab.sandbox.authenticate.time.time", lambda: real - seconds)
    error = refusal(request)
    assert error.code == code
    if service == "s3":
        assert error.extra["MaxAllowedSkewMilliseconds"] == "900000"


def test_moving_the_sandbox_clock_does_not_end_signatures() -> None:
    assert run(wire.capture(wire.client("s3"), "list_buckets"), advance=30 * 86400).identity == wire.ALICE
    url = wire.client("s3").generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k"}, ExpiresIn=60)
    assert run(wire.build("GET", url), advance=30 * 86400).identity == wire.ALICE


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_a_presigned_url_expires(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    s3 = wire.client("s3", signature_version=version)
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k"}, ExpiresIn=60)
    real = time.time()
    monkeypatch.setattr("lab.sandbox.authenticate.time.time", lambda: real + 62)
    error = refusal(wire.build("GET", url))
    assert (error.status, error.code, error.message) == (403, "AccessDenied", "Request has expired")
    assert list(error.extra) == (["X-Amz-Expires"] if version == "s3v4" else []) + ["Expires", "ServerTime"]


@pytest.mark.parametrize(
    ("old", "new", "code", "words"),
    [
        ("X-Amz-Expires=60", "X-Amz-Expires=604801", "AuthorizationQueryParametersError", "less than a week"),
        ("X-Amz-Expires=60", "X-Amz-Expires=-1", "AuthorizationQueryParametersError", "non-negative"),
        ("X-Amz-Expires=60", "X-Amz-Expires=abc", "AuthorizationQueryParametersError", "should be a number"),
        ("X-Amz-Expires=60", "", "AuthorizationQueryParametersError", "requires the X-Amz-Algorithm"),
        ("us-east-1", "eu-west-1", "AuthorizationQueryParametersError", "the region 'eu-west-1' is wrong"),
        ("%2Fs3%2F", "%2Fkms%2F", "AuthorizationQueryParametersError", 'incorrect service "kms"'),
        ("%2Faws4_request", "", "AuthorizationQueryParametersError", "mal-formed"),
        ("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1", "AuthorizationQueryParametersError", "only supports"),
    ],
)
def test_malformed_presigned_urls(old: str, new: str, code: str, words: str) -> None:
    s3 = wire.client("s3", signature_version="s3v4")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k"}, ExpiresIn=60)
    assert old in url
    error = refusal(wire.build("GET", url.replace(old, new)))
    assert (error.status, error.code) == (400, code)
    assert words in error.message


def test_a_presigned_put_must_be_sent_with_the_headers_it_was_signed_with() -> None:
    s3 = wire.client("s3", signature_version="s3v4")
    url = s3.generate_presigned_url(
        "put_object", Params={"Bucket": "b", "Key": "k", "ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "alias/a"}
    )
    headers = [("x-amz-server-side-encryption", "aws:kms"), ("x-amz-server-side-encryption-aws-kms-key-id", "alias/a")]
    assert run(wire.build("PUT", url, headers)).identity == wire.ALICE
    error = refusal(wire.build("PUT", url))
    assert (error.status, error.code) == (403, "SignatureDoesNotMatch")
    error = refusal(wire.build("PUT", url, [*headers, ("x-amz-tagging", "a=b")]))
    assert (error.status, error.code) == (403, "AccessDenied")
    assert error.extra == {"HeadersNotSigned": "x-amz-tagging"}


def test_an_unsigned_header_is_not_excused_by_a_query_parameter_of_another_value() -> None:
    s3 = wire.client("s3", signature_version="s3v4")
    url = s3.generate_presigned_url("put_object", Params={"Bucket": "b", "Key": "k"})
    error = refusal(wire.build("PUT", f"{url}&x-amz-tagging=a", [("x-amz-tagging", "b")]))
    assert error.code == "SignatureDoesNotMatch"


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ("unsigned", 403, "AccessDenied"),
        ("no-hash", 400, "InvalidRequest"),
        ("bad-hash", 400, "InvalidArgument"),
        ("no-date", 403, "AccessDenied"),
        ("basic", 400, "InvalidArgument"),
        ("half", 400, "AuthorizationHeaderMalformed"),
        ("both", 400, "InvalidArgument"),
        ("region", 400, "AuthorizationHeaderMalformed"),
        ("day", 400, "AuthorizationHeaderMalformed"),
    ],
)
def test_malformed_headers(change: str, status: int, code: str) -> None:
    request = wire.capture(wire.client("s3"), "list_buckets")
    headers = dict(request.headers.items)
    target = request.target
    if change == "unsigned":
        headers["x-amz-meta-a"] = "b"
    elif change == "no-hash":
        del headers["x-amz-content-sha256"]
    elif change == "bad-hash":
        headers["x-amz-content-sha256"] = "abc"
    elif change == "no-date":
        del headers["x-amz-date"]
    elif change == "both":
        target += "?X-Amz-Algorithm=AWS4-HMAC-SHA256"
    else:
        old = headers["authorization"]
        headers["authorization"] = {
            "basic": "Basic YTpi",
            "half": old.partition(", SignedHeaders")[0],
            "region": old.replace("us-east-1", "eu-west-1"),
            "day": old.replace(headers["x-amz-date"][:8], "20200101"),
        }[change]
    error = refusal(wire.from_target("GET", target, list(headers.items())))
    assert (error.status, error.code) == (status, code)
    if change == "region":
        assert error.extra == {"Region": "us-east-1"}


def test_anonymous_requests() -> None:
    exchange = run(wire.build("GET", "http://localhost/public/k"))
    assert (exchange.identity, exchange.realm.id) == (ANONYMOUS, "ex")
    assert refusal(wire.build("GET", "http://localhost/nowhere/k")).code == "NoSuchBucket"
    assert refusal(wire.build("GET", "http://localhost/")).code == "AccessDenied"
    assert refusal(wire.build("PUT", "http://localhost/public")).code == "AccessDenied"
    json = [("X-Amz-Target", "TrentService.ListKeys"), ("Content-Type", "application/x-amz-json-1.1")]
    error = refusal(wire.build("POST", "http://localhost/", json, b"{}"))
    assert (error.status, error.code) == (400, "MissingAuthenticationTokenException")
    form = [("Content-Type", "application/x-www-form-urlencoded")]
    error = refusal(wire.build("POST", "http://localhost/", form, b"Action=GetCallerIdentity&Version=2011-06-15"))
    assert (error.status, error.code) == (403, "MissingAuthenticationToken")


# ---- the arithmetic --------------------------------------------------------------------------------------------------

DOC_SCOPE = Scope("20130524", "us-east-1", "s3")
DOC_SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


def test_the_chunk_signatures_of_the_api_reference() -> None:
    key = sigv4.signing_key(DOC_SECRET, DOC_SCOPE)
    seed = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
    signer = ChunkSigner(key, "20130524T000000Z", DOC_SCOPE, seed)
    first, second, last = (hashlib.sha256(b"a" * size).hexdigest() for size in (65536, 1024, 0))
    assert not signer.verify_chunk(first, "0" * 64)
    assert signer.verify_chunk(first, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648")
    assert signer.verify_chunk(second, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497")
    assert signer.verify_chunk(last, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9")


def test_the_trailer_signature_of_the_api_reference() -> None:
    key = sigv4.signing_key(DOC_SECRET, DOC_SCOPE)
    last_chunk = "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992"
    signer = ChunkSigner(key, "20130524T000000Z", DOC_SCOPE, last_chunk)
    trailer = [("x-amz-checksum-crc32c", "sOO8/Q==")]
    wanted = "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435"
    assert not signer.verify_trailer([("x-amz-checksum-crc32c", "sOO8/A==")], wanted)
    assert signer.verify_trailer(trailer, wanted)


def test_signed_chunks_travel_to_the_body() -> None:
    data = b"a" * 9000
    headers = {
        "x-amz-content-sha256": sigv4.STREAMING_SIGNED,
        "x-amz-decoded-content-length": str(len(data)),
        "content-encoding": "aws-chunked",
    }
    request = AWSRequest("PUT", "http://localhost:1/vault/k", headers=headers)
    _StreamingAuth(Credentials(wire.KEY_ID, wire.SECRET), "s3", "us-east-1").add_auth(request)
    prepared = request.prepare()
    timestamp = prepared.headers["X-Amz-Date"]
    scope = Scope(timestamp[:8], "us-east-1", "s3")
    previous = prepared.headers["Authorization"].rpartition("=")[2]
    body = b""
    for chunk in (data, b""):
        text = "\n".join(
            ["AWS4-HMAC-SHA256-PAYLOAD", timestamp, str(scope), previous, sigv4.EMPTY_SHA256,
             hashlib.sha256(chunk).hexdigest()]
        )  # fmt: skip
        previous = sigv4.sign(wire.SECRET, scope, text.encode())
        body += f"{len(chunk):x};chunk-signature={previous}\r\n".encode() + chunk + b"\r\n"
    for sent, accepted in ((body, True), (body.replace(b"a" * 9000, b"a" * 8999 + b"b"), False)):
        received = wire.build("PUT", prepared.url, list(prepared.headers.items()), sent)
        run(received)
        if accepted:
            assert received.body.read(10_000) == data
        else:
            with pytest.raises(ServiceError, match="SignatureDoesNotMatch"):
                received.body.read(10_000)


class _StreamingAuth(SigV4Auth):
    def payload(self, request: AWSRequest) -> str:
        return sigv4.STREAMING_SIGNED


# ---- one byte --------------------------------------------------------------------------------------------------------

_PRINTABLE = st.sampled_from([chr(code) for code in range(0x21, 0x7F) if chr(code) != "#"])
_BASE: dict[str, Request] = {}


def base(kind: str) -> Request:
    if kind not in _BASE:
        s3 = wire.client("s3", endpoint="http://localhost:1", session=True, signature_version="s3v4")
        parameters = {"Bucket": "vault", "Key": "a b/c%d", "VersionId": "v1"}
        if kind == "query":
            _BASE[kind] = wire.build("GET", s3.generate_presigned_url("get_object", Params=parameters))
        else:
            _BASE[kind] = wire.capture(s3, "get_object", **parameters)
    return _BASE[kind]


def meaning(target: str) -> tuple[bytes, list[bytes]]:
    split = urlsplit(target)
    return unquote_to_bytes(split.path), sorted(unquote_to_bytes(part) for part in split.query.split("&"))


@given(kind=st.sampled_from(["header", "query"]), data=st.data(), byte=_PRINTABLE)
def test_any_other_byte_in_the_target_is_refused(kind: str, data: st.DataObject, byte: str) -> None:
    request = base(kind)
    at = data.draw(st.integers(1, len(request.target) - 1))
    target = request.target[:at] + byte + request.target[at + 1 :]
    assume(meaning(target) != meaning(request.target))
    assume(target.partition("?")[2].replace("&", "") or target == request.target)
    refusal(wire.from_target(request.method, target, list(request.headers.items)))


@given(data=st.data(), byte=_PRINTABLE)
def test_any_other_byte_in_a_signed_header_or_the_signature_is_refused(data: st.DataObject, byte: str) -> None:
    request = base("header")
    items = list(request.headers.items)
    signed = dict(items)["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    which = data.draw(st.sampled_from([i for i, (name, _) in enumerate(items) if name in {*signed, "authorization"}]))
    name, value = items[which]
    at = data.draw(st.integers(0, len(value) - 1))
    assume(value[at] != byte)
    items[which] = (name, value[:at] + byte + value[at + 1 :])
    assume(items[which][1].split() != value.split())
    refusal(wire.from_target(request.method, request.target, items))
