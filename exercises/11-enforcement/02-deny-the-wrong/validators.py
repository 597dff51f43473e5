"""What 11.2 checks: decisions for two principals and two objects that nobody could guess, and the default as it was."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lab.exercise.api import ClientError, Decision, Verdict, World, not_yet, passed

SSE = "s3:x-amz-server-side-encryption"
SSE_KEY = "s3:x-amz-server-side-encryption-aws-kms-key-id"
SSE_C = "s3:x-amz-server-side-encryption-customer-algorithm"
PRINCIPALS = ("legacy", "rogue")
MUST_PASS = ("no header", "key A")
MUST_FAIL = ("AES256", "DSSE", "key B")


def wrong_denied(world: World) -> Verdict:
    """Uploads with a wrong header are denied while the right ones and header-less ones are allowed."""
    decisions = {case: _decide(world, context) for case, context in _cases(world).items()}
    for case in MUST_PASS:
        if not all(decision.allowed for decision in decisions[case]):
            return _refused_too_much(case, decisions)
    open_cases = [case for case in MUST_FAIL if all(decision.allowed for decision in decisions[case])]
    partly = [
        case for case in MUST_FAIL if case not in open_cases and any(decision.allowed for decision in decisions[case])
    ]
    if partly:
        return not_yet(_partly(decisions[partly[0]]), case=partly[0])
    if not open_cases:
        return passed()
    if len(open_cases) == len(MUST_FAIL):
        return not_yet("no-policy" if _policy(world) is None else "nothing-denied")
    if open_cases == ["key B"]:
        return not_yet("other-key-allowed")
    return not_yet("wrong-mode-allowed", open=", ".join(open_cases))


def _refused_too_much(case: str, decisions: Mapping[str, list[Decision]]) -> Verdict:
    refusing = next(decision for decision in decisions[case] if not decision.allowed)
    operators = _matched_operators(refusing)
    if case == "key A":
        return not_yet("key-a-denied", wanted=_wanted(refusing, SSE_KEY))
    if any(operator.lower().endswith("ifexists") for operator in operators):
        return not_yet("ifexists-denies", operators=", ".join(operators))
    if operators == ["Null"]:
        return not_yet("header-demanded")
    if any("Not" in operator for operator in operators):
        return not_yet("negated-denies", operators=", ".join(operators))
    return not_yet("everything-denied", denied_by=refusing.denied_by or "no policy that allows it")


def _partly(decisions: list[Decision]) -> str:
    """What sets allowed and denied uploads apart; decisions come by principal, and for each by object."""
    first, second = decisions[:2], decisions[2:]
    if all(decision.allowed for decision in first) != all(decision.allowed for decision in second):
        return "one-principal"
    return "some-objects"


def ssec_denied(world: World) -> Verdict:
    """SSE-C is denied, by the policy or by the bucket's block, while header-less uploads are allowed."""
    headerless = _decide(world, _base())
    if not all(decision.allowed for decision in headerless):
        return not_yet("headerless-denied")
    decisions = _decide(world, {**_base(), SSE_C: "AES256"})
    if all(decision.allowed for decision in decisions):
        return not_yet("ssec-allowed")
    if any(decision.allowed for decision in decisions):
        return not_yet(_partly(decisions), case="SSE-C")
    return passed(denied_by=decisions[0].denied_by or "")


def default_kept(world: World) -> Verdict:
    """The bucket's default is what it was."""
    answer = world.clients().s3.get_bucket_encryption(Bucket=world.name("bucket.ledger"))
    rule: Mapping[str, Any] = answer["ServerSideEncryptionConfiguration"]["Rules"][0]
    by_default = rule.get("ApplyServerSideEncryptionByDefault", {})
    if by_default.get("SSEAlgorithm") != "aws:kms":
        return not_yet("default-changed", mode=by_default.get("SSEAlgorithm", "AES256"))
    try:
        named = world.clients().kms.describe_key(KeyId=by_default.get("KMSMasterKeyID", "alias/aws/s3"))
    except ClientError:
        return not_yet("default-key-changed")
    if named["KeyMetadata"].get("Arn") != world.name("key.a"):
        return not_yet("default-key-changed")
    if not rule.get("BucketKeyEnabled"):
        return not_yet("bucket-key-lost")
    return passed()


def figures(world: World) -> Mapping[str, str]:
    """How many statements the policy has, and who refuses SSE-C."""
    policy = _policy(world)
    decision = _decide(world, {**_base(), SSE_C: "AES256"})[0]
    statements = [] if policy is None else policy.get("Statement", [])
    count = len(statements) if isinstance(statements, list) else 1
    return {"statements": str(count), "ssec_denied_by": decision.denied_by or "nobody"}


def _base() -> dict[str, str]:
    return {"aws:SecureTransport": "true", "s3:TlsVersion": "1.3"}


def _cases(world: World) -> dict[str, dict[str, str]]:
    key_a, key_b = world.name("key.a"), world.name("key.b")
    return {
        "no header": _base(),
        "key A": {**_base(), SSE: "aws:kms", SSE_KEY: key_a},
        "AES256": {**_base(), SSE: "AES256"},
        "DSSE": {**_base(), SSE: "aws:kms:dsse", SSE_KEY: key_a},
        "key B": {**_base(), SSE: "aws:kms", SSE_KEY: key_b},
    }


def _decide(world: World, context: Mapping[str, str]) -> list[Decision]:
    bucket = world.name("bucket.ledger")
    return [
        world.decide(principal, "s3:PutObject", f"arn:aws:s3:::{bucket}/{key}", context)
        for principal in PRINCIPALS
        for key in world.fact("objects")
    ]


def _matched_operators(decision: Decision) -> list[str]:
    """Operators of the first statement that denied, in its order."""
    for statement in decision.trace:
        if statement["effect"] == "Deny" and statement["applies"] == "yes":
            return [condition["operator"] for condition in statement["conditions"]]
    return []


def _wanted(decision: Decision, key: str) -> str:
    for statement in decision.trace:
        if statement["effect"] == "Deny" and statement["applies"] == "yes":
            for condition in statement["conditions"]:
                if condition["key"].lower() == key.lower() and condition["operator"] != "Null":
                    return ", ".join(str(value) for value in condition["wanted"])
    return "no key"


def _policy(world: World) -> dict[str, Any] | None:
    try:
        answer = world.clients().s3.get_bucket_policy(Bucket=world.name("bucket.ledger"))
    except ClientError:
        return None
    return dict(json.loads(answer["Policy"]))
