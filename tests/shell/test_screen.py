"""The screen: recorded programs, then one command at a time where pyte alone goes wrong."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyte.screens import wcwidth

from lab.shell.screen import CellStyle, Run, TerminalScreen
from lab.shell.sequences import Sequences, rendition

RECORDED = Path(__file__).parent / "recorded"
PROGRAMS = ["vim", "less", "aws-help"]


def screen_of(data: bytes | str, columns: int = 20, lines: int = 4) -> TerminalScreen:
    screen = TerminalScreen(columns, lines)
    screen.feed(data.encode() if isinstance(data, str) else data)
    return screen


def recorded(program: str) -> tuple[list[bytes], list[str]]:
    """What the program wrote between keys, and the screen after each part."""
    data = (RECORDED / f"{program}.bytes").read_bytes()
    marks = [0, *map(int, (RECORDED / f"{program}.marks").read_text().split())]
    parts = [data[start:end] for start, end in itertools.pairwise(marks)]
    screens = [text.removesuffix("\n") for text in (RECORDED / f"{program}.txt").read_text().split("\f\n")]
    return parts, screens


@pytest.mark.parametrize("program", PROGRAMS)
def test_recorded_programs(program: str) -> None:
    screen = TerminalScreen(80, 24)
    for part, expected in zip(*recorded(program), strict=True):
        screen.feed(part)
        assert screen.text() == expected


@pytest.mark.parametrize("program", PROGRAMS)
def test_nothing_depends_on_where_a_read_ends(program: str) -> None:
    parts, expected = recorded(program)
    screen = TerminalScreen(80, 24)
    for byte in b"".join(parts):
        screen.feed(bytes([byte]))
    assert screen.text() == expected[-1]


def test_vim_underlines_nothing_and_asks_where_the_cursor_is() -> None:
    answers: list[bytes] = []
    screen = TerminalScreen(80, 24, answers.append)
    screen.feed(recorded("vim")[0][0])
    assert not any(run.style.underline for line in range(24) for run in screen.runs(line))
    # It draws a letter of unclear width at 2;1, asks, and compares: the letter is one cell wide here.
    assert answers == [b"\x1b[2;2R", b"\x1b[3;1R"]
    assert screen.application_cursor
    assert screen.bracketed_paste
    assert screen.alternate


@given(st.binary(max_size=300))
def test_any_bytes_are_survived(data: bytes) -> None:
    screen = screen_of(data)
    screen.resize(7, 2)
    for line in range(screen.scrolled + 2):
        assert sum(max(0, wcwidth(letter)) for run in screen.runs(line) for letter in run.text) == 7
    screen.feed(b"\x18\x1bc\x1b\\\x1b[Hok")
    assert isinstance(screen.text(), str)


PIECES = ["a", "é", "漢", "\x1b[31m", "\x1b[4:3m", "\x1b]0;t\x07", "\x1b[2;3H", "\n", "\x1bPq\x1b\\"]


@given(st.lists(st.sampled_from(PIECES)), st.integers(1, 7))
def test_reads_may_end_anywhere(parts: list[str], size: int) -> None:
    data = "".join(parts).encode()
    whole, pieces = screen_of(data), TerminalScreen(20, 4)
    for start in range(0, len(data), size):
        pieces.feed(data[start : start + size])
    assert [whole.runs(line) for line in range(4)] == [pieces.runs(line) for line in range(4)]
    assert whole.title == pieces.title


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        ("a\x1b[>4;2mb", "ab"),
        ("a\x1b[?12$pb", "ab"),
        ("a\x1b[2 qb", "ab"),
        ("a\x1b[22;2tb", "ab"),
        ("a\x1b[=1;1ub\x1b[<uc\x1b[?uc", "abcc"),
        ("a\x1bP+q544e\x1b\\b", "ab"),
        ("a\x1b_Gq=1;x\x1b\\b\x1b^pm\x1b\\c", "abc"),
        ("a\x1b]8;;https://example.com\x1b\\b\x1b]8;;\x1b\\", "ab"),
        ("a\x1b]52;c;aGk=\x07b", "ab"),
        ("a\x1b[1;2;3;4Ab", "ab"),
        ("a\x1b[38:2::255:0:0mb", "ab"),
        ("a\u200db", "ab"),
        ("e\u0301", "é"),
        ("a\u0085\u009bb", "ab"),
        ("x\x1b[4bx", "xxxxxx"),
        ("a\tb\x1b[Zc", "a       c"),
        ("abc\x1b[s\x1b[1;1H_\x1b[ud", "_bcd"),
        ("\x1b(0qx\x1b(Bq", "─│q"),
        ("one\r\ntwo\r\nthree\x1b[2;1H\x1b[M", "one\nthree"),
        ("one\x1b[3;1Hthree\x1b[1;1H\x1b[M", "\nthree"),
        ("1\r\n2\r\n3\x1b[S", "2\n3"),
        ("1\r\n2\r\n3\x1b[T", "\n1\n2\n3"),
        ("ab\x1b[?3hcd", "abcd"),
        ("a\x1b7b\x1b7c\x1b8d\x1b8e", "abe"),
    ],
)
def test_what_pyte_alone_misreads(sent: str, seen: str) -> None:
    assert screen_of(sent).text() == seen


@pytest.mark.parametrize(
    ("parameters", "rewritten"),
    [
        ("", ""),
        ("1;31", "1;31"),
        ("4:3", "4"),
        ("4:0", "24"),
        ("38:2::1:2:3", "38;2;1;2;3"),
        ("38:2:1:2:3", "38;2;1;2;3"),
        ("48:5:200", "48;5;200"),
        ("58:2::1:2:3", "10"),
        ("58;5;1", "10"),
        ("1;58;2;9;9;9;4", "1;4"),
        ("38;5;3", "33"),
        ("48;5;3", "43"),
        ("38;5;11", "93"),
        ("48;5;13", "105"),
        ("38;5;999", "38;5;255"),
        ("38;2;1;2", "10"),
    ],
)
def test_renditions(parameters: str, rewritten: str) -> None:
    assert rendition(parameters) == rewritten


@pytest.mark.parametrize(
    ("sent", "style"),
    [
        ("\x1b[33mx", CellStyle(fg="yellow")),
        ("\x1b[93mx", CellStyle(fg="brightyellow")),
        ("\x1b[105mx", CellStyle(bg="brightmagenta")),
        ("\x1b[48;5;13mx", CellStyle(bg="brightmagenta")),
        ("\x1b[38;5;200mx", CellStyle(fg="#ff00d7")),
        ("\x1b[38;2;1;2;3mx", CellStyle(fg="#010203")),
        ("\x1b[1;3;4;9;7mx", CellStyle(bold=True, italic=True, underline=True, strike=True, reverse=True)),
    ],
)
def test_styles(sent: str, style: CellStyle) -> None:
    assert screen_of(sent).runs(0)[0] == Run("x", style)


def test_erasing_takes_the_background_and_no_underline() -> None:
    screen = screen_of("\x1b[4;44m\x1b[2J\x1b[1;1Hx\x1b[K")
    assert screen.runs(0) == [Run("x", CellStyle(bg="blue", underline=True)), Run(" " * 19, CellStyle(bg="blue"))]
    assert screen.runs(2) == [Run(" " * 20, CellStyle(bg="blue"))]


def test_lines_that_leave_at_the_top_are_kept() -> None:
    screen = screen_of("".join(f"line {n}\r\n" for n in range(10)))
    assert screen.scrolled == 7
    assert screen.line_text(0) == "line 0"
    assert screen.text() == "line 7\nline 8\nline 9"
    assert screen.cursor == (10, 0, True)


def test_scrollback_is_bounded_and_counts_what_it_dropped() -> None:
    screen = TerminalScreen(20, 4, scrollback=5)
    screen.feed(b"".join(b"line %d\r\n" % n for n in range(20)))
    assert (screen.scrolled, screen.dropped) == (5, 12)
    assert screen.line_text(0) == "line 12"
    screen.feed(b"\x1b[3J")
    assert (screen.scrolled, screen.dropped) == (0, 17)


def test_a_region_that_scrolls_in_the_middle_keeps_nothing() -> None:
    assert screen_of("\x1b[2;3r\x1b[2;1Ha\r\nb\r\nc\r\nd").scrolled == 0


@pytest.mark.parametrize("mode", [47, 1047, 1049])
def test_the_alternate_screen_leaves_no_trace(mode: int) -> None:
    screen = screen_of("1\r\n2\r\n3\r\n4\r\n5")
    screen.feed(f"\x1b[?{mode}h\x1b[2J\x1b[1;1Hfull\r\n\r\n\r\n\r\n\r\nscreen".encode())
    assert screen.alternate
    assert screen.scrolled == 0
    assert "full" not in screen.text()
    screen.feed(f"\x1b[?{mode}l".encode())
    assert screen.text() == "2\n3\n4\n5"
    assert screen.scrolled == 1


def test_a_smaller_screen_pushes_rows_into_the_scrollback() -> None:
    screen = screen_of("1\r\n2\r\n3\r\n4")
    screen.resize(20, 2)
    assert screen.text() == "3\n4"
    assert screen.scrolled == 2
    screen.feed(b"!")
    assert screen.text() == "3\n4!"


def test_blank_rows_below_the_cursor_go_first() -> None:
    screen = screen_of("$ ")
    screen.resize(20, 2)
    assert screen.scrolled == 0
    assert screen.text() == "$"


def test_a_size_that_changed_under_a_full_screen_program() -> None:
    screen = screen_of("1\r\n2\r\n3\r\n4\x1b[?1049h\x1b[Hvim")
    screen.resize(10, 2)
    assert screen.text() == "vim"
    screen.feed(b"\x1b[?1049l!")
    assert screen.text() == "3\n4!"
    assert screen.scrolled == 2


def test_questions_are_answered() -> None:
    answers: list[bytes] = []
    screen = TerminalScreen(20, 4, answers.append)
    screen.feed(b"ab\x1b[6n\x1b[?6n\x1b[5n\x1b[c\x1b[>c")
    assert answers == [b"\x1b[1;3R", b"\x1b[1;3R", b"\x1b[0n", b"\x1b[?6c"]


def test_modes_that_the_widget_asks_for() -> None:
    screen = screen_of("\x1b[?1h\x1b[?2004h\x1b[?1000h\x1b[?1006h\x1b[?25l\x1b]0;hello\x07")
    assert (screen.application_cursor, screen.bracketed_paste, screen.mouse) == (True, True, True)
    assert not screen.cursor.visible
    assert screen.title == "hello"
    screen.feed(b"\x1b[?1;2004;1000;25h\x1b[?1;2004;1000l")
    assert (screen.application_cursor, screen.bracketed_paste, screen.mouse) == (False, False, False)


def test_changed_lines_are_told_once() -> None:
    screen = screen_of("a")
    screen.take_changed()
    screen.feed(b"\x1b[3;1Hx")
    assert screen.take_changed() == {2}
    assert screen.take_changed() == set()


def test_wide_letters_take_two_cells() -> None:
    screen = screen_of("漢字x", columns=6)
    assert screen.line_text(0) == "漢字x"
    screen.feed(b"\x1b[1;2H|")
    assert screen.line_text(0).endswith("字x")


def test_a_string_that_never_ends_does_not_deafen_the_terminal() -> None:
    filtered = Sequences()
    assert filtered.filter("\x1bP" + "x" * 100_000) == ""
    assert "prompt" in filtered.filter("prompt")
