"""One real sandbox for the whole list."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.backends.private import private_sandbox
from lab.backends.sandbox import SandboxBackend
from lab.conformance.stage import Stage


@pytest.fixture(scope="session")
def backend() -> Iterator[SandboxBackend]:
    with private_sandbox() as made:
        yield made


@pytest.fixture(scope="session")
def stage(backend: SandboxBackend) -> Iterator[Stage]:
    with Stage(backend) as made:
        yield made
