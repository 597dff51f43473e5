"""STS: sessions of roles, and who a caller is.

A session is an access key of the realm like any other, with a token and an end on the sandbox's clock. What it may do
is decided request by request: the role's policies as they are then, limited by the session's own.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from lab.sandbox import credentials
from lab.sandbox.authorize import authorize_assume_role
from lab.sandbox.exchange import ServiceError
from lab.sandbox.identity import Credential, Identity
from lab.sandbox.policy.document import listed
from lab.sandbox.policy.grammar import IAM_SYNTAX, MalformedError, check_identity_policy
from lab.sandbox.realm import PARTITION
from lab.sandbox.render import query_answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.sandbox.exchange import Answer, Exchange
    from lab.sandbox.realm import Account

DEFAULT_SECONDS: Final = 3600
#: Of a session that another session makes, whatever the role allows (STS API reference, AssumeRole).
CHAINED_SECONDS: Final = 3600
POLICY_LIMIT: Final = 2048
TAG_LIMIT: Final = 50
_ROLE_ARN: Final = re.compile(r"arn:aws:iam::(\d{12}):role/((?:[\x21-\x7e]+/)?)([\w+=,.@-]{1,64})\Z", re.ASCII)
_TEXTS: Final = {
    "RoleArn": (20, 2048, ""),
    "RoleSessionName": (2, 64, r"[\w+=,.@-]*"),
    "ExternalId": (2, 1224, r"[\w+=,.@:\/-]*"),
    "Policy": (1, None, r"[\u0009\u000A\u000D\u0020-\u00FF]+"),
}


def handle(exchange: Exchange) -> Answer:
    """Answer a recognized STS request of an authenticated client.

    Raises:
        ServiceError: What STS refuses.
    """
    operation = exchange.request.operation
    if operation == "GetCallerIdentity":
        return query_answer(exchange.request, _caller(exchange.identity))
    if operation == "AssumeRole":
        return query_answer(exchange.request, _assume_role(exchange))
    raise ServiceError(501, "NotImplemented", f"The sandbox does not model the STS operation {operation}.")


def _caller(identity: Identity) -> dict[str, Any]:
    """GetCallerIdentity: answered whatever policies say (STS API reference)."""
    return {"Arn": identity.arn, "UserId": identity.user_id, "Account": identity.account}


def _assume_role(exchange: Exchange) -> dict[str, Any]:
    parameters = exchange.request.parameters
    _check(parameters)
    tags = _tags(parameters.get("Tags", []))
    found = _ROLE_ARN.match(parameters["RoleArn"])
    if found is None:
        raise _invalid(f"{parameters['RoleArn']} is invalid")
    if exchange.identity.kind == "root":
        raise ServiceError(403, "AccessDenied", "Roles may not be assumed by root accounts.")
    account, role_id = _permitted_role(exchange, found[1], found[3], tags)
    longest, role_tags = _limits(account, found[3])
    seconds = _seconds(exchange.identity, parameters.get("DurationSeconds", DEFAULT_SECONDS), longest)
    policies = _session_policies(account, parameters)
    session = parameters["RoleSessionName"]
    identity = Identity(
        kind="role",
        account=account.id,
        arn=f"arn:{PARTITION}:sts::{account.id}:assumed-role/{found[3]}/{session}",
        principal_arn=parameters["RoleArn"],
        user_id=f"{role_id}:{session}",
        name=found[3],
        access_key_id=credentials.new_id("ASIA"),
        session_policies=policies,
        origin=exchange.identity.origin,
        tags=role_tags | tags,
    )
    made = _keep(exchange, identity, seconds)
    answer: dict[str, Any] = {
        "AssumedRoleUser": {"AssumedRoleId": identity.user_id, "Arn": identity.arn},
        "Credentials": {
            "AccessKeyId": made.access_key_id,
            "SecretAccessKey": made.secret_access_key,
            "SessionToken": made.session_token,
            "Expiration": datetime.fromtimestamp(made.expires_at or 0.0, UTC),
        },
    }
    if policies or tags:
        size = sum(len(json.dumps(policy, separators=(",", ":"))) for policy in policies) + len(json.dumps(tags))
        answer["PackedPolicySize"] = max(1, min(100, size * 100 // (2 * POLICY_LIMIT)))
    return answer


def _permitted_role(exchange: Exchange, number: str, name: str, tags: Mapping[str, str]) -> tuple[Account, str]:
    """The role's account and id, once its trust policy and the caller's policies have allowed it.

    A role that does not exist is refused as one that trusts nobody.
    """
    from lab.sandbox.moto_hooks import iam

    parameters = exchange.request.parameters
    arn = parameters["RoleArn"]
    account = exchange.realm.accounts.get(number)
    role = None if account is None else iam.role_of(account, name)
    if account is None or role is None or role[0] != arn:
        who = exchange.identity.arn
        text = f"User: {who} is not authorized to perform: sts:AssumeRole on resource: {arn}"
        raise ServiceError(403, "AccessDenied", text)
    keys: dict[str, str | list[str]] = {"sts:RoleSessionName": parameters["RoleSessionName"]}
    if "ExternalId" in parameters:
        keys["sts:ExternalId"] = parameters["ExternalId"]
    if tags:
        keys["aws:TagKeys"] = list(tags)
        keys |= {f"aws:RequestTag/{tag}": value for tag, value in tags.items()}
    for action in ("sts:AssumeRole", "sts:TagSession") if tags else ("sts:AssumeRole",):
        authorize_assume_role(
            exchange, role_arn=arn, role_account=number, trust_policy=role[2], extra=keys, action=action
        )
    return account, role[1]


def _limits(account: Account, name: str) -> tuple[int, dict[str, str]]:
    from lab.sandbox.moto_hooks import iam

    return iam.role_session(account, name)


def _seconds(caller: Identity, seconds: int, longest: int) -> int:
    if caller.kind == "role" and seconds > CHAINED_SECONDS:
        raise _invalid(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
        )
    if seconds > longest:
        raise _invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
    return seconds


def _session_policies(account: Account, parameters: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    """What limits the session: the policy in the request, and managed policies of the role's account."""
    from lab.sandbox.moto_hooks import iam

    found: list[dict[str, Any]] = []
    if "Policy" in parameters:
        found.append(_document(parameters["Policy"]))
    for one in parameters.get("PolicyArns", []):
        arn = one.get("arn", "") if isinstance(one, dict) else ""
        text = iam.managed_policy(account, arn)
        if text is None:
            raise _invalid(f"PolicyArn {arn} is not valid.")
        found.append(_document(text))
    return tuple(found)


def _document(text: str) -> dict[str, Any]:
    if len(text) > POLICY_LIMIT:
        raise _invalid(
            "1 validation error detected: Value at 'policy' failed to satisfy constraint: "
            f"Member must have length less than or equal to {POLICY_LIMIT}"
        )
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise _malformed("This policy contains invalid Json") from None
    if not isinstance(document, dict):
        raise _malformed(IAM_SYNTAX)
    statements = listed(document.get("Statement", []))
    if any(isinstance(one, dict) and ("Principal" in one or "NotPrincipal" in one) for one in statements):
        raise _malformed("Policy document should not specify a principal.")
    try:
        check_identity_policy(document)
    except MalformedError as error:
        raise _malformed(str(error)) from None
    return dict(document)


def _keep(exchange: Exchange, identity: Identity, seconds: int) -> Credential:
    made = Credential(
        access_key_id=identity.access_key_id,
        secret_access_key=credentials.new_secret(),
        session_token=credentials.new_session_token(),
        identity=identity,
        realm_id=exchange.realm.id,
        expires_at=float(int(exchange.sandbox.clock.now()) + seconds),
    )
    with exchange.realm.lock:
        exchange.realm.credentials[made.access_key_id] = made
    exchange.sandbox.realms.changed(exchange.realm)
    return made


def _check(parameters: Mapping[str, Any]) -> None:
    findings = [
        f"Value null at '{_path(name)}' failed to satisfy constraint: Member must not be null"
        for name in ("RoleArn", "RoleSessionName")
        if name not in parameters
    ]
    for name, (low, high, pattern) in _TEXTS.items():
        if name in parameters:
            findings += _findings(name, parameters[name], low, high, pattern)
    seconds = parameters.get("DurationSeconds", DEFAULT_SECONDS)
    if seconds < 900:
        findings.append(f"{_value('DurationSeconds', seconds)} Member must have value greater than or equal to 900")
    if seconds > 43200:
        findings.append(f"{_value('DurationSeconds', seconds)} Member must have value less than or equal to 43200")
    if findings:
        count = f"{len(findings)} validation error{'' if len(findings) == 1 else 's'} detected: "
        raise _invalid(count + "; ".join(findings))


def _findings(name: str, text: str, low: int, high: int | None, pattern: str) -> list[str]:
    found = []
    if len(text) < low:
        found.append(f"{_value(name, text)} Member must have length greater than or equal to {low}")
    if high is not None and len(text) > high:
        found.append(f"{_value(name, text)} Member must have length less than or equal to {high}")
    if pattern and text and not re.fullmatch(pattern, text, re.ASCII):
        found.append(f"{_value(name, text)} Member must satisfy regular expression pattern: {pattern}")
    return found


def _value(name: str, value: object) -> str:
    return f"Value '{value}' at '{_path(name)}' failed to satisfy constraint:"


def _path(name: str) -> str:
    return name[0].lower() + name[1:]


def _tags(pairs: list[Any]) -> dict[str, str]:
    tags: dict[str, str] = {}
    for pair in pairs:
        name, value = (pair.get("Key"), pair.get("Value")) if isinstance(pair, dict) else (None, None)
        if not isinstance(name, str) or not isinstance(value, str) or not 1 <= len(name) <= 128 or len(value) > 256:
            raise _invalid("Session tags need a key of 1 to 128 characters and a value of at most 256.")
        if name.lower() in {known.lower() for known in tags}:
            raise ServiceError(400, "InvalidParameterValue", "Duplicate tag keys found. Please note that Tag keys are "
                               "case insensitive.")  # fmt: skip
        tags[name] = value
    if len(tags) > TAG_LIMIT:
        raise _invalid(f"A session has at most {TAG_LIMIT} tags.")
    return tags


def _invalid(message: str) -> ServiceError:
    return ServiceError(400, "ValidationError", message)


def _malformed(message: str) -> ServiceError:
    return ServiceError(400, "MalformedPolicyDocument", message)
