"""T: transport, what is refused over plain HTTP and what policies say about connections."""

from __future__ import annotations

import ssl
from typing import Any

from lab.conformance import raw
from lab.conformance.expect import Deviation, refused, same, shows, true
from lab.conformance.stage import BODY, Stage, customer, deny, kms

_INSECURE = (
    "Requests specifying Server Side Encryption with AWS KMS managed keys must be made over a secure connection."
)
_PLAIN = {"Bool": {"aws:SecureTransport": "false"}}
_OLD = {"NumericLessThan": {"s3:TlsVersion": "1.3"}}


def t01(stage: Stage) -> None:
    bucket = stage.bucket(customer_keys=True)
    refused(400, None, None, stage.s3_http.put_object, Bucket=bucket, Key="object", Body=BODY, **customer())
    stage.put(bucket, **customer())
    refused(400, None, None, stage.s3_http.get_object, Bucket=bucket, Key="object", **customer())


def t02(stage: Stage) -> None:
    one = {"Bucket": stage.bucket(), "Key": "object", "Body": BODY}
    refused(400, "InvalidArgument", _INSECURE, stage.s3_http.put_object, **one, **kms(stage.key()))


def t04(stage: Stage) -> None:
    bucket = stage.bucket()
    put = stage.s3_http.put_object(Bucket=bucket, Key="plain", Body=BODY)
    shows(put, ServerSideEncryption="AES256")
    shows(stage.get(bucket, "plain"), Body=BODY)
    stage.put(bucket, "secure")
    same("body", BODY, stage.s3_http.get_object(Bucket=bucket, Key="secure")["Body"].read())


def t05(stage: Stage) -> None:
    bucket = stage.bucket()
    stage.put(bucket)
    stage.policy(bucket, deny(_PLAIN, action="s3:*"))
    one = {"Bucket": bucket, "Key": "object"}
    refused(403, "AccessDenied", None, stage.s3_http.get_object, **one)
    refused(403, "AccessDenied", None, stage.s3_http.put_object, **one, Body=BODY)
    shows(stage.get(bucket), Body=BODY)
    stage.put(bucket)


def _reach(stage: Stage, *statements: dict[str, Any], http: bool) -> dict[str, int]:
    """Status of a GetObject under these statements, by the connection that it came over."""
    raw.handshake(stage.endpoints, "1.3")
    bucket = stage.bucket()
    stage.put(bucket)
    stage.policy(bucket, *statements)
    url = stage.presign("get_object", Bucket=bucket, Key="object")
    found = {"TLS 1.2": stage.fetch(url, tls="1.2").status, "TLS 1.3": stage.fetch(url, tls="1.3").status}
    if http:
        plain = stage.presign("get_object", http=True, Bucket=bucket, Key="object")
        found["HTTP"] = stage.fetch(plain).status
    return found


def t06(stage: Stage) -> None:
    found = _reach(stage, deny(_OLD, action="s3:*"), http=False)
    same("answers", {"TLS 1.2": 403, "TLS 1.3": 200}, found)


def t07(stage: Stage) -> None:
    same("negotiated", "TLSv1.2", raw.handshake(stage.endpoints, "1.2"))
    same("negotiated", "TLSv1.3", raw.handshake(stage.endpoints, "1.3"))
    try:
        negotiated = raw.handshake(stage.endpoints, "1.1")
    except ssl.SSLError as error:
        true("an alert about the version", "PROTOCOL_VERSION" in (error.reason or ""), error.reason)
        return
    raise Deviation("a refusal of TLS 1.1", f"{negotiated} was negotiated")


def t08(stage: Stage) -> None:
    bucket = stage.bucket()
    stage.put(bucket, **kms(stage.key()))
    refused(400, None, None, stage.s3_http.get_object, Bucket=bucket, Key="object")


def t09(stage: Stage) -> None:
    found = _reach(stage, deny({**_PLAIN, **_OLD}, action="s3:*"), http=False)
    same("answers", {"TLS 1.2": 200, "TLS 1.3": 200}, found)


def t10(stage: Stage) -> None:
    found = _reach(stage, deny(_PLAIN, action="s3:*"), deny(_OLD, action="s3:*"), http=True)
    same("answers", {"TLS 1.2": 403, "TLS 1.3": 200, "HTTP": 403}, found)


def t11(stage: Stage) -> None:
    # GetObject alone, so that the administrator may still remove the bucket over HTTPS.
    inverted = deny({"Bool": {"aws:SecureTransport": "true"}}, action="s3:GetObject")
    same("answers", {"TLS 1.2": 403, "TLS 1.3": 403, "HTTP": 200}, _reach(stage, inverted, http=True))


def _captured(stage: Stage, scheme: str, mark: int) -> bytes:
    """What the tap kept of the last connection over that scheme."""
    numbers = {event.connection for event in stage.world.events(after=mark, step="request")}
    mine = [one for one in stage.world.connections() if one.number in numbers and one.scheme == scheme]
    true(f"a connection over {scheme} on the tap", bool(mine))
    return b"".join(stage.world.wire(one.number, "in") for one in mine)


def t12(stage: Stage) -> None:
    bucket, mark = stage.bucket(), stage.mark()
    stage.s3_http.put_object(Bucket=bucket, Key="in-the-open", Body=BODY)
    seen, mine = _captured(stage, "http", mark), stage.world.credentials["default"]
    for what in (bucket, "in-the-open", BODY.decode(), mine.access_key_id):
        true(f"{what} on the wire", what.encode() in seen)
    true("no secret key on the wire", mine.secret_access_key.encode() not in seen, "the secret key")


def t13(stage: Stage) -> None:
    bucket = stage.bucket()
    url, mark = stage.presign("put_object", Bucket=bucket, Key="hidden"), stage.mark()
    same("status", 200, stage.fetch(url, "PUT", body=BODY, tls="1.3").status)
    seen = _captured(stage, "https", mark)
    true("the server's name on the wire", b"localhost" in seen)
    for what in (bucket.encode(), b"hidden", BODY, stage.world.credentials["default"].access_key_id.encode()):
        true("nothing of the request on the wire", what not in seen, what)
