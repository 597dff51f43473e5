"""One world per test module, in the sandbox that all tests share."""

from __future__ import annotations

import pytest

from tests.sandbox.harness import RunningSandbox
from tests.sandbox.s3.stage import Stage


@pytest.fixture(scope="module")
def stage(sandbox: RunningSandbox, request: pytest.FixtureRequest) -> Stage:
    return Stage(sandbox, request.module.__name__.rpartition(".")[2])
