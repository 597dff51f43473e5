"""Whether S3 calls a bucket policy public: it begins by assuming so, and only fixed values convince it otherwise.

Source: S3 user guide, "Blocking public access to your Amazon S3 storage", section "The meaning of public".
"""

from __future__ import annotations

import ipaddress
from typing import Final

from lab.sandbox.policy.conditions import Condition
from lab.sandbox.policy.document import Policy, Statement
from lab.sandbox.policy.principals import ANYONE

_FIXING: Final = frozenset(
    {
        "aws:principalorgid", "aws:principalorgpaths", "aws:principalaccount", "aws:principalarn", "aws:sourcearn",
        "aws:sourcevpc", "aws:sourcevpce", "aws:sourceowner", "aws:sourceaccount", "aws:userid",
        "s3:x-amz-server-side-encryption-aws-kms-key-id", "s3:dataaccesspointarn", "s3:dataaccesspointaccount",
    }
)  # fmt: skip
_POSITIVE: Final = frozenset(
    {"StringEquals", "StringEqualsIgnoreCase", "StringLike", "ArnEquals", "ArnLike", "IpAddress"}
)
_NARROW_ENOUGH: Final = {4: 8, 6: 32}


def is_public(policy: Policy) -> bool:
    """Whether one of its statements grants something to everyone."""
    return any(_grants_everyone(statement) for statement in policy.statements)


def _grants_everyone(statement: Statement) -> bool:
    if not statement.allow or statement.principals is None:
        return False
    everyone = statement.principals.negated or ANYONE in statement.principals.names
    return everyone and not any(_fixes(condition) for condition in statement.conditions)


def _fixes(condition: Condition) -> bool:
    how = condition.operator
    if how.base not in _POSITIVE or how.if_exists or how.qualifier == "ForAllValues" or not condition.wanted:
        return False
    if condition.lowered == "aws:sourceip":
        return how.base == "IpAddress" and all(_narrow(value) for value in condition.wanted)
    return condition.lowered in _FIXING and not any(
        char in value for value in condition.wanted for char in ("*", "?", "${")
    )


def _narrow(text: str) -> bool:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return network.is_private or network.prefixlen >= _NARROW_ENOUGH[network.version]
