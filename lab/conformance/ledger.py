"""The ledger: behavior by behavior, whether the sandbox does as AWS does. Made from the list; the tests hold it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any, Final, Literal, get_args

from lab.conformance.catalog import GRADES, Behavior, Grade
from lab.conformance.run import Result

SCHEMA: Final = 1

#: How it is in the sandbox: as AWS does; as we concluded that AWS does; a matter of clients and not of the sandbox;
#: refused by name; otherwise than AWS does.
Status = Literal["enforced", "modelled by us", "client", "not modelled", "deviation"]

STATUSES: Final[tuple[Status, ...]] = get_args(Status)

_STATUS_MEANS: Final[Mapping[Status, str]] = {
    "enforced": "the sandbox does as AWS does, as far as the source says",
    "modelled by us": "AWS's exact answer is not known, the sandbox's is the likeliest; no exercise compares it",
    "client": "a matter of boto3, the AWS CLI or openssl, whatever they talk to",
    "not modelled": "the sandbox refuses the operation by name (NotImplemented) and never pretends",
    "deviation": "the sandbox does otherwise, for the reason that is given",
}

_GRADE_MEANS: Final[Mapping[Grade, str]] = {
    "recorded": "an answer of AWS that somebody recorded and published",
    "documented": "AWS's documentation or API model",
    "reported": "somebody quotes an answer of AWS, or tests against it",
    "observed": "seen in a client, in openssl or on the wire, where everybody can look",
    "inferred": "concluded from the others",
    "ours": "made by us",
}


def status_of(behavior: Behavior) -> Status:
    """What the ledger says of a behavior."""
    if behavior.deviation:
        return "deviation"
    if behavior.not_modelled:
        return "not modelled"
    if behavior.id[0] == "X":
        return "client"
    return "enforced" if behavior.firm else "modelled by us"


def remark(behavior: Behavior) -> str:
    """Why a behavior deviates, or what is refused."""
    return behavior.deviation or behavior.not_modelled


def totals(behaviors: Iterable[Behavior]) -> dict[Status, int]:
    """How many behaviors have which status."""
    found = Counter(status_of(behavior) for behavior in behaviors)
    return {status: found[status] for status in STATUSES}


def as_json(results: Iterable[Result]) -> dict[str, Any]:
    """What a run found, for programs."""
    found = list(results)
    return {
        "schema": SCHEMA,
        "ok": all(result.as_listed for result in found),
        "totals": dict(Counter(result.outcome for result in found)),
        "behaviors": [
            {
                "id": result.behavior.id,
                "says": result.behavior.says,
                "source": result.behavior.source,
                "grade": result.behavior.grade,
                "status": status_of(result.behavior),
                "remark": remark(result.behavior),
                "outcome": result.outcome,
                "expected": result.expected,
                "seen": result.seen,
                "milliseconds": result.milliseconds,
            }
            for result in found
        ],
    }


def as_markdown(behaviors: Iterable[Behavior]) -> str:
    """The page that is published (``docs/fidelity.md``)."""
    listed = list(behaviors)
    lines = [
        "# Fidelity: what AWS does, and what the sandbox does",
        "",
        "This page is generated: `lab fidelity --markdown > docs/fidelity.md`. `lab fidelity` runs every check against",
        "a sandbox of its own; `lab fidelity --endpoint URL --profile NAME` runs those that need no look inside at",
        "another endpoint. A letter or an id (`lab fidelity E`, `lab fidelity E13`) runs a part. A deviation has a",
        "check only where there is something to see.",
        "",
        "## Totals",
        "",
        "| status | behaviors | means |",
        "|---|---|---|",
        *(f"| {status} | {count} | {_STATUS_MEANS[status]} |" for status, count in totals(listed).items()),
        f"| all | {len(listed)} | |",
        "",
        "## How it is known",
        "",
        "| grade | behaviors | means |",
        "|---|---|---|",
        *(f"| {grade} | {sum(one.grade == grade for one in listed)} | {_GRADE_MEANS[grade]} |" for grade in GRADES),
        "",
        "Checks of exercises may rest on the first four. On what is inferred they rest only where they compare neither",
        "code nor message, on what is ours never.",
    ]
    for letter, group in groupby(listed, key=lambda one: one.id[0]):
        rows = list(group)
        lines += [
            "",
            f"## {letter}: {rows[0].group}",
            "",
            "| id | AWS | known from | grade | sandbox |",
            "|---|---|---|---|---|",
        ]
        lines += [_row(behavior) for behavior in rows]
    return "\n".join(lines) + "\n"


def _row(behavior: Behavior) -> str:
    here = ": ".join(filter(None, (status_of(behavior), remark(behavior))))
    cells = (behavior.id, behavior.says, behavior.source, behavior.grade, here)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
