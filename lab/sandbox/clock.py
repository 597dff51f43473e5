"""The sandbox's time: the machine's, moved forward by whoever wants to see a deletion window or a lifetime end.

Only what AWS would decide by its own clock asks this one (deletion dates, expiry of sessions and cached keys, event
times). Signatures, TLS and the ``Date`` header live in the client's time and use the machine's.
"""

from __future__ import annotations

import threading
import time


class Clock:
    """A clock that runs with the machine's and can be moved forward.

    Args:
        offset: Seconds by which it is ahead, as kept from an earlier run.
    """

    def __init__(self, offset: float = 0.0) -> None:
        self._offset = offset
        self._lock = threading.Lock()

    @property
    def offset(self) -> float:
        """Seconds by which this clock is ahead of the machine's."""
        return self._offset

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time() + self._offset

    def advance(self, seconds: float) -> float:
        """Move forward and return the new time.

        Raises:
            ValueError: For a negative number: events are in order of time.
        """
        if not 0 <= seconds < float("inf"):
            raise ValueError("time only moves forward")
        with self._lock:
            self._offset += seconds
        return self.now()
