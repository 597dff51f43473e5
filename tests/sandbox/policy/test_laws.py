"""Laws that hold for any documents: denies win, additions only go one way, order never matters."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lab.sandbox.policy import Decision
from lab.sandbox.policy.patterns import wildcard
from tests.sandbox.policy.asking import HOME, OBJECT, OTHER, ask, document, session, user

ACTIONS = st.sampled_from(["s3:GetObject", "s3:PutObject", "s3:*", "*", "s3:G*t", "kms:Decrypt"])
RESOURCES = st.sampled_from(
    ["*", OBJECT, "arn:aws:s3:::vault-*", "arn:aws:s3:::else/*", "arn:aws:s3:::${aws:username}/*"]
)
PRINCIPALS = st.sampled_from(
    [
        "*",
        {"AWS": HOME},
        {"AWS": OTHER},
        {"AWS": f"arn:aws:iam::{HOME}:user/ann"},
        {"AWS": f"arn:aws:iam::{HOME}:role/app"},
    ]
)
OPERATORS = st.sampled_from(
    ["StringEquals", "StringNotEquals", "StringLikeIfExists", "StringNotLike", "Null", "ForAllValues:StringEquals"]
)
CONDITIONS = st.dictionaries(
    OPERATORS,
    st.dictionaries(st.sampled_from(["aws:a", "aws:b"]), st.sampled_from(["true", "false", "x*"]), min_size=1),
    max_size=2,
)
SEEN = st.dictionaries(st.sampled_from(["aws:a", "aws:b", "aws:username"]), st.sampled_from(["true", "xy", "ann"]))
WHO = st.sampled_from([user("ann"), session("app"), user("eve", OTHER)])


@st.composite
def statements(draw: st.DrawFn, effect: str | None = None, *, resource_policy: bool = True) -> dict[str, Any]:
    one: dict[str, Any] = {
        "Effect": effect or draw(st.sampled_from(["Allow", "Deny"])),
        draw(st.sampled_from(["Action", "NotAction"])): draw(st.lists(ACTIONS, min_size=1, max_size=2)),
        draw(st.sampled_from(["Resource", "NotResource"])): draw(RESOURCES),
        "Condition": draw(CONDITIONS),
    }
    if resource_policy:
        one["Principal"] = draw(PRINCIPALS)
    return one


BUCKET_STATEMENTS = st.lists(statements(), max_size=4)
IDENTITY_STATEMENTS = st.lists(statements(resource_policy=False), max_size=4)


def decide(who: Any, identity: list[dict[str, Any]], bucket: list[dict[str, Any]], seen: dict[str, str]) -> Decision:
    return ask(who, policies=[document(*identity)], bucket=document(*bucket), seen=seen)


@settings(max_examples=60, deadline=None)
@given(WHO, IDENTITY_STATEMENTS, BUCKET_STATEMENTS, SEEN)
def test_a_matching_deny_always_wins(who: Any, identity: list[Any], bucket: list[Any], seen: dict[str, str]) -> None:
    decision = decide(who, identity, bucket, seen)
    if any(entry["effect"] == "Deny" and entry["applies"] == "yes" for entry in decision.trace):
        assert (decision.allowed, decision.reason) == (False, "explicit_deny")
    deny_all = {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}
    assert not decide(who, identity, [*bucket, deny_all], seen).allowed


@settings(max_examples=60, deadline=None)
@given(WHO, IDENTITY_STATEMENTS, BUCKET_STATEMENTS, SEEN, statements("Deny"), statements("Allow"))
def test_additions_go_one_way(  # noqa: PLR0917 - hypothesis passes its draws by position
    who: Any, identity: list[Any], bucket: list[Any], seen: dict[str, str], deny: dict[str, Any], allow: dict[str, Any]
) -> None:
    before = decide(who, identity, bucket, seen).allowed
    assert decide(who, identity, [*bucket, deny], seen).allowed <= before
    assert decide(who, identity, [*bucket, allow], seen).allowed >= before


@settings(max_examples=60, deadline=None)
@given(WHO, IDENTITY_STATEMENTS, BUCKET_STATEMENTS, SEEN, st.randoms(use_true_random=False))
def test_order_never_matters(who: Any, identity: list[Any], bucket: list[Any], seen: dict[str, str], rng: Any) -> None:
    before = decide(who, identity, bucket, seen)
    rng.shuffle(identity)
    rng.shuffle(bucket)
    after = decide(who, identity, bucket, seen)
    assert (before.allowed, before.reason, before.denied_by) == (after.allowed, after.reason, after.denied_by)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["StringEquals", "StringNotEquals", "StringLike", "NumericLessThan", "Bool", "ArnLike"]), SEEN)
def test_if_exists_only_changes_absence(operator: str, seen: dict[str, str]) -> None:
    def allowed(name: str) -> bool:
        condition = {name: {"aws:a": "true"}}
        allow = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition}
        return ask(user(), policies=[document(allow)], seen=seen).allowed

    assert allowed(f"{operator}IfExists") == (allowed(operator) if "aws:a" in seen else True)


def slowly(pattern: str, text: str) -> bool:
    """What a pattern with ``*`` and ``?`` means, by definition."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return slowly(pattern[1:], text) or (bool(text) and slowly(pattern, text[1:]))
    return bool(text) and pattern[0] in {"?", text[0]} and slowly(pattern[1:], text[1:])


@settings(max_examples=300, deadline=None)
@given(st.text("ab*?.", max_size=7), st.text("ab*?.", max_size=8))
def test_wildcards_mean_what_they_say(pattern: str, text: str) -> None:
    assert wildcard(pattern)(text) == slowly(pattern, text)
    assert wildcard(pattern, ignore_case=True)(text.upper()) == slowly(pattern, text)


def test_no_pattern_is_slow() -> None:
    assert not wildcard("*a" * 40 + "*b")("a" * 5000)
