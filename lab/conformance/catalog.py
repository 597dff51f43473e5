"""The list of behaviors, read from its TOML files; nothing is executed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal, cast, get_args

from lab.backends.protocol import CAPABILITIES, Capability
from lab.course.document import Table, read
from lab.errors import CourseError

#: How AWS's behavior is known: from an answer recorded from AWS; from AWS's documentation or API model; from somebody
#: who quotes AWS; seen in a client or in openssl, which everybody can run; concluded from the others; made by us.
Grade = Literal["recorded", "documented", "reported", "observed", "inferred", "ours"]

GRADES: Final[tuple[Grade, ...]] = get_args(Grade)

#: An exercise's check may compare code or message only where the behavior has one of these.
FIRM: Final[frozenset[Grade]] = frozenset({"recorded", "documented", "reported", "observed"})

_BEHAVIORS: Final = Path(__file__).parent / "behaviors"


@dataclass(frozen=True, slots=True)
class Behavior:
    """One thing that AWS, or a client of it, does.

    Attributes:
        id: A letter and two digits, for ever.
        group: Title of the letter.
        says: What AWS does, one sentence.
        source: What it is known from.
        grade: How it is known.
        needs: What the back end must be able to do for the check to see it, beyond answering requests.
        tools: Programs that the check runs.
        deviation: Why the sandbox does otherwise; empty where it does not.
        not_modelled: What the sandbox refuses by name instead; empty where it models the behavior.
    """

    id: str
    group: str
    says: str
    source: str
    grade: Grade
    needs: tuple[Capability, ...] = ()
    tools: tuple[str, ...] = ()
    deviation: str = ""
    not_modelled: str = ""

    @property
    def firm(self) -> bool:
        """Whether an exercise may compare code and message."""
        return self.grade in FIRM


@cache
def catalog() -> Mapping[str, Behavior]:
    """All behaviors by id, in the order of the list.

    Raises:
        CourseError: A file of the list is broken.
    """
    found: dict[str, Behavior] = {}
    files = [(read(file), file) for file in _BEHAVIORS.glob("*.toml")]
    for document, file in sorted(files, key=lambda pair: pair[0].number("order")):
        found |= {behavior.id: behavior for behavior in _behaviors(document, file)}
    return MappingProxyType(found)


def grade_of(behavior: str) -> Grade | None:
    """The grade of a behavior, None where the list has no such id."""
    found = catalog().get(behavior)
    return found.grade if found is not None else None


def _behaviors(document: Table, file: Path) -> list[Behavior]:
    document.number("order")
    letter, group = document.text("letter"), document.text("title")
    found = []
    for name in document.names():
        if name in {"order", "letter", "title"}:
            continue
        if len(name) != 3 or name[0] != letter or not name[1:].isdigit():
            raise document.problem(name, f"is not {letter} and two digits")
        found.append(_behavior(name, group, document.table(name)))
    document.done()
    if [one.id for one in found] != sorted(one.id for one in found):
        raise CourseError(f"{file}: the ids are not in order.", "Repair the file, or install the lab again.")
    return found


def _behavior(name: str, group: str, table: Table) -> Behavior:
    needs = table.texts("needs", ())
    for need in needs:
        if need not in CAPABILITIES:
            raise table.problem("needs", f"{need} is no capability of a back end")
    behavior = Behavior(
        id=name,
        group=group,
        says=table.text("says"),
        source=table.text("source"),
        grade=cast("Grade", table.choice("grade", GRADES)),
        needs=cast("tuple[Capability, ...]", tuple(needs)),
        tools=tuple(table.texts("tools", ())),
        deviation=table.text("deviation", ""),
        not_modelled=table.text("not_modelled", ""),
    )
    table.done()
    return behavior
