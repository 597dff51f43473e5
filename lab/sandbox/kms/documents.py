"""Policy documents as KMS hands them out: parsed and written anew, with its own spacing, whatever the spacing sent."""

from __future__ import annotations

import json
from typing import Any

from lab.sandbox.realm import PARTITION


def default_key_policy(account: str) -> str:
    """The policy of a key created without one: the account delegates everything to its identity policies."""
    return pretty(
        {
            "Version": "2012-10-17",
            "Id": "key-default-1",
            "Statement": [
                {
                    "Sid": "Enable IAM User Permissions",
                    "Effect": "Allow",
                    "Principal": {"AWS": f"arn:{PARTITION}:iam::{account}:root"},
                    "Action": "kms:*",
                    "Resource": "*",
                }
            ],
        }
    )


def pretty(value: Any, depth: int = 0) -> str:
    """JSON as GetKeyPolicy writes it: two spaces, a space before each colon, lists on one line."""
    inner, outer = "  " * (depth + 1), "  " * depth
    if isinstance(value, dict):
        if not value:
            return "{ }"
        members = [f"{inner}{json.dumps(name)} : {pretty(member, depth + 1)}" for name, member in value.items()]
        return "{\n" + ",\n".join(members) + f"\n{outer}}}"
    if isinstance(value, list):
        return "[ " + ", ".join(pretty(item, depth) for item in value) + " ]" if value else "[ ]"
    return json.dumps(value, ensure_ascii=False)
