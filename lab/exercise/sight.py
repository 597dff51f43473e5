"""One exercise as the X-ray views see it: what ``lab.xray.source.Source`` asks for, from a world on its back end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab.backends.protocol import AtRest, Direction, WireConnection, WorldHandle
from lab.events import Event


class Sight:
    """What can be seen of one world.

    Args:
        handle: The world on its back end.
        capabilities: What the back end can show.
        workspace: The learner's folder.
        began: The last event before this world was built.
        since: The last event before the learner's turn, or before the last reset.
        asked: Gives the decisions that the checks asked for last.
    """

    def __init__(
        self,
        handle: WorldHandle,
        *,
        capabilities: frozenset[str],
        workspace: Path,
        began: int,
        since: int,
        asked: Callable[[], list[dict[str, Any]]],
    ) -> None:
        self._handle = handle
        self._capabilities = capabilities
        self._workspace = workspace
        self._last = began
        self._since = since
        self._asked = asked
        self._events: list[Event] = []

    @property
    def capabilities(self) -> frozenset[str]:
        """What the back end can show."""
        return self._capabilities

    @property
    def workspace(self) -> Path:
        """The learner's folder."""
        return self._workspace

    def events(self) -> list[Event]:
        """Events of the world's making, and the learner's since the start or the last reset; oldest first."""
        if "events" in self._capabilities:
            for event in self._handle.events(after=self._last):
                self._last = max(self._last, event.seq)
                if event.origin == "world" or (event.origin == "learner" and event.seq > self._since):
                    self._events.append(event)
        return list(self._events)

    def connections(self) -> list[WireConnection]:
        """Connections that the tap knows."""
        return self._handle.connections() if "wire" in self._capabilities else []

    def wire(self, connection: int, direction: Direction) -> bytes:
        """Raw bytes that the tap still holds."""
        return self._handle.wire(connection, direction)

    def at_rest(self, bucket: str, key: str, version_id: str | None = None) -> AtRest | None:
        """One object version on the disk."""
        return self._handle.at_rest(bucket, key, version_id) if "at_rest" in self._capabilities else None

    def asked(self) -> list[dict[str, Any]]:
        """Decisions that the checks asked for last."""
        return self._asked()
