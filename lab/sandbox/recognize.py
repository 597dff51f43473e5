"""Which operation of which service a request asks for, and whether the sandbox answers for all that it asks.

**Default deny**: what ``operations.toml`` does not list, an operation or one member of its request, is refused with
``NotImplemented`` that names it. Silence about a member would teach that it has no effect.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

from lab.sandbox.exchange import Headers, Request, Service, ServiceError
from lab.sandbox.operations import Member, Operation, tables
from lab.sandbox.parameters import decode_json, form_fields, nest_members

MAX_PARAMETERS: Final = 1 << 20
_JSON_TYPES: Final = ("application/x-amz-json-1.1", "application/x-amz-json-1.0")
_QUERY_SERVICES: Final[tuple[Service, ...]] = ("sts", "iam")
_CONFIGURATIONS: Final = {"analytics", "inventory", "metrics", "intelligent-tiering"}
#: Query parameters that carry a signature; everything else that begins with x-amz- stands for a header.
_SIGNATURE_PARAMETERS: Final = frozenset(
    {"x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-expires", "x-amz-signedheaders", "x-amz-signature"}
)

#: What a header may be called; under another name nothing could be kept as a header and given back as one.
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+")


def recognize(request: Request) -> None:
    """Set service, operation, bucket, key and parameters.

    Headers that a presigned URL carries as query parameters become headers (S3 API reference, "Authenticating
    requests: using query parameters"); SigV2 URLs of boto3 carry all of them that way.

    Raises:
        ServiceError: ``NotImplemented`` for what is not listed; what AWS answers to a request that none of its
            operations fits.
    """
    target = request.headers.get("x-amz-target")
    if target is not None and request.method == "POST":
        _recognize_json(request, target)
    elif _is_query_protocol(request):
        _recognize_form(request)
    else:
        request.service = "s3"
        _locate(request)
        request.headers = effective_headers(request)
        operation = _s3_operation(request)
        request.operation = operation.name
        _refuse_s3_members(request, operation)


# ---- S3 --------------------------------------------------------------------------------------------------------------


def effective_headers(request: Request) -> Headers:
    """The headers, and those that a presigned URL carries in its query; a header that was sent wins."""
    names = {name for name, _ in request.query}
    if "X-Amz-Signature" not in names and "Signature" not in names:
        return request.headers
    moved = [
        (lowered, value)
        for name, value in request.query
        if (lowered := name.lower()).startswith("x-amz-")
        and _HEADER_NAME.fullmatch(lowered)
        and lowered not in _SIGNATURE_PARAMETERS
        and lowered not in request.headers
    ]
    return Headers([*request.headers.items, *moved]) if moved else request.headers


def _locate(request: Request) -> None:
    """Bucket and key, path-style or virtual-hosted (``bucket.localhost``)."""
    host = request.headers.get("host") or ""
    name = host if host.startswith("[") else host.partition(":")[0]
    path = request.path[1:] if request.path[:1] == "/" else request.path
    if name.lower().endswith(".localhost"):
        request.bucket = name[: -len(".localhost")].lower() or None  # host names know no case, bucket names no capitals
        key = path
    else:
        bucket, _, key = path.partition("/")
        request.bucket = _decode(bucket) or None
    request.key = _decode(key) or None


def _decode(text: str) -> str:
    if "%" not in text and text.isascii():
        return text
    try:
        if not text.isascii():  # bytes that a client left unencoded arrive as latin-1
            text = text.encode("latin-1").decode("utf-8")
        decoded = unquote(text, errors="strict")
    except UnicodeError:
        raise ServiceError(400, "InvalidURI", "Couldn't parse the specified URI.") from None
    if "%" in decoded and any(not _is_escape(part) for part in text.split("%")[1:]):
        raise ServiceError(400, "InvalidURI", "Couldn't parse the specified URI.")
    return decoded


def _is_escape(text: str) -> bool:
    return len(text) >= 2 and all(character in "0123456789abcdefABCDEF" for character in text[:2])


def _s3_operation(request: Request) -> Operation:
    scope = "key" if request.key is not None else "bucket" if request.bucket is not None else "service"
    routes = tables().s3_routes.get((request.method, scope), {})
    marks = [name for name, _ in request.query if name in tables().s3_marks] if request.query else []
    if len(set(marks)) > 1:
        raise ServiceError(
            400,
            "InvalidArgument",
            f"Conflicting query string parameters: {', '.join(sorted(set(marks)))}",
            {"ArgumentName": "ResourceType", "ArgumentValue": marks[0]},
        )
    if marks:
        name = routes.get(marks[0])
        if name is None:
            raise method_not_allowed(request, marks[0])
        name = _one_or_many(request, marks[0], name)
    else:
        name = _plain_operation(request, scope, routes)
    return tables().services["s3"][name]


def _one_or_many(request: Request, mark: str, name: str) -> str:
    """Tell the operations apart that share a sub-resource: with an id they mean one, without it the list."""
    if request.method == "GET":
        if mark in _CONFIGURATIONS and request.query_value("id") is None:
            return f"{name.replace('Get', 'List', 1)}s"
        if mark == "annotation" and request.query_value("annotationName") is None:
            return "ListObjectAnnotations"
    return name


def _plain_operation(request: Request, scope: str, routes: dict[str, str]) -> str:
    """Requests without a sub-resource, told apart by ``uploadId``, ``list-type`` and the copy source."""
    method = request.method
    if scope == "key":
        upload = request.query_value("uploadId") if request.query else None
        if method == "PUT":
            copies = "x-amz-copy-source" in request.headers
            if upload is not None or (request.query and request.query_value("partNumber") is not None):
                return _part_operation(request, copies=copies, upload=upload)
            return "CopyObject" if copies else "PutObject"
        if upload is not None:
            by_method = {"GET": "ListParts", "POST": "CompleteMultipartUpload", "DELETE": "AbortMultipartUpload"}
            if method in by_method:
                return by_method[method]
    elif scope == "bucket":
        if method == "GET" and request.query_value("list-type") == "2":
            return "ListObjectsV2"
        if method == "POST":
            return _form_upload(request)
    elif method == "GET" and request.query_value("max-directory-buckets") is not None:
        return "ListDirectoryBuckets"
    name = routes.get("")
    if name is None:
        raise method_not_allowed(request, "SERVICE" if scope == "service" else scope)
    return name


def _part_operation(request: Request, *, copies: bool, upload: str | None) -> str:
    missing = "uploadId" if upload is None else "partNumber" if request.query_value("partNumber") is None else ""
    if missing:
        raise ServiceError(
            400,
            "InvalidArgument",
            "This operation requires both the uploadId and the partNumber query parameter.",
            {"ArgumentName": missing},
        )
    return "UploadPartCopy" if copies else "UploadPart"


def _form_upload(request: Request) -> str:
    if (request.headers.get("content-type") or "").startswith("multipart/form-data"):
        return "PostObject"
    raise ServiceError(
        412,
        "PreconditionFailed",
        "At least one of the pre-conditions you specified did not hold",
        {"Condition": "Bucket POST must be of the enclosure-type multipart/form-data"},
    )


def method_not_allowed(request: Request, resource: str) -> ServiceError:
    """S3's answer to a method that the resource does not know."""
    if request.method == "OPTIONS":
        return not_implemented("OPTIONS (a CORS preflight)")
    return ServiceError(
        405,
        "MethodNotAllowed",
        "The specified method is not allowed against this resource.",
        {"Method": request.method, "ResourceType": resource.upper()},
    )


def _refuse_s3_members(request: Request, operation: Operation) -> None:
    if operation.support == "refused":
        raise not_implemented(operation.name)
    if operation.headers:
        for name, value in request.headers.items:
            member = operation.headers.get(name)
            if member is not None and member.refuses(value):
                raise _member_refused(operation, member, "header", name, value)
    if operation.query:
        for name, value in request.query:
            member = operation.query.get(name)
            if member is not None and member.refuses(value):
                raise _member_refused(operation, member, "query parameter", name, value)


# ---- JSON and query protocols ----------------------------------------------------------------------------------------


def _recognize_json(request: Request, target: str) -> None:
    prefix, _, name = target.rpartition(".")
    service = tables().targets.get(prefix)
    if service is None:
        raise not_implemented(target or "an empty X-Amz-Target")
    request.service = service  # type: ignore[assignment]  # the names in the table are those of Service
    request.operation = name
    operation = tables().services[service].get(name)
    if operation is None:
        request.operation = ""
        raise ServiceError(400, "UnknownOperationException", "")
    # Read in any case: whoever verifies the signature of a refused request needs it.
    request.raw_body = request.body.read(MAX_PARAMETERS)
    if operation.support == "refused":
        raise not_implemented(name)
    if (request.headers.get("content-type") or "").partition(";")[0].strip() not in _JSON_TYPES:
        raise ServiceError(404, "UnknownOperationException", "")
    request.parameters = decode_json(request.raw_body, operation)
    _refuse_members(request, operation)


def _is_query_protocol(request: Request) -> bool:
    """Whether this is STS or IAM: a form posted to ``/``, or a presigned ``/?Action=…&Version=…``."""
    if request.path not in {"/", ""} or request.method not in {"GET", "POST"}:
        return False
    if request.query_value("Action") is not None:
        return True
    content_type = request.headers.get("content-type") or ""
    return request.method == "POST" and content_type.startswith("application/x-www-form-urlencoded")


def _recognize_form(request: Request) -> None:
    request.service = _scope_service(request) or "sts"  # until Version says: errors need a form to be written in
    request.raw_body = request.body.read(MAX_PARAMETERS) if request.method == "POST" else b""
    fields = form_fields(request.query, request.raw_body)
    action, version = fields.get("Action", ""), fields.get("Version", "")
    service = tables().versions.get(version)
    if service is None:
        raise ServiceError(400, "NoSuchVersion", f"The requested version ({version}) is not valid")
    request.service = service  # type: ignore[assignment]  # the names in the table are those of Service
    operation = tables().services[service].get(action)
    if operation is None:
        raise ServiceError(400, "InvalidAction", f"Could not find operation {action} for version {version}")
    request.operation = action
    if operation.support == "refused":
        raise not_implemented(action)
    request.parameters = nest_members(fields, operation)
    _refuse_members(request, operation)


def _scope_service(request: Request) -> Service | None:
    """The service that the credential scope names, before anything else says which one is meant."""
    authorization = request.headers.get("authorization") or request.query_value("X-Amz-Credential") or ""
    return next((service for service in _QUERY_SERVICES if f"/{service}/aws4_request" in authorization), None)


def _refuse_members(request: Request, operation: Operation) -> None:
    for name, member in operation.members.items():
        if name in request.parameters and member.refuses(request.parameters[name]):
            raise _member_refused(operation, member, "parameter", name, request.parameters[name])


# ---- refusals --------------------------------------------------------------------------------------------------------


def not_implemented(what: str) -> ServiceError:
    """The refusal of an operation; the protocol's form is :mod:`lab.sandbox.render`'s business."""
    return ServiceError(501, "NotImplemented", f"{what} is not implemented. This sandbox does not model it.")


def _member_refused(operation: Operation, member: Member, kind: str, wire: str, value: object) -> ServiceError:
    shown = wire if member.values is None else f"{wire}: {str(value)[:64]}"
    if kind == "parameter":
        text = f"The parameter {shown} of {operation.name} is not implemented."
    else:
        text = f"A {kind} you provided implies functionality that is not implemented: {shown} ({operation.name})."
    return ServiceError(501, "NotImplemented", f"{text} This sandbox does not model it.")
