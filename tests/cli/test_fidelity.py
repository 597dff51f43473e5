"""``lab fidelity``: the list, the ledger, and the exit status."""

from __future__ import annotations

import contextlib
import json

import pytest

from lab.cli import main
from lab.conformance import catalog
from lab.conformance.run import Outcome, Result


def _shown(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


def test_the_ledger_is_shown_without_running_anything(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lab.cli.fidelity._backend", None)
    assert main(["fidelity", "--list", "M"]) == 0
    text = _shown(capsys)
    assert "M05" in text
    assert "not modelled: CloudTrail" in " ".join(text.split())
    assert "1 deviation." in text
    assert main(["fidelity", "--markdown"]) == 0
    assert _shown(capsys).count("\n| ") > len(catalog())


def test_an_unknown_behavior_is_a_wrong_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fidelity", "Z99"]) == 2
    assert "Z99" in capsys.readouterr().err


def test_checks_run_against_a_sandbox_of_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fidelity", "--json", "A01", "M01", "M05", "X09"]) == 0
    found = json.loads(_shown(capsys))
    assert found["ok"] is True
    assert found["totals"] == {"holds": 3, "not shown": 1}
    assert [(one["id"], one["status"]) for one in found["behaviors"]] == [
        ("A01", "enforced"),
        ("M01", "not modelled"),
        ("M05", "deviation"),
        ("X09", "client"),
    ]


@pytest.mark.parametrize(("outcome", "status"), [("holds", 0), ("not shown", 0), ("deviates", 1), ("fault", 3)])
def test_the_exit_status_says_what_was_found(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, outcome: Outcome, status: int
) -> None:
    monkeypatch.setattr("lab.cli.fidelity._backend", lambda _: contextlib.nullcontext())
    found = [Result(catalog()["A01"], outcome, "this", "that")]
    monkeypatch.setattr("lab.cli.fidelity.run", lambda *_: found)
    assert main(["fidelity", "A01"]) == status
    assert ("Not as the ledger says: A01." in _shown(capsys)) == (status != 0)
