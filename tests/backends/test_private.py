"""A private sandbox is empty, is nobody else's, and leaves nothing behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.backends import runtime
from lab.backends.private import private_sandbox
from lab.backends.protocol import PrincipalSpec, WorldSpec


def test_it_ends_and_leaves_nothing(lab_home: Path) -> None:
    spec = WorldSpec("first", principals=[PrincipalSpec("default", administrator=True)])
    with pytest.raises(RuntimeError, match="whatever happens"), private_sandbox() as backend:  # noqa: PT012
        backend.create_world(spec).client("default", "s3").create_bucket(Bucket="a-bucket")
        running = backend.running
        assert running.control.exists()
        assert runtime.find_sandbox() is None  # not the shared one
        raise RuntimeError("whatever happens")
    assert not running.alive
    assert not running.control.parent.parent.exists()
    assert list(lab_home.glob("data/sandbox/*")) == []
