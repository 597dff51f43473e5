"""IAM for clients: moto keeps users, roles, groups and policies; its errors leave in AWS's words."""

from __future__ import annotations

import json
import re
from typing import Final
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

from lab.sandbox.exchange import Answer, Exchange, ServiceError
from lab.sandbox.iam_parameters import OF_CALLER, check
from lab.sandbox.moto_hooks import iam as hook
from lab.sandbox.operations import tables
from lab.sandbox.parameters import form_fields

#: Changes nothing: everything else is kept across restarts.
_READS: Final = ("Get", "List", "Simulate")
#: What XML cannot hold, not even as references, and moto writes as it came.
_NOT_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_REQUEST_ID: Final = re.compile(r"<RequestId>[^<]*</RequestId>")
_WORDS: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (re.compile(r"^(User|Role|Group) (\S+) not found$"), r"The \1 with name \2 cannot be found."),
    (re.compile(r"^User (\S+) already exists$"), r"User with name \1 already exists."),
    (re.compile(r"^Group (\S+) already exists$"), r"Group with name \1 already exists."),
)


def handle(exchange: Exchange) -> Answer:
    """Answer an IAM request in the caller's account.

    Raises:
        ServiceError: What IAM refuses.
    """
    request = exchange.request
    account = exchange.realm.accounts[exchange.identity.account]
    form = _form(exchange)
    _check_trust_policy(exchange)
    with exchange.realm.lock:
        if request.operation == "DeleteUser" and hook.has_access_keys(account, str(request.parameters.get("UserName"))):
            raise ServiceError(409, "DeleteConflict", "Cannot delete entity, must delete access keys first.")
        try:
            status, text = hook.respond(exchange.realm, account, form)
        except NotImplementedError:
            message = f"The operation {request.operation} of IAM is not modelled here."
            raise ServiceError(501, "NotImplemented", message) from None
    if status >= 300:
        raise _error(status, text)
    if not request.operation.startswith(_READS):
        exchange.sandbox.realms.changed(exchange.realm)
    text = _NOT_XML.sub("\ufffd", text)
    text = _REQUEST_ID.sub(f"<RequestId>{request.request_id}</RequestId>", text)
    return Answer(200, [("Content-Type", "text/xml")], text.encode())


def _form(exchange: Exchange) -> bytes:
    """The request as moto gets it: every field once, as it was judged, and the user whom IAM takes for granted.

    Raises:
        ServiceError: ``ValidationError``.
    """
    request, identity = exchange.request, exchange.identity
    fields = form_fields(request.query, request.raw_body)
    operation = tables().services["iam"].get(request.operation)
    if operation is not None:
        check(request.operation, operation.types, request.parameters)
    if request.operation in OF_CALLER and "UserName" not in fields:
        if identity.kind != "user":
            raise ServiceError(400, "ValidationError", "Must specify userName when calling with non-User credentials")
        fields["UserName"] = identity.name
    return urlencode(fields).encode()


def _check_trust_policy(exchange: Exchange) -> None:
    """Refuse a trust policy that is no JSON: moto looks at it only when it is replaced."""
    if exchange.request.operation != "CreateRole":
        return
    document = exchange.request.parameters.get("AssumeRolePolicyDocument")
    try:
        readable = isinstance(json.loads(str(document)), dict)
    except (ValueError, RecursionError):
        readable = False
    if not readable:
        raise ServiceError(400, "MalformedPolicyDocument", "This policy contains invalid Json")


def _error(status: int, text: str) -> ServiceError:
    """An error of moto as a record that every protocol can write."""
    code, message = "InternalFailure", "The request processing has failed because of an unknown error."
    try:
        for element in ET.fromstring(text).iter():  # noqa: S314 - written by moto in this process
            name = element.tag.rpartition("}")[2]
            if name == "Code":
                code = element.text or code
            elif name == "Message":
                message = element.text or ""
    except ET.ParseError:
        pass
    for pattern, words in _WORDS:
        found = pattern.match(message)
        if found:
            message = found.expand(words)
            message = re.sub(r"^The (\w+) with", lambda kind: f"The {kind[1].lower()} with", message)
            break
    return ServiceError(status, code, message)
