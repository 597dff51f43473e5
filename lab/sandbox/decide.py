"""What would the policies say? The judge asked without a request: no side effect, no event.

Covers identity policies, boundaries, the policy of the bucket, key or role, Block Public Access, KMS grants, and the
encryption types that a bucket blocks, in the order in which a real request meets them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from lab.sandbox import authorize, denials
from lab.sandbox.actions import S3_ARN
from lab.sandbox.context import Value, principal_key, time_key
from lab.sandbox.control import ControlError, operation
from lab.sandbox.identity import ANONYMOUS, Identity
from lab.sandbox.policy import Decision, Question, compile_policy, evaluate
from lab.sandbox.realm import REGION, Realm

if TYPE_CHECKING:
    from lab.sandbox.core import Sandbox

_CUSTOMER_ALGORITHM: Final = "s3:x-amz-server-side-encryption-customer-algorithm"
_KMS_CONTEXT: Final = "kms:encryptioncontext:"
_PRINCIPAL: Final = re.compile(r"arn:aws:(?:iam|sts)::(\d{12}):(root|user|role|assumed-role)/?(.*)")
#: A request over TLS 1.3 signed with SigV4, unless the question says otherwise.
_USUAL: Final[Mapping[str, Value]] = {
    "aws:securetransport": "true",
    "aws:viaawsservice": "false",
    "aws:requestedregion": REGION,
    "s3:tlsversion": "1.3",
    "s3:signatureversion": "AWS4-HMAC-SHA256",
    "s3:authtype": "REST-HEADER",
}


@dataclass(frozen=True, slots=True)
class _Seen:
    """The condition keys of a question; None where the question says that a key is absent."""

    realm: Realm
    identity: Identity
    now: float
    given: Mapping[str, Value]

    def __call__(self, key: str) -> Sequence[str] | None:
        if key in self.given:
            value = self.given[key]
        else:
            value = principal_key(self.realm, self.identity, key)
            if value is None:
                value = time_key(self.now, key)
        return [value] if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class _Asked:
    """One question and where it is asked.

    Attributes:
        context: The condition keys as given.
        given: The same, keys in lower case and values as text.
    """

    sandbox: Sandbox
    realm: Realm
    identity: Identity
    action: str
    resource: str
    context: Mapping[str, Any]
    given: Mapping[str, Value]

    def question(self, owner: str, keys: Mapping[str, Value]) -> Question:
        """As the policy engine takes it."""
        seen = _Seen(self.realm, self.identity, self.sandbox.clock.now(), keys)
        return Question(self.identity, self.action, self.resource, owner, seen)


def decide(
    sandbox: Sandbox, exercise: str, *, principal: str, action: str, resource: str, context: Mapping[str, Any]
) -> dict[str, Any]:
    """Judge one action.

    Args:
        sandbox: The sandbox.
        exercise: Id of the realm.
        principal: A profile's name, an ARN, or ``anonymous``.
        action: ``s3:PutObject``.
        resource: ARN.
        context: Condition keys with a value, a list of values, or None for an absent key.

    Returns:
        ``{allowed, reason, denied_by, message, trace}``.

    Raises:
        ControlError: There is no such world or principal.
    """
    realm = sandbox.realms.get(exercise)
    if realm is None:
        raise ControlError("no-such-world", f"There is no world {exercise[:80]!r}.")
    asked = _Asked(sandbox, realm, find_principal(realm, principal), action, resource, context, _given(context))
    judge = {"s3": _s3, "kms": _kms}.get(action.partition(":")[0].lower(), _other)
    decision, message = judge(asked)
    return {
        "allowed": decision.allowed,
        "reason": decision.reason,
        "denied_by": decision.denied_by,
        "message": "" if decision.allowed else message,
        "trace": decision.trace,
    }


@operation("decide")
def answer(sandbox: Sandbox, parameters: dict[str, Any]) -> dict[str, Any]:
    """The control operation: see :func:`decide`."""
    members = [parameters.get(name) for name in ("exercise", "principal", "action", "resource")]
    context = parameters.get("context") or {}
    if not all(isinstance(member, str) and member for member in members) or not isinstance(context, dict):
        raise ControlError("bad-request", "decide takes exercise, principal, action, resource and context.")
    exercise, principal, action, resource = (str(member) for member in members)
    return decide(sandbox, exercise, principal=principal, action=action, resource=resource, context=context)


def find_principal(realm: Realm, principal: str) -> Identity:
    """The identity behind a profile's name or an ARN.

    Raises:
        ControlError: The realm has no such principal.
    """
    if principal == ANONYMOUS.arn:
        return ANONYMOUS
    identities = [credential.identity for credential in realm.credentials.values()]
    for identity in identities:
        named = identity.kind != "root" and identity.name == principal
        if not identity.omniscient and (named or principal in {identity.arn, identity.principal_arn}):
            return identity
    found = _PRINCIPAL.fullmatch(principal)
    if found is None or found[1] not in realm.accounts:
        raise ControlError("no-such-principal", f"This world has no principal {principal[:200]!r}.")
    return _from_arn(principal, found[1], found[2], found[3])


def _from_arn(arn: str, account: str, kind: str, path: str) -> Identity:
    if kind == "root":
        return Identity("root", account, arn, arn, account, "root", "")
    if kind == "user":
        return Identity("user", account, arn, arn, "", path.rpartition("/")[2], "")
    if kind == "role":
        name = path.rpartition("/")[2]
        session = f"arn:aws:sts::{account}:assumed-role/{name}/{name}"
        return Identity("role", account, session, arn, f":{name}", name, "")
    name, _, session_name = path.partition("/")
    return Identity("role", account, arn, f"arn:aws:iam::{account}:role/{name}", f":{session_name}", name, "")


def _given(context: Mapping[str, Any]) -> dict[str, Value]:
    given: dict[str, Value] = {}
    for key, value in context.items():
        if value is None:
            given[key.lower()] = None
        elif isinstance(value, list | tuple):
            given[key.lower()] = [str(one) for one in value]
        else:
            given[key.lower()] = str(value).lower() if isinstance(value, bool) else str(value)
    return given


def _with_usual(given: Mapping[str, Value]) -> dict[str, Value]:
    keys = {**_USUAL, **given}
    if given.get("aws:securetransport") == "false" and "s3:tlsversion" not in given:
        keys["s3:tlsversion"] = None
    return keys


def _s3(asked: _Asked) -> tuple[Decision, str]:
    name = asked.resource.removeprefix(S3_ARN).partition("/")[0]
    owner = asked.sandbox.realms.owner(asked.realm, name)
    bucket = None if owner is None else authorize.bucket_of(owner, name)
    number = asked.identity.account if owner is None else owner.id
    keys = _with_usual({"s3:resourceaccount": number, "aws:resourceaccount": number, **asked.given})
    decision = authorize.decide_s3(asked.realm, asked.question(number, keys), bucket)
    message = denials.s3_text(decision, asked.identity, asked.action, asked.resource, number)
    customer_key = asked.given.get(_CUSTOMER_ALGORITHM) is not None and asked.action == "s3:PutObject"
    if decision.allowed and customer_key and bucket is not None and "SSE-C" in bucket.blocked_encryption:
        decision = replace(decision, allowed=False, reason="explicit_deny", denied_by="blocked encryption type")
        message = denials.blocked_encryption_text(asked.identity, asked.action, asked.resource)
    return decision, message


def _kms(asked: _Asked) -> tuple[Decision, str]:
    parts = asked.resource.split(":", 5)
    if len(parts) != 6:  # what concerns no key
        number = asked.identity.account
        decision = authorize.decide_kms(asked.realm, asked.question(number, _with_usual(asked.given)), None, (), {})
        return decision, denials.plain_text(decision, asked.identity, asked.action, asked.resource, number)
    number = parts[4]
    state = asked.realm.accounts[number].kms if number in asked.realm.accounts else None
    key = None if state is None else state.keys.get(parts[5].removeprefix("key/"))
    if state is None or key is None:
        missing = Decision(allowed=False, reason="implicit_deny", denied_by="key policy")
        return missing, f"Key '{asked.resource}' does not exist"
    context = {
        name[len(_KMS_CONTEXT) :]: str(value)
        for name, value in asked.context.items()
        if name.lower().startswith(_KMS_CONTEXT) and value is not None
    }
    known: dict[str, Value] = {
        "kms:keyspec": key.spec,
        "kms:keyusage": key.usage,
        "kms:keyorigin": key.origin,
        "kms:multiregion": "false",
        "kms:resourcealiases": [one.name for one in state.aliases.values() if one.key_id == key.id] or None,
        "kms:encryptioncontextkeys": list(context) or None,
        "aws:resourceaccount": number,
        **{f"aws:resourcetag/{name.lower()}": value for name, value in key.tags.items()},
    }
    if asked.given.get("kms:viaservice") is not None:
        known |= {"aws:viaawsservice": "true", "s3:tlsversion": None}
    grants = [grant for grant in state.grants.values() if grant.key_id == key.id]
    question = asked.question(number, {**_with_usual({}), **known, **asked.given})
    decision = authorize.decide_kms(asked.realm, question, key.policy, grants, context)
    return decision, denials.plain_text(decision, asked.identity, asked.action, asked.resource, number)


def _other(asked: _Asked) -> tuple[Decision, str]:
    found = _PRINCIPAL.fullmatch(asked.resource)
    owner = asked.identity.account if found is None else found[1]
    trust = _trust_policy(asked.realm, asked.resource) if asked.action == "sts:AssumeRole" else None
    policies = authorize.policies_of(
        asked.realm,
        asked.identity,
        resource=None if trust is None else compile_policy(trust),
        resource_kind="trust policy",
        resource_must_allow=trust is not None,
    )
    decision = evaluate(asked.question(owner, _with_usual(asked.given)), policies)
    return decision, denials.plain_text(decision, asked.identity, asked.action, asked.resource, owner)


def _trust_policy(realm: Realm, arn: str) -> str | None:
    from lab.sandbox.moto_hooks import iam

    found = _PRINCIPAL.fullmatch(arn)
    account = None if found is None or found[2] != "role" else realm.accounts.get(found[1])
    role = None if account is None or found is None else iam.role_of(account, found[3].rpartition("/")[2])
    return None if role is None else role[2]
