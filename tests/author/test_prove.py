"""The gate can fail: each way in which an exercise can be wrong is noticed and said."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.author.prove import proofs_of
from lab.author.stage import Stage
from tests.author.conftest import Change, Play

SHELL = "#!/usr/bin/env bash\n"
SECOND_CHECK = '\n[[check]]\nid = "again"\ntitle = "again"\n'


def test_a_new_exercise_passes(play: Play) -> None:
    exercise = play.exercise()
    proofs = proofs_of(exercise)
    assert [proof.kind for proof in proofs] == [
        "written", "start", "solution", "repeat", "mutant", "mutant", "mutant", "solution", *["wrong"] * 5
    ]  # fmt: skip
    found = {proof.id: play.problems(proof.kind, proof.name) for proof in proofs}
    assert found == {proof.id: [] for proof in proofs}


def test_a_check_that_passes_at_once(play: Play, change: Change) -> None:
    change("validators.py", "    head = world.head(bucket, OBJECT)\n    if head is None:\n", "    return passed()\n")
    change("validators.py", "        tried = any", "    if True:\n        head: dict = {}\n        tried = any")
    assert play.problems("start") == ["stored passes before anything was done"]


def test_a_solution_that_is_none(play: Play, change: Change) -> None:
    change("solutions/boto.py", "", "print('tried')\n")
    problems = play.problems("solution", "boto.py")
    assert "stored is nothing-stored" in problems[0]
    assert "tried" in problems[1]


def test_a_wrong_answer_under_another_name(play: Play, change: Change) -> None:
    change("wrong/listed-only.sh", "", SHELL)
    change("wrong/cases.toml", 'diagnosis = "nothing-stored"', 'diagnosis = "empty"')
    problems = play.problems("wrong", "listed-only.sh")
    assert problems[0].startswith("stored should be empty, and is nothing-stored")


def test_a_wrong_answer_that_passes(play: Play, change: Change) -> None:
    change("wrong/listed-only.sh", "", 'aws s3 cp note.txt "s3://$LAB_BUCKET_DESK/note.txt"\n')
    assert play.problems("wrong", "listed-only.sh")[0].startswith("stored should be nothing-stored, and is passed")


def test_another_check_that_fails_too(play: Play, change: Change) -> None:
    change("exercise.toml", 'title = "note.txt stored as it is"', f'title = "stored"{SECOND_CHECK}')
    change(
        "validators.py", "def figures", "def again(world: World) -> Verdict:\n    return stored(world)\n\n\ndef figures"
    )
    change("wrong/listed-only.sh", "", SHELL)
    expected = "again is nothing-stored too, which also_fails does not list"
    assert expected in play.problems("wrong", "listed-only.sh")
    change("wrong/cases.toml", 'diagnosis = "nothing-stored"', 'diagnosis = "nothing-stored"\nalso_fails = ["again"]')
    assert play.problems("wrong", "listed-only.sh") == []


def test_a_diagnosis_with_a_hole(play: Play, change: Change) -> None:
    change("wrong/listed-only.sh", "", SHELL)
    change("diagnoses.toml", "Nothing was uploaded", "Nothing ({count}) was uploaded")
    assert play.problems("wrong", "listed-only.sh")[0].endswith("quotes {count}, which was not observed")


def test_a_mutant_that_nobody_notices(play: Play, change: Change) -> None:
    change("mutants.toml", 'survives = "No particular encryption is asked for."', 'fails = ["stored"]')
    assert play.problems("mutant", "3 s3.reencrypt") == ["stored does not notice"]


def test_a_survivor_that_does_not_survive(play: Play, change: Change) -> None:
    change("mutants.toml", 'op = "s3.delete"\ntarget = { bucket = "desk", key = "note.txt" }\nfails = ["stored"]',
           'op = "s3.delete"\ntarget = { bucket = "desk", key = "note.txt" }\nsurvives = "it may"')  # fmt: skip
    assert play.problems("mutant", "1 s3.delete") == ["it should survive, but: stored is other-name"]


def test_a_mutant_that_cannot_be(play: Play, change: Change) -> None:
    change(
        "mutants.toml", "", '[[mutant]]\nop = "s3.policy_delete"\ntarget = { bucket = "desk" }\nfails = ["stored"]\n'
    )
    assert "no policy to change" in play.problems("mutant", "1 s3.policy_delete")[0]


def test_a_check_that_writes(play: Play, change: Change) -> None:
    change(
        "validators.py", "    bucket = world.name", "    (world.workspace / 'seen').touch()\n    bucket = world.name"
    )
    assert play.problems("start") == ["the checks changed the workspace"]


def test_a_check_that_changes_the_world(play: Play, change: Change) -> None:
    change(
        "validators.py",
        '    bucket = world.name("bucket.desk")\n',
        '    bucket = world.name("bucket.desk")\n'
        '    world._handle.client("builder", "s3").put_object(Bucket=bucket, Key="seen", Body=b"")\n',
    )
    assert "the checks changed the world" in play.problems("start")


def test_a_check_that_flips(play: Play, change: Change) -> None:
    change("validators.py", "def stored(", "COUNT = [0]\n\n\ndef stored(")
    change("validators.py", "    return passed(size", "    COUNT[0] += 1\n    return passed(count=COUNT[0], size")
    assert play.problems("repeat") == ["the verdict changes by itself: "]


def test_a_check_that_raises(play: Play, change: Change) -> None:
    change("validators.py", "    bucket = world.name", "    1 / 0\n    bucket = world.name")
    (problem,) = play.problems("start")
    assert problem == "stored is a fault of the lab: ZeroDivisionError: division by zero (validators.py, line 14)"


def test_a_figure_that_is_not_measured(play: Play, change: Change) -> None:
    change("validators.py", '{"size": str(head["ContentLength"])}', "{}")
    assert "does not measure" in play.problems("solution", "reference.sh")[0]


def test_a_build_that_fails(play: Play, change: Change) -> None:
    change("world.py", 'world.create_bucket("desk")', 'world.create_bucket("table")')
    assert "not declared" in play.problems("start")[0]


QUESTION = """
[[question]]
id = "status"
ask = "What does the upload answer?"
before = "you upload"
answer = "200"
[[question.choice]]
id = "200"
text = "200"
comparison = "200, as ever."
[[question.choice]]
id = "201"
text = "201"
comparison = "It was 200; S3 never says 201."
"""
ANSWER = '''def answer_status(events: list[Event]) -> str | None:
    """The status of the first upload."""
    return next((str(event.data["status"]) for event in events if event.step == "answer"), None)


def figures'''


def _ask(play: Play, change: Change) -> None:
    """Give the exercise a question, its answer, and a case for each choice."""
    change("predict.toml", "", QUESTION)
    change("validators.py", "def figures", ANSWER)
    change("validators.py", "import Verdict", "import Event, Verdict")
    cases = (Path(play.exercise().directory) / "wrong" / "cases.toml").read_text()
    for choice, said in (("200", "as ever"), ("201", "never says")):
        cases += f'\n[[case]]\nquestion = "status"\nchoice = "{choice}"\ncomparison = "{said}"\n'
    change("wrong/cases.toml", "", cases)


def test_comparisons(play: Play, change: Change) -> None:
    _ask(play, change)
    assert play.problems("comparison", "status=200") == []
    assert play.problems("comparison", "status=201") == []
    assert play.problems("solution", "boto.py") == []
    change("predict.toml", "S3 never says 201.", "so it is.")
    assert "'never says' is no part of it" in play.problems("comparison", "status=201")[0]


def test_an_answer_that_is_not_the_authors(play: Play, change: Change) -> None:
    _ask(play, change)
    change("predict.toml", 'answer = "200"', 'answer = "201"')
    assert play.problems("comparison", "status=200") == ["the run shows 200, and predict.toml says 201"]


def test_a_question_that_is_never_answered(play: Play, change: Change) -> None:
    _ask(play, change)
    change("validators.py", 'if event.step == "answer"', 'if event.step == "never"')
    assert play.problems("comparison", "status=200") == ["the reference solution does not answer status"]


def test_a_script_that_hangs_is_ended_with_all_it_started(play: Play, tmp_path: Path) -> None:
    script = tmp_path / "hang.sh"
    script.write_text("sleep 60 &\necho $! > child\nwait\n")
    with play.home.entered():
        stage = Stage(play.exercise(), play.home, play.backend)
        stage.begin()
        run = stage.run(script, seconds=0.5)
        child = int((stage.workspace / "child").read_text())
    assert run.status is None
    assert "its time was up" in run.told
    assert not _runs(child)


def test_scripts_do_not_see_the_authors_settings(play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "mine")
    monkeypatch.setenv("MY_OWN", "setting")
    script = tmp_path / "look.sh"
    script.write_text('echo "$AWS_PROFILE$MY_OWN:{bucket.desk}:$LAB_BUCKET_DESK" > seen\npwd > place\n')
    with play.home.entered():
        stage = Stage(play.exercise(), play.home, play.backend)
        stage.begin()
        stage.run(script)
        nothing, placeholder, variable = (stage.workspace / "seen").read_text().strip().split(":")
        assert Path((stage.workspace / "place").read_text().strip()) == stage.workspace.resolve()
    assert nothing == ""
    assert placeholder == variable != ""


def _runs(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
