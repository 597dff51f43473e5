"""Names in braces: five families are filled, every other brace is left alone."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.course import render, render_observed
from lab.course.placeholders import placeholders

NAMES = {
    "bucket.vault": "vault-3f9a01c2",
    "bucket.old-vault": "old-vault-3f9a01c2",
    "key.main": "arn:aws:kms:us-east-1:111122223333:key/1",
    "alias.envelope": "alias/envelope-3f9a01c2",
    "principal.reader": "arn:aws:iam::111122223333:role/reader",
    "account.home": "111122223333",
}


@pytest.mark.parametrize(("name", "value"), NAMES.items())
def test_every_family(name: str, value: str) -> None:
    assert render(f"a {{{name}}} b", NAMES) == f"a {value} b"


@pytest.mark.parametrize(
    "text",
    ["{", "{}", "{bucket}", "{bucket.}", "{ bucket.vault }", "${LAB_BUCKET}", "{figure.x}", "{bucket.unknown}",
     '{"bucket": {"vault": 1}}', "{{x}}", "awk '{print $1}'", "{length}"],
)  # fmt: skip
def test_other_braces_are_left_alone(text: str) -> None:
    assert render(text, NAMES) == text


def test_names_inside_other_braces() -> None:
    document = '{"Resource": "arn:aws:s3:::{bucket.vault}/*", "Key": "{key.main}"}'
    assert json.loads(render(document, NAMES))["Resource"] == "arn:aws:s3:::vault-3f9a01c2/*"
    assert placeholders(document) == ["bucket.vault", "key.main"]


@given(st.text(alphabet=st.characters(exclude_characters="{}")))
def test_text_without_braces_stays(text: str) -> None:
    assert render(text, NAMES) == text
    assert render_observed(text, {"length": 1}, NAMES) == text


@given(st.text())
def test_what_was_observed_is_never_read_as_a_placeholder(value: str) -> None:
    assert render_observed("<{seen}>", {"seen": value}, {"bucket.vault": "never"}) == f"<{value}>"
    assert render_observed("<{seen}>", {"seen": "{bucket.vault}"}, NAMES) == "<{bucket.vault}>"
