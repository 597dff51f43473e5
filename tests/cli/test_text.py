"""Markdown and paragraphs as plain text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.cli.text import plain_markdown, wrapped

CASES = {
    "heading": ("# One\n\ntext", "One\n===\n\ntext"),
    "paragraph": ("a\nb `c` *d* **e**", "a b `c` d e"),
    "wrapped": ("aaaa bbbb cccc dddd eeee", "aaaa bbbb cccc dddd\neeee"),
    "long words stay whole": ("x" * 30, "x" * 30),
    "list": ("- a\n- b\n  more", "- a\n- b more"),
    "hanging": ("- aaaa bbbb cccc dddd eeee", "- aaaa bbbb cccc\n  dddd eeee"),
    "nested": ("1. a\n   - b\n2. c", "1. a\n   - b\n2. c"),
    "code": ("```sh\naws  s3\n# x\n```", "    aws  s3\n    # x"),
    "table": ("| a | bb |\n|---|---|\n| `ccc` | d |", "a      bb\n-----  --\n`ccc`  d"),
    "link": ("[S3](https://x.org)", "S3 (https://x.org)"),
    "bare link": ("<https://x.org>", "https://x.org"),
    "quote": ("> a\n> b", "> a b"),
    "exercise": ("```lab-exercise\nstore-it\n```", "Exercise: lab start\nstore-it"),
    "broken block": ("```lab-keyflow\nnot = = toml\n```", "not = = toml"),
}


@pytest.mark.parametrize(("text", "plain"), CASES.values(), ids=CASES)
def test_markdown(text: str, plain: str) -> None:
    got = plain_markdown(text, 20)
    assert got.split() == plain.split() if "lab start" in plain else got == plain


def test_our_blocks_in_words() -> None:
    flow = '```lab-keyflow\n[[step]]\nfrom = "you"\nto = "S3"\ntext = "a key"\n[left]\nS3 = "x"\n```'
    assert plain_markdown(flow, 60) == "1. you → S3: a key\nLeft with S3: x"
    figure = '```lab-figure\nexercise = "e"\nfigure = "f"\ntext = "{value}"\notherwise = "Not measured."\n```'
    assert plain_markdown(figure, 60) == "Not measured."
    question = '```lab-predict\nid = "q"\nask = "Who?"\nchoices = [{id = "a", text = "A"}]\nanswer = "a"\n```'
    assert plain_markdown(question, 60) == "Before you read on: Who?\n  - A"


@given(st.text(), st.integers(20, 100))
def test_any_text_can_be_shown(text: str, columns: int) -> None:
    plain_markdown(text, columns)


def test_facts_keep_their_lines() -> None:
    assert wrapped("found:\n  a: 1\n  b: 2", "- ", "  ", columns=40) == "- found:\n    a: 1\n    b: 2"
