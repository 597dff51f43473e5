"""A quick key after Escape leaves it an Escape."""

from __future__ import annotations

import pytest
from textual import constants, events

from lab.tui.escape import PromptParser


def keys(parser: PromptParser, *pieces: str) -> list[str]:
    return [event.key for piece in pieces for event in parser.feed(piece) if isinstance(event, events.Key)]


def test_escape_then_a_colon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "ESCAPE_DELAY", 0.0)
    assert keys(PromptParser(), "\x1b", ":", "w") == ["escape", "colon", "w"]


def test_the_bytes_of_one_key_stay_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "ESCAPE_DELAY", 60.0)
    assert keys(PromptParser(), "\x1b[A", "\x1b", "[B") == ["up", "down"]
