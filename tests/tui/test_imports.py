"""What is loaded before the first frame: nothing that takes long."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

#: Run in a process of its own: what this test's process has loaded proves nothing.
_PROGRAM = """
import asyncio, json, sys
from lab.cli.parser import parse
parse([])
import lab.cli.app
from lab.tui.app import LabApp

loaded = []

def look(app):
    loaded.extend(sys.modules)
    app.exit(0)

LabApp._begin = look

async def main():
    async with LabApp().run_test() as pilot:
        await pilot.pause()

asyncio.run(main())
print(json.dumps(loaded))
"""


def test_nothing_heavy_before_the_first_frame(tmp_path: Path) -> None:
    environment = {**os.environ, "LAB_DATA_DIR": str(tmp_path / "data"), "LAB_RUNTIME_DIR": str(tmp_path / "run")}
    done = subprocess.run([sys.executable, "-c", _PROGRAM], env=environment, capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout))
    assert "lab.tui.screens.course" in loaded
    assert not loaded & {"boto3", "botocore", "moto", "cryptography"}
    assert not loaded & {"lab.backends", "lab.exercise", "lab.course", "lab.progress", "lab.shell", "markdown_it"}
