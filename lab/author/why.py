"""Why a check says what it says: one script played on a sandbox of its own, and everything that could be seen."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from pathlib import Path

from lab.author.home import ProofHome
from lab.author.mask import MaskedBackend
from lab.author.proofs import solutions
from lab.author.stage import Stage
from lab.course import Exercise
from lab.errors import UsageError
from lab.events import Event
from lab.exercise.report import CheckResult


def why(exercise: Exercise, script: str = "") -> list[str]:
    """Play a script and tell what was judged, line by line.

    Args:
        exercise: What is played.
        script: A file in ``solutions/`` or ``wrong/``, or a path; nothing is run where it is empty.
    """
    file = _script(exercise, script)
    home = ProofHome()
    try:
        with home.entered():
            backend = MaskedBackend()
            backend.open()
            try:
                return list(_played(Stage(exercise, home, backend), file))
            finally:
                backend.close()
    finally:
        home.close()


def _script(exercise: Exercise, name: str) -> Path | None:
    if not name:
        return None
    for place in (exercise.solutions_directory, exercise.directory / "wrong", Path()):
        if (place / name).is_file():
            return (place / name).absolute()
    known = [file.name for file in (*solutions(exercise), *sorted((exercise.directory / "wrong").glob("*.*")))]
    raise UsageError(f"There is no script {name!r}.", f"There are: {', '.join(known)}.")


def _played(stage: Stage, file: Path | None) -> Iterator[str]:
    stage.begin()
    if file is not None:
        run = stage.run(file)
        yield f"{run.told}\n({run.seconds:.1f} seconds)\n"
    report, problems = stage.judge()
    yield from (f"PROBLEM {problem}" for problem in problems)
    for check in report.checks:
        yield from _check(check)
    for question in report.questions:
        yield f"question {question.id}: {question.state}"
    asked = stage.session.source().asked()
    if asked:
        yield "\ndecisions that the checks asked for:"
    for one in asked:
        decision = one["decision"]
        end = "allowed" if decision["allowed"] else f"denied by {decision['denied_by'] or 'no policy that allows it'}"
        yield f"  {one['principal']} {one['action']} {one['resource']} {one['context']}: {end}"
    yield "\nthe learner's requests:"
    yield from _requests(stage.session.handle.events(after=stage.session.since, origin="learner"))


def _check(check: CheckResult) -> Iterator[str]:
    yield f"{check.id}: {check.state} {check.diagnosis}".rstrip() + f" ({check.seconds:.2f} s)"
    for title, text in (("seen", check.seen), ("expected", check.expected), ("why", check.why)):
        if text:
            yield f"  {title}: {text}"
    for name, value in check.facts.items():
        yield f"  observed {name} = {value!r}"
    if check.error is not None:
        yield from ("  " + line.rstrip() for line in traceback.format_exception(check.error))


def _requests(events: list[Event]) -> Iterator[str]:
    answers = {event.data["request_id"]: event.data for event in events if event.step == "answer"}
    between: dict[str, list[str]] = {}
    for event in events:
        request = event.data.get("request_id", "")
        if event.step == "kms":
            between.setdefault(request, []).append(f"KMS {event.data['operation']}: {event.data['outcome']}")
        elif event.step == "sse":
            between.setdefault(request, []).append(f"{event.data['algorithm']} by {event.data['decided_by']}")
        elif event.step == "bucket_key":
            between.setdefault(request, []).append(f"bucket key ({event.data['use']})")
    for event in events:
        if event.step != "request":
            continue
        data, answer = event.data, answers.get(event.data["request_id"], {})
        what = "/".join(part for part in (data["bucket"], data["key"]) if part)
        end = f"{answer.get('status', 'no answer')} {answer.get('code') or ''}".rstrip()
        more = f"  [{'; '.join(between[data['request_id']])}]" if data["request_id"] in between else ""
        yield f"  {event.seq} {data['scheme']} {data['operation']} {what}: {end}{more}"
