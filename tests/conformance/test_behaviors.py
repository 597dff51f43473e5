"""Every behavior of the list, against a running sandbox: each is what the ledger says it is."""

from __future__ import annotations

import pytest

from lab.conformance.catalog import Behavior, catalog
from lab.conformance.run import run_one
from lab.conformance.stage import Stage


@pytest.mark.parametrize("behavior", catalog().values(), ids=lambda behavior: behavior.id)
def test_behavior(stage: Stage, behavior: Behavior) -> None:
    result = run_one(stage, behavior)
    assert result.outcome != "not shown" or result.seen == behavior.deviation, result.seen
    assert result.as_listed, f"{behavior.says}\n  {result.outcome}: expected {result.expected}; seen {result.seen}"
