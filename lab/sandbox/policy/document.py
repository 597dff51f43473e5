"""Policy documents compiled once: text or JSON in, statements that can be asked in microseconds out.

Compiling is forgiving: whether a document may be stored is decided by ``grammar``; what lies in an account already
is evaluated as far as it can be understood, and a statement that cannot be understood matches nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from lab.sandbox.policy.conditions import Condition, condition, operator
from lab.sandbox.policy.patterns import Lookup, Template, template, wildcard
from lab.sandbox.policy.principals import PrincipalElement, principal_element

VARIABLES_SINCE = "2012-10-17"
#: Not a set: what a client wrote in their place may be a list, which no set can be asked for.
EFFECTS: Final = ("Allow", "Deny")


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, compiled.

    Attributes:
        index: Position in the document, from 0.
        sid: As written, None where there is none.
        allow: Whether its effect is Allow.
        principals: Who it speaks of; None in identity policies.
        conditions: All must hold.
    """

    index: int
    sid: str | None
    allow: bool
    principals: PrincipalElement | None
    actions: tuple[Callable[[str], bool], ...]
    not_action: bool
    resources: tuple[tuple[Template, Callable[[str], bool] | None], ...] | None
    not_resource: bool
    conditions: tuple[Condition, ...]

    def speaks_of_action(self, action: str) -> bool:
        """Whether Action or NotAction covers this action."""
        return any(test(action) for test in self.actions) != self.not_action

    def speaks_of_resource(self, resource: str, lookup: Lookup) -> bool:
        """Whether Resource or NotResource covers this resource; trust policies have neither and cover the role."""
        if self.resources is None:
            return True
        for text, test in self.resources:
            if test is not None:
                hit = test(resource)
            else:
                resolved = text.resolve(lookup)
                hit = resolved is not None and wildcard(resolved)(resource)
            if hit:
                return not self.not_resource
        return self.not_resource


@dataclass(frozen=True, slots=True)
class Policy:
    """A compiled document.

    Attributes:
        statements: In order.
        document: The document as parsed.
    """

    statements: tuple[Statement, ...]
    document: Mapping[str, Any]


def compile_policy(source: str | bytes | Mapping[str, Any]) -> Policy:
    """Compile a document, from the cache where the same text was seen before.

    Args:
        source: JSON text, or a decoded document.

    Returns:
        The compiled policy; one without statements where the text is no JSON object.
    """
    if isinstance(source, bytes):
        source = source.decode("utf-8", "replace")
    if not isinstance(source, str):
        source = json.dumps(source, separators=(",", ":"))
    return _compile_text(source)


@lru_cache(maxsize=1024)
def _compile_text(text: str) -> Policy:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = {}
    if not isinstance(document, dict):
        document = {}
    variables = document.get("Version") == VARIABLES_SINCE
    statements = document.get("Statement", [])
    if isinstance(statements, dict):
        statements = [statements]
    compiled = []
    for index, statement in enumerate(statements if isinstance(statements, list) else []):
        one = _statement(index, statement, variables=variables) if isinstance(statement, dict) else None
        if one is not None:
            compiled.append(one)
    return Policy(tuple(compiled), document)


def listed(value: Any) -> list[Any]:
    """A value that may stand alone or in a list, as a list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def condition_text(value: Any) -> str:
    """A condition value as text: JSON numbers and booleans count as their text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _statement(index: int, statement: Mapping[str, Any], *, variables: bool) -> Statement | None:
    if statement.get("Effect") not in EFFECTS:
        return None
    conditions = _conditions(statement.get("Condition", {}), variables=variables)
    if conditions is None:
        return None
    not_action = "NotAction" in statement
    not_resource = "NotResource" in statement
    patterns = listed(statement.get("NotAction" if not_action else "Action"))
    named = not_resource or "Resource" in statement
    resources = listed(statement.get("NotResource" if not_resource else "Resource"))
    sid = statement.get("Sid")
    return Statement(
        index=index,
        sid=None if sid is None else str(sid),
        allow=statement["Effect"] == "Allow",
        principals=principal_element(statement),
        actions=tuple(wildcard(str(pattern), ignore_case=True) for pattern in patterns),
        not_action=not_action,
        resources=tuple(_resource(str(one), variables=variables) for one in resources) if named else None,
        not_resource=not_resource,
        conditions=conditions,
    )


def _resource(text: str, *, variables: bool) -> tuple[Template, Callable[[str], bool] | None]:
    if text.startswith("arn:") and text.count(":") < 5:
        text += ":*" * (5 - text.count(":"))  # IAM completes a short ARN with wildcards
    found = template(text, variables=variables)
    return found, wildcard(found.text) if found.pieces is None else None


def _conditions(block: Any, *, variables: bool) -> tuple[Condition, ...] | None:
    if not isinstance(block, dict):
        return None
    conditions: list[Condition] = []
    for name, keys in block.items():
        how = operator(name)
        if how is None or not isinstance(keys, dict):
            return None
        for key, values in keys.items():
            wanted = tuple(condition_text(value) for value in listed(values))
            conditions.append(condition(how, key, wanted, variables=variables))
    return tuple(conditions)
