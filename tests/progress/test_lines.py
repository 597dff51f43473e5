"""Progress as JSON lines, and what is never evidence."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.errors import UsageError
from lab.progress import VERBS, ProgressEvent, Store
from lab.progress.lines import export_lines, import_lines

IDS = st.from_regex(r"[a-z0-9][a-z0-9.-]{0,20}", fullmatch=True) | st.just("")
EVENTS = st.builds(
    ProgressEvent,
    verb=st.sampled_from(sorted(VERBS)),
    exercise=IDS,
    check=IDS,
    verdict=IDS,
    diagnosis=IDS,
    duration=st.floats(0, 1000),
    version=st.just("0.1.0"),
    at=st.floats(0, 2e9),
    uuid=st.uuids().map(str),
)


@given(EVENTS)
def test_there_and_back(event: ProgressEvent) -> None:
    assert ProgressEvent.from_json(json.loads(json.dumps(event.to_json()))) == event


def test_importing_twice_is_importing_once(tmp_path: Path) -> None:
    one, other = Store(tmp_path / "one"), Store(tmp_path / "other")
    one.append(*(ProgressEvent("hint", exercise="e", check="c", verdict=str(level)) for level in (1, 2, 3)))
    other.append(ProgressEvent("start", exercise="e"))
    stream = io.StringIO()
    assert export_lines(one, stream) == 3
    lines = stream.getvalue().splitlines()
    assert import_lines(other, lines) == (3, 3)
    assert import_lines(other, [*lines, "", "\n"]) == (3, 0)
    assert len(other.events()) == 4
    assert {event.uuid for event in one.events()} < {event.uuid for event in other.events()}


@pytest.mark.parametrize(
    "line",
    ["{", "[]", "{}", '{"uuid": 1, "at": 1, "verb": "hint"}', '{"uuid": "x", "at": 1, "verb": "hint"}',
     '{"uuid": "00000000-0000-4000-8000-000000000000", "at": "now", "verb": "hint"}',
     '{"uuid": "00000000-0000-4000-8000-000000000000", "at": 1, "verb": "steal"}'],
)  # fmt: skip
def test_a_line_that_is_no_event_spoils_all(tmp_path: Path, line: str) -> None:
    store = Store(tmp_path / "s")
    good = json.dumps(ProgressEvent("start", exercise="e").to_json())
    with pytest.raises(UsageError, match="Line 2") as caught:
        import_lines(store, [good, line])
    assert caught.value.next_step == "Nothing was imported."
    assert store.events() == []


SECRETS = [
    "c2VjcmV0IGtleSBvZiAzMiBieXRlcyBsb25nIC4uLi4=",
    "-----BEGIN CERTIFICATE-----",
    "IQoJb3JpZ2luX2VjE" * 20,
    "line\nbreak",
    "text with spaces",
    "secret\x00",
]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("member", ["exercise", "check", "verdict", "diagnosis", "version"])
def test_what_is_no_id_is_no_evidence(member: str, secret: str) -> None:
    with pytest.raises(ValueError, match=member) as caught:
        ProgressEvent("check", **{member: secret})  # type: ignore[arg-type]
    assert secret not in str(caught.value)
