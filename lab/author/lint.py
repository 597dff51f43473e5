"""Reading an exercise for mistakes without running any of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from lab.author.finding import Finding, line_of
from lab.author.mutants import problem as mutant_problem
from lab.author.proofs import SCRIPTS, read_cases, read_mutants, solutions
from lab.author.source import Source, read_source
from lab.author.style import markdown_problems, text_problems
from lab.backends.protocol import CAPABILITIES
from lab.conformance import catalog
from lab.course import Exercise
from lab.course.document import read_text
from lab.course.placeholders import placeholders
from lab.errors import CourseError
from lab.exercise.diagnoses import GENERAL

LEAST_WRONG: Final = 5
LEAST_SOLUTIONS: Final = 2
_ALLOWED_IMPORT: Final = "lab.exercise.api"
_FIGURE: Final = re.compile(r"\{figure\.([A-Za-z0-9_-]+)\}")


def lint_exercise(exercise: Exercise) -> list[Finding]:
    """Everything that can be seen to be wrong with an exercise."""
    rules: tuple[Callable[[Exercise], Iterable[Finding]], ...] = (
        _files, _members, _behaviors, _placeholders, _style, _hints, _validators, _questions, _solutions, _wrong,
        _mutants,
    )  # fmt: skip
    found: list[Finding] = []
    for rule in rules:
        try:
            found.extend(rule(exercise))
        except CourseError as error:
            found.append(Finding(exercise.directory, 0, str(error)))
    return sorted(set(found))


def _files(exercise: Exercise) -> Iterator[Finding]:
    for name in ("brief.md", "world.py", "validators.py", "diagnoses.toml", "hints.toml", "mutants.toml", "explain.md",
                 "wrong/cases.toml"):  # fmt: skip
        if not (exercise.directory / name).is_file():
            yield Finding(exercise.directory / name, 0, "is missing")


def _members(exercise: Exercise) -> Iterator[Finding]:
    file = exercise.directory / "exercise.toml"
    text = read_text(file)
    for need in (*exercise.needs, *(need for check in exercise.checks for need in check.needs)):
        if need not in CAPABILITIES:
            yield Finding(file, line_of(text, need), f"there is no capability {need!r}")
    if not 1 <= exercise.minutes <= 120:
        yield Finding(file, line_of(text, "minutes"), "minutes should be 1 to 120")
    if not exercise.cost_on_aws:
        yield Finding(file, 0, "cost_on_aws is missing")
    for policy in (policy for principal in exercise.principals for policy in principal.policies):
        try:
            json.loads(exercise.policy(policy))
        except ValueError as error:
            yield Finding(exercise.directory / policy, getattr(error, "lineno", 0), f"not JSON: {error}")


def _behaviors(exercise: Exercise) -> Iterator[Finding]:
    file = exercise.directory / "exercise.toml"
    text = read_text(file)
    known = catalog()
    for behavior in exercise.behaviors:
        if behavior not in known:
            yield Finding(file, line_of(text, behavior), f"there is no behavior {behavior}")
        elif known[behavior].grade == "ours":
            yield Finding(file, line_of(text, behavior), f"{behavior} is our own model: no exercise may rest on it")
        elif known[behavior].not_modelled:
            yield Finding(file, line_of(text, behavior), f"the sandbox does not model {behavior}")
    for check in exercise.checks:
        for behavior in check.rests_on:
            if behavior not in exercise.behaviors:
                yield Finding(file, 0, f"{check.id} rests on {behavior}, which behaviors does not list")
            elif behavior in known and not known[behavior].firm:
                grade = known[behavior].grade
                yield Finding(file, 0, f"{check.id} compares code or message of {behavior}, which is only {grade}")


def _placeholders(exercise: Exercise) -> Iterator[Finding]:
    declared = {f"bucket.{name}" for name in exercise.buckets} | {f"key.{name}" for name in exercise.keys}
    declared |= {f"alias.{name}" for name in exercise.aliases}
    declared |= {f"principal.{principal.name}" for principal in exercise.principals}
    declared |= {f"account.{name}" for name in ("home", *{principal.account for principal in exercise.principals})}
    for file in _texts(exercise):
        text = read_text(file)
        for name in sorted(set(placeholders(text)) - declared):
            yield Finding(file, line_of(text, f"{{{name}}}"), f"{{{name}}} is not declared")
        for variable in sorted(set(re.findall(r"\$\{?(LAB_(?:BUCKET|KEY|ALIAS|PRINCIPAL|ACCOUNT)_[A-Z0-9_]+)", text))):
            if variable not in {"LAB_" + name.upper().replace(".", "_").replace("-", "_") for name in declared}:
                yield Finding(file, line_of(text, variable), f"${variable} is not declared")


def _texts(exercise: Exercise) -> Iterator[Path]:
    """Every file that may hold placeholders."""
    for name in ("brief.md", "hints.toml", "diagnoses.toml", "explain.md", "predict.toml", "mutants.toml"):
        if (exercise.directory / name).is_file():
            yield exercise.directory / name
    for name in ("files", "policies", "solutions", "wrong"):
        for file in sorted((exercise.directory / name).rglob("*")):
            if file.is_file():
                try:
                    file.read_bytes().decode()
                except UnicodeDecodeError:
                    continue
                yield file


def _style(exercise: Exercise) -> Iterator[Finding]:
    directory = exercise.directory
    for name in ("brief.md", "explain.md"):
        if (directory / name).is_file():
            for line, message in markdown_problems(read_text(directory / name)):
                yield Finding(directory / name, line, message)
    titles = (exercise.title, exercise.idea, exercise.cost_on_aws, *(check.title for check in exercise.checks))
    said = [(directory / "exercise.toml", text) for text in titles]
    for diagnosis in exercise.diagnoses().values():
        said += [(directory / "diagnoses.toml", text) for text in (diagnosis.seen, diagnosis.expected, diagnosis.why)]
    for hints in exercise.hints().values():
        said += [(directory / "hints.toml", hint.text) for hint in hints]
    for question in exercise.questions():
        said += [(directory / "predict.toml", text) for text in (question.ask, question.before)]
        said += [(directory / "predict.toml", f"{choice.text}\n{choice.comparison}") for choice in question.choices]
    for file, text in said:
        for _, message in text_problems(text):
            yield Finding(file, line_of(read_text(file), text.splitlines()[0]) if text else 0, message)


def _hints(exercise: Exercise) -> Iterator[Finding]:
    file = exercise.directory / "hints.toml"
    hints = exercise.hints()
    for check in exercise.checks:
        if check.id not in hints:
            yield Finding(file, 0, f"the check {check.id} has no hints")
        elif any(not hint.text.strip() for hint in hints[check.id]):
            yield Finding(file, 0, f"a hint of {check.id} is empty")
    for name in hints:
        if exercise.check(name) is None:
            yield Finding(file, line_of(read_text(file), f"[{name}]"), f"there is no check {name}")


def _validators(exercise: Exercise) -> Iterator[Finding]:
    """Functions, imports, and the names of diagnoses, as far as the source shows them."""
    file = exercise.validators_file
    source = read_source(file)
    for check in exercise.checks:
        if check.function not in source.functions:
            yield Finding(file, 0, f"there is no function {check.function} for the check {check.id}")
    for question in exercise.questions():
        if question.function not in source.functions:
            yield Finding(file, 0, f"there is no function {question.function} for the question {question.id}")
    figures = set(_FIGURE.findall(exercise.explanation()))
    if figures and "figures" not in source.functions:
        yield Finding(file, 0, "explain.md quotes figures, and there is no function figures")
    for name in sorted(figures - source.texts):
        yield Finding(exercise.explain_file, 0, f"{{figure.{name}}} is not measured in validators.py")
    own = exercise.diagnoses()
    for code, line in sorted(source.diagnoses.items()):
        if code not in own and code not in GENERAL:
            yield Finding(file, line, f"the diagnosis {code!r} is not written")
    for code in own:
        if code not in source.texts:
            yield Finding(exercise.directory / "diagnoses.toml", 0, f"no validator gives the diagnosis {code!r}")
    yield from _imports(file, source)
    yield from _imports(exercise.world_file, read_source(exercise.world_file))
    if "build" not in read_source(exercise.world_file).functions:
        yield Finding(exercise.world_file, 0, "there is no function build")


def _imports(file: Path, source: Source) -> Iterator[Finding]:
    for module, line in sorted(source.imports.items()):
        if module.split(".")[0] == "lab" and module != _ALLOWED_IMPORT:
            yield Finding(file, line, f"imports {module}; of the lab only {_ALLOWED_IMPORT} may be")


def _questions(exercise: Exercise) -> Iterator[Finding]:
    file = exercise.directory / "predict.toml"
    for question in exercise.questions():
        for choice in question.choices:
            if not choice.comparison.strip():
                yield Finding(file, 0, f"{question.id}: {choice.id} has no comparison")


def _solutions(exercise: Exercise) -> Iterator[Finding]:
    found = solutions(exercise)
    if len(found) < LEAST_SOLUTIONS:
        yield Finding(exercise.solutions_directory, 0, f"{len(found)} solutions; at least {LEAST_SOLUTIONS}")
    if sum(file.stem == "reference" for file in found) != 1:
        yield Finding(exercise.solutions_directory, 0, "one solution should be named reference")


def _wrong(exercise: Exercise) -> Iterator[Finding]:
    file = exercise.directory / "wrong" / "cases.toml"
    cases, comparisons = read_cases(exercise)
    if len(cases) < LEAST_WRONG:
        yield Finding(file, 0, f"{len(cases)} wrong answers; at least {LEAST_WRONG}")
    known = exercise.diagnoses().keys() | GENERAL.keys()
    for case in cases:
        if not (file.parent / case.run).is_file() or Path(case.run).suffix not in SCRIPTS:
            yield Finding(file, 0, f"there is no script {case.run}")
        for check in (case.check, *case.also_fails):
            if exercise.check(check) is None:
                yield Finding(file, 0, f"{case.run}: there is no check {check}")
        if case.check in case.also_fails:
            yield Finding(file, 0, f"{case.run}: {case.check} is listed twice")
        if case.diagnosis not in known:
            yield Finding(file, 0, f"{case.run}: there is no diagnosis {case.diagnosis}")
    named = [case.run for case in cases]
    for name in sorted({name for name in named if named.count(name) > 1}):
        yield Finding(file, 0, f"{name} is there twice")
    for script in sorted(file.parent.glob("*")):
        if script.suffix in SCRIPTS and script.name not in named:
            yield Finding(script, 0, "no case runs it")
    questions = {question.id: question for question in exercise.questions()}
    for one in comparisons:
        question = questions.get(one.question)
        choice = question.choice(one.choice) if question else None
        if choice is None:
            yield Finding(file, 0, f"there is no question {one.question} with the choice {one.choice}")
        elif one.comparison not in choice.comparison:
            yield Finding(file, 0, f"{one.question}, {one.choice}: {one.comparison!r} is no part of the comparison")
    for name in questions.keys() - {one.question for one in comparisons}:
        yield Finding(file, 0, f"no case compares an answer to {name}")


def _mutants(exercise: Exercise) -> Iterator[Finding]:
    file = exercise.directory / "mutants.toml"
    declared = {"bucket": exercise.buckets, "kms_key": exercise.keys, "alias": exercise.aliases}
    noticed: set[str] = set()
    for mutant in read_mutants(exercise):
        if wrong := mutant_problem(mutant):
            yield Finding(file, 0, f"{mutant.title}: {wrong}")
        families = declared | ({"key": exercise.keys} if mutant.op.startswith("kms.") else {})
        for member, names in families.items():
            if member in mutant.target and mutant.target[member] not in names:
                yield Finding(file, 0, f"{mutant.title}: there is no {member} {mutant.target[member]!r}")
        for name in mutant.fails:
            if exercise.check(name) is None:
                yield Finding(file, 0, f"{mutant.title}: there is no check {name}")
        noticed |= set(mutant.fails)
    for check in exercise.checks:
        if check.id not in noticed:
            yield Finding(file, 0, f"no mutant must be noticed by {check.id}")
