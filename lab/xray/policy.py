"""Policy: which statement allowed or denied, condition by condition."""

from __future__ import annotations

from typing import Any

from lab.xray.log import exchanges, principal_name
from lab.xray.source import Source
from lab.xray.view import Line, View, bad, dim, good, line, mark, strong

SHOWN_DECISIONS = 6
_WHY_NOT = {
    "action": "another action",
    "resource": "another resource",
    "principal": "another principal",
    "condition": "a condition is false",
}


def policy_view(source: Source) -> View:
    """Decisions about the learner's requests, newest first, and those that the last check asked for."""
    if "events" not in source.capabilities and "decide" not in source.capabilities:
        return View("policy", "Policy", (), {}, "This back end does not say how it decided.")
    decisions = [
        _decision(exchange.operation, event.principal, event.data)
        for exchange in exchanges(source.events())
        for event in exchange.decisions
    ]
    asked = [
        _decision("asked by the check", item["principal"], item | item["decision"]) | {"context": item["context"]}
        for item in source.asked()
    ]
    lines: list[Line] = []
    for item in reversed(decisions[-SHOWN_DECISIONS:]):
        lines += _decision_lines(item)
    if asked:
        lines.append(line(strong("What the last check asked the policies")))
        for item in asked:
            lines += _decision_lines(item)
    data = {"decisions": decisions, "asked": asked}
    empty = "" if lines else "No decision yet: send a request in the shell, or run the checks."
    return View("policy", "Policy", tuple(lines), data, empty)


def _decision(operation: str, principal: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "operation": operation,
        "principal": principal_name(principal),
        "action": data["action"],
        "resource": data["resource"],
        "allowed": data["allowed"],
        "reason": data["reason"],
        "denied_by": data["denied_by"],
        "statements": list(data["trace"]),
    }


def _decision_lines(item: dict[str, Any]) -> list[Line]:
    outcome = good("allowed") if item["allowed"] else bad(_denial(item))
    lines = [line(strong(f"{item['action']} "), outcome, dim(f"  {item['principal']} on {item['resource']}"))]
    context = item.get("context")
    if context:
        asked = ", ".join(
            f"{name}={value}" for name, value in context.items() if not name.startswith(("aws:", "s3:Tls"))
        )
        lines.append(line(dim(f"request: {asked or 'no encryption header'}"), indent=2))
    for statement in item["statements"]:
        lines += _statement_lines(statement)
    return lines


def _denial(item: dict[str, Any]) -> str:
    if item["reason"] == "explicit_deny":
        return f"denied by a statement of the {item['denied_by']}"
    return f"denied: nothing allows it ({item['denied_by']})" if item["denied_by"] else "denied: nothing allows it"


def _statement_lines(statement: dict[str, Any]) -> list[Line]:
    name = statement.get("sid") or f"statement {statement['index']}"
    effect = statement["effect"]
    applies = statement["applies"] == "yes"
    verdict = (
        (bad if effect == "Deny" else good)("applies")
        if applies
        else dim(f"does not apply: {_WHY_NOT.get(statement['applies'], statement['applies'])}")
    )
    lines = [line(f"{statement['policy']}: {name}, {effect} ", verdict, indent=2)]
    for condition in statement.get("conditions") or ():
        seen = condition["seen"]
        shown = "absent" if seen is None else ", ".join(str(value) for value in seen)
        wanted = ", ".join(str(value) for value in condition["wanted"])
        lines.append(
            line(
                f"{condition['operator']} {condition['key']}  ",
                dim("wanted "),
                wanted,
                dim("  seen "),
                mark(shown),
                dim("  -> "),
                "true" if condition["matched"] else "false",
                indent=4,
            )
        )
    return lines
