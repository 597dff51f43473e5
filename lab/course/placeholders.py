"""Names in braces: what an author writes as ``{bucket.vault}`` and the learner reads as ``vault-3f9a01c2``.

Pure functions. Only the five families below are placeholders; every other brace (JSON, shell, Python) is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

FAMILIES = ("bucket", "key", "alias", "principal", "account")
_PLACEHOLDER = re.compile(r"\{((?:" + "|".join(FAMILIES) + r")\.[A-Za-z0-9][A-Za-z0-9_-]*)\}")
_OBSERVED = re.compile(r"\{([A-Za-z_][A-Za-z0-9_.-]*)\}")


def render(text: str, names: Mapping[str, str]) -> str:
    """Put the rendered names in; a placeholder without a name stays as it is.

    >>> render('{"b": "{bucket.vault}", "n": "{bucket.none}"}', {"bucket.vault": "vault-3f9a01c2"})
    '{"b": "vault-3f9a01c2", "n": "{bucket.none}"}'
    """
    return _PLACEHOLDER.sub(lambda match: names.get(match[1], match[0]), text)


def placeholders(text: str) -> list[str]:
    """Every placeholder of the text, in order, without braces."""
    return _PLACEHOLDER.findall(text)


def render_observed(text: str, observed: Mapping[str, object], names: Mapping[str, str]) -> str:
    """Put names and what a validator observed in; members that were not observed stay as they are.

    Names go in first: what was observed is data and is never read as a placeholder itself.

    >>> render_observed("{length} bytes in {bucket.v}", {"length": 45}, {"bucket.v": "v-1"})
    '45 bytes in v-1'
    """

    def value(match: re.Match[str]) -> str:
        if match[1] in names:
            return names[match[1]]
        return str(observed[match[1]]) if match[1] in observed else match[0]

    return _OBSERVED.sub(value, text)
