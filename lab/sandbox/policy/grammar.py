"""Would AWS store this document? Bucket policies and key policies are refused with AWS's sentences.

The sentences are S3's and KMS's own (recorded answers; public tests that were run against AWS). The first fault found
is the one that is told, statement by statement.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from lab.sandbox.policy.conditions import operator
from lab.sandbox.policy.document import EFFECTS, condition_text, listed
from lab.sandbox.policy.patterns import wildcard
from lab.sandbox.policy.s3_catalog import ACTIONS, BUCKET_ACTIONS, OBJECT_ACTIONS, actions_of_key

Exists = Callable[[str], bool]
"""Whether the user or role of an ARN exists; ARNs of accounts that cannot be looked into count as existing."""

MOST_BYTES: Final = 20480
SYNTAX: Final = "Invalid policy syntax."
IAM_SYNTAX: Final = "Syntax errors in policy."
INVALID_JSON: Final = "This policy contains invalid Json"
INVALID_PRINCIPAL: Final = "Invalid principal in policy"
INVALID_PRINCIPALS: Final = "Policy contains a statement with one or more invalid principals."

_VERSIONS: Final = ("2012-10-17", "2008-10-17")
_FIELDS: Final = (
    "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition",
)  # fmt: skip
_PAIRS: Final = ("Principal", "Action", "Resource")
_PRINCIPAL: Final = re.compile(
    r"\d{12}|A(IDA|ROA)[A-Z0-9]{16,}|arn:aws:iam::\d{12}:(root|(user|role)/[\w+=,.@/-]+)"
    r"|arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity \w+"
    r"|arn:aws:sts::\d{12}:(assumed-role/[\w+=,.@-]+/[\w+=,.@-]+|federated-user/[\w+=,.@-]+)"
)
_PRINCIPAL_KINDS: Final = ("AWS", "Service", "Federated", "CanonicalUser")
_S3_ARN: Final = "arn:aws:s3:::"


class MalformedError(ValueError):
    """AWS would refuse the document; the text is AWS's sentence."""


def check_bucket_policy(text: str, bucket: str, exists: Exists) -> None:
    """Check a document for PutBucketPolicy.

    Args:
        text: As sent.
        bucket: The bucket that the policy is for.
        exists: Looks users and roles up.

    Raises:
        MalformedError: With S3's sentence.
    """
    if len(text.encode()) > MOST_BYTES:
        raise MalformedError(f"Normalized policy document exceeds the maximum allowed size of {MOST_BYTES} bytes")
    if not text.lstrip().startswith("{"):
        raise MalformedError("Policies must be valid JSON and the first byte must be '{'")
    for statement in _statements(_parsed(text)):
        _check_fields(statement)
        actions = _check_actions(statement)
        _check_principals(statement, exists, INVALID_PRINCIPAL)
        resources = _check_resources(statement, bucket)
        _check_conditions(statement, actions)
        _check_combination(statement, actions, resources)


def check_key_policy(text: str, exists: Exists) -> None:
    """Check a document for PutKeyPolicy or CreateKey.

    Raises:
        MalformedError: With KMS's sentence where it is known, else with S3's.
    """
    for statement in _statements(_parsed(text)):
        _check_fields(statement)
        _check_principals(statement, exists, INVALID_PRINCIPALS)
        for how in _conditions(statement):
            if operator(how) is None:
                raise MalformedError(f"Invalid Condition type : {how}")


def check_identity_policy(document: Mapping[str, Any]) -> None:
    """Check a document that limits or grants what one principal may do: a session policy of AssumeRole.

    Raises:
        MalformedError: With IAM's general sentence; the sentence for each single fault is not known.
    """
    try:
        statements = _statements(document)
        for statement in statements:
            _check_fields({**statement, "Principal": "*"})
    except MalformedError:
        raise MalformedError(IAM_SYNTAX) from None
    if not all(operator(how) is not None for statement in statements for how in _conditions(statement)):
        raise MalformedError(IAM_SYNTAX)


def _parsed(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise MalformedError(INVALID_JSON) from None
    if not isinstance(document, dict):
        raise MalformedError(INVALID_JSON)
    return document


def _statements(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    for name in document:
        if name not in {"Version", "Id", "Statement"}:
            raise MalformedError(f"Unknown field {name}")
    if document.get("Version", _VERSIONS[1]) not in _VERSIONS:
        raise MalformedError("The policy must contain a valid version string")
    if "Statement" not in document:
        raise MalformedError("Missing required field Statement")
    statements = listed(document["Statement"])
    if not statements:
        raise MalformedError("Could not parse the policy: Statement is empty!")
    if not all(isinstance(statement, dict) for statement in statements):
        raise MalformedError(SYNTAX)
    return statements


def _check_fields(statement: Mapping[str, Any]) -> None:
    for name in statement:
        if name not in _FIELDS:
            raise MalformedError(f"Unknown field {name}")
    if "Effect" not in statement:
        raise MalformedError("Missing required field Effect")
    if statement["Effect"] not in EFFECTS:
        raise MalformedError(f"Invalid effect: {condition_text(statement['Effect'])}")
    for name in _PAIRS:
        if name in statement and f"Not{name}" in statement:
            raise MalformedError(f"Statement/policy already has instance of {name}")
        if name not in statement and f"Not{name}" not in statement:
            raise MalformedError(f"Missing required field {name}")
    for name in _PAIRS[1:]:
        values = _values(statement, name)
        if not values:
            raise MalformedError(f"Missing required field {name} cannot be empty!")
        if not all(isinstance(value, str) for value in values):
            raise MalformedError(SYNTAX)
    if not isinstance(statement.get("Sid", ""), str):
        raise MalformedError(SYNTAX)


def _values(statement: Mapping[str, Any], name: str) -> list[Any]:
    return listed(statement[name if name in statement else f"Not{name}"])


def _check_actions(statement: Mapping[str, Any]) -> list[frozenset[str]]:
    """The known actions that each pattern of Action stands for; of NotAction, nothing is asked but that they exist."""
    found: list[frozenset[str]] = []
    for pattern in _values(statement, "Action"):
        test = wildcard(pattern, ignore_case=True)
        names = frozenset(name for name in ACTIONS if test(name))
        if not names or not (pattern == "*" or pattern.lower().startswith("s3:")):
            raise MalformedError("Policy has invalid action")
        found.append(names)
    return [] if "NotAction" in statement else found


def _check_principals(statement: Mapping[str, Any], exists: Exists, sentence: str) -> None:
    element = statement["Principal" if "Principal" in statement else "NotPrincipal"]
    if element == "*":
        return
    if not isinstance(element, dict) or not element:
        raise MalformedError(sentence)
    for kind, values in element.items():
        names = listed(values)
        if kind not in _PRINCIPAL_KINDS or not names or not all(isinstance(name, str) and name for name in names):
            raise MalformedError(sentence)
        if kind == "AWS" and not all(_is_principal(name, exists) for name in names):
            raise MalformedError(sentence)


def _is_principal(name: str, exists: Exists) -> bool:
    if name == "*":
        return True
    if not _PRINCIPAL.fullmatch(name):
        return False
    return not name.startswith("arn:") or exists(name)


def _check_resources(statement: Mapping[str, Any], bucket: str) -> list[str]:
    """What stands behind ``arn:aws:s3:::`` in each resource."""
    found: list[str] = []
    for resource in _values(statement, "Resource"):
        name, _, _ = resource.removeprefix(_S3_ARN).partition("/")
        if not resource.startswith(_S3_ARN) or not name.startswith(bucket) or not wildcard(name)(bucket):
            raise MalformedError("Policy has invalid resource")
        found.append(resource.removeprefix(_S3_ARN))
    return [] if "NotResource" in statement else found


def _check_combination(
    statement: Mapping[str, Any], actions: Iterable[frozenset[str]], resources: Iterable[str]
) -> None:
    """Each action needs a resource of its kind: object actions ``bucket/…``, bucket actions the bucket itself."""
    if "NotAction" in statement or "NotResource" in statement:
        return
    reachable: frozenset[str] = frozenset()
    for resource in resources:
        if "/" not in resource:
            reachable |= BUCKET_ACTIONS
        if "/" in resource or "*" in resource:
            reachable |= OBJECT_ACTIONS
    if not all(names & reachable for names in actions):
        raise MalformedError("Action does not apply to any resource(s) in statement")


def _conditions(statement: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    block = statement.get("Condition", {})
    if not isinstance(block, dict) or not all(isinstance(keys, dict) for keys in block.values()):
        raise MalformedError(SYNTAX)
    for keys in block.values():
        for values in keys.values():
            if not all(isinstance(value, str | int | float | bool) for value in listed(values)) or values is None:
                raise MalformedError(SYNTAX)
    return block


def _check_conditions(statement: Mapping[str, Any], actions: Iterable[frozenset[str]]) -> None:
    for written, keys in _conditions(statement).items():
        how = operator(written)
        if how is None or how.base not in written:  # S3 wants the operator's own spelling
            raise MalformedError(f"Invalid Condition type : {written}")
        for key, values in keys.items():
            supporting = actions_of_key(key.lower())
            if supporting is None:
                raise MalformedError("Policy has an invalid condition key")
            if not all(names & supporting for names in actions):
                raise MalformedError("Conditions do not apply to combination of actions and resources in statement")
            if how.base in {"IpAddress", "NotIpAddress"} and not all(_is_network(value) for value in listed(values)):
                raise MalformedError("Invalid IP address in Conditions")


def _is_network(value: Any) -> bool:
    try:
        ipaddress.ip_network(str(value), strict=False)
    except ValueError:
        return False
    return True
