"""Facts that no API can make, for worlds and for the gate: each is a function registered under its name.

The part of the sandbox that owns the state registers them::

    @plant("legacy-unencrypted")
    def legacy_unencrypted(sandbox: Sandbox, realm: Realm, members: dict[str, Any]) -> dict[str, Any]: ...

What is returned goes back to the caller as JSON; a caller's mistake is raised as :class:`ControlError`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from lab.sandbox.core import Sandbox
    from lab.sandbox.realm import Realm

Plant = Callable[["Sandbox", "Realm", dict[str, Any]], dict[str, Any]]

PLANTS: Final[dict[str, Plant]] = {}


def plant(fact: str) -> Callable[[Plant], Plant]:
    """Register a function as the way to plant a fact of this name."""

    def register(function: Plant) -> Plant:
        PLANTS[fact] = function
        return function

    return register
