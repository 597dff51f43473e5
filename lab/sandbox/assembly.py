"""Puts the sandbox's parts together in the one order that works, and takes them apart again."""

from __future__ import annotations

import sys
from pathlib import Path

from lab.sandbox import authorize, decide, world_control  # noqa: F401 - two of them register control operations
from lab.sandbox.blobs import BlobStore
from lab.sandbox.clock import Clock
from lab.sandbox.core import Sandbox
from lab.sandbox.counters import Counter
from lab.sandbox.journal import Journal
from lab.sandbox.kms import KmsService
from lab.sandbox.log import EventLog
from lab.sandbox.state import StateDirectory
from lab.sandbox.worlds import Worlds, keeps_events


class Assembly:
    """One sandbox and what has to be ended with it.

    Args:
        state_dir: The disk.
        persistent: Whether state is kept across restarts.
    """

    def __init__(self, state_dir: Path, *, persistent: bool) -> None:
        self._directory = StateDirectory(state_dir, "", _complain)
        self._persistent = persistent
        self.clock = Clock(self._directory.clock_offset() if persistent else 0.0)
        self.log = EventLog(
            self.clock,
            Counter(state_dir / "events.json" if persistent else None),
            journal=Journal(state_dir / "events", keeps_events, _complain) if persistent else None,
        )
        blobs = BlobStore(state_dir, durable=persistent)
        self.worlds = Worlds(
            state_dir, persistent=persistent, clock=self.clock, blobs=blobs, forget_events=self.log.forget
        )
        self.sandbox = Sandbox(
            state_dir=state_dir,
            persistent=persistent,
            clock=self.clock,
            log=self.log,
            realms=self.worlds,
            kms=KmsService(authorize.authorize_kms),
            blobs=blobs,
        )
        self.worlds.load()

    def keep_clock(self) -> None:
        """Remember how far the clock was moved."""
        if self._persistent:
            self._directory.keep_clock_offset(self.clock.offset)

    def close(self) -> None:
        """Write what is left to write."""
        self.log.close()
        self.worlds.close()


def _complain(line: str) -> None:
    sys.stderr.write(f"{line}\n")
