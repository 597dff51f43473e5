"""A digest of everything in a realm that a client could see or that protects it.

Two realms of the same content have the same digest, whenever and in whatever order it came about in memory; caches,
counters of use, logs and the names of our own files in memory are left out.
"""

from __future__ import annotations

import datetime as dt
import enum
import hashlib
import json
import re
from collections import deque
from pathlib import PurePath
from typing import Any, Final

from lab.sandbox.graph import attributes

#: What moto and we keep beside the state: caches, back references, notes about reading.
IGNORED: Final = frozenset(
    {
        "_pagination_tokens", "_status", "_tick", "_time_progressed", "_value_buffer", "account_summary",
        "credential_report", "disposed", "last_used", "last_used_region", "lock", "password_last_used",
        "policy_arn_regex", "storage_id", "bucket_keys",
    }
)  # fmt: skip


def fingerprint(value: object) -> str:
    """SHA-256 in hexadecimal digits over the canonical form of a graph."""
    text = json.dumps(_canonical(value, ()), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _canonical(value: Any, above: tuple[int, ...]) -> Any:
    """JSON that depends on the content alone: no addresses, no order of insertion where order means nothing."""
    if value is None or (isinstance(value, (str, int, float)) and not isinstance(value, enum.Enum)):
        return value
    if id(value) in above:
        return {"again": len(above) - above.index(id(value))}
    scalar = _scalar(value)
    if scalar is not None:
        return scalar
    below = (*above, id(value))
    if isinstance(value, dict):
        pairs = [[_canonical(key, below), _canonical(item, below)] for key, item in dict.items(value)]
        return {"pairs": sorted(pairs, key=lambda pair: json.dumps(pair[0], sort_keys=True))}
    if isinstance(value, (list, tuple, deque)):
        return [_canonical(item, below) for item in value]
    if isinstance(value, (set, frozenset)):
        return {"set": sorted((_canonical(item, below) for item in value), key=json.dumps)}
    state = {name: _canonical(item, below) for name, item in attributes(value).items() if name not in IGNORED}
    return {"class": type(value).__qualname__, "state": state}


def _scalar(value: Any) -> dict[str, Any] | None:
    if isinstance(value, (bytes, bytearray)):
        return {"bytes": hashlib.sha256(value).hexdigest()}
    if isinstance(value, enum.Enum):
        return {"enum": value.name}
    if isinstance(value, (dt.datetime, dt.date)):
        return {"at": value.isoformat()}
    if isinstance(value, dt.timedelta):
        return {"seconds": value.total_seconds()}
    if isinstance(value, (re.Pattern, PurePath, dt.tzinfo)):
        return {"text": str(getattr(value, "pattern", value))}
    return None
