"""The event log: one growing list that every step appends to, read by sequence number, followed by subscribers.

Only events of the most recent past are kept, per exercise and in all, so that memory stays bounded however many
requests a learner's loop sends; a sandbox that keeps its state has them on the disk too (:mod:`lab.sandbox.journal`).
What belongs to no realm (a handshake that failed, a request with an unknown access key) is shown with every exercise:
it may well be what the learner did.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from itertools import takewhile
from typing import Any

from lab.sandbox.clock import Clock
from lab.sandbox.counters import Counter
from lab.sandbox.identity import Origin
from lab.sandbox.journal import Journal

Event = dict[str, Any]

PER_EXERCISE = 20_000
IN_ALL = 40_000
BEHIND = 10_000
#: The journal may hold so many events that the log no longer has before it is cut.
SURPLUS = 10_000


class Subscription:
    """One follower of the log: first what was there already, then everything new, in order.

    A follower that falls too far behind is cut off (:attr:`lost`); it comes back with the last number it saw.
    """

    def __init__(self, exercise: str | None, backlog: Iterable[Event], limit: int = BEHIND) -> None:
        self.exercise = exercise
        self.lost = False
        self.closed = False
        self._waiting: deque[Event] = deque(backlog)
        self._limit = len(self._waiting) + limit
        self._wake = threading.Condition()

    def put(self, event: Event) -> None:
        """Add an event; called by the log."""
        with self._wake:
            if self.closed or self.lost:
                return
            if len(self._waiting) >= self._limit:
                self.lost = True
                self._waiting.clear()
            else:
                self._waiting.append(event)
            self._wake.notify()

    def get(self, timeout: float | None = None) -> list[Event]:
        """Take all events that wait; empty after the timeout, or when closed or lost."""
        with self._wake:
            self._wake.wait_for(lambda: self._waiting or self.closed or self.lost, timeout)
            events = list(self._waiting)
            self._waiting.clear()
            return events

    def close(self) -> None:
        """Stop following."""
        with self._wake:
            self.closed = True
            self._wake.notify_all()


class EventLog:
    """The log of one sandbox; safe to use from every thread.

    Args:
        clock: Gives events their time.
        counter: Gives events their number; one that is kept makes numbers rise across restarts.
        per_exercise: How many events of one exercise are kept.
        in_all: How many events are kept.
        journal: Where events outlive the process; the log begins with what it finds there.
    """

    def __init__(
        self,
        clock: Clock,
        counter: Counter | None = None,
        *,
        per_exercise: int = PER_EXERCISE,
        in_all: int = IN_ALL,
        journal: Journal | None = None,
    ) -> None:
        self._clock = clock
        self._counter = counter or Counter()
        self._per_exercise = per_exercise
        self._in_all = in_all
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, str], deque[Event]] = {}
        self._count = 0
        self._subscriptions: list[Subscription] = []
        self._journal = journal
        if journal is not None:
            for event in journal.load():
                self._keep(event)
                self._counter.pass_over(event["seq"])
            journal.trim(self._counts())

    @property
    def last_seq(self) -> int:
        """The number of the newest event."""
        return self._counter.last

    def append(
        self,
        step: str,
        data: dict[str, Any],
        *,
        origin: Origin,
        realm: str,
        exercise: str,
        principal: str,
        connection: int,
    ) -> int:
        """Append one event and return its sequence number; subscribers are told."""
        with self._lock:
            seq = self._counter.next()
            event: Event = {
                "seq": seq,
                "at": self._clock.now(),
                "origin": origin,
                "exercise": exercise,
                "realm": realm,
                "principal": principal,
                "connection": connection,
                "step": step,
                "data": data,
            }
            self._keep(event)
            if self._journal is not None:
                self._journal.add(event)
                if self._journal.lines > self._count + SURPLUS:
                    self._journal.trim(self._counts())
            for subscription in self._subscriptions:
                if _concerns(event["exercise"], event["realm"], subscription.exercise):
                    subscription.put(event)
            return seq

    def events(self, after: int = 0, exercise: str | None = None, limit: int | None = None) -> list[Event]:
        """Events with a number above ``after``, oldest first.

        Args:
            after: The last number that is already known.
            exercise: An exercise's id or a realm's; events that belong to no realm come with each.
            limit: At most so many, the oldest.
        """
        with self._lock:
            return self._after(after, exercise)[:limit]

    def subscribe(self, after: int = 0, exercise: str | None = None) -> Subscription:
        """Follow the log from ``after`` on without a gap; :meth:`unsubscribe` ends it."""
        with self._lock:
            subscription = Subscription(exercise, self._after(after, exercise))
            self._subscriptions.append(subscription)
            return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Stop telling this follower."""
        with self._lock:
            if subscription in self._subscriptions:
                self._subscriptions.remove(subscription)
        subscription.close()

    def forget(self, realm: str) -> None:
        """Drop the events of a realm that is gone for good."""
        with self._lock:
            for key in [key for key in self._kept if key[1] == realm and realm]:
                self._count -= len(self._kept.pop(key))
            if self._journal is not None and realm:
                self._journal.forget(realm)

    def close(self) -> None:
        """End all subscriptions and keep the last number."""
        with self._lock:
            subscriptions, self._subscriptions = self._subscriptions, []
        for subscription in subscriptions:
            subscription.close()
        self._counter.close()
        if self._journal is not None:
            with self._lock:
                self._journal.close()

    def _keep(self, event: Event) -> None:
        events = self._kept.setdefault((event["exercise"], event["realm"]), deque())
        events.append(event)
        self._count += 1
        if len(events) > self._per_exercise:
            events.popleft()
            self._count -= 1
        if self._count > self._in_all:
            oldest = min(self._kept, key=lambda key: self._kept[key][0]["seq"])
            self._kept[oldest].popleft()
            self._count -= 1
            if not self._kept[oldest]:
                del self._kept[oldest]

    def _counts(self) -> dict[str, int]:
        """How many events are kept, by realm."""
        counts: dict[str, int] = {}
        for (_, realm), events in self._kept.items():
            counts[realm] = counts.get(realm, 0) + len(events)
        return counts

    def _after(self, after: int, exercise: str | None) -> list[Event]:
        found: list[Event] = []
        for (of_exercise, of_realm), events in self._kept.items():
            if _concerns(of_exercise, of_realm, exercise):
                found.extend(takewhile(lambda event: event["seq"] > after, reversed(events)))
        found.sort(key=lambda event: event["seq"])
        return found


def _concerns(of_exercise: str, of_realm: str, wanted: str | None) -> bool:
    return wanted is None or not of_realm or wanted in {of_exercise, of_realm}
