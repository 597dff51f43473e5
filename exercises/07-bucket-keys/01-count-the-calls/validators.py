"""What 7.1 checks: four marked runs in the event log, and the learner's count of each first one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lab.exercise.api import BadJson, Event, Verdict, World, not_yet, passed

KINDS = ("plain-one", "plain-four", "bk-one", "bk-four")
REQUESTS = 200
ANSWER = "answer.json"


@dataclass
class Run:
    """One run of load.py, as the log shows it."""

    kind: str
    name: str
    requests: set[str] = field(default_factory=set)
    roles: set[str] = field(default_factory=set)
    calls: int = 0
    cached: int = 0


def runs(world: World) -> Verdict:
    """Each kind has a run with 200 answered requests."""
    found = _runs(world.events())
    missing = [kind for kind in KINDS if not _complete(found, kind)]
    if not missing:
        warm = [kind for kind in KINDS if not _cold(found, kind)]
        return not_yet("warm-start", run=warm[0]) if warm else passed()
    begun = [run for run in found if run.kind in missing]
    if begun:
        return not_yet("incomplete-run", run=begun[-1].kind, count=len(begun[-1].requests), needed=REQUESTS)
    if len(missing) == len(KINDS):
        unmarked = sum(1 for event in world.events(step="request") if event.data["operation"] == "PutObject")
        return not_yet("unmarked-runs", count=unmarked) if unmarked else not_yet("no-run")
    return not_yet("runs-missing", missing=", ".join(missing))


def answer(world: World) -> Verdict:
    """The numbers are those of the first complete run of each kind."""
    found = world.read_json(ANSWER)
    if isinstance(found, BadJson):
        return found.verdict()
    if found is None:
        return not_yet("missing-file", file=ANSWER)
    counted = _counts(world.events())
    if len(counted) < len(KINDS):
        return not_yet("nothing-to-count", missing=", ".join(kind for kind in KINDS if kind not in counted))
    if not isinstance(found, dict) or any(kind not in found for kind in KINDS):
        return not_yet("incomplete-answer")
    given = {kind: _number(found[kind]) for kind in KINDS}
    wrong = [kind for kind in KINDS if given[kind] != counted[kind]]
    if not wrong:
        return passed()
    return _why_wrong(wrong, given, _runs(world.events()))


def _why_wrong(wrong: Sequence[str], given: Mapping[str, int | None], found: Sequence[Run]) -> Verdict:
    for kind in wrong:
        later = [run for run in found if run.kind == kind and len(run.requests) == REQUESTS][1:]
        if kind.startswith("bk") and any(run.calls == given[kind] for run in later):
            return not_yet("warm-run", run=kind)
        if kind.startswith("bk") and given[kind] == 0:
            return not_yet("zero-calls", run=kind)
        if kind == "bk-four" and given[kind] == given["bk-one"]:
            return not_yet("one-for-all", run=kind)
        if given[kind] == REQUESTS // 2:
            return not_yet("half-counted", run=kind)
        if given[kind] is None:
            return not_yet("not-a-number", run=kind)
    return not_yet("other-number", run=wrong[0], given=given[wrong[0]])


def _number(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and value.strip().isdigit() else None


def answer_plain_one(events: Sequence[Event]) -> str | None:
    """The band that the first such run fell in."""
    return _band(events, "plain-one")


def answer_plain_four(events: Sequence[Event]) -> str | None:
    """The band that the first such run fell in."""
    return _band(events, "plain-four")


def answer_bk_one(events: Sequence[Event]) -> str | None:
    """The band that the first such run fell in."""
    return _band(events, "bk-one")


def answer_bk_four(events: Sequence[Event]) -> str | None:
    """The band that the first such run fell in."""
    return _band(events, "bk-four")


def _band(events: Sequence[Event], kind: str) -> str | None:
    count = _counts(events).get(kind)
    if count is None:
        return None
    if count == 0:
        return "none"
    if count < 4:
        return "up-to-3"
    return "4-to-20" if count <= 20 else "100-or-more"


def figures(world: World) -> Mapping[str, str]:
    """The counts of the first complete runs."""
    names = {
        "plain-one": "plain_one_role",
        "plain-four": "plain_four_roles",
        "bk-one": "bucket_key_one_role",
        "bk-four": "bucket_key_four_roles",
    }
    return {names[kind]: str(count) for kind, count in _counts(world.events()).items()}


def _counts(events: Sequence[Event]) -> dict[str, int]:
    """KMS calls of the first complete run of each kind, where it began with a cold cache."""
    found = _runs(events)
    first = {kind: _complete(found, kind) for kind in KINDS if _cold(found, kind)}
    return {kind: run.calls for kind, run in first.items() if run is not None}


def _complete(found: Sequence[Run], kind: str) -> Run | None:
    return next((run for run in found if run.kind == kind and len(run.requests) == REQUESTS), None)


def _cold(found: Sequence[Run], kind: str) -> bool:
    """Whether no run that was broken off has filled the cache before the first complete one."""
    first = next((run for run in found if run.kind == kind and run.requests), None)
    return kind.startswith("plain") or first is None or len(first.requests) == REQUESTS


def _runs(events: Sequence[Event]) -> list[Run]:
    """The marked runs in the order of their first request."""
    found: dict[str, Run] = {}
    run_of: dict[str, Run] = {}
    for event in events:
        request = event.data.get("request_id", "")
        if event.step == "request":
            mark = re.search(r"lab-run/([a-z-]+)\.([0-9a-f]+)", event.data["headers"].get("user-agent", ""))
            if mark and mark[1] in KINDS and event.data["operation"] in ("PutObject", "GetObject"):
                run = found.setdefault(mark[2], Run(mark[1], mark[2]))
                run_of[request] = run
                run.roles.add(event.principal)
        elif request in run_of and event.step == "kms" and event.data["via"] == "s3":
            run_of[request].calls += 1
        elif request in run_of and event.step == "bucket_key":
            run_of[request].cached += 1
        elif request in run_of and event.step == "answer" and event.data["status"] == 200:
            run_of[request].requests.add(request)
    return list(found.values())
