"""Lists in pages: ``Limit`` and ``Marker`` in, ``Truncated`` and ``NextMarker`` out."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any, TypeVar

from lab.sandbox.kms import errors

if TYPE_CHECKING:
    from collections.abc import Sequence

Item = TypeVar("Item")


def page(items: Sequence[Item], parameters: dict[str, Any], default: int) -> tuple[list[Item], dict[str, Any]]:
    """Cut one page out of a list whose order does not change between calls.

    Args:
        items: The whole list.
        parameters: The request; ``Limit`` and ``Marker`` are read.
        default: Items on a page where the request names no limit.

    Returns:
        The items of this page, and the members ``Truncated`` and ``NextMarker`` of the answer.
    """
    start = _position(parameters["Marker"]) if "Marker" in parameters else 0
    end = start + int(parameters.get("Limit", default))
    rest: dict[str, Any] = {"Truncated": end < len(items)}
    if end < len(items):
        rest["NextMarker"] = base64.b64encode(f"at:{end}".encode()).decode()
    return list(items[start:end]), rest


def _position(marker: str) -> int:
    try:
        word, _, position = base64.b64decode(marker, validate=True).decode("ascii").partition(":")
        if word == "at" and position.isdecimal():
            return int(position)
    except (binascii.Error, UnicodeDecodeError, ValueError):
        pass
    raise errors.refusal("InvalidMarkerException", "Could not deserialize marker")
