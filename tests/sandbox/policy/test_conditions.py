"""Every condition operator: what it says when it matches, when it does not, and when the key is absent."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.policy.asking import ask, document, statement, user

KEY = "aws:RequestTag/team"
SINGLE: list[tuple[str, Any, str | list[str] | None, bool]] = [
    ("StringEquals", "blue", "blue", True),
    ("StringEquals", "blue", "Blue", False),
    ("StringEquals", "b*", "blue", False),
    ("StringEquals", ["red", "blue"], "blue", True),
    ("StringEquals", "blue", None, False),
    ("StringEqualsIfExists", "blue", None, True),
    ("StringEqualsIfExists", "blue", "red", False),
    ("StringNotEquals", "blue", "red", True),
    ("StringNotEquals", ["red", "blue"], "blue", False),
    ("StringNotEquals", "blue", None, True),
    ("StringNotEqualsIfExists", "blue", None, True),
    ("StringEqualsIgnoreCase", "blue", "BLUE", True),
    ("StringNotEqualsIgnoreCase", "blue", "BLUE", False),
    ("StringNotEqualsIgnoreCase", "blue", None, True),
    ("StringLike", "bl?e-*", "blue-1", True),
    ("StringLike", "bl?e", "ble", False),
    ("StringLike", "a.c", "abc", False),
    ("StringLike", "*", "", True),
    ("StringNotLike", "b*", "blue", False),
    ("StringNotLike", "b*", None, True),
    ("NumericEquals", "1.20", "1.2", True),
    ("NumericNotEquals", 1.2, "1.3", True),
    ("NumericLessThan", "1.3", "1.2", True),
    ("NumericLessThan", "1.3", "1.3", False),
    ("NumericLessThan", "1.3", None, False),
    ("NumericLessThan", "1.3", "old", False),
    ("NumericLessThanEquals", 10, "10", True),
    ("NumericGreaterThan", "600000", "600001", True),
    ("NumericGreaterThanEquals", "600000", "599999", False),
    ("NumericNotEquals", "1", None, True),
    ("DateLessThan", "2026-11-21T00:00:00Z", "2026-11-20T23:59:59Z", True),
    ("DateGreaterThan", "2026-11-21", "2026-11-21T00:00:01Z", True),
    ("DateEquals", "1970-01-01T00:01:40Z", "100", True),
    ("DateNotEquals", "2026-11-21", None, True),
    ("DateLessThanEquals", "not a date", "2026-11-21T00:00:00Z", False),
    ("Bool", "false", "false", True),
    ("Bool", False, "false", True),
    ("Bool", "false", "true", False),
    ("Bool", "false", None, False),
    ("BoolIfExists", "false", None, True),
    ("BinaryEquals", "QUJD", "QUJD", True),
    ("BinaryEquals", "QUJD", "QUJE", False),
    ("IpAddress", "10.0.0.0/8", "10.1.2.3", True),
    ("IpAddress", "10.0.0.0/8", "11.0.0.1", False),
    ("IpAddress", "2001:db8::/32", "2001:db8::1", True),
    ("IpAddress", "10.0.0.0/8", "::1", False),
    ("NotIpAddress", "10.0.0.0/8", "11.0.0.1", True),
    ("NotIpAddress", "10.0.0.0/8", None, True),
    ("ArnEquals", "arn:aws:iam::111122223333:user/*", "arn:aws:iam::111122223333:user/a/b", True),
    ("ArnLike", "arn:aws:iam::*:role/app", "arn:aws:iam::111122223333:role/app", True),
    ("ArnLike", "arn:aws:*:role/app", "arn:aws:iam::111122223333:role/app", False),
    ("ArnNotLike", "arn:aws:iam::*:role/app", "arn:aws:iam::111122223333:role/web", True),
    ("ArnNotEquals", "arn:aws:iam::*:role/app", None, True),
    ("Null", "true", None, True),
    ("Null", True, "x", False),
    ("Null", "false", "x", True),
    ("Null", "false", "", True),
    ("stringequals", "blue", "blue", True),
]
MANY: list[tuple[str, Any, str | list[str] | None, bool]] = [
    ("ForAnyValue:StringEquals", ["a", "b"], ["c", "b"], True),
    ("ForAnyValue:StringEquals", ["a", "b"], ["c"], False),
    ("ForAnyValue:StringEquals", "a", None, False),
    ("ForAnyValue:StringEqualsIfExists", "a", None, True),
    ("ForAnyValue:StringNotEquals", "a", ["a", "b"], True),
    ("ForAnyValue:StringNotEquals", "a", ["a"], False),
    ("ForAnyValue:StringNotEquals", "a", None, False),
    ("ForAllValues:StringEquals", ["a", "b"], ["a", "b", "a"], True),
    ("ForAllValues:StringEquals", ["a", "b"], ["a", "c"], False),
    ("ForAllValues:StringEquals", "a", None, True),
    ("ForAllValues:StringLike", "a*", ["ab", "ac"], True),
    ("ForAllValues:StringNotEquals", "a", ["b", "c"], True),
    ("ForAllValues:StringNotEquals", "a", ["a", "c"], False),
    ("ForAllValues:Null", "true", None, True),
]


@pytest.mark.parametrize(("operator", "wanted", "seen", "holds"), SINGLE + MANY)
def test_operator(operator: str, wanted: Any, seen: str | list[str] | None, holds: bool) -> None:
    allow = statement(Condition={operator: {KEY: wanted}})
    decision = ask(user(), policies=[document(allow)], seen={} if seen is None else {KEY: seen})
    assert decision.allowed == holds
    (condition,) = decision.trace[0]["conditions"]
    assert condition["matched"] == holds
    assert condition["seen"] == (seen if seen is None or isinstance(seen, list) else [seen])


def test_key_names_are_compared_without_case() -> None:
    allow = statement(Condition={"StringEquals": {"AWS:requesttag/TEAM": "blue"}})
    assert ask(user(), policies=[document(allow)], seen={KEY: "blue"}).allowed


def test_all_operators_and_keys_of_a_statement_must_hold() -> None:
    allow = statement(Condition={"StringEquals": {"aws:a": "1", "aws:b": "2"}, "Bool": {"aws:c": "true"}})
    full = {"aws:a": "1", "aws:b": "2", "aws:c": "true"}
    assert ask(user(), policies=[document(allow)], seen=full).allowed
    for missing in full:
        rest = {key: value for key, value in full.items() if key != missing}
        assert not ask(user(), policies=[document(allow)], seen=rest).allowed


def test_unknown_operator_makes_the_statement_match_nothing() -> None:
    allow = statement(Condition={"StringMatches": {KEY: "*"}})
    assert not ask(user(), policies=[document(allow)], seen={KEY: "x"}).allowed


HOME = "arn:aws:s3:::b/home/${aws:username}/*"
VARIABLES: list[tuple[str, str, dict[str, str], bool]] = [
    (HOME, "arn:aws:s3:::b/home/ann/x", {"aws:username": "ann"}, True),
    (HOME, "arn:aws:s3:::b/home/bob/x", {"aws:username": "ann"}, False),
    (HOME, "arn:aws:s3:::b/home//x", {}, False),
    (HOME, "arn:aws:s3:::b/home/anyone/x", {"aws:username": "*"}, False),
    ("arn:aws:s3:::b/${aws:username, 'guest'}/*", "arn:aws:s3:::b/guest/x", {}, True),
    ("arn:aws:s3:::b/${*}/x", "arn:aws:s3:::b/*/x", {}, True),
    ("arn:aws:s3:::b/${*}/x", "arn:aws:s3:::b/y/x", {}, False),
    ("arn:aws:s3:::b/${?}", "arn:aws:s3:::b/?", {}, True),
    ("arn:aws:s3:::b/${$}{a}", "arn:aws:s3:::b/${a}", {}, True),
]


@pytest.mark.parametrize(("pattern", "resource", "seen", "matches"), VARIABLES)
def test_variables_in_resources(pattern: str, resource: str, seen: dict[str, str], matches: bool) -> None:
    allow = document(statement(Resource=pattern))
    assert ask(user(), policies=[allow], resource=resource, seen=seen).allowed == matches


def test_variables_need_the_version_of_2012() -> None:
    old = document(statement(Resource="arn:aws:s3:::b/${aws:username}"), version="2008-10-17")
    seen = {"aws:username": "ann"}
    assert not ask(user(), policies=[old], resource="arn:aws:s3:::b/ann", seen=seen).allowed
    assert ask(user(), policies=[old], resource="arn:aws:s3:::b/${aws:username}", seen=seen).allowed


@pytest.mark.parametrize(
    ("operator", "wanted", "seen", "holds"),
    [
        ("StringEquals", "${aws:username}", {"s3:prefix": "ann", "aws:username": "ann"}, True),
        ("StringLike", "${aws:username}/*", {"s3:prefix": "ann/x", "aws:username": "ann"}, True),
        ("StringLike", "${aws:username}/*", {"s3:prefix": "bob/x", "aws:username": "ann"}, False),
        ("StringLike", "${aws:username}/*", {"s3:prefix": "ann/x"}, False),
        ("StringNotLike", "${aws:username}/*", {"s3:prefix": "ann/x"}, True),
    ],
)
def test_variables_in_conditions(operator: str, wanted: str, seen: dict[str, str], holds: bool) -> None:
    allow = document(statement(Condition={operator: {"s3:prefix": wanted}}))
    assert ask(user(), policies=[allow], seen=seen).allowed == holds
