"""An exercise or a lesson as text for its author: everything that a learner may come to read, in one document."""

from __future__ import annotations

from collections.abc import Iterator

from lab.author.proofs import read_mutants, solutions
from lab.course import Course, Exercise, render, render_observed

#: What names end in while there is no world.
_SUFFIX = "0a1b2c3d"
_ACCOUNT = "111122223333"
_REGION = "us-east-1"


def preview_exercise(exercise: Exercise) -> str:
    """Task, questions, hints, diagnoses and explanation as Markdown, with names such as a learner gets."""
    names = sample_names(exercise)
    return "\n".join(render(line, names) for line in _exercise(exercise)) + "\n"


def preview_lesson(course: Course, reference: str) -> str:
    """The pages of a lesson, each with its size."""
    lesson = course.lesson(reference)
    parts = [f"# {lesson.number} {lesson.title}\n\n{lesson.summary}\n"]
    pages = lesson.pages()
    for number, page in enumerate(pages, start=1):
        parts.append(f"--- page {number} of {len(pages)}, {len(page.text.encode())} bytes\n\n{page.text}")
    return "\n".join(parts)


def sample_names(exercise: Exercise) -> dict[str, str]:
    """Names as they could be, where nothing was built."""
    names = {"account.home": _ACCOUNT, "account.other": "444455556666"}
    names |= {f"bucket.{name}": f"{name}-{_SUFFIX}" for name in exercise.buckets}
    names |= {f"alias.{name}": f"alias/{name}-{_SUFFIX}" for name in exercise.aliases}
    names |= {
        f"key.{name}": f"arn:aws:kms:{_REGION}:{_ACCOUNT}:key/{number:08}-1234-1234-1234-123456789012"
        for number, name in enumerate(exercise.keys, start=1)
    }
    names |= {
        f"principal.{one.name}": f"arn:aws:iam::{names[f'account.{one.account}']}:{one.kind}/{one.name}"
        for one in exercise.principals
    }
    return names


def _exercise(exercise: Exercise) -> Iterator[str]:
    yield f"# {exercise.number} {exercise.title}"
    yield f"\n{exercise.kind}, {exercise.minutes} minutes. {exercise.idea}\n"
    yield exercise.brief()
    questions = exercise.questions()
    if questions:
        yield "## Before the run\n"
    for question in questions:
        yield f"**{question.id}**: {question.ask} (before {question.before})\n"
        for choice in question.choices:
            yield f"- {choice.text}\n  → {choice.comparison.strip()}"
        yield ""
    hints = exercise.hints()
    mutants = read_mutants(exercise)
    yield "## Checks\n"
    for check in exercise.checks:
        after = f", after {check.after}" if check.after else ""
        yield f"**{check.id}**: {check.title}{after}\n"
        yield from (f"{hint.level}. {hint.text}" for hint in hints.get(check.id, ()))
        noticed = [mutant.title for mutant in mutants if check.id in mutant.fails]
        yield f"\nNotices: {', '.join(noticed) or 'no mutant'}\n"
    yield "## Diagnoses\n"
    for diagnosis in exercise.diagnoses().values():
        look = f", look: {diagnosis.look}" if diagnosis.look else ""
        yield f"**{diagnosis.code}** (hint {diagnosis.hint}{look})\n"
        yield from (f"- {text.strip()}" for text in (diagnosis.seen, diagnosis.expected, diagnosis.why) if text.strip())
        yield ""
    yield "## After the pass\n"
    yield render_observed(exercise.explanation(), {}, {})
    yield f"Solutions: {', '.join(file.name for file in solutions(exercise))}"
