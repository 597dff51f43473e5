"""A sandbox whose past can be covered: requests that a mutant forgets, and what happened before the world was put back.

Events and recordings cannot be taken back in the sandbox, and need not be: what is covered here is not shown to the
session that judges. Everything else is the sandbox itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab.backends.protocol import Direction, WireConnection, WorldSpec
from lab.backends.sandbox import SandboxBackend, SandboxWorld
from lab.events import Event, Origin


class Mask:
    """What is covered."""

    def __init__(self) -> None:
        self._after: int | None = None
        self._until = 0
        self._requests: set[str] = set()
        self._connections: set[int] = set()

    def clear(self) -> None:
        """Cover nothing."""
        self._after = None
        self._requests.clear()
        self._connections.clear()

    def cover_between(self, after: int, until: int) -> None:
        """Cover events with numbers above ``after`` and up to ``until``."""
        self._after, self._until = after, until

    def cover_requests(self, requests: set[str]) -> None:
        """Cover everything that belongs to these requests."""
        self._requests |= requests

    def cover_connections(self, connections: set[int]) -> None:
        """Cover the recordings of these connections, and that they were made."""
        self._connections |= connections

    def covers(self, event: Event) -> bool:
        """Whether the event is not to be seen."""
        if self._after is not None and self._after < event.seq <= self._until:
            return True
        if event.data.get("request_id") in self._requests:
            return True
        return event.step in ("connection", "tls") and event.connection in self._connections

    def covers_connection(self, number: int) -> bool:
        """Whether the recording is not to be seen."""
        return number in self._connections


class MaskedBackend(SandboxBackend):
    """The sandbox of this data directory behind a mask."""

    def __init__(self) -> None:
        super().__init__()
        self.mask = Mask()

    def create_world(self, spec: WorldSpec) -> MaskedWorld:
        """Make a world; one that exists under this id is dropped first."""
        super().create_world(spec)
        made = self.open_world(spec.exercise)
        if made is None:  # pragma: no cover - it has just been made
            raise LookupError(spec.exercise)
        return made

    def open_world(self, exercise: str) -> MaskedWorld | None:
        """The world of that id, None where there is none."""
        answer = self.control.call("world.open", exercise=exercise)
        return None if answer is None else MaskedWorld(self, exercise, answer)


class MaskedWorld(SandboxWorld):
    """One world behind the mask.

    Args:
        backend: The open back end.
        exercise: Stable id of the exercise.
        answer: What ``world.open`` answered.
    """

    def __init__(self, backend: MaskedBackend, exercise: str, answer: Mapping[str, Any]) -> None:
        super().__init__(backend, exercise, answer)
        self._mask = backend.mask

    def events(
        self,
        *,
        after: int = 0,
        step: str | None = None,
        origin: Origin | None = None,
        limit: int | None = None,
    ) -> list[Event]:
        """What happened in this world and is not covered, oldest first."""
        found = super().events(after=after, step=step, origin=origin)
        return [event for event in found if not self._mask.covers(event)][:limit]

    def connections(self) -> list[WireConnection]:
        """Connections that the tap knows and that are not covered."""
        return [found for found in super().connections() if not self._mask.covers_connection(found.number)]

    def wire(self, connection: int, direction: Direction) -> bytes:
        """The raw bytes of one direction; nothing of a connection that is covered."""
        return b"" if self._mask.covers_connection(connection) else super().wire(connection, direction)
