"""Members of JSON and query requests as boto3 takes them: blobs as bytes, lists as lists.

Whether a value is of the right type and size is for the service to say (``kms/parameters.py``).
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import parse_qsl

from lab.sandbox.exchange import ServiceError
from lab.sandbox.operations import Operation
from lab.sandbox.wire_values import whole_number

#: Names in a form are no longer than this, part by part; STS and IAM nest far less.
DEEPEST: Final = 16


def decode_json(raw: bytes, operation: Operation) -> dict[str, Any]:
    """The members of a JSON request; null is as good as absent, unknown members are dropped (as AWS does).

    Raises:
        ServiceError: ``SerializationException`` for what is not JSON, or not base64 where a blob belongs.
    """
    try:
        document = json.loads(raw or b"{}")
    except (ValueError, RecursionError):
        raise ServiceError(400, "SerializationException", "") from None
    if not isinstance(document, dict):
        raise ServiceError(400, "SerializationException", "Start of structure or map not found where expected.")
    members: dict[str, Any] = {}
    for name, value in document.items():
        if value is None:
            continue
        kind = operation.types.get(name)
        if kind is not None:
            members[name] = _decoded(value) if kind == "blob" else value
        elif name in operation.members:
            members[name] = value
    return members


def _decoded(value: Any) -> Any:
    """A blob; what is not even text is left for the service, which knows the words for it."""
    if not isinstance(value, str):
        return value
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise ServiceError(400, "SerializationException", "") from None


def form_fields(query: Iterable[tuple[str, str]], raw: bytes) -> dict[str, str]:
    """The fields of a request in query protocol, from its form and its URL; of a repeated name the first counts.

    Whoever judges a request and whoever carries it out must read the same.

    Raises:
        ServiceError: As :func:`decode_form`.
    """
    return dict(reversed(tuple(query))) | decode_form(raw)


def decode_form(raw: bytes) -> dict[str, str]:
    """The fields of a form; of a repeated name the first counts.

    Raises:
        ServiceError: ``MalformedQueryString`` for what is not UTF-8.
    """
    try:
        pairs = parse_qsl(raw.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=5000)
    except ValueError:
        raise ServiceError(404, "MalformedQueryString", "The query string contains a syntax error") from None
    return dict(reversed(pairs))


def nest_members(fields: dict[str, str], operation: Operation) -> dict[str, Any]:
    """Members of a query request: ``Tags.member.1.Key=a`` becomes ``{"Tags": [{"Key": "a"}]}``.

    Text in nested members stays text, which is all that STS and IAM nest.

    Raises:
        ServiceError: ``MalformedInput`` for text where a number or a truth value belongs, or for contradicting names.
    """
    tree: dict[str, Any] = {}
    for name, value in fields.items():
        path = name.split(".", DEEPEST)
        if len(path) > DEEPEST:
            raise _malformed()
        if path[0] not in operation.types and path[0] not in operation.members:
            continue
        node = tree
        for part in path[:-1]:
            node = node.setdefault(part, {})
            if not isinstance(node, dict):
                raise _malformed()
        if isinstance(node.get(path[-1]), dict):
            raise _malformed()
        node[path[-1]] = value
    return {
        name: _converted(_listed(value), operation.types[name]) if name in operation.types else value
        for name, value in tree.items()
    }


def _listed(value: Any) -> Any:
    """Replace ``{"member": {"1": …, "2": …}}`` by a list in the order of the numbers."""
    if not isinstance(value, dict):
        return value
    if set(value) == {"member"}:
        numbered = value["member"]
        if not isinstance(numbered, dict):
            raise _malformed()
        positions = [(whole_number(key), key) for key in numbered]
        if any(position is None for position, _ in positions):
            raise _malformed()
        return [_listed(numbered[key]) for _, key in sorted(positions)]
    return {key: _listed(item) for key, item in value.items()}


def _converted(value: Any, kind: str) -> Any:
    if kind == "integer":
        try:
            return int(value)
        except (ValueError, TypeError):
            raise _malformed() from None
    if kind == "boolean":
        if not isinstance(value, str) or value not in {"true", "false"}:
            raise _malformed()
        return value == "true"
    if kind == "list" and value == "":
        return []
    if kind == "string" and not isinstance(value, str):
        raise _malformed()
    return value


def _malformed() -> ServiceError:
    return ServiceError(400, "MalformedInput", "The request's parameters cannot be read.")
