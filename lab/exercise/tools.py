"""The learner's tools, pointed at an exercise's world: the environment of shells and of scripts that the lab runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from lab.backends.protocol import Backend, WorldHandle
from lab.course import Exercise

if TYPE_CHECKING:
    from lab.exercise.learner_run import MakeEnvironment


def tool_environment(
    exercise: Exercise,
    backend: Backend,
    handle: WorldHandle,
    *,
    names: Mapping[str, str],
    workspace: Path,
    private: Path,
    base: Mapping[str, str] | None = None,
    fresh: bool = False,
) -> dict[str, str]:
    """The environment of a shell in this workspace, with a profile for every principal of the exercise.

    Args:
        exercise: Who its principals are, and how tools are pointed.
        backend: Where it listens.
        handle: Whose credentials: the world's, or those of a fork of it.
        names: Rendered names by logical name.
        workspace: The folder.
        private: Where configuration and wrappers are written, outside the workspace.
        base: What to start from; the lab's own environment where not given.
        fresh: Write the profiles as they were at the start, even where the learner changed them.
    """
    from lab.backends.runtime import runtime_file
    from lab.shell.environment import Credentials, Endpoints, learner_environment

    endpoints = backend.endpoints()
    local = backend.name == "sandbox"
    profiles = {
        principal.name: Credentials(found.access_key_id, found.secret_access_key, found.session_token)
        for principal in exercise.principals
        if (found := handle.credentials.get(principal.name)) is not None
    }
    return learner_environment(
        endpoints=Endpoints(endpoints.https, endpoints.http or "", endpoints.ca_bundle, local=local),
        region=endpoints.region,
        profiles=profiles,
        names=names,
        workspace=workspace,
        state_dir=private,
        endpoint_mode=exercise.endpoint,  # type: ignore[arg-type]  # the loader lets only these three pass
        base=os.environ if base is None else base,
        runtime_file=runtime_file() if local else None,
        exercise=exercise.id,
        label=exercise.number,
        fresh=fresh,
    )


def environment_of_runs(
    exercise: Exercise, backend: Backend, names: Mapping[str, str], fork: WorldHandle
) -> MakeEnvironment:
    """How a script that the lab runs finds the fork of the world."""

    def make(workspace: Path, private: Path) -> dict[str, str]:
        return tool_environment(exercise, backend, fork, names=names, workspace=workspace, private=private, fresh=True)

    return make
