"""What can go wrong, as classes: each carries one sentence for the learner and the next step.

The tree::

    LabError                     anything of ours; exit status 3 unless a subclass says otherwise
    ├── UsageError               the command line names something that does not exist (exit 2)
    ├── NotCapableError          this back end cannot show it (exit 4)
    ├── NotYetError              something has to come first (exit 1)
    ├── CourseError              a lesson or an exercise file is broken
    ├── WorkspaceError           the learner's folder cannot be made, read or written
    ├── BackendError             the back end does not answer
    │   ├── SandboxStartError    the sandbox did not come up
    │   ├── SandboxLostError     the sandbox went away in the middle
    │   └── WorldGoneError       an exercise was started, and its world is no longer there
    ├── ValidatorError           a validator raised: ours, never the learner's
    ├── StoreError               the progress store cannot be used
    └── ShellError               no shell, or a tool is missing in it

A learner's mistake is a verdict, never an exception.
"""

from __future__ import annotations

EXIT_DONE = 0
EXIT_NOT_YET = 1
EXIT_USAGE = 2
EXIT_LAB_FAULT = 3
EXIT_NOT_CAPABLE = 4


class LabError(Exception):
    """Base of all errors of the lab: a sentence for the learner and what to do next.

    Args:
        message: One sentence, what happened, without secrets.
        next_step: One sentence, what to do now; empty where there is nothing to do.
    """

    exit_status: int = EXIT_LAB_FAULT

    def __init__(self, message: str, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step

    def __str__(self) -> str:
        """Both sentences, as they go to the terminal."""
        return f"{self.message} {self.next_step}".strip()


class UsageError(LabError):
    """The command names something that does not exist or does not fit together."""

    exit_status = EXIT_USAGE


class NotCapableError(LabError):
    """The chosen back end lacks a capability that this needs."""

    exit_status = EXIT_NOT_CAPABLE


class NotYetError(LabError):
    """What was asked for comes later: after a start, a prediction or a pass."""

    exit_status = EXIT_NOT_YET


class CourseError(LabError):
    """A lesson or exercise file is broken: the author's or the installation's fault."""


class WorkspaceError(LabError):
    """The learner's workspace cannot be made, read or written."""


class BackendError(LabError):
    """The back end did not answer, or answered what it never should."""


class SandboxStartError(BackendError):
    """The sandbox did not become ready."""


class SandboxLostError(BackendError):
    """The sandbox stopped while something was using it."""


class WorldGoneError(BackendError):
    """An exercise was started, and the back end no longer has its world; starting it again builds it again."""


class ValidatorError(LabError):
    """A validator raised; the learner's work is not to blame."""


class StoreError(LabError):
    """The progress store cannot be opened, read or written."""


class ShellError(LabError):
    """The learner's shell cannot be started."""
