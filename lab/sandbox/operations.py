"""What the sandbox answers for, as tables: looked up once per request, loaded from ``operations.json`` in milliseconds.

``operations.toml`` is what people read and write; ``operations.json`` is compiled from it and botocore's models by
``python -m tests.sandbox.compile_operations`` (a test compares the two), so that a running sandbox needs neither.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

Support = Literal["modelled", "passed", "refused"]


@dataclass(frozen=True, slots=True)
class Member:
    """A request member as it travels.

    Attributes:
        name: botocore's name.
        values: The values it is listed for; None where it is not listed at all.
    """

    name: str
    values: tuple[Any, ...] | None = None

    def refuses(self, value: object) -> bool:
        """Whether this value is not modelled."""
        return self.values is None or value not in self.values


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: how far it is supported, and what of its request is refused.

    Attributes:
        headers: S3: lower-case header name → member that is refused, or listed for some values only.
        query: S3: query parameter → likewise.
        members: JSON and query protocols: member name → likewise.
        types: JSON and query protocols: member name → type of each member that is listed.
    """

    name: str
    support: Support
    headers: dict[str, Member] = field(default_factory=dict)
    query: dict[str, Member] = field(default_factory=dict)
    members: dict[str, Member] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tables:
    """Everything that recognition looks up.

    Attributes:
        services: Service → operation name → operation.
        s3_routes: (method, ``service|bucket|key``) → sub-resource → operation's name; ``''`` is the plain request.
        s3_marks: Every sub-resource that S3 knows under any method.
        targets: ``X-Amz-Target`` prefix → service.
        versions: ``Version`` of the query protocol → service.
    """

    services: dict[str, dict[str, Operation]]
    s3_routes: dict[tuple[str, str], dict[str, str]]
    s3_marks: frozenset[str]
    targets: dict[str, str]
    versions: dict[str, str]


@cache
def tables() -> Tables:
    """The tables, read on first use."""
    document = json.loads((Path(__file__).parent / "operations.json").read_text("utf-8"))
    routes: dict[tuple[str, str], dict[str, str]] = {}
    for route, operations in document["s3_routes"].items():
        method, scope = route.split(" ")
        routes[method, scope] = operations
    return Tables(
        services={
            service: {name: _operation(name, entry) for name, entry in operations.items()}
            for service, operations in document["services"].items()
        },
        s3_routes=routes,
        s3_marks=frozenset(mark for operations in routes.values() for mark in operations if mark),
        targets=document["targets"],
        versions=document["versions"],
    )


def _operation(name: str, entry: dict[str, Any]) -> Operation:
    if not entry:
        return Operation(name, "refused")
    return Operation(
        name=name,
        support=entry["support"],
        headers=_members(entry.get("headers", {})),
        query=_members(entry.get("query", {})),
        members=_members(entry.get("members", {})),
        types=entry.get("types", {}),
    )


def _members(entries: dict[str, Any]) -> dict[str, Member]:
    return {
        wire: Member(entry["name"], tuple(entry["only"])) if isinstance(entry, dict) else Member(entry)
        for wire, entry in entries.items()
    }
