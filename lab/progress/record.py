"""One thing that the learner did, as it is kept for ever.

Evidence never holds keys, tokens or object bodies. That is not left to care: every member is an id, a number or a
word of a fixed list, and anything else is refused here.
"""

from __future__ import annotations

import re
import time
import uuid
from dataclasses import asdict, dataclass, field
from typing import Any, Final

VERBS: Final = frozenset(
    {
        "open",  # a lesson or an exercise was opened: where the learner left off
        "start",  # its world was built
        "reset",  # world and files were put back
        "predict",  # check: the question's id; verdict: the choice's id
        "check",  # one check's verdict: check, verdict, diagnosis, duration
        "pass",  # the first run in which all checks passed; never taken back
        "hint",  # check; verdict: the level, 1 to 4
        "surrender",  # the solution was shown
        "explain",  # the explanation was opened
        "forget",  # reset of everything: what came before does not count any more
    }
)

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_SHAPES: Final = {
    "exercise": re.compile(r"(lesson/)?" + _ID.pattern),
    "check": _ID,
    "verdict": _ID,
    "diagnosis": _ID,
    "version": re.compile(r"[0-9A-Za-z.+-]{1,32}"),
}


@dataclass(frozen=True, slots=True)
class ProgressEvent:
    """One event of the progress store.

    Attributes:
        verb: One of ``VERBS``.
        exercise: Stable id; ``lesson/ID`` for what happens in a lesson; '' for ``forget``.
        check: Id of a check or a question, '' where the verb needs none.
        verdict: State of a check, id of a choice, level of a hint; '' else.
        diagnosis: Code of a diagnosis, '' for none.
        duration: Seconds that a check took.
        version: The course's version.
        at: Seconds since the epoch.
        uuid: Makes importing twice harmless.
    """

    verb: str
    exercise: str = ""
    check: str = ""
    verdict: str = ""
    diagnosis: str = ""
    duration: float = 0.0
    version: str = ""
    at: float = field(default_factory=time.time)
    uuid: str = field(default_factory=lambda: str(uuid.uuid4()))

    def __post_init__(self) -> None:
        """Refuse what is no evidence.

        Raises:
            ValueError: A member is not of the shape that it should have; the message does not quote it.
        """
        if self.verb not in VERBS:
            raise ValueError("verb is not known")
        for name, shape in _SHAPES.items():
            value = getattr(self, name)
            if not isinstance(value, str) or (value and not shape.fullmatch(value)):
                raise ValueError(f"{name} is not an id")
        if str(uuid.UUID(self.uuid)) != self.uuid:
            raise ValueError("uuid is not one in its usual form")
        for name in ("at", "duration"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e11:
                raise ValueError(f"{name} is not a number of seconds")

    def to_json(self) -> dict[str, Any]:
        """All members by name."""
        return asdict(self)

    @classmethod
    def from_json(cls, members: Any) -> ProgressEvent:
        """The event of one decoded JSON line; members that are not known are left out.

        Raises:
            ValueError: It is not an event.
        """
        if not isinstance(members, dict) or "uuid" not in members or "at" not in members:
            raise ValueError("not an event: uuid and at are missing")
        known = {name: members[name] for name in cls.__dataclass_fields__ if name in members}
        try:
            return cls(**known)
        except (TypeError, AttributeError) as error:
            raise ValueError("not an event: a member has the wrong type") from error
