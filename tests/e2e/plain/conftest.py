from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.plain.harness import Lab


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One lab for everything that leaves the others' exercises alone."""
    lab = Lab(tmp_path_factory.mktemp("shared"))
    yield lab
    lab.end()


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """A lab of the test's own, to break."""
    lab = Lab(tmp_path)
    yield lab
    lab.end()
