"""``lab doctor``: what this machine has, what is missing, and the command that mends it; one line each."""

from __future__ import annotations

import argparse

from lab.cli.text import say, say_json, tone
from lab.errors import EXIT_DONE, EXIT_NOT_YET
from lab.exercise.doctor import look

SCHEMA = 1

_MARKS = {"ok": "✓", "missing": "✗", "advice": "○"}
_TONES = {"ok": "good", "missing": "bad", "advice": "mark"}


def doctor(options: argparse.Namespace) -> int:
    """Look at everything and say what to do."""
    findings = list(look(options.workspace))
    well = all(finding.state != "missing" for finding in findings)
    if options.json:
        members = [{"id": one.id, "state": one.state, "found": one.found, "mend": one.mend} for one in findings]
        say_json({"schema": SCHEMA, "ok": well, "checks": members})
    else:
        for finding in findings:
            mend = f"  → {finding.mend}" if finding.mend else ""
            say(f"{tone(_MARKS[finding.state], _TONES[finding.state])} {finding.id:<10} {finding.found}{mend}")
    return EXIT_DONE if well else EXIT_NOT_YET
