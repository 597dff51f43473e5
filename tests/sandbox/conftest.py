"""Fixtures: one sandbox for all tests that share nothing in it, and a way to start more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.sandbox import harness
from tests.sandbox.harness import RunningSandbox


@pytest.fixture(scope="session")
def sandbox() -> Iterator[RunningSandbox]:
    """A running sandbox; use names of your own for buckets and worlds."""
    running = harness.start("--serve")
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture
def start_sandbox() -> Iterator[Callable[..., RunningSandbox]]:
    """Start a sandbox with these arguments; it ends with the test."""
    started: list[RunningSandbox] = []

    def start(*arguments: str, environment: dict[str, str] | None = None) -> RunningSandbox:
        started.append(harness.start(*arguments, environment=environment))
        return started[-1]

    yield start
    for running in started:
        running.stop()


@pytest.fixture
def short_directory() -> Iterator[Path]:
    """A private directory with a short path."""
    with harness.short_directory() as path:
        yield path
