"""Every rule of lint speaks when it is broken, and none when it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.author.lint import lint_exercise
from lab.author.lint_lessons import lint_course
from lab.author.new import new_exercise
from lab.course import load_course
from lab.errors import UsageError
from tests.author.conftest import Change


def said() -> list[str]:
    return [finding.message for finding in lint_course(load_course())]


def test_a_new_exercise_needs_no_repair(content: Path) -> None:
    assert said() == []


BROKEN = [
    ("exercise.toml", 'needs = ["events"]', 'needs = ["magic"]', "there is no capability 'magic'"),
    ("exercise.toml", "minutes = 10", "minutes = 0", "minutes should be 1 to 120"),
    ("exercise.toml", '"A01"', '"A01", "Z99"', "there is no behavior Z99"),
    ("exercise.toml", 'title = "note.txt stored as it is"', 'title = "stored"\nrests_on = ["A02"]',
     "stored rests on A02, which behaviors does not list"),
    ("exercise.toml", "One new idea,", "Simply one new idea,", "the word 'Simply'"),
    ("exercise.toml", "[shell]", "prerequisites_ = 1\n[shell]", "is not a member that the format knows"),
    ("brief.md", "{bucket.desk}", "{bucket.chair}", "{bucket.chair} is not declared"),
    ("brief.md", "LAB_BUCKET_DESK", "LAB_BUCKET_CHAIR", "$LAB_BUCKET_CHAIR is not declared"),
    ("brief.md", "empty.", "empty!", "an exclamation mark"),
    ("brief.md", "**What is there**", f"```\n{'x' * 80}\n```", "a line of code of 80 characters; at most 76"),
    ("solutions/reference.sh", "LAB_BUCKET_DESK", "LAB_KEY_MAIN", "$LAB_KEY_MAIN is not declared"),
    ("hints.toml", "[stored]", "[kept]", "the check stored has no hints"),
    ("hints.toml", "[stored]", "[kept]", "there is no check kept"),
    ("hints.toml", '  "What is in the bucket now?",\n', "", "should hold 4 texts"),
    ("diagnoses.toml", "[empty]", "[void]", "the diagnosis 'empty' is not written"),
    ("diagnoses.toml", "[empty]", "[void]", "no validator gives the diagnosis 'void'"),
    ("diagnoses.toml", "takes any.", "takes any colour.", "British spelling: 'colour'"),
    ("validators.py", "def stored", "def kept", "there is no function stored for the check stored"),
    ("validators.py", "from lab.exercise.api", "from lab.exercise.world", "imports lab.exercise.world"),
    ("validators.py", "def figures", "def numbers", "there is no function figures"),
    ("validators.py", "def stored", "def stored(", "not Python"),
    ("explain.md", "{figure.size}", "{figure.weight}", "{figure.weight} is not measured"),
    ("world.py", "def build", "def make", "there is no function build"),
    ("wrong/cases.toml", "no-body.sh", "nobody.sh", "there is no script nobody.sh"),
    ("wrong/cases.toml", "no-body.sh", "nobody.sh", "no case runs it"),
    ("wrong/cases.toml", 'diagnosis = "empty"', 'diagnosis = "void"', "no-body.sh: there is no diagnosis void"),
    ("wrong/cases.toml", 'run = "no-body.sh"\ncheck = "stored"', 'run = "no-body.sh"\ncheck = "kept"',
     "no-body.sh: there is no check kept"),
    ("wrong/cases.toml", 'run = "no-body.sh"\ncheck = "stored"\ndiagnosis = "empty"\n',
     'question = "x"\nchoice = "y"\ncomparison = "z"\n', "4 wrong answers; at least 5"),
    ("wrong/cases.toml", 'run = "no-body.sh"\ncheck = "stored"\ndiagnosis = "empty"\n',
     'question = "x"\nchoice = "y"\ncomparison = "z"\n', "there is no question x with the choice y"),
    ("mutants.toml", 's3.delete"', 's3.destroy"', "there is no operation 's3.destroy'"),
    ("mutants.toml", 'bucket = "desk", key = "note.txt" }', 'bucket = "desk" }', "s3.delete needs the member 'key'"),
    ("mutants.toml", 'bucket = "desk", key', 'bucket = "desk", size = 1, key', "s3.delete knows no member 'size'"),
    ("mutants.toml", 'bucket = "desk"', 'bucket = "chair"', "there is no bucket 'chair'"),
    ("mutants.toml", 'fails = ["stored"]', 'survives = "x"', "no mutant must be noticed by stored"),
    ("mutants.toml", "survives =", 'fails = ["stored"]\nsurvives =', "either fails or survives must be given"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "old", "new", "message"), BROKEN, ids=[f"{row[0]}-{row[3]}" for row in BROKEN])
def test_exercise(change: Change, file: str, old: str, new: str, message: str) -> None:
    change(file, old, new)
    assert any(message in one for one in said()), said()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("brief.md", "is missing"),
        ("explain.md", "is missing"),
        ("solutions/boto.py", "1 solutions; at least 2"),
        ("solutions/reference.sh", "one solution should be named reference"),
    ],
)
def test_a_file_is_gone(directory: Path, name: str, message: str) -> None:
    (directory / name).unlink()
    assert message in said()


def test_a_question_needs_a_function_and_a_case(change: Change) -> None:
    choice = '[[question.choice]]\nid = "{0}"\ntext = "{0}"\ncomparison = "{1}"\n'
    change(
        "predict.toml",
        "",
        '[[question]]\nid = "q"\nask = "Which?"\n' + choice.format("a", "A") + choice.format("b", " "),
    )
    assert set(said()) == {
        "there is no function answer_q for the question q",
        "no case compares an answer to q",
        "q: b has no comparison",
    }


def test_findings_say_where(change: Change, directory: Path) -> None:
    change("brief.md", "empty.", "empty!")
    (finding,) = lint_exercise(load_course().exercise("1.1"))
    assert str(finding) == f"{directory / 'brief.md'}:5: an exclamation mark"


KEYFLOW = """\
```lab-keyflow
columns = ["you", "S3"]
[[step]]
from = "you"
to = "%s"
text = "%s"
%s[left]
you = "a key"
```
"""
STEP = '[[step]]\nfrom = "you"\nto = "S3"\ntext = "x"\n'

LESSONS = [
    ("Text.", "Text!", "an exclamation mark"),
    ("Text.", "x" * 8200, "the page 'A page' has"),
    ('sources = ["https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html"]', "", "there are no sources"),
    ("https://docs", "http://docs", "is no https address"),
    ("keep-it", "keep-them", "there is no exercise 'keep-them'"),
    ("keep-it", "keep-them", "exercise keep-it is not in the lesson"),
    ("Text.", KEYFLOW % ("KMS", "x", ""), "'KMS' is no column"),
    ("Text.", KEYFLOW % ("S3", "x" * 80, ""), "arrow 1 takes 93 columns; at most 76"),
    ("Text.", KEYFLOW % ("S3", "x", STEP * 8), "a key flow of 9 arrows; at most 8"),
    ("Text.", "```lab-keyflow\ncolumns = [\n```", "not valid TOML"),
    ("Text.", "```lab-movie\n```", "there is no block lab-movie"),
    ("Text.", '```lab-figure\nexercise = "keep-it"\nfigure = "weight"\ntext = "{value}"\notherwise = "no"\n```',
     "keep-it measures no figure 'weight'"),
    ("Text.", '```lab-figure\nexercise = "keep-it"\nfigure = "size"\ntext = "x"\notherwise = "no"\n```',
     "the text should quote {value}"),
    ("Text.", '```lab-predict\nid = "a"\nask = "b"\nanswer = "z"\nchoices = []\n```', "at least two choices"),
    ("How an object gets there.", "Simply so.", "title or summary: the word 'Simply'"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "message"), LESSONS, ids=[row[2] for row in LESSONS])
def test_lesson(content: Path, old: str, new: str, message: str) -> None:
    file = content / "lessons" / "01-first" / "lesson.md"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    assert any(message in one for one in said()), said()


def test_a_good_key_flow(content: Path) -> None:
    file = content / "lessons" / "01-first" / "lesson.md"
    file.write_text(file.read_text().replace("Text.", KEYFLOW % ("S3", "32 bytes", STEP * 7)))
    assert said() == []


@pytest.mark.parametrize(
    ("number", "name", "message"),
    [
        ("9", "x", "is no number"),
        ("1.2", "Not This", "is no id"),
        ("1.1", "other", "There is an exercise"),
        ("1.2", "keep-it", "There is an exercise"),
    ],
)
def test_new_refuses(content: Path, number: str, name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        new_exercise(load_course(), number, name)


def test_new_goes_beside_its_lesson(content: Path) -> None:
    made = new_exercise(load_course(), "1.12", "lost-key", "Lost")
    assert made == content / "exercises" / "01-first" / "12-lost-key"
    assert load_course().exercise("1.12").title == "Lost"
    assert new_exercise(load_course(), "3.1", "early").parent == content / "exercises" / "03-new"
