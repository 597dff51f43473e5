"""Progress as JSON lines: out of one store and into another, any number of times."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TextIO

from lab.errors import UsageError
from lab.progress.record import ProgressEvent
from lab.progress.store import Store


def export_lines(store: Store, stream: TextIO) -> int:
    """Write every event as one line and return how many there were."""
    count = 0
    for event in store.events():
        stream.write(json.dumps(event.to_json(), sort_keys=True, ensure_ascii=False) + "\n")
        count += 1
    return count


def import_lines(store: Store, lines: Iterable[str]) -> tuple[int, int]:
    """Merge lines into the store; a line that is no event spoils all of them, so that nothing is taken by halves.

    Returns:
        How many lines there were, and how many of them were new.

    Raises:
        UsageError: A line is not an event; the sentence gives its number.
    """
    events = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            events.append(ProgressEvent.from_json(json.loads(line)))
        except ValueError as error:
            what = "not JSON" if isinstance(error, json.JSONDecodeError) else str(error)
            raise UsageError(f"Line {number} is not a progress event: {what}.", "Nothing was imported.") from error
    return len(events), store.merge(events)
