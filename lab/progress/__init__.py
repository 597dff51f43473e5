"""What the learner has done: append-only events in SQLite, and everything that is derived from them."""

from lab.progress.record import VERBS, ProgressEvent
from lab.progress.standing import Standing, standings
from lab.progress.store import Store, open_store

__all__ = ["VERBS", "ProgressEvent", "Standing", "Store", "open_store", "standings"]
