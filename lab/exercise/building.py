"""Building an exercise's world from nothing: names, workspace, ``build``, policies, the snapshot that a reset needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from lab.backends.protocol import CAPABILITY_TITLES, Backend, WorldHandle
from lab.course import Exercise
from lab.errors import CourseError, LabError, NotCapableError, ValidatorError
from lab.exercise.builder import Builder, choose_names, needs_other_account, world_spec
from lab.exercise.code import function_of, load_module
from lab.exercise.deadline import Deadline, TookTooLongError, within
from lab.exercise.record import WorldRecord
from lab.exercise.workspace import Workspace

#: The snapshot that a reset goes back to.
START: Final = "start"

_SECONDS = 120.0


def require_capabilities(exercise: Exercise, backend: Backend) -> None:
    """Say what this back end lacks, before anything is built.

    Raises:
        NotCapableError: With the capability.
    """
    needs = list(exercise.needs)
    if needs_other_account(exercise) or len(exercise.principals) > 1:
        needs.append("principals")
    for need in needs:
        title = next((title for name, title in CAPABILITY_TITLES.items() if name == need), None)
        if title is None:
            raise CourseError(f"{exercise.directory / 'exercise.toml'}: needs: there is no capability {need!r}.")
        if need not in backend.capabilities:
            raise NotCapableError(
                f"Exercise {exercise.number} needs what this back end lacks: it has no {title} ({need}).",
                "Use the sandbox: --backend sandbox.",
            )


def build_world(exercise: Exercise, backend: Backend, record: WorldRecord, workspace: Workspace) -> WorldHandle:
    """Make the world and lay out the workspace, which must be empty.

    Args:
        exercise: What is built.
        backend: Where.
        record: Suffix and seed are given; names and facts are filled in.
        workspace: Where the learner will work.

    Raises:
        LabError: It cannot be built: ours, or the back end's.
    """
    files = exercise.files_directory
    handle = backend.create_world(world_spec(exercise))
    if "events" in backend.capabilities:
        record.began = record.since = max((event.seq for event in handle.events()), default=0)
    record.names = choose_names(exercise, handle, record.suffix)
    workspace.lay_out(files, record.names)
    builder = Builder(exercise, handle, record, workspace.directory)
    build = function_of(load_module(exercise.world_file, exercise.id), "build")
    with our_fault("The world of this exercise could not be built"):
        within(Deadline(_SECONDS), build, builder)
        builder.attach_policies()
    workspace.fill(files, record.names)
    workspace.keep_start()
    if "snapshot" in backend.capabilities:
        handle.snapshot(START)
    return handle


@contextmanager
def our_fault(what: str) -> Iterator[None]:
    """Whatever the exercise's own code raises is the lab's fault, and is said so."""
    try:
        yield
    except LabError:
        raise
    except TookTooLongError as error:
        raise ValidatorError(f"{what}: it was not finished in time.", "Try again.") from error
    except Exception as error:
        raise ValidatorError(
            f"{what} ({type(error).__name__}). This is the lab's fault, not yours.",
            "Try again; if it stays, report it with what --debug shows.",
        ) from error
