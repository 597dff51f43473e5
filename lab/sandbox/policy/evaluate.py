"""May this principal do this? Every policy that applies is asked, and every statement leaves its trace.

Source: IAM user guide, "Policy evaluation logic" (within an account, across accounts, with permission boundaries
and session policies) and the KMS developer guide, "Key policies". An explicit deny anywhere wins. Then:

- within an account, a resource policy that names the caller grants by itself; one that names the account leaves it
  to the identity policies. For KMS the key policy must allow in any case, by itself or by naming the account.
- across accounts both sides must allow.
- a permission boundary and session policies limit what identity policies grant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from lab.sandbox.identity import Identity
from lab.sandbox.policy.document import Policy, Statement
from lab.sandbox.policy.patterns import Lookup
from lab.sandbox.policy.principals import Reach

Source = Literal[
    "identity policy",
    "permission boundary",
    "session policy",
    "bucket policy",
    "key policy",
    "trust policy",
    "block public access",
    "blocked encryption type",
    "grant",
]
Reason = Literal["allow", "explicit_deny", "implicit_deny"]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked.

    Attributes:
        identity: Who asks.
        action: ``s3:PutObject``.
        resource: ARN.
        owner: The account that the resource belongs to.
        lookup: The request's condition keys (lower case) and their values.
    """

    identity: Identity
    action: str
    resource: str
    owner: str
    lookup: Lookup


@dataclass(frozen=True, slots=True)
class Policies:
    """What applies to a question.

    Attributes:
        identity: Name and policy of each identity policy, the groups' included.
        boundary: The permission boundary.
        session: Session policies.
        resource: The bucket, key or trust policy.
        resource_kind: Which of these.
        resource_must_allow: True for KMS keys and trust policies: no identity policy is enough by itself.
        grant: Id of the KMS grant that allows the call, None where none does.
        restrict_public: True where Block Public Access restricts a bucket whose policy is public.
    """

    identity: tuple[tuple[str, Policy], ...] = ()
    boundary: Policy | None = None
    session: tuple[Policy, ...] = ()
    resource: Policy | None = None
    resource_kind: Source = "bucket policy"
    resource_must_allow: bool = False
    grant: str | None = None
    restrict_public: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome.

    Attributes:
        allowed: Whether the request may go on.
        reason: What kind of outcome.
        denied_by: The type of policy that denied, or whose allow was missing; None when allowed.
        trace: Every statement asked, in the form that ``docs/architecture.md`` gives.
        delegated: Whether the resource policy hands this action to the caller's account.
    """

    allowed: bool
    reason: Reason
    denied_by: Source | None
    trace: list[dict[str, Any]] = field(default_factory=list)
    delegated: bool = False


@dataclass(slots=True)
class _Outcome:
    """What one set of policies says: the widest reach of its allows, and whether one of them denies."""

    reach: Reach = Reach.NONE
    delegated: bool = False
    denied: bool = False


def evaluate(question: Question, policies: Policies) -> Decision:
    """Decide one question."""
    trace: list[dict[str, Any]] = []
    same_account = question.identity.account == question.owner
    resource = _ask(question, policies.resource_kind, "", policies.resource, trace)
    if policies.grant is not None:
        trace.append(_entry("grant", policies.grant, None, 0, "Allow", "yes", []))
    identity = _Outcome()
    if question.identity.kind == "root":
        identity.reach = Reach.DIRECT  # the account root needs no identity policy and cannot have one
    for name, policy in policies.identity:
        _merge(identity, _ask(question, "identity policy", name, policy, trace))
    boundary = _ask(question, "permission boundary", "", policies.boundary, trace)
    sessions = [_ask(question, "session policy", "", policy, trace) for policy in policies.session]

    denier = _explicit(policies, resource, identity, boundary, sessions)
    if denier is None and policies.restrict_public and not same_account:
        denier = "block public access"
    if denier is not None:
        return Decision(False, "explicit_deny", denier, trace, resource.delegated)
    missing = _missing(question, policies, resource, identity, same_account=same_account)
    limited = missing is None and policies.grant is None and not _beyond_limits(question, resource, same_account)
    if limited and policies.boundary is not None and boundary.reach is Reach.NONE:
        missing = "permission boundary"
    elif limited and any(one.reach is Reach.NONE for one in sessions):
        missing = "session policy"
    if missing is not None:
        return Decision(False, "implicit_deny", missing, trace, resource.delegated)
    return Decision(True, "allow", None, trace, resource.delegated)


def _explicit(
    policies: Policies, resource: _Outcome, identity: _Outcome, boundary: _Outcome, sessions: Sequence[_Outcome]
) -> Source | None:
    if resource.denied:
        return policies.resource_kind
    if identity.denied:
        return "identity policy"
    if boundary.denied:
        return "permission boundary"
    if any(one.denied for one in sessions):
        return "session policy"
    return None


def _missing(
    question: Question, policies: Policies, resource: _Outcome, identity: _Outcome, *, same_account: bool
) -> Source | None:
    """Whose allow is missing, None where enough was allowed."""
    if policies.grant is not None:
        return None
    if question.identity.kind == "anonymous":
        return None if resource.reach is not Reach.NONE else policies.resource_kind
    if same_account:
        if resource.reach >= Reach.ROLE:
            return None
        if policies.resource_must_allow and not resource.delegated:
            return policies.resource_kind
        return None if identity.reach is not Reach.NONE else "identity policy"
    if resource.reach is Reach.NONE:
        return policies.resource_kind
    return None if identity.reach is not Reach.NONE else "identity policy"


def _beyond_limits(question: Question, resource: _Outcome, same_account: bool) -> bool:
    """Whether boundary and session policies do not limit this: the resource names the user or session itself."""
    return same_account and resource.reach is Reach.DIRECT and question.identity.kind in {"user", "role"}


def _merge(into: _Outcome, other: _Outcome) -> None:
    into.reach = max(into.reach, other.reach)
    into.delegated = into.delegated or other.delegated
    into.denied = into.denied or other.denied


def _ask(question: Question, kind: Source, name: str, policy: Policy | None, trace: list[dict[str, Any]]) -> _Outcome:
    outcome = _Outcome()
    if policy is None:
        return outcome
    for statement in policy.statements:
        reach, applies, conditions = _applies(question, statement)
        effect = "Allow" if statement.allow else "Deny"
        trace.append(_entry(kind, name, statement.sid, statement.index, effect, applies, conditions))
        if applies != "yes":
            continue
        if not statement.allow:
            outcome.denied = True
        else:
            outcome.reach = max(outcome.reach, reach)
            outcome.delegated = outcome.delegated or reach is Reach.ACCOUNT
    return outcome


def _entry(  # noqa: PLR0917 - the members of one record, in order
    policy: Source, name: str, sid: str | None, index: int, effect: str, applies: str, conditions: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "policy": policy,
        "name": name,
        "sid": sid,
        "index": index,
        "effect": effect,
        "applies": applies,
        "conditions": conditions,
    }


def _applies(question: Question, statement: Statement) -> tuple[Reach, str, list[dict[str, Any]]]:
    reach = Reach.DIRECT
    if statement.principals is not None:
        reach = statement.principals.reach(question.identity, allow=statement.allow)
        if reach is Reach.NONE:
            return reach, "principal", []
    if not statement.speaks_of_action(question.action):
        return reach, "action", []
    if not statement.speaks_of_resource(question.resource, question.lookup):
        return reach, "resource", []
    if not statement.conditions:
        return reach, "yes", []
    conditions = [one.explain(question.lookup) for one in statement.conditions]
    return reach, "yes" if all(one["matched"] for one in conditions) else "condition", conditions
