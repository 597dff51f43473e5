"""``lab dev`` as an author calls it."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.author.gate import units_of
from lab.author.prove import proofs_of
from lab.author.table import table
from lab.cli import main
from lab.course import load_course
from tests.author.conftest import Change


def test_new_and_lint(content: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dev", "lint"]) == 0
    assert capsys.readouterr().out == "Nothing to repair.\n"
    assert main(["dev", "new", "1.2", "lost-key", "--title", "Lost"]) == 0
    assert "lab dev gate 1.2" in capsys.readouterr().out
    assert main(["dev", "lint"]) == 1
    assert "exercise lost-key is not in the lesson" in capsys.readouterr().out
    assert main(["dev", "lint", "1.2"]) == 0
    assert main(["dev", "new", "1.2", "lost-key"]) == 2


def test_preview(content: Path, change: Change, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dev", "preview", "1.1"]) == 0
    shown = capsys.readouterr().out
    for part in ("# 1.1 Keep it", "desk-0a1b2c3d", "1. What is in the bucket now?", "**other-content**", "1 s3.delete"):
        assert part in shown
    assert "{bucket." not in shown
    assert main(["dev", "preview", "--lesson", "1"]) == 0
    assert "page 1 of 1" in capsys.readouterr().out


def test_mutants(content: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dev", "mutants"]) == 0
    assert "s3.reencrypt  bucket, key, sse, kms_key?" in capsys.readouterr().out
    assert main(["dev", "mutants", "1.1"]) == 0
    assert "survives: No particular encryption" in capsys.readouterr().out


def test_why(content: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dev", "why", "1.1", "boto.py"]) == 0
    shown = capsys.readouterr().out
    assert "stored: passed" in shown
    assert "https PutObject desk-" in shown
    assert main(["dev", "why", "1.1", "none.sh"]) == 2


def test_gate(content: Path, change: Change, capsys: pytest.CaptureFixture[str]) -> None:
    change("solutions/boto.py", "Key=", "Tagging='a=b', Key=")
    assert main(["dev", "gate", "1.1", "--jobs", "2"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["1.1", "keep-it", "2/2", "5/5", "-", "2/2", "+1", "3/3"] in [row[:8] for row in rows]
    change("wrong/cases.toml", 'diagnosis = "empty"', 'diagnosis = "other-content"')
    change("mutants.toml", 'fails = ["stored"]', 'survives = "no"')
    assert main(["dev", "gate", "1.1", "--jobs", "1"]) == 1
    told = capsys.readouterr().out
    assert "1.1 wrong:no-body.sh\n    stored should be other-content, and is empty" in told
    rows = [line.split() for line in told.splitlines()]
    assert ["1.1", "keep-it", "2/2", "4/5", "-", "0/2", "+1", "2/3"] in [row[:8] for row in rows]


def test_units_share_the_solved_world(content: Path) -> None:
    first, *others = units_of(proofs_of(load_course().exercise("1.1")))
    assert {proof.kind for proof in first} == {"written", "start", "solution", "repeat", "mutant"}
    assert [proof.id for proof in others[0]] == ["solution:boto.py"]
    assert all(len(unit) == 1 for unit in others)


def test_table() -> None:
    assert table(("name", "n"), [("a", "1"), ("longer", "22")]) == [
        "name    n", "------  --", "a        1", "longer  22"
    ]  # fmt: skip
