"""Numbers and dates as clients write them: whatever stands there, reading it ends at once and in a value or nothing.

Python refuses to read more than some thousand digits and reports dates that no clock has in several ways; neither may
become a fault of the sandbox.
"""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

#: What longer numbers are read as: more than any length, part, page or offset.
BEYOND: Final = 10**19
_MOST_DIGITS: Final = 19


def whole_number(text: str | None) -> int | None:
    """A number written in the digits 0 to 9; None for anything else, :data:`BEYOND` for one that is longer than any."""
    if text is None or not text.isascii() or not text.isdecimal():
        return None
    digits = text.lstrip("0")
    return BEYOND if len(digits) > _MOST_DIGITS else int(digits or "0")


def http_date(text: str | None) -> float | None:
    """A date of HTTP in seconds since the epoch; None for what is none."""
    if text is None:
        return None
    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (TypeError, ValueError, OverflowError, IndexError, AttributeError):
        return None
