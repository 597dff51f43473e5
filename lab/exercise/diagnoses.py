"""Putting a diagnosis into words: the exercise's own, or one of those that every exercise has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from lab.course import Diagnosis, render_observed

CAPTURE_GONE: Final = "capture-gone"
LOCKED_OUT: Final = "validator-locked-out"
UNKNOWN_STATE: Final = "unknown-state"

#: Every exercise has these; one of the same code in its ``diagnoses.toml`` replaces it.
GENERAL: Final[Mapping[str, Diagnosis]] = {
    diagnosis.code: diagnosis
    for diagnosis in (
        Diagnosis(
            code=UNKNOWN_STATE,
            seen="This state has no name yet. What was found:\n{facts}",
            expected="",
            why="Compare it with what the task asks for; the check knows no better advice for it.",
            look="",
            hint=1,
        ),
        Diagnosis(
            code="missing-file",
            seen="There is no {file} in the workspace.",
            expected="{file} in the workspace, as the task describes it.",
            why="The check reads this file.",
            look="files",
            hint=1,
        ),
        Diagnosis(
            code="bad-json",
            seen="{file} is not valid JSON: line {line}, column {column}: {problem}.",
            expected="A JSON document, as the task shows it.",
            why="The check could not read what you wrote.",
            look="files",
            hint=1,
        ),
        Diagnosis(
            code="not-run",
            seen="Nothing of this kind has happened yet: {what}.",
            expected="{what}, at least once since the exercise was started or reset.",
            why="The check looks at what happened, and not at what is written down.",
            look="wire",
            hint=1,
        ),
        Diagnosis(
            code=CAPTURE_GONE,
            seen="The recording of the bytes on the wire is gone: the sandbox was started again since, or it was full.",
            expected="A recording of this step in the sandbox that runs now.",
            why="Recordings are kept in memory only, so that what was readable on the wire is never written to a disk.",
            look="wire",
            hint=3,
        ),
        Diagnosis(
            code=LOCKED_OUT,
            seen="The check was refused: {action} answered AccessDenied.",
            expected="Permission for the check to read what it judges.",
            why="On this back end the checks use the credentials that you named, and your policies bind them too.",
            look="policy",
            hint=1,
        ),
    )
}


def facts_in_lines(observed: Mapping[str, object]) -> str:
    """What was observed, one fact a line."""
    return "\n".join(f"  {name.replace('_', ' ')}: {shown(value)}" for name, value in observed.items()) or "  nothing"


def shown(value: object) -> str:
    """One observed value as a learner reads it."""
    if value is None:
        return "absent"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(shown(item) for item in value) or "none"
    return str(value)


def in_words(diagnosis: Diagnosis, observed: Mapping[str, object], names: Mapping[str, str]) -> tuple[str, str, str]:
    """What was seen, what was expected, and why it matters, with names and observed values in place."""
    values = {name: shown(value) for name, value in observed.items()} | {"facts": facts_in_lines(observed)}
    seen, expected, why = (
        render_observed(text, values, names).strip() for text in (diagnosis.seen, diagnosis.expected, diagnosis.why)
    )
    return seen, expected, why
