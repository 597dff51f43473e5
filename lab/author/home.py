"""A home for proofs: directories of their own for everything, so that the author's own lab stays as it is."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.backends import runtime

_VARIABLES = ("LAB_DATA_DIR", "LAB_RUNTIME_DIR", "LAB_EXERCISE", "LAB_WORKSPACE")


class ProofHome:
    """One private home with at most one sandbox; :meth:`close` ends it and removes everything.

    Args:
        directory: Where it is made; a temporary directory where not given.
    """

    def __init__(self, directory: Path | None = None) -> None:
        # Socket paths are short, so the place is chosen here and not below somebody's long directory.
        self.directory = directory or Path(tempfile.mkdtemp(prefix="s3lab-"))
        self.work = self.directory / "work"
        self.scripts = self.directory / "scripts"
        for place in (self.work, self.scripts, self.directory / "home"):
            place.mkdir(mode=0o700, exist_ok=True)

    def variables(self) -> dict[str, str]:
        """What points the lab here."""
        return {"LAB_DATA_DIR": str(self.directory / "data"), "LAB_RUNTIME_DIR": str(self.directory / "run")}

    def tool_base(self) -> dict[str, str]:
        """What a script's environment starts from: no settings of the author's, only where programs are."""
        path = os.environ.get("PATH", "/usr/local/bin:/usr/bin:/bin")
        content = os.environ.get("LAB_CONTENT_DIR")
        own = {"LAB_CONTENT_DIR": content} if content else {}
        return {"PATH": path, "HOME": str(self.directory / "home"), "LC_ALL": "C.UTF-8", **own, **self.variables()}

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Point this process here while the context lasts."""
        before = {name: os.environ.get(name) for name in _VARIABLES}
        for name in _VARIABLES:
            os.environ.pop(name, None)
        os.environ.update(self.variables())
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value

    def close(self) -> None:
        """End the sandbox and remove everything."""
        with self.entered():
            runtime.stop_sandbox()
        shutil.rmtree(self.directory, ignore_errors=True)
