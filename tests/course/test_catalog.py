"""The course as every door lists it: read quickly, nothing executed, mistakes named with file and place."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.course import Course, load_course
from lab.errors import CourseError, UsageError

FIXTURE = Path(__file__).parent.parent / "exercise" / "fixture"


@pytest.fixture
def course() -> Course:
    return load_course(FIXTURE)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(FIXTURE, tmp_path / "content")
    return tmp_path / "content"


def test_lessons_and_exercises_in_order(course: Course) -> None:
    assert not course.problems
    assert [lesson.id for lesson in course.lessons] == ["first", "second"]
    assert [exercise.number for exercise in course.exercises] == ["1.1", "1.2"]
    first = course.lesson("1")
    assert [exercise.id for exercise in course.exercises_of(first)] == ["store-it", "files-only"]
    assert course.exercises_of(course.lesson("second")) == []
    assert course.lesson_of(course.exercise("1.2")) is first


@pytest.mark.parametrize("reference", ["1.1", "store-it"])
def test_an_exercise_is_found_by_number_and_by_id(course: Course, reference: str) -> None:
    exercise = course.exercise(reference)
    assert exercise.title == "Store it"
    assert exercise.needs == ("events",)
    assert [(check.id, check.after, check.needs) for check in exercise.checks] == [
        ("stored", "", ()),
        ("answered", "stored", ()),
        ("script", "", ("snapshot",)),
    ]
    assert [(principal.name, principal.kind, principal.administrator) for principal in exercise.principals] == [
        ("default", "user", True),
        ("reader", "role", False),
    ]


@pytest.mark.parametrize(
    ("reference", "near"), [("stor-it", "store-it"), ("files", "files-only"), ("1.3", "1.1"), ("FILES-ONLY", "files")]
)
def test_near_names_are_suggested(course: Course, reference: str, near: str) -> None:
    with pytest.raises(UsageError) as caught:
        course.exercise(reference)
    assert near in caught.value.next_step
    assert caught.value.exit_status == 2


def test_nothing_near(course: Course) -> None:
    with pytest.raises(UsageError) as caught:
        course.exercise("zzzzzzzz")
    assert caught.value.next_step == "All of them: lab list."


def test_pages_are_split_at_headings_outside_of_fences(course: Course) -> None:
    pages = course.lesson("first").pages()
    assert [page.title for page in pages] == ["A first lesson", "Store", "Look"]
    assert "## not a heading" in pages[1].text
    assert [page.title for page in course.lesson("second").pages()] == ["Only page"]


def test_what_an_exercise_says(course: Course) -> None:
    exercise = course.exercise("1.1")
    assert exercise.hints()["stored"][0].text == "Which command puts an object?"
    assert exercise.hints("endpoint")["stored"][0].text == "On an endpoint: 1"
    assert exercise.hints("endpoint")["answered"][3].level == 4
    assert exercise.diagnoses()["other-size"].hint == 3
    question = exercise.questions()[0]
    assert (question.id, question.function, question.answer) == ("status", "answer_status", "200")
    assert course.exercise("1.2").questions() == ()
    assert course.exercise("1.2").diagnoses() == {}


def replace(old: str, new: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return change


BROKEN = {
    "schema of the future": (replace("schema = 1", "schema = 2"), "schema"),
    "no title": (replace('title = "Store it"', ""), "title: is missing"),
    "number as text": (replace("minutes = 5", 'minutes = "5"'), "minutes: should be a whole number"),
    "true as number": (replace("minutes = 5", "minutes = true"), "minutes: should be a whole number"),
    "unknown member": (replace("minutes = 5", "minutes = 5\nminuets = 5"), "minuets: is not a member"),
    "unknown kind": (replace('"build"', '"built"'), "kind: is 'built'"),
    "bad id": (replace('"store-it"', '"Store it"'), "id: should be"),
    "bad number": (replace('number = "1.1"', 'number = "1"'), "number: should be"),
    "after nothing": (replace('after = "stored"', 'after = "script"'), "which is no earlier check"),
    "check twice": (replace('id = "script"', 'id = "stored"'), "there twice"),
    "no such policy": (replace("policies/reader.json", "policies/none.json"), "there is no policies/none.json"),
    "not TOML": (replace("[names]", "[names"), "not valid TOML"),
    "numbers in a list": (replace('buckets = ["vault"]', "buckets = [1]"), "names.buckets: should hold texts"),
    "no checks": (lambda text: text[: text.index("[[check]]")], "at least one"),
    "id taken": (replace('"store-it"', '"files-only"'), "already has"),
}


@pytest.mark.parametrize(("change", "said"), BROKEN.values(), ids=BROKEN)
def test_a_broken_exercise_is_named_and_alone(copy: Path, change: Callable[[str], str], said: str) -> None:
    file = copy / "exercises/01-first/01-store-it/exercise.toml"
    file.write_text(change(file.read_text()))
    course = load_course(copy)
    # Of two with one id, the second one read is the one that is in the way.
    assert len(course.exercises) == 1
    ((broken, problem),) = course.problems.items()
    assert str(broken) in problem.message
    assert said in problem.message


def test_asking_for_a_broken_exercise_says_what_is_wrong(copy: Path) -> None:
    file = copy / "exercises/01-first/01-store-it/exercise.toml"
    file.write_text("schema = ")
    with pytest.raises(CourseError, match="not valid TOML"):
        load_course(copy).exercise("store-it")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("hints.toml", '[stored]\nlevels = ["1"]', "should hold 4 texts"),
        ("diagnoses.toml", '[x]\nseen = "s"\nlook = "tls"', "look: is 'tls'"),
        ("diagnoses.toml", '[x]\nseen = "s"\nhint = 5', "hint: should be 1 to 4"),
        ("predict.toml", '[[question]]\nid = "q"\nask = "?"\n', "at least two"),
    ],
)
def test_broken_feedback_is_named(copy: Path, name: str, text: str, said: str) -> None:
    (copy / "exercises/01-first/01-store-it" / name).write_text(text)
    exercise = load_course(copy).exercise("1.1")
    with pytest.raises(CourseError, match=name) as caught:
        (exercise.hints(), exercise.diagnoses(), exercise.questions())
    assert said in caught.value.message


@pytest.mark.parametrize("text", ["no front matter", "+++\nnumber = 1\n", "+++\nnumber = 1\n+++\n"])
def test_a_broken_lesson_is_named(copy: Path, text: str) -> None:
    file = copy / "lessons/01-first/lesson.md"
    file.write_text(text)
    assert str(file) in next(iter(load_course(copy).problems.values())).message


def test_listing_executes_nothing_and_is_quick(copy: Path, tmp_path: Path) -> None:
    original = copy / "exercises/01-first/01-store-it"
    for code in original.glob("*.py"):
        code.write_text(f"open({str(tmp_path / 'executed')!r}, 'w')")
    for lesson in range(2, 16):
        for place in range(1, 4):
            target = copy / f"exercises/{lesson:02}-many/{place:02}-one"
            shutil.copytree(original, target)
            text = (target / "exercise.toml").read_text()
            text = text.replace('"store-it"', f'"one-{lesson}-{place}"').replace('"1.1"', f'"{lesson}.{place}"')
            (target / "exercise.toml").write_text(text)
    load_course(copy)
    began = time.process_time()
    course = load_course(copy)
    spent = time.process_time() - began
    assert len(course.exercises) == 44
    assert not (tmp_path / "executed").exists()
    # The goal is 30 ms; a busy machine gets slack.
    assert spent < 0.09


def test_what_listing_loads() -> None:
    program = "import sys, lab.course; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert not {"boto3", "botocore", "textual", "rich", "cryptography", "moto"} & set(loaded)
