"""Run the checks against a back end and say what each found."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from lab.backends.refusal import ClientError
from lab.conformance.catalog import Behavior, catalog
from lab.conformance.expect import Deviation
from lab.conformance.programs import find
from lab.errors import NotCapableError, UsageError

if TYPE_CHECKING:
    from lab.backends.protocol import Backend
    from lab.conformance.stage import Stage

Check = Callable[["Stage"], None]

#: What a run found: AWS's behavior holds; the endpoint does otherwise; it could not be looked at; the check failed.
Outcome = Literal["holds", "deviates", "not shown", "fault"]

#: Module of ``lab.conformance.checks`` by letter.
MODULES: Final = {
    "A": "default_encryption",
    "B": "sse_kms",
    "C": "bucket_keys",
    "D": "dsse_kms",
    "E": "sse_c",
    "I": "identities",
    "K": "kms",
    "M": "audit",
    "P": "bucket_policies",
    "T": "transport",
    "U": "update_encryption",
    "V": "versions",
    "X": "tools",
}


@dataclass(frozen=True, slots=True)
class Result:
    """What one check found.

    Attributes:
        expected: What AWS does; empty where the behavior holds.
        seen: What the endpoint did, or why it was not looked at.
        milliseconds: How long it took.
    """

    behavior: Behavior
    outcome: Outcome
    expected: str = ""
    seen: str = ""
    milliseconds: int = 0

    @property
    def as_listed(self) -> bool:
        """Whether this is what the ledger says: a deviation only where it lists one, and there indeed."""
        if self.outcome == "not shown":
            return True
        return self.outcome == ("deviates" if self.behavior.deviation else "holds")


def check_of(behavior: Behavior) -> Check | None:
    """The function that checks a behavior; None where the list says that the sandbox lacks it altogether."""
    module = importlib.import_module(f"lab.conformance.checks.{MODULES[behavior.id[0]]}")
    check: Check | None = getattr(module, behavior.id.lower(), None)
    return check


def chosen(ids: Iterable[str]) -> list[Behavior]:
    """The behaviors of these ids or letters, all of them where none is given.

    Raises:
        UsageError: The list has no such id.
    """
    known = catalog()
    wanted = [given.upper() for given in ids]
    for given, name in zip(ids, wanted, strict=False):
        if not any(one == name or one[0] == name for one in known):
            raise UsageError(f'The list of behaviors has no "{given}".', "See them all: lab fidelity --list.")
    return [one for one in known.values() if not wanted or one.id in wanted or one.id[0] in wanted]


def run(backend: Backend, behaviors: Iterable[Behavior]) -> Iterator[Result]:
    """Run the checks one after the other, in one world that is removed afterwards."""
    from lab.conformance.stage import Stage

    with Stage(backend) as stage:
        for behavior in behaviors:
            yield run_one(stage, behavior)


def run_one(stage: Stage, behavior: Behavior) -> Result:
    """Run one check."""
    if reason := _obstacle(stage, behavior):
        return Result(behavior, "not shown", seen=reason)
    check = check_of(behavior)
    if check is None:
        return Result(behavior, "not shown", seen=behavior.deviation or "it has no check")
    began = time.monotonic()
    outcome: Outcome
    try:
        check(stage)
    except Deviation as found:
        outcome, expected, seen = _deviates(found.expected, found.seen)
    except ClientError as error:
        outcome, expected, seen = _deviates("the request to be answered", str(error))
    except KeyError as error:
        outcome, expected, seen = _deviates(f"the member {error} in an answer", "it is absent")
    except NotCapableError as error:
        outcome, expected, seen = "not shown", "", error.message
    except Exception as error:  # noqa: BLE001 - whatever it is, the other checks go on
        outcome, expected, seen = "fault", "", f"{type(error).__name__}: {error}"
    else:
        outcome, expected, seen = "holds", "", ""
    return Result(behavior, outcome, expected, seen, round((time.monotonic() - began) * 1000))


def _deviates(expected: str, seen: str) -> tuple[Outcome, str, str]:
    return "deviates", expected, seen


def _obstacle(stage: Stage, behavior: Behavior) -> str:
    """Why this back end or this machine cannot show the behavior."""
    missing: list[str] = [need for need in behavior.needs if need not in stage.capabilities]
    if missing:
        return f"the back end lacks {', '.join(missing)}"
    absent = [name for name in behavior.tools if find(name) is None]
    if absent:
        return f"not installed: {', '.join(absent)}"
    if behavior.not_modelled and stage.backend.name != "sandbox":
        return "checked as a refusal of the sandbox only"
    return ""
