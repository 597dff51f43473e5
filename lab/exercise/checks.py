"""Running the checks in order: each gets a state, each wrong state a diagnosis, and our own faults our own sentence."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Final, cast

from lab.backends.protocol import CAPABILITY_TITLES, Capability, CaptureGoneError
from lab.course import Check, Diagnosis, Exercise
from lab.errors import BackendError, LabError, NotCapableError
from lab.exercise.api import Verdict
from lab.exercise.code import function_of
from lab.exercise.deadline import Deadline, TookTooLongError, within
from lab.exercise.diagnoses import CAPTURE_GONE, GENERAL, LOCKED_OUT, in_words
from lab.exercise.report import CheckResult
from lab.exercise.world import ExerciseWorld

#: How long one validator may take, runs of the learner's scripts not counted.
VALIDATOR_SECONDS: Final = 20.0

_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "403", "Forbidden"})


class CheckRunner:
    """Runs an exercise's checks on a world.

    Args:
        exercise: What the checks are.
        capabilities: What the back end can do.
        own_principal: Whether validators read with credentials that no policy binds (the sandbox). Elsewhere an
            AccessDenied is the learner's state and not our fault.
        seconds: How long one validator may take.
    """

    def __init__(
        self,
        exercise: Exercise,
        capabilities: frozenset[Capability],
        *,
        own_principal: bool,
        seconds: float = VALIDATOR_SECONDS,
    ) -> None:
        self._exercise = exercise
        self._capabilities = capabilities
        self._own_principal = own_principal
        self._seconds = seconds
        self._hanging: dict[str, threading.Thread] = {}

    def run(self, module: ModuleType, world: ExerciseWorld, names: Mapping[str, str]) -> tuple[CheckResult, ...]:
        """All checks, in their order."""
        diagnoses = {**GENERAL, **self._exercise.diagnoses()}
        results: dict[str, CheckResult] = {}
        for check in self._exercise.checks:
            began = time.monotonic()
            result = self._before(check, results) or self._judge(check, module, world, names, diagnoses)
            results[check.id] = replace(result, seconds=time.monotonic() - began)
        return tuple(results.values())

    def _before(self, check: Check, results: Mapping[str, CheckResult]) -> CheckResult | None:
        """The state of a check that is not run: what it needs is not there, or comes first."""
        missing = [need for need in check.needs if need not in self._capabilities]
        if missing:
            title = CAPABILITY_TITLES.get(cast("Capability", missing[0]), missing[0])
            return CheckResult(
                check.id, check.title, "blocked", seen=f"This back end has no {title} (capability {missing[0]})."
            )
        if check.after and results[check.after].state != "passed":
            first = results[check.after]
            # What comes after a check that cannot be shown cannot be shown either.
            if first.state == "blocked":
                return CheckResult(check.id, check.title, "blocked", seen=f"It comes after “{first.title}”.")
            return CheckResult(check.id, check.title, "waiting", seen=f"It waits for “{first.title}”.")
        return None

    def _judge(
        self,
        check: Check,
        module: ModuleType,
        world: ExerciseWorld,
        names: Mapping[str, str],
        diagnoses: Mapping[str, Diagnosis],
    ) -> CheckResult:
        hanging = self._hanging.get(check.id)
        if hanging is not None and hanging.is_alive():
            return self._fault(check, "it still hangs from the last time", None)
        world.deadline = Deadline(self._seconds)
        try:
            verdict = within(world.deadline, function_of(module, check.function), world)
        except CaptureGoneError:
            verdict = Verdict(passed=False, diagnosis=CAPTURE_GONE)
        except TookTooLongError as error:
            self._hanging[check.id] = error.thread
            return self._fault(check, f"it was not finished after {self._seconds:.0f} seconds", error)
        except NotCapableError as error:
            return CheckResult(check.id, check.title, "blocked", seen=error.message)
        except BackendError as error:
            return CheckResult(check.id, check.title, "lab_fault", seen=str(error), error=error)
        except Exception as error:  # noqa: BLE001 - whatever a validator raises is ours
            locked_out = self._locked_out(error)
            if locked_out is None:
                return self._fault(check, _where(error, self._exercise.directory), error)
            verdict = locked_out
        return self._in_words(check, verdict, names, diagnoses)

    def _locked_out(self, error: Exception) -> Verdict | None:
        """An AccessDenied to a validator that has no principal of its own is a state of the learner's account."""
        response = getattr(error, "response", None)
        if self._own_principal or not isinstance(response, dict):
            return None
        if str(response.get("Error", {}).get("Code")) not in _DENIED:
            return None
        action = str(getattr(error, "operation_name", "a request"))
        return Verdict(passed=False, diagnosis=LOCKED_OUT, observed={"action": action})

    def _in_words(
        self, check: Check, verdict: object, names: Mapping[str, str], diagnoses: Mapping[str, Diagnosis]
    ) -> CheckResult:
        if not isinstance(verdict, Verdict):
            return self._fault(check, "it gave no verdict", None)
        if verdict.passed:
            return CheckResult(check.id, check.title, "passed", facts=dict(verdict.observed))
        diagnosis = diagnoses.get(verdict.diagnosis)
        if diagnosis is None:
            return self._fault(check, f"its diagnosis {verdict.diagnosis!r} is not written", None)
        seen, expected, why = in_words(diagnosis, verdict.observed, names)
        return CheckResult(
            check.id,
            check.title,
            "not_yet",
            diagnosis=diagnosis.code,
            seen=seen,
            expected=expected,
            why=why,
            xray=diagnosis.look,
            hint_level=diagnosis.hint,
            facts=dict(verdict.observed),
        )

    def _fault(self, check: Check, what: str, error: BaseException | None) -> CheckResult:
        """Our fault, in words that neither blame the learner nor show what the check held in its hands."""
        return CheckResult(
            check.id,
            check.title,
            "lab_fault",
            seen=f"The lab could not finish this check: {what}. Your work is not judged by it.",
            expected=f"Run it again; if it stays, report it: lab check {self._exercise.number} --debug shows more.",
            error=error,
        )


def _where(error: BaseException, directory: Path) -> str:
    """The error's class and the exercise's line, without its message: that may quote keys or bodies."""
    if isinstance(error, LabError):
        return error.message.rstrip(".")
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).parent == directory]
    place = f" in {Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"
