from __future__ import annotations

import pytest

from lab.author.style import markdown_problems, text_problems


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Well done!", ["an exclamation mark"]),
        ("Simply run it.", ["the word 'Simply'"]),
        ("It is just a key, and easy.", ["the word 'just'", "the word 'easy'"]),
        ("Its behaviour and colours", ["British spelling: 'behaviour'", "British spelling: 'colours'"]),
        ("recognise, organisation", ["British spelling: 'recognise'", "British spelling: 'organisation'"]),
        ("promise, exercise, otherwise, raised, advertise", []),
        ("the customer master key", ["the term 'customer master key'; say KMS key"]),
        ("a CMK", ["the term 'CMK'; say KMS key"]),
        ("adjust, uneasy, KMSMasterKeyID", []),
        ('S3 says "just a moment!" and `!=` is code', []),
        ("see [behaviour](https://example.com/behaviour)", ["British spelling: 'behaviour'"]),
        ("see [it](https://example.com/behaviour)", []),
    ],
)
def test_words(text: str, said: list[str]) -> None:
    assert [message for _, message in text_problems(text)] == said


def test_lines_are_counted() -> None:
    assert list(text_problems("fine\n\nwow!")) == [(3, "an exclamation mark")]


LONG = "x" * 77


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (f"```\n{LONG}\n```\n", [2]),
        (f"```sh\n{LONG[:76]}\n```\n", []),
        (f"text\n\n    {LONG}\n", [3]),
        (f"- item\n\n    {LONG}\n", []),
        (f"{LONG}\n", []),
        (f"```lab-keyflow\n{LONG}\n```\n", []),
        ("```\nif [ ! -e x ]; then simply; fi\n```\n", []),
        (f"~~~\n```\n{LONG}\n~~~\n", [3]),
    ],
)
def test_code(text: str, lines: list[int]) -> None:
    assert [line for line, _ in markdown_problems(text)] == lines


def test_prose_after_code_is_read() -> None:
    assert list(markdown_problems("```\n!\n```\nwow!\n")) == [(4, "an exclamation mark")]
