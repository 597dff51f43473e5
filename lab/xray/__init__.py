"""See inside: four views of what just happened, made from events, the tap and the disk. Pure functions, no screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from lab.xray.keys import keys_view
from lab.xray.policy import policy_view
from lab.xray.rest import rest_view
from lab.xray.source import Source
from lab.xray.view import Line, Span, Tone, View
from lab.xray.wire import wire_view

__all__ = ["VIEWS", "Line", "Source", "Span", "Tone", "View", "show"]

#: The views in the order of their tabs.
VIEWS: Final[dict[str, Callable[[Source], View]]] = {
    "wire": wire_view,
    "rest": rest_view,
    "keys": keys_view,
    "policy": policy_view,
}


def show(name: str, source: Source) -> View:
    """Make one view.

    Args:
        name: ``wire``, ``rest``, ``keys`` or ``policy``.
        source: What it is made from.

    Raises:
        KeyError: There is no such view.
    """
    return VIEWS[name](source)
