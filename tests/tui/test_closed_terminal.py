"""What is drawn on a terminal that is gone holds nobody up."""

from __future__ import annotations

import os
import pty
import threading

from textual.drivers._writer_thread import MAX_QUEUED_WRITES

from lab.tui.closed_terminal import PatientWriter


def test_writing_ends_when_the_window_is_gone() -> None:
    master, slave = pty.openpty()
    with os.fdopen(slave, "w", encoding="utf-8") as terminal:
        writer = PatientWriter(terminal)
        writer.start()
        os.close(master)

        def draw() -> None:
            for _ in range(MAX_QUEUED_WRITES * 3):
                writer.write("x" * 10_000)
            writer.stop()

        drawing = threading.Thread(target=draw, daemon=True)
        drawing.start()
        drawing.join(10)
        assert not drawing.is_alive()


def test_what_is_written_arrives() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, encoding="utf-8") as there, os.fdopen(writing, "w", encoding="utf-8") as here:
        writer = PatientWriter(here)
        writer.start()
        writer.write("a frame\n")
        assert there.readline() == "a frame\n"
        assert writer.fileno() == here.fileno()
        writer.stop()
