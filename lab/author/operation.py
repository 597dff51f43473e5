"""What changes one fact: an operation with a name, the members it takes, and the scene that it changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lab.author.mask import Mask
from lab.backends.protocol import BUILDER, VALIDATOR
from lab.course import render
from lab.errors import CourseError

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client

    from lab.backends.protocol import WorldHandle

Target = Mapping[str, Any]
Apply = Callable[["Scene", Target], None]


class MutantError(CourseError):
    """A mutant cannot be applied: there is nothing to change, or its target is wrong."""


@dataclass(frozen=True, slots=True)
class Scene:
    """The solved world that a mutant changes.

    What a learner's request has to be (because requests are counted or recorded) is sent as the learner; everything
    else is changed by the builder, whose requests no check sees.

    Attributes:
        handle: The world.
        names: Rendered names by logical name.
        workspace: The learner's folder.
        mask: Covers what shall be forgotten.
    """

    handle: WorldHandle
    names: Mapping[str, str]
    workspace: Path
    mask: Mask

    @property
    def s3(self) -> S3Client:
        """As the root of the home account."""
        return self.handle.client(BUILDER, "s3")

    @property
    def kms(self) -> KMSClient:
        """As the root of the home account."""
        return self.handle.client(BUILDER, "kms")

    @property
    def reader(self) -> S3Client:
        """As the validator, whom no policy keeps out."""
        return self.handle.client(VALIDATOR, "s3")

    @property
    def learner_http(self) -> S3Client:
        """As the learner, over plain HTTP."""
        return self.handle.client("default", "s3", http=True)

    def bucket(self, target: Target) -> str:
        """The real name of the target's bucket."""
        return self.named("bucket", target["bucket"])

    def kms_key(self, name: str) -> str:
        """The ARN of a KMS key."""
        return self.named("key", name)

    def named(self, family: str, name: str) -> str:
        """A rendered name."""
        try:
            return self.names[f"{family}.{name}"]
        except KeyError:
            raise MutantError(f"There is no {family} {name!r} in this world.") from None

    def file(self, name: str) -> Path:
        """A file of the workspace."""
        path = self.workspace / name
        if not path.resolve().is_relative_to(self.workspace.resolve()):
            raise MutantError(f"{name!r} is outside the workspace.")
        return path

    def read(self, name: str) -> bytes:
        """The bytes of a file of the workspace."""
        try:
            return self.file(name).read_bytes()
        except OSError as error:
            raise MutantError(f"{name!r} cannot be read ({error.strerror}).") from None


@dataclass(frozen=True, slots=True)
class Operation:
    """One way to change a fact.

    Attributes:
        name: ``s3.delete``.
        needs: Members that its target must have.
        takes: Members that it may have.
        says: What it does, in a line.
    """

    name: str
    needs: tuple[str, ...]
    takes: tuple[str, ...]
    says: str
    run: Apply
    any_members: bool = False

    def problem(self, target: Target) -> str:
        """What is wrong with a target, '' where nothing is."""
        missing = [member for member in self.needs if member not in target]
        if missing:
            return f"{self.name} needs the member {missing[0]!r}"
        unknown = [member for member in target if member not in self.needs + self.takes]
        if unknown and not self.any_members:
            return f"{self.name} knows no member {unknown[0]!r}"
        return ""


OPERATIONS: Final[dict[str, Operation]] = {}


def operation(name: str, needs: str, takes: str = "", *, any_members: bool = False) -> Callable[[Apply], Apply]:
    """Register a function under its name; the first line of its docstring says what it does.

    Args:
        name: As it stands in ``mutants.toml``.
        needs: Members of the target, separated by blanks.
        takes: Members that may be left out.
        any_members: Whether the target may have others too.
    """

    def register(function: Apply) -> Apply:
        says = (function.__doc__ or "").strip().splitlines()[0].rstrip(".")
        OPERATIONS[name] = Operation(name, tuple(needs.split()), tuple(takes.split()), says, function, any_members)
        return function

    return register


def rendered(value: Any, names: Mapping[str, str]) -> Any:
    """Names in place of placeholders, in every text of a target."""
    if isinstance(value, str):
        return render(value, names)
    if isinstance(value, dict):
        return {name: rendered(item, names) for name, item in value.items()}
    if isinstance(value, list):
        return [rendered(item, names) for item in value]
    return value
