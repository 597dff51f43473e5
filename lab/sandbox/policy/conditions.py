"""The Condition element: every operator of the policy language, and what it sees when a key is absent.

Source: IAM user guide, "IAM JSON policy elements: Condition operators" and "Set operators". An absent key makes
positive operators false and negated ones true; ``…IfExists`` true; ``Null`` tests presence; ``ForAllValues`` true
and ``ForAnyValue`` false.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from lab.sandbox.policy.patterns import Lookup, Template, arn_like, template, unprotect, wildcard

Test = Callable[[str], bool]
Maker = Callable[[str], Test]


def _equals(wanted: str) -> Test:
    plain = unprotect(wanted)
    return lambda seen: seen == plain


def _equals_ignoring_case(wanted: str) -> Test:
    plain = unprotect(wanted).lower()
    return lambda seen: seen.lower() == plain


def _like(wanted: str) -> Test:
    return wildcard(wanted)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if value == value else None  # noqa: PLR0124 - NaN is no number to compare with


@lru_cache(maxsize=256)
def _moment(text: str) -> float | None:
    """Seconds since the epoch of an ISO 8601 date or an epoch number."""
    number = _number(text)
    if number is not None and not (len(text) == 4 and text.isdigit()):
        return number
    try:
        moment = dt.datetime.fromisoformat(f"{text}-01-01" if len(text) == 4 and text.isdigit() else text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp()


def _ordered(read: Callable[[str], float | None], compare: Callable[[float, float], bool]) -> Maker:
    def make(wanted: str) -> Test:
        limit = read(unprotect(wanted))

        def test(text: str) -> bool:
            seen = read(text)
            return limit is not None and seen is not None and compare(seen, limit)

        return test

    return make


def _bytes(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _binary(wanted: str) -> Test:
    plain = _bytes(unprotect(wanted))
    return lambda seen: plain is not None and _bytes(seen) == plain


@lru_cache(maxsize=256)
def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _ip(wanted: str) -> Test:
    network = _network(unprotect(wanted))

    def test(text: str) -> bool:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return False
        return network is not None and address.version == network.version and address in network

    return test


_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "Equals": lambda seen, limit: seen == limit,
    "LessThan": lambda seen, limit: seen < limit,
    "LessThanEquals": lambda seen, limit: seen <= limit,
    "GreaterThan": lambda seen, limit: seen > limit,
    "GreaterThanEquals": lambda seen, limit: seen >= limit,
}


def _makers() -> dict[str, tuple[Maker, bool]]:
    makers: dict[str, tuple[Maker, bool]] = {
        "StringEquals": (_equals, False),
        "StringNotEquals": (_equals, True),
        "StringEqualsIgnoreCase": (_equals_ignoring_case, False),
        "StringNotEqualsIgnoreCase": (_equals_ignoring_case, True),
        "StringLike": (_like, False),
        "StringNotLike": (_like, True),
        "Bool": (_equals_ignoring_case, False),
        "BinaryEquals": (_binary, False),
        "IpAddress": (_ip, False),
        "NotIpAddress": (_ip, True),
        "ArnEquals": (arn_like, False),
        "ArnLike": (arn_like, False),
        "ArnNotEquals": (arn_like, True),
        "ArnNotLike": (arn_like, True),
    }
    for family, read in (("Numeric", _number), ("Date", _moment)):
        for name, compare in _COMPARISONS.items():
            makers[f"{family}{name}"] = (_ordered(read, compare), False)
        makers[f"{family}NotEquals"] = (_ordered(read, _COMPARISONS["Equals"]), True)
    return makers


_OPERATORS = _makers()
_CANONICAL = {name.lower(): name for name in _OPERATORS}


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator as written, taken apart.

    Attributes:
        written: As the policy has it (``ForAnyValue:StringLikeIfExists``).
        base: ``StringLike``, or ``Null``.
        qualifier: ``ForAllValues``, ``ForAnyValue`` or ''.
        if_exists: Whether the suffix stands there.
    """

    written: str
    base: str
    qualifier: Literal["", "ForAllValues", "ForAnyValue"]
    if_exists: bool


def operator(written: str) -> Operator | None:
    """Take an operator's name apart; None for one that the policy language does not have."""
    qualifier: Literal["", "ForAllValues", "ForAnyValue"] = ""
    rest = written.lower()
    if rest.startswith("forallvalues:"):
        qualifier, rest = "ForAllValues", rest[13:]
    elif rest.startswith("foranyvalue:"):
        qualifier, rest = "ForAnyValue", rest[12:]
    if rest == "null":
        return Operator(written, "Null", qualifier, if_exists=False)
    if_exists = rest.endswith("ifexists")
    base = _CANONICAL.get(rest[:-8] if if_exists else rest)
    return None if base is None else Operator(written, base, qualifier, if_exists)


@dataclass(frozen=True, slots=True)
class Condition:
    """One operator applied to one key: true or false of a request.

    Attributes:
        operator: The operator, taken apart.
        key: The condition key as written.
        wanted: The values as written.
    """

    operator: Operator
    key: str
    wanted: tuple[str, ...]
    lowered: str
    templates: tuple[Template, ...]
    tests: tuple[Test, ...] | None

    def holds(self, lookup: Lookup) -> tuple[bool, list[str] | None]:
        """Whether the condition is met, and the values seen (None where the key is absent)."""
        found = lookup(self.lowered)
        seen = None if found is None else list(found)
        how = self.operator
        if how.base == "Null":
            return any((value.lower() == "true") == (seen is None) for value in self.wanted), seen
        make, negated = _OPERATORS[how.base]
        if not seen:  # an empty set of values counts as absent, as IAM does
            if how.if_exists or how.qualifier == "ForAllValues":
                return True, seen
            return negated and how.qualifier == "", seen
        tests = self.tests if self.tests is not None else self._resolved(make, lookup)
        hits = [any(test(value) for test in tests) != negated for value in seen]
        if how.qualifier == "ForAnyValue" or (how.qualifier == "" and not negated):
            return any(hits), seen
        return all(hits), seen

    def _resolved(self, make: Maker, lookup: Lookup) -> tuple[Test, ...]:
        texts = (one.resolve(lookup) for one in self.templates)
        return tuple(make(text) for text in texts if text is not None)

    def explain(self, lookup: Lookup) -> dict[str, Any]:
        """The condition's entry in a decision's trace."""
        matched, seen = self.holds(lookup)
        return {
            "operator": self.operator.written,
            "key": self.key,
            "wanted": list(self.wanted),
            "seen": seen,
            "matched": matched,
        }


def condition(how: Operator, key: str, wanted: tuple[str, ...], *, variables: bool) -> Condition:
    """Compile one condition; values without variables become tests once and for all."""
    with_variables = variables and how.base.startswith(("String", "Arn"))
    templates = tuple(template(value, variables=with_variables) for value in wanted)
    tests: tuple[Test, ...] | None = None
    if how.base != "Null" and all(one.pieces is None for one in templates):
        make = _OPERATORS[how.base][0]
        tests = tuple(make(one.text) for one in templates)
    return Condition(how, key, wanted, key.lower(), templates, tests)
