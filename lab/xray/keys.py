"""Keys: every call to KMS, by whom, for which context, why refused; grouped, and per marked run."""

from __future__ import annotations

import re
from typing import Any

from lab.xray.log import Exchange, exchanges, key_name, principal_name
from lab.xray.source import Source
from lab.xray.view import Line, View, bad, dim, good, line, mark, plural, strong

SHOWN_CALLS = 12
SHOWN_WRITES = 6
#: AWS's list price for us-east-1, dollars per KMS request (KMS price page: $0.03 per 10,000).
PRICE = 0.03 / 10_000
#: How a program marks its requests as one run: in the User-Agent header.
_RUN = re.compile(r"lab-run/([a-z0-9-]+)\.([0-9a-f]+)")
_RUN_REQUESTS = 200
_DECIDERS = {
    "header": "the request's header",
    "bucket_default": "the bucket's default",
    "fallback": "S3's own default",
    "upload": "the beginning of the multipart upload",
}


def keys_view(source: Source) -> View:
    """KMS calls newest first, counts by requester, key and context, and who decided each write's encryption."""
    if "events" not in source.capabilities:
        return View("keys", "Keys", (), {}, "This back end keeps no log of KMS calls that the lab could read.")
    asked = exchanges(source.events())
    calls = [_call(exchange, event.data, event.seq) for exchange in asked for event in exchange.kms]
    groups = _groups(asked)
    runs = _runs(asked)
    writes = [_write(exchange) for exchange in asked if exchange.sse]
    lines = _run_lines(runs) + _write_lines(writes) + _group_lines(groups) + _call_lines(calls)
    data = {
        "calls": calls,
        "groups": groups,
        "runs": runs,
        "decided": writes,
        "refused": [call for call in calls if call["outcome"] != "ok"],
        "kms_calls": len(calls),
        "cost_usd": round(len(calls) * PRICE, 6),
    }
    empty = "" if lines else "No call to KMS yet. SSE-S3 and SSE-C make none; SSE-KMS does."
    return View("keys", "Keys", tuple(lines), data, empty)


def _call(exchange: Exchange, data: dict[str, Any], seq: int) -> dict[str, Any]:
    return {
        "seq": seq,
        "operation": data["operation"],
        "via": data["via"],
        "for": exchange.operation,
        "requester": principal_name(data["caller"]),
        "caller": data["caller"],
        "key_arn": data["key_arn"],
        "key_state": data["key_state"],
        "context": data["context"],
        "outcome": data["outcome"],
        "message": data["message"],
    }


def _groups(asked: list[Exchange]) -> list[dict[str, Any]]:
    """Calls and cached uses by requester, key and kind of context."""
    found: dict[tuple[str, str, str, str], dict[str, Any]] = {}
    for exchange in asked:
        for event in exchange.kms:
            if event.data["outcome"] != "ok" or not event.data["context"]:
                continue
            arn = str(event.data["context"].get("aws:s3:arn", ""))
            row = _row(found, event.data["caller"], event.data["key_arn"], arn)
            row["kms_calls"] += 1
            row["operations"][event.data["operation"]] = row["operations"].get(event.data["operation"], 0) + 1
        for event in exchange.cached:
            row = _row(found, event.data["caller"], event.data["key_arn"], f"arn:aws:s3:::{event.data['bucket']}")
            row["served_from_cache"] += 1
    return list(found.values())


def _row(found: dict[tuple[str, str, str, str], dict[str, Any]], caller: str, key: str, arn: str) -> dict[str, Any]:
    bucket, _, key_of_object = arn.removeprefix("arn:aws:s3:::").partition("/")
    kind = "none" if not arn else "object ARN" if key_of_object else "bucket ARN"
    return found.setdefault(
        (caller, key, kind, bucket),
        {
            "requester": principal_name(caller),
            "key_arn": key,
            "context_kind": kind,
            "bucket": bucket,
            "kms_calls": 0,
            "served_from_cache": 0,
            "operations": {},
        },
    )


def _runs(asked: list[Exchange]) -> list[dict[str, Any]]:
    """Marked runs in the order of their first request."""
    found: dict[str, dict[str, Any]] = {}
    for exchange in asked:
        marked = _RUN.search(exchange.request.data["headers"].get("user-agent", ""))
        if marked is None:
            continue
        run = found.get(marked[2])
        if run is None:
            run = found[marked[2]] = {
                "kind": marked[1],
                "run": marked[2],
                "requests": 0,
                "kms_calls": 0,
                "served_from_cache": 0,
                "requesters": [],
            }
        run["requests"] += exchange.status == 200
        run["kms_calls"] += sum(1 for event in exchange.kms if event.data["via"] == "s3")
        run["served_from_cache"] += len(exchange.cached)
        name = principal_name(exchange.request.principal)
        if name not in run["requesters"]:
            run["requesters"].append(name)
    done: set[str] = set()
    for run in found.values():
        run["complete"] = run["requests"] == _RUN_REQUESTS
        run["repeated"] = run["kind"] in done  # the first complete one counts, as exercise 7.1's check has it
        done |= {run["kind"]} if run["complete"] else set()
    return list(found.values())


def _write(exchange: Exchange) -> dict[str, Any]:
    data = exchange.sse[-1].data
    return {
        "seq": exchange.request.seq,
        "operation": exchange.operation,
        "bucket": data["bucket"],
        "key": data["key"],
        "decided_by": data["decided_by"],
        "requested": data["requested"],
        "bucket_default": data["bucket_default"],
        "algorithm": data["algorithm"],
        "kms_key_arn": data["kms_key_arn"],
        "bucket_key_enabled": data["bucket_key_enabled"],
        "status": exchange.status,
        "code": exchange.code,
    }


def _run_lines(runs: list[dict[str, Any]]) -> list[Line]:
    lines = [line(strong("Runs"))] if runs else []
    for run in runs:
        remark = "" if run["complete"] else f"  incomplete: {run['requests']} requests"
        remark += "  repeated: the cache may be warm, not counted" if run["repeated"] else ""
        lines.append(
            line(
                f"{run['kind']:<11}",
                mark(f"{plural(run['kms_calls'], 'KMS call'):>13}"),
                f"  {run['served_from_cache']} from the cache  ",
                dim(plural(len(run["requesters"]), "requester") + remark),
                indent=2,
            )
        )
    return lines


def _write_lines(writes: list[dict[str, Any]]) -> list[Line]:
    lines = [line(strong("Which encryption, and who decided"))] if writes else []
    for item in reversed(writes[-SHOWN_WRITES:]):
        key = f" with {key_name(item['kms_key_arn'])}" if item["kms_key_arn"] else ""
        bucket_key = ", Bucket Key" if item["bucket_key_enabled"] else ""
        lines.append(
            line(
                f"{item['key'] or item['bucket']}: ",
                mark(f"{item['algorithm']}{key}{bucket_key}"),
                dim(f", decided by {_DECIDERS.get(item['decided_by'], item['decided_by'])}"),
                indent=2,
            )
        )
    return lines


def _group_lines(groups: list[dict[str, Any]]) -> list[Line]:
    lines = [line(strong("Calls by requester, key and context"))] if groups else []
    for item in groups:
        operations = ", ".join(f"{count} {name}" for name, count in item["operations"].items())
        context = f"{item['context_kind']} in {item['bucket']}" if item["bucket"] else "no S3 context"
        lines.append(
            line(
                f"{item['requester']}, {key_name(item['key_arn'])}, {context}: ",
                mark(plural(item["kms_calls"], "call")),
                dim(f" ({operations})" if operations else ""),
                dim(f", {item['served_from_cache']} from the cache" if item["served_from_cache"] else ""),
                indent=2,
            )
        )
    return lines


def _call_lines(calls: list[dict[str, Any]]) -> list[Line]:
    lines = [line(strong(f"The last calls of {len(calls)}"))] if calls else []
    for call in reversed(calls[-SHOWN_CALLS:]):
        by = f"S3 for {call['requester']} ({call['for']})" if call["via"] else call["requester"]
        outcome = good("ok") if call["outcome"] == "ok" else bad(call["outcome"])
        state = "" if call["key_state"] in ("Enabled", "", None) else f", key was {call['key_state']}"
        lines.append(
            line(f"{call['operation']}  {key_name(call['key_arn'])}  ", outcome, bad(state), dim(f"  {by}"), indent=2)
        )
        if call["context"]:
            context = ", ".join(f"{name}={value}" for name, value in call["context"].items())
            lines.append(line(dim(f"context {context}"), indent=4))
    return lines
