"""The Principal element: whom a statement of a bucket, key or trust policy speaks of, and how directly.

A statement that names an account (by number or as ``:root``) only hands the decision to that account's own
policies; one that names a user, a role, a session or ``*`` grants by itself. Source: IAM user guide, "AWS JSON
policy elements: Principal" and "NotPrincipal".
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lab.sandbox.identity import Identity

ANYONE = "*"


class Reach(enum.IntEnum):
    """How directly a statement names the caller; each level is limited by fewer other policies."""

    NONE = 0
    ACCOUNT = 1  # the caller's account: its identity policies decide
    ROLE = 2  # the role or everyone: permission boundaries and session policies still limit a session
    DIRECT = 3  # this user or this session


@dataclass(frozen=True, slots=True)
class PrincipalElement:
    """A Principal or NotPrincipal element.

    Attributes:
        names: Account numbers, ARNs, ``*``; service and federated principals are kept apart.
        negated: True for NotPrincipal.
        services: Service principals.
    """

    names: frozenset[str]
    negated: bool
    services: frozenset[str]

    def reach(self, identity: Identity, *, allow: bool) -> Reach:
        """How the element reaches this caller."""
        if not self.negated:
            return self._named(identity)
        names = _names_of(identity)
        if allow:
            return Reach.NONE if names & self.names or ANYONE in self.names else Reach.ROLE
        # A Deny with NotPrincipal spares only a caller of whom every name is listed: the account, and the user, or
        # the role and its session.
        spared = ANYONE in self.names or (bool(names) and self._spares(identity))
        return Reach.NONE if spared else Reach.ROLE

    def _named(self, identity: Identity) -> Reach:
        names = self.names
        if identity.kind == "anonymous":
            return Reach.ROLE if ANYONE in names else Reach.NONE
        if identity.arn in names:
            return Reach.DIRECT
        if identity.principal_arn in names:
            return Reach.ROLE if identity.kind == "role" else Reach.DIRECT
        if ANYONE in names:
            return Reach.DIRECT if identity.kind in {"user", "root"} else Reach.ROLE
        account_named = identity.account in names or _root(identity.account) in names
        if not account_named:
            return Reach.NONE
        return Reach.DIRECT if identity.kind == "root" else Reach.ACCOUNT

    def _spares(self, identity: Identity) -> bool:
        account_named = identity.account in self.names or _root(identity.account) in self.names
        if identity.kind == "root":
            return account_named
        return account_named and identity.arn in self.names and identity.principal_arn in self.names


def _root(account: str) -> str:
    return f"arn:aws:iam::{account}:root"


def _names_of(identity: Identity) -> frozenset[str]:
    if identity.kind == "anonymous":
        return frozenset()
    return frozenset({identity.account, _root(identity.account), identity.principal_arn, identity.arn})


def principal_element(statement: Mapping[str, Any]) -> PrincipalElement | None:
    """Read the element of a statement; None where there is neither Principal nor NotPrincipal."""
    negated = "NotPrincipal" in statement
    if not negated and "Principal" not in statement:
        return None
    element = statement["NotPrincipal" if negated else "Principal"]
    if element == ANYONE:
        return PrincipalElement(frozenset({ANYONE}), negated, frozenset())
    if not isinstance(element, dict):
        return PrincipalElement(frozenset(), negated, frozenset())
    names = _texts(element.get("AWS"))
    return PrincipalElement(frozenset(names), negated, frozenset(_texts(element.get("Service"))))


def _texts(value: Any) -> list[str]:
    if value is None:
        return []
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]
