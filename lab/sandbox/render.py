"""Answers and errors as each protocol writes them: S3's XML, the JSON of KMS, the query XML of STS and IAM.

Values come as Python objects (``bool``, ``int``, ``datetime``, ``bytes``, dicts and lists) and leave as AWS spells
them. XML is always well-formed, whatever a learner put into a name.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from lab.sandbox.exchange import Answer, Request, Service, ServiceError

S3_NAMESPACE: Final = "http://s3.amazonaws.com/doc/2006-03-01/"
QUERY_NAMESPACES: Final[dict[str, str]] = {
    "sts": "https://sts.amazonaws.com/doc/2011-06-15/",
    "iam": "https://iam.amazonaws.com/doc/2010-05-08/",
}
JSON_SERVICES: Final[frozenset[str]] = frozenset({"kms", "cloudtrail", "servicequotas"})
_XML_DECLARATION: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'
_JSON_TYPE: Final = "application/x-amz-json-1.1"

# XML 1.0 has no way to write most of these, not even as references.
_SPECIAL: Final = re.compile('[&<>"\t\n\r\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]')
_REFERENCES: Final[dict[str, str]] = {
    "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#x9;", "\n": "&#xA;", "\r": "&#xD;",
}  # fmt: skip


def xml_text(value: object) -> str:
    """One value as it stands in an XML element of AWS; control characters that XML cannot hold become U+FFFD."""
    if isinstance(value, str):
        return _SPECIAL.sub(lambda match: _REFERENCES.get(match[0], "\ufffd"), value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return iso_time(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    return xml_text(str(value))


def iso_time(moment: datetime | float, *, milliseconds: bool = True) -> str:
    """ISO 8601 in UTC; S3 writes milliseconds (always 000 for what has whole seconds), STS and IAM do not."""
    at = datetime.fromtimestamp(moment, UTC) if isinstance(moment, int | float) else moment.astimezone(UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z" if milliseconds else f"{at:%Y-%m-%dT%H:%M:%SZ}"


def xml_element(name: str, value: object) -> str:
    """An element and all that is in it.

    Args:
        name: The element's name.
        value: A mapping is a structure, whose ``@``-names are attributes and whose None members are left out; a list
            repeats the element; anything else is text.
    """
    if value is None:
        return ""
    if isinstance(value, Mapping):
        attributes = "".join(f' {key[1:]}="{xml_text(text)}"' for key, text in value.items() if key[0] == "@")
        inner = "".join(xml_element(key, item) for key, item in value.items() if key[0] not in "@#")
        inner += xml_text(value["#text"]) if "#text" in value else ""
        return f"<{name}{attributes}>{inner}</{name}>" if inner else f"<{name}{attributes}/>"
    if isinstance(value, list | tuple):
        return "".join(xml_element(name, item) for item in value)
    text = xml_text(value)
    return f"<{name}>{text}</{name}>" if text else f"<{name}/>"


def xml_answer(
    root: str,
    members: Mapping[str, object] | str,
    *,
    status: int = 200,
    headers: Iterable[tuple[str, str]] = (),
    namespace: str | None = S3_NAMESPACE,
) -> Answer:
    """An S3 answer with an XML body.

    Args:
        root: Name of the root element (``ListBucketResult``).
        members: Its members, as :func:`xml_element` takes them, or its text.
        status: HTTP status.
        headers: Further headers.
        namespace: None for the few answers that have none.
    """
    attributes = {"@xmlns": namespace} if namespace else {}
    content = {"#text": members} if isinstance(members, str) else dict(members)
    body = _XML_DECLARATION + xml_element(root, {**attributes, **content})
    return Answer(status, [("Content-Type", "application/xml"), *headers], body.encode())


def json_value(value: object) -> Any:
    """A value as the JSON protocols carry it: blobs as base64, times as seconds since the epoch."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, datetime):
        return round(value.timestamp(), 3)
    if isinstance(value, Mapping):
        return {key: json_value(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [json_value(item) for item in value]
    return value


def json_answer(members: Mapping[str, object] | None = None, *, status: int = 200) -> Answer:
    """An answer of KMS, CloudTrail or Service Quotas; None for operations whose answer is empty."""
    body = b"" if members is None else json.dumps(json_value(members), separators=(",", ":")).encode()
    return Answer(status, [("Content-Type", _JSON_TYPE)], body)


def query_answer(request: Request, result: Mapping[str, object] | None = None) -> Answer:
    """An answer of STS or IAM: ``<OpResponse><OpResult>…</OpResult><ResponseMetadata>…``.

    Lists are wrapped in ``member`` elements; times have no milliseconds.
    """
    name = request.operation
    members: dict[str, object] = {"@xmlns": QUERY_NAMESPACES[request.service]}
    if result is not None:
        members[f"{name}Result"] = _query_value(result)
    members["ResponseMetadata"] = {"RequestId": request.request_id}
    return Answer(200, [("Content-Type", "text/xml")], xml_element(f"{name}Response", members).encode())


def _query_value(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _query_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return {"member": [_query_value(item) for item in value]}
    return iso_time(value, milliseconds=False) if isinstance(value, datetime) else value


def host_id(request_id: str) -> str:
    """S3's second, longer id of a request (``x-amz-id-2``)."""
    return base64.b64encode(hashlib.sha512(request_id.encode()).digest()[:57]).decode("ascii")


def id_headers(request: Request) -> list[tuple[str, str]]:
    """The headers by which a service names the request in every answer."""
    if request.service in JSON_SERVICES or request.service in QUERY_NAMESPACES:
        return [("x-amzn-RequestId", request.request_id)]
    return [("x-amz-request-id", request.request_id), ("x-amz-id-2", host_id(request.request_id))]


def render_error(request: Request, error: ServiceError) -> Answer:
    """The error as this request's protocol writes it; HEAD is answered without a body, as AWS does."""
    service = _protocol_service(request)
    headers = [*id_headers(request), *error.headers]
    if service in QUERY_NAMESPACES:
        answer = _query_error(service, request, error)
    elif service in JSON_SERVICES:
        answer = _json_error(error)
    else:
        answer = _s3_error(request, error)
    answer.headers[1:1] = headers
    if request.method == "HEAD" or error.status == 304:
        answer.body = b""
    return answer


def _protocol_service(request: Request) -> Service:
    if request.service == "unknown" and "x-amz-target" in request.headers:
        return "kms"
    return request.service


def _s3_error(request: Request, error: ServiceError) -> Answer:
    members: dict[str, object] = {"Code": error.code, "Message": error.message, **error.extra}
    members |= {"RequestId": request.request_id, "HostId": host_id(request.request_id)}
    body = _XML_DECLARATION + xml_element("Error", members)
    return Answer(error.status, [("Content-Type", "application/xml")], body.encode())


def _json_error(error: ServiceError) -> Answer:
    # KMS leaves the message out where it has none (recorded: InvalidCiphertextException).
    members = {"__type": error.code, **({"message": error.message} if error.message else {}), **error.extra}
    answer = json_answer(members, status=error.status)
    answer.headers.append(("x-amzn-ErrorType", error.code))
    return answer


def _query_error(service: Service, request: Request, error: ServiceError) -> Answer:
    kind = "Sender" if error.status < 500 else "Receiver"
    members: dict[str, object] = {
        "@xmlns": QUERY_NAMESPACES[service],
        "Error": {"Type": kind, "Code": error.code, "Message": error.message, **error.extra},
        "RequestId": request.request_id,
    }
    return Answer(error.status, [("Content-Type", "text/xml")], xml_element("ErrorResponse", members).encode())
