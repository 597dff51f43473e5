"""The wire: what an eavesdropper has of each connection, and what S3 received."""

from __future__ import annotations

import re
from typing import Any

from lab.backends.protocol import CaptureGoneError, WireConnection
from lab.xray.log import Exchange, exchanges
from lab.xray.source import Source
from lab.xray.view import Line, Span, View, bad, dim, good, line, mark, plural, strong

KEY_BYTES = 32
SHOWN_CONNECTIONS = 6
SHOWN_REQUESTS = 12
_RECORDS_SHOWN = 12
_PREVIEW = 60
_CUSTOMER_KEY = re.compile(r"^x-amz-(?:copy-source-)?server-side-encryption-customer-key$", re.IGNORECASE)


def wire_view(source: Source) -> View:
    """Connections with what is readable in them, and requests with what matters in their headers.

    Keys are never shown: of a customer key the view has the length and the MD5.
    """
    if "wire" not in source.capabilities:
        return View("wire", "On the wire", (), {}, "This back end has no tap, so there is nothing to show of the wire.")
    asked = exchanges(source.events())
    # Other connections are the lab's own: the sandbox gives a connection the origin of its first request.
    learners = {event.connection for event in source.events() if event.origin == "learner"}
    connections = [
        _connection(source, item) for item in source.connections() if item.number in learners and item.bytes_in
    ]
    requests = [_request(exchange) for exchange in asked]
    lines: list[Line] = []
    for item in reversed(requests[-SHOWN_REQUESTS:]):
        lines += _request_lines(item)
    for connection in reversed(connections[-SHOWN_CONNECTIONS:]):
        lines += _connection_lines(connection)
    data = {"connections": connections, "requests": requests}
    empty = "" if lines else "No request of yours has arrived yet. Run a command in the shell, then look again."
    return View("wire", "On the wire", tuple(lines), data, empty)


def _request(exchange: Exchange) -> dict[str, Any]:
    data = exchange.request.data
    key = data["customer_key"]
    return {
        "seq": exchange.request.seq,
        "connection": exchange.request.connection,
        "service": data["service"],
        "operation": exchange.operation,
        "method": data["method"],
        "target": data["target"],
        "bucket": data["bucket"],
        "key": data["key"],
        "scheme": data["scheme"],
        "tls_version": data["tls_version"],
        "signature": data["signature"],
        "status": exchange.status,
        "code": exchange.code,
        "message": exchange.message,
        "encryption_headers": {
            name: value for name, value in data["headers"].items() if "server-side-encryption" in name
        },
        "customer_key": None if not key else {**key, "needed": KEY_BYTES},
        "tool": data["headers"].get("user-agent", "").split(" ", maxsplit=1)[0],
    }


def _request_lines(item: dict[str, Any]) -> list[Line]:
    failed = item["status"] >= 400
    outcome = f"{item['status']} {item['code']}".strip() if item["status"] else "no answer"
    what = item["operation"] or item["method"]
    place = "/".join(part for part in (item["bucket"], item["key"]) if part)
    door = Span(item["tls_version"], "good") if item["tls_version"] else bad("plain HTTP")
    lines = [
        line(strong(f"{what} "), place, "  ", bad(outcome) if failed else good(outcome), "  ", door),
    ]
    if failed and item["message"]:
        lines.append(line(dim(item["message"]), indent=2))
    key = item["customer_key"]
    if key:
        lines.append(_key_line(key))
    for name, value in item["encryption_headers"].items():
        if not name.endswith(("customer-key", "customer-key-md5")):
            lines.append(line(dim(f"{name}: "), str(value), indent=2))
    return lines


def _key_line(key: dict[str, Any]) -> Line:
    length = key["length"]
    fits = length == KEY_BYTES
    spans: list[str | Span] = [dim("customer key: "), good(f"{length} bytes") if fits else bad(f"{length} bytes")]
    if not fits:
        spans.append(mark(f"  <- {KEY_BYTES} are needed"))
    if key.get("md5_sent"):
        same = key["md5_sent"] == key.get("md5_of_key")
        spans += ["  ", dim("MD5 "), good("fits") if same else bad("does not fit")]
    return line(*spans, indent=2)


def _connection(source: Source, item: WireConnection) -> dict[str, Any]:
    found: dict[str, Any] = {
        "connection": item.number,
        "scheme": item.scheme,
        "tls_version": item.tls_version,
        "sni": item.sni,
        "bytes_in": item.bytes_in,
        "bytes_out": item.bytes_out,
        "records": [
            {"direction": record.direction, "type": record.type, "version": record.version, "length": record.length}
            for record in item.records
        ],
        "readable": None,
    }
    if item.scheme == "http":
        try:
            found["readable"] = readable(source.wire(item.number, "in"))
        except CaptureGoneError:
            found["readable"] = {"gone": True}
    return found


def readable(raw: bytes) -> dict[str, Any]:
    """What an eavesdropper reads in the first request of a plain connection, by kind.

    Args:
        raw: Bytes from the client, from the first one on.
    """
    head, _, rest = raw.partition(b"\r\n\r\n")
    request_line, *header_lines = head.decode("latin-1").split("\r\n")
    headers: dict[str, str] = {}
    for text in header_lines:
        name, _, value = text.partition(":")
        headers[name.strip().lower()] = value.strip()
    target = request_line.split(" ")[1] if request_line.count(" ") >= 2 else ""
    path = target.split("?", 1)[0].lstrip("/")
    bucket, _, key = path.partition("/")
    authorization = headers.get("authorization", "")
    credential = re.search(r"Credential=([^/,\s]+)", authorization)
    signature = re.search(r"Signature=([0-9a-f]+)", authorization)
    exposed = next((name for name in headers if _CUSTOMER_KEY.match(name)), None)
    if exposed:
        headers[exposed] = "the key itself, readable"
    return {
        "request": request_line if not exposed else request_line.split("?", 1)[0],
        "bucket": bucket,
        "key": key,
        "access_key_id": credential[1] if credential else "",
        "signature": signature[1] if signature else "",
        "metadata": {name: value for name, value in headers.items() if name.startswith("x-amz-meta-")},
        "headers": {name: value for name, value in headers.items() if name != "authorization"},
        "customer_key_exposed": exposed is not None,
        "body": _printable(rest[:400]),
    }


def _printable(raw: bytes) -> str:
    return "".join(chr(byte) if 32 <= byte < 127 else "." for byte in raw)


def _connection_lines(item: dict[str, Any]) -> list[Line]:
    volume = dim(f"  {item['bytes_in']} bytes in, {item['bytes_out']} out")
    if item["scheme"] == "http":
        return [line(strong(f"Connection {item['connection']} "), bad("plain HTTP"), volume), *_plain_lines(item)]
    lines = [
        line(strong(f"Connection {item['connection']} "), good(item["tls_version"] or "TLS, not completed"), volume)
    ]
    lines.append(line(dim("server name in clear: "), item["sni"] or "none sent", indent=2))
    records = item["records"]
    shown = ", ".join(
        f"{'>' if r['direction'] == 'in' else '<'} {r['type']} {r['length']}" for r in records[:_RECORDS_SHOWN]
    )
    more = f", and {len(records) - _RECORDS_SHOWN} more" if len(records) > _RECORDS_SHOWN else ""
    lines.append(line(dim(f"{plural(len(records), 'record')}: "), shown + more, indent=2))
    lines.append(line(good("nothing else is readable"), indent=2))
    return lines


def _plain_lines(item: dict[str, Any]) -> list[Line]:
    found = item["readable"] or {}
    if found.get("gone"):
        return [
            line(dim("The recording is gone: it is kept in memory, and only for the newest connections."), indent=2)
        ]
    parts = [
        ("request", found["request"]),
        ("access key id", found["access_key_id"]),
        ("signature", found["signature"]),
    ]
    parts += [(name, value) for name, value in found["metadata"].items()]
    parts.append(("body", found["body"]))
    lines = [
        line(dim(f"{name}: "), bad(value if len(value) <= _PREVIEW else value[:_PREVIEW] + " ..."), indent=2)
        for name, value in parts
        if value
    ]
    if found["customer_key_exposed"]:
        lines.append(line(bad("the customer key stands in the recording: treat it as compromised"), indent=2))
    lines.append(line(dim("the secret access key is not in it"), indent=2))
    return lines
