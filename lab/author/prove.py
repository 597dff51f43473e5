"""What the gate proves of an exercise, one thing at a time, by playing it: each proof has a name and an outcome."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Literal

from lab.author.home import ProofHome
from lab.author.lint import lint_exercise
from lab.author.mask import MaskedBackend
from lab.author.mutants import MutantError, Scene, apply
from lab.author.proofs import Comparison, Mutant, WrongAnswer, read_cases, read_mutants, solutions
from lab.author.stage import ScriptRun, Stage
from lab.course import Exercise
from lab.errors import LabError
from lab.exercise.report import CheckResult, Report

Kind = Literal["written", "start", "solution", "comparison", "repeat", "mutant", "wrong"]

#: How often validators run on one state before they are taken to give the same verdict for ever.
REPEATS: Final = 10

_LEFT_OPEN = re.compile(r"\{[A-Za-z_][A-Za-z0-9_.-]*\}")


@dataclass(frozen=True, slots=True)
class Proof:
    """One thing to prove of one exercise.

    Attributes:
        exercise: Its id.
        needs_solution: Whether it starts from the solved world, which the proofs of an exercise share.
    """

    exercise: str
    kind: Kind
    name: str = ""

    @property
    def id(self) -> str:
        """``wrong:double-base64.sh``."""
        return f"{self.kind}:{self.name}" if self.name else self.kind

    @property
    def needs_solution(self) -> bool:
        """Whether it starts from the solved world."""
        return self.kind in ("comparison", "repeat", "mutant") or self.id.startswith("solution:reference.")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a proof ended.

    Attributes:
        problems: What is not as it should be; nothing where it is proved.
        justified: A mutant that survives for a reason that is written down.
    """

    proof: Proof
    problems: tuple[str, ...]
    seconds: float
    justified: bool = False


def proofs_of(exercise: Exercise) -> list[Proof]:
    """Everything to prove of an exercise; what shares the solved world stands together.

    Raises:
        CourseError: What the author wrote down cannot be read.
    """
    wrong, comparisons = read_cases(exercise)
    ways = [Proof(exercise.id, "solution", file.name) for file in solutions(exercise)]
    return [
        Proof(exercise.id, "written"),
        Proof(exercise.id, "start"),
        *ways[:1],
        *(
            Proof(exercise.id, "comparison", f"{one.question}={one.choice}")
            for one in sorted(comparisons, key=lambda one: _turn(one, comparisons))
        ),
        Proof(exercise.id, "repeat"),
        *(Proof(exercise.id, "mutant", mutant.title) for mutant in read_mutants(exercise)),
        *ways[1:],
        *(Proof(exercise.id, "wrong", case.run) for case in wrong),
    ]


class Prover:
    """Proves one thing after the other on one sandbox; the home must be entered.

    Args:
        home: Where it is done.
        backend: The home's sandbox, open.
    """

    def __init__(self, home: ProofHome, backend: MaskedBackend) -> None:
        self._home = home
        self._backend = backend
        self._stages: dict[str, Stage] = {}
        self._solved: dict[str, int] = {}

    def prove(self, exercise: Exercise, proof: Proof) -> Outcome:
        """Play the exercise as the proof needs it. What cannot be played is a problem of the proof."""
        methods: dict[Kind, Callable[[Exercise, str], Iterable[str]]] = {
            "written": lambda exercise, _name: [str(finding) for finding in lint_exercise(exercise)],
            "start": self._start,
            "solution": self._solution,
            "comparison": self._comparison,
            "repeat": self._repeat,
            "mutant": self._mutant,
            "wrong": self._wrong,
        }
        began = time.monotonic()
        try:
            problems = tuple(methods[proof.kind](exercise, proof.name))
        except LabError as error:
            cause = f" ({type(error.__cause__).__name__}: {error.__cause__})" if error.__cause__ else ""
            problems = (f"{error}{cause}",)
        justified = proof.kind == "mutant" and not problems and bool(_find_mutant(exercise, proof.name).survives)
        return Outcome(proof, problems, time.monotonic() - began, justified)

    def figures(self, exercise: Exercise) -> dict[str, str]:
        """What the reference solution measures.

        Raises:
            LabError: It does not pass.
        """
        if problems := self._solve(exercise):
            raise LabError(f"{exercise.number}: {'; '.join(problems)}")
        return self._stages[exercise.id].session.figures()

    # The proofs.

    def _start(self, exercise: Exercise, _name: str) -> list[str]:
        stage = self._fresh(exercise)
        report, problems = stage.judge()
        problems += [
            f"{check.id} passes before anything was done" for check in report.checks if check.state == "passed"
        ]
        problems += [
            f"question {one.id} is answered before anything was done" for one in report.questions if one.answer
        ]
        return problems

    def _solution(self, exercise: Exercise, name: str) -> list[str]:
        file = exercise.solutions_directory / name
        if file.stem == "reference":
            return self._solve(exercise, 0)
        stage = self._fresh(exercise)
        _predict(stage, {})
        run = stage.run(file)
        report, problems = stage.judge()
        return problems + _not_passed(report, run)

    def _comparison(self, exercise: Exercise, name: str) -> list[str]:
        _, comparisons = read_cases(exercise)
        wanted = next(one for one in comparisons if f"{one.question}={one.choice}" == name)
        if problems := self._solve(exercise, _turn(wanted, comparisons)):
            return problems
        shown = next(one for one in self._stages[exercise.id].session.questions() if one.id == wanted.question)
        if shown.state != "answered":
            return [f"the reference solution does not answer {wanted.question}"]
        authors = next(one.answer for one in exercise.questions() if one.id == wanted.question)
        if authors and authors != shown.answer:
            return [f"the run shows {shown.answer}, and predict.toml says {authors}"]
        if wanted.comparison not in shown.comparison:
            return [f"said was: {shown.comparison!r}; {wanted.comparison!r} is no part of it"]
        return []

    def _repeat(self, exercise: Exercise, _name: str) -> list[str]:
        if problems := self._solve(exercise):
            return problems
        stage = self._stages[exercise.id]
        stage.put_back()
        first, problems = stage.judge()
        events = _learners(stage)
        if first.verdict != "passed":
            return [*problems, "the solved world, put back, does not pass any more"]
        for _ in range(REPEATS - 1):
            again, more = stage.judge()
            problems += more
            if _verdicts(again) != _verdicts(first):
                problems.append(f"the verdict changes by itself: {_told(again.checks)}")
        if _learners(stage) != events:
            problems.append("the checks make events that count as the learner's")
        return sorted(set(problems))

    def _mutant(self, exercise: Exercise, name: str) -> list[str]:
        mutant = _find_mutant(exercise, name)
        if problems := self._solve(exercise):
            return problems
        stage = self._stages[exercise.id]
        stage.put_back()
        handle = stage.session.handle
        try:
            apply(mutant, Scene(handle, stage.session.names, stage.workspace, self._backend.mask))
        except MutantError as error:
            return [str(error)]
        stage.look_again()
        report, problems = stage.judge()
        states = {check.id: check.state for check in report.checks}
        problems += [f"{check} does not notice" for check in mutant.fails if states.get(check) == "passed"]
        if mutant.survives and set(states.values()) != {"passed"}:
            problems.append(f"it should survive, but: {_told(report.checks)}")
        return problems

    def _wrong(self, exercise: Exercise, name: str) -> list[str]:
        cases, _ = read_cases(exercise)
        case = next(case for case in cases if case.run == name)
        stage = self._fresh(exercise)
        run = stage.run(exercise.directory / "wrong" / case.run)
        report, problems = stage.judge()
        problems += _refused_by_name(case, report)
        return [*problems, run.told] if problems else []

    # How an exercise comes into a state.

    def _stage(self, exercise: Exercise) -> Stage:
        if exercise.id not in self._stages:
            self._stages[exercise.id] = Stage(exercise, self._home, self._backend)
        return self._stages[exercise.id]

    def _fresh(self, exercise: Exercise) -> Stage:
        self._solved.pop(exercise.id, None)
        stage = self._stage(exercise)
        stage.begin()
        return stage

    def _solve(self, exercise: Exercise, turn: int | None = None) -> list[str]:
        """Solve it by the reference, if it is not; ``turn`` chooses the predictions that are made before."""
        if exercise.id in self._solved and turn in (None, self._solved[exercise.id]):
            return []
        ways = solutions(exercise)
        if not ways or ways[0].stem != "reference":
            return ["there is no solutions/reference"]
        _, comparisons = read_cases(exercise)
        stage = self._fresh(exercise)
        _predict(stage, {one.question: one.choice for one in comparisons if _turn(one, comparisons) == (turn or 0)})
        run = stage.run(ways[0])
        report, problems = stage.judge()
        problems += _not_passed(report, run)
        if not problems and "(not measured)" in stage.session.explain():
            problems.append("explain.md quotes a figure that the reference solution does not measure")
        if not problems:
            stage.keep_solved()
            self._solved[exercise.id] = turn or 0
        return problems


def _turn(wanted: Comparison, comparisons: list[Comparison]) -> int:
    """In which run of the reference a choice is made: each run has one choice per question."""
    return [one for one in comparisons if one.question == wanted.question].index(wanted)


def _predict(stage: Stage, choices: dict[str, str]) -> None:
    """Answer every question before the run; the first choice where none is wanted."""
    for question in stage.exercise.questions():
        stage.session.predict(choices.get(question.id, question.choices[0].id), question.id)


def _find_mutant(exercise: Exercise, title: str) -> Mutant:
    return next(mutant for mutant in read_mutants(exercise) if mutant.title == title)


def _learners(stage: Stage) -> int:
    return len(stage.session.handle.events(origin="learner"))


def _verdicts(report: Report) -> list[tuple[str, str, str, str]]:
    return [(check.id, check.state, check.diagnosis, repr(check.facts)) for check in report.checks]


def _told(checks: Iterable[CheckResult]) -> str:
    return ", ".join(f"{check.id} is {check.diagnosis or check.state}" for check in checks if check.state != "passed")


def _not_passed(report: Report, run: ScriptRun) -> list[str]:
    """Why a solution is none."""
    missing = [f"{check.id} is {check.diagnosis or check.state}: {check.seen}" for check in report.checks
               if check.state != "passed"]  # fmt: skip
    if missing:
        return [*missing, run.told]
    if report.verdict != "passed":
        return [f"all checks pass, and the verdict is {report.verdict}"]
    return []


def _refused_by_name(case: WrongAnswer, report: Report) -> list[str]:
    """What is not as the case says."""
    problems = []
    for check in report.checks:
        if check.state == "lab_fault":
            continue  # the stage has told it already
        if check.id == case.check:
            if check.state != "not_yet" or check.diagnosis != case.diagnosis:
                problems.append(
                    f"{check.id} should be {case.diagnosis}, and is {check.diagnosis or check.state}: {check.seen}"
                )
            problems += [f"the diagnosis {check.diagnosis} quotes {member}, which was not observed"
                         for member in _LEFT_OPEN.findall(f"{check.seen} {check.expected} {check.why}")]  # fmt: skip
        elif check.state != "passed" and check.id not in case.also_fails:
            problems.append(f"{check.id} is {check.diagnosis or check.state} too, which also_fails does not list")
    return problems
