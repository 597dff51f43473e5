"""The list and the page that is published from it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from lab.conformance import catalog, grade_of
from lab.conformance.ledger import as_markdown, status_of
from lab.conformance.run import MODULES, Result, check_of, chosen
from lab.errors import UsageError

_ROOT = Path(__file__).parents[2]


def test_the_published_page_is_up_to_date() -> None:
    published = (_ROOT / "docs" / "fidelity.md").read_text(encoding="utf-8")
    assert published == as_markdown(catalog().values()), "run: lab fidelity --markdown > docs/fidelity.md"


def test_every_behavior_has_a_check_and_every_check_a_behavior() -> None:
    for behavior in catalog().values():
        assert check_of(behavior) is not None or behavior.deviation, behavior.id
    from importlib import import_module

    for letter, name in MODULES.items():
        found = vars(import_module(f"lab.conformance.checks.{name}"))
        ids = {one.upper() for one in found if re.fullmatch(r"[a-z]\d\d", one)} - {"B64"}
        assert ids <= catalog().keys()
        assert {one[0] for one in ids} <= {letter}


def test_a_sentence_says_what_aws_does() -> None:
    for behavior in catalog().values():
        assert behavior.says.endswith((".", "'")), behavior.id
        assert len(behavior.says) <= 200, behavior.id
        assert behavior.source, behavior.id


def _named_by_exercises() -> list[tuple[str, str]]:
    found = []
    for file in sorted((_ROOT / "exercises").glob("*/*/exercise.toml")):
        document = tomllib.loads(file.read_text(encoding="utf-8"))
        ids = {
            *document.get("behaviors", []),
            *(id_ for one in document.get("check", []) for id_ in one.get("rests_on", [])),
        }
        found += [(document["id"], behavior) for behavior in sorted(ids)]
    return found


@pytest.mark.parametrize(("exercise", "behavior"), _named_by_exercises())
def test_what_exercises_rest_on_is_listed(exercise: str, behavior: str) -> None:
    assert grade_of(behavior) is not None, f"{exercise} rests on {behavior}"


def test_operations_of_the_sandbox_name_listed_behaviors() -> None:
    document = tomllib.loads((_ROOT / "lab" / "sandbox" / "operations.toml").read_text(encoding="utf-8"))
    proofs = {
        proof for service in ("s3", "kms", "sts", "iam") for one in document[service].values() for proof in one["proof"]
    }
    assert proofs - {"plumbing"} <= catalog().keys()


def test_an_unknown_id_has_no_grade() -> None:
    assert grade_of("Z99") is None
    assert grade_of("E13") == "recorded"


def test_behaviors_are_chosen_by_id_and_by_letter() -> None:
    assert [one.id for one in chosen(["e13", "A01"])] == ["A01", "E13"]
    assert {one.id[0] for one in chosen(["T"])} == {"T"}
    assert len(chosen([])) == len(catalog())
    with pytest.raises(UsageError, match="Z99"):
        chosen(["A01", "Z99"])


def test_a_listed_deviation_that_is_gone_is_not_as_listed() -> None:
    known = next(one for one in catalog().values() if one.deviation)
    plain = catalog()["A01"]
    assert status_of(known) == "deviation"
    assert Result(known, "deviates").as_listed
    assert not Result(known, "holds").as_listed
    assert Result(plain, "holds").as_listed
    assert not Result(plain, "deviates").as_listed
    assert not Result(plain, "fault").as_listed
