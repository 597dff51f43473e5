"""Whose connection it is: ``connection`` and ``tls`` events wait until the first request says who is there."""

from __future__ import annotations

from typing import Any

from lab.sandbox.exchange import Connection, Exchange
from lab.sandbox.log import EventLog
from lab.sandbox.tap import Capture, Tap


class Announcements:
    """The ``connection`` and ``tls`` events of a connection, held back until it is known whose it is.

    They carry the origin of the first request, so that a validator's own connections never look like a learner's. A
    connection without any request is the learner's: validators always ask something.
    """

    def __init__(self, log: EventLog, tap: Tap, capture: Capture, connection: Connection) -> None:
        self._log = log
        self._tap = tap
        self._capture = capture
        self._connection = connection
        self._waiting: list[tuple[str, dict[str, Any]]] = []

    def add(self, step: str, data: dict[str, Any]) -> None:
        """Hold back an event."""
        self._waiting.append((step, data))

    def of(self, exchange: Exchange) -> None:
        """Someone is known: tell in their name."""
        realm = exchange.realm
        if realm.id and not self._capture.realm:
            self._tap.attribute(self._capture, realm.id, realm.exercise)
        waiting, self._waiting = self._waiting, []
        for step, data in waiting:
            self._log.append(
                step,
                data,
                origin=realm.origin_override or exchange.identity.origin,
                realm=realm.id,
                exercise=realm.exercise,
                principal=exchange.identity.arn if realm.id else "",
                connection=self._connection.number,
            )

    def of_nobody(self) -> None:
        """Nobody will be known any time soon: tell it as it is."""
        waiting, self._waiting = self._waiting, []
        for step, data in waiting:
            self._log.append(
                step, data, origin="learner", realm="", exercise="", principal="", connection=self._connection.number
            )
