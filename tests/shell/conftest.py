"""A workspace with an environment for it, as the engine makes one."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.shell.environment import Credentials, Endpoints, learner_environment

MakeEnvironment = Callable[..., dict[str, str]]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    directory = tmp_path / "home"
    directory.mkdir()
    return directory


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    directory = tmp_path / "work space"
    directory.mkdir()
    return directory


@pytest.fixture
def runtime_file(tmp_path: Path) -> Path:
    path = tmp_path / "sandbox.json"
    path.write_text('{"pid": 1, "https": "https://localhost:4001", "http": "http://localhost:4002"}')
    return path


@pytest.fixture
def make_environment(tmp_path: Path, home: Path, workspace: Path, runtime_file: Path) -> MakeEnvironment:
    def make(**changes: Any) -> dict[str, str]:
        base = {
            "HOME": str(home),
            "PATH": os.environ["PATH"],
            "SHELL": "/bin/bash",
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
            "AWS_PROFILE": "production",
            "AWS_ACCESS_KEY_ID": "AKIAUSERSOWN",
        } | changes.pop("base", {})
        arguments: dict[str, Any] = {
            "endpoints": Endpoints("https://localhost:4001", "http://localhost:4002", tmp_path / "ca.pem"),
            "region": "us-east-1",
            "profiles": {
                "default": Credentials("AKIALAB1", "secret-of-default"),
                "reader": Credentials("ASIALAB2", "secret-of-reader", "token-of-reader"),
            },
            "names": {"bucket.vault": "vault-3f9a0c11", "account.home": "111122223333"},
            "workspace": workspace,
            "state_dir": tmp_path / "state",
            "endpoint_mode": "env",
            "base": base,
            "runtime_file": runtime_file,
            "exercise": "ssec-45-bytes",
            "label": "9.2",
        }
        return learner_environment(**(arguments | changes))

    return make
