"""``lab xray``: the four views as text or JSON, and the raw bytes of the wire for tools like ``strings``."""

from __future__ import annotations

import argparse
import re
import sys
from typing import TYPE_CHECKING

from lab.backends.protocol import CaptureGoneError
from lab.cli.place import place_of
from lab.cli.text import note, say, say_json, tone, width, wrapped
from lab.errors import EXIT_DONE, EXIT_NOT_YET, NotCapableError, UsageError
from lab.exercise.session import Session

if TYPE_CHECKING:
    from lab.xray import Line


def xray(options: argparse.Namespace) -> int:
    """Show one view of what happened in an exercise."""
    if (options.raw or options.connection) and options.view != "wire":
        raise UsageError("--raw and --connection belong to lab xray wire.")
    with place_of(options) as place:
        session = place.session(place.exercise(options.exercise))
        if options.raw:
            return _raw(session, options.connection)
        from lab.xray import VIEWS

        view = VIEWS[options.view](session.source())
        if options.json:
            say_json({"view": view.name, "empty": view.empty, **view.data})
            return EXIT_DONE
        say(tone(view.title, "strong"))
        for line in view.lines:
            for row in _rows(line):
                say(" " * line.indent + "".join(tone(text, name) for text, name in row))
        if not view.lines:
            say(wrapped(view.empty))
    return EXIT_DONE


def _rows(line: Line) -> list[list[tuple[str, str]]]:
    """The line's pieces with their tones, in as many rows as the terminal needs; a pipe gets one."""
    if not sys.stdout.isatty():
        return [[(span.text, span.tone) for span in line.spans]]
    room = width() - line.indent
    rows: list[list[tuple[str, str]]] = [[]]
    used = 0
    for span in line.spans:
        for word in re.findall(r" *[^ ]+| +", span.text):
            if used and used + len(word.rstrip()) > room:
                rows.append([])
                used = 0
            text = word if used or not rows[1:] else word.lstrip()
            rows[-1].append((text, span.tone))
            used += len(text)
    return rows


def _raw(session: Session, connection: int) -> int:
    """The bytes of one connection, or of all, both directions; nothing but them on standard output."""
    if "wire" not in session.backend.capabilities:
        raise NotCapableError("This back end does not record the wire (wire).", "Use the sandbox: --backend sandbox.")
    numbers = [connection] if connection else [found.number for found in session.handle.connections()]
    written = 0
    for number in numbers:
        for direction in ("in", "out"):
            try:
                data = session.handle.wire(number, direction)
            except CaptureGoneError:
                note(f"lab: the bytes of connection {number} are no longer kept.")
                break
            sys.stdout.buffer.write(data)
            written += len(data)
    sys.stdout.buffer.flush()
    if not written:
        note("lab: nothing was recorded for this exercise since the sandbox was started.")
    return EXIT_DONE if written else EXIT_NOT_YET
