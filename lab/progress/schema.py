"""The store's tables, version by version. A step once released never changes; new ones are added at the end."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

STEPS: tuple[tuple[str, ...], ...] = (
    (
        """
        CREATE TABLE events (
            uuid TEXT PRIMARY KEY,
            at REAL NOT NULL,
            version TEXT NOT NULL,
            exercise TEXT NOT NULL,
            "check" TEXT NOT NULL,
            verb TEXT NOT NULL,
            verdict TEXT NOT NULL,
            diagnosis TEXT NOT NULL,
            duration REAL NOT NULL
        ) WITHOUT ROWID
        """,
        "CREATE INDEX events_by_time ON events (at)",
        # Append-only is a property of the store and not of good manners.
        "CREATE TRIGGER events_stay BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events are kept'); END",
        "CREATE TRIGGER events_hold BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are kept'); END",
    ),
)


def version_of(connection: sqlite3.Connection) -> int:
    """The version that the store was written by; 0 for a new one."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(connection: sqlite3.Connection, steps: Sequence[Sequence[str]]) -> None:
    """Bring the store to the newest version in one transaction.

    Another process may be doing the same: the version is read again once the write lock is held.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        for step in steps[version_of(connection) :]:
            for statement in step:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(steps)}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
