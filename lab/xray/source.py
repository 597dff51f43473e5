"""What a view is made from: the exercise's events, the tap, the disk, and the learner's folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from lab.backends.protocol import AtRest, Direction, WireConnection
from lab.events import Event


class Source(Protocol):
    """One exercise as the views see it; a session offers this."""

    @property
    def capabilities(self) -> frozenset[str]:
        """What the back end can show: ``events``, ``wire``, ``at_rest``, and so on."""

    @property
    def workspace(self) -> Path:
        """The learner's folder."""

    def events(self) -> list[Event]:
        """The learner's events and those of the world's making, oldest first."""

    def connections(self) -> list[WireConnection]:
        """Connections of this exercise that the tap knows."""

    def wire(self, connection: int, direction: Direction) -> bytes:
        """Raw bytes that the tap still holds; ``CaptureGoneError`` where it holds none."""

    def at_rest(self, bucket: str, key: str, version_id: str | None = None) -> AtRest | None:
        """One object version on the disk; None where it is gone."""

    def asked(self) -> list[dict[str, Any]]:
        """Decisions that the checks asked for last: ``{principal, action, resource, context, decision}``."""
