"""The tap: records found in any cut of the stream, and memory that stays within its bounds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.sandbox.tap import KEPT_PER_DIRECTION, CaptureGoneError, Record, RecordParser, Tap

records = st.lists(st.tuples(st.sampled_from([20, 21, 22, 23]), st.integers(0, 300)), max_size=20)


def stream(parts: list[tuple[int, int]]) -> bytes:
    return b"".join(bytes([kind, 3, 3]) + length.to_bytes(2, "big") + b"\x17" * length for kind, length in parts)


@given(records, st.lists(st.integers(1, 50), min_size=1))
def test_records_are_found_however_the_stream_is_cut(parts: list[tuple[int, int]], sizes: list[int]) -> None:
    found: list[Record] = []
    parser = RecordParser("in", found)
    data = stream(parts)
    while data:
        for size in sizes:
            parser.feed(data[:size])
            data = data[size:]
    names = {20: "change_cipher_spec", 21: "alert", 22: "handshake", 23: "application_data"}
    assert [(record.type, record.length) for record in found] == [(names[kind], length) for kind, length in parts]


@given(st.binary(max_size=500))
def test_what_is_not_tls_is_not_mistaken_for_records(data: bytes) -> None:
    found: list[Record] = []
    RecordParser("in", found).feed(b"GET / HTTP/1.1\r\n" + data)
    assert found == []


def test_the_number_of_records_is_bounded() -> None:
    found: list[Record] = []
    parser = RecordParser("out", found, limit=5)
    parser.feed(stream([(23, 1)] * 100))
    assert len(found) == 5


def test_the_beginning_is_kept_and_everything_is_counted() -> None:
    tap = Tap()
    capture = tap.open(1, "http", 80, 0.0)
    capture.take("in", b"a" * KEPT_PER_DIRECTION)
    capture.take("in", b"b" * 10)
    capture.take("out", b"c")
    assert tap.raw(1, "in") == b"a" * KEPT_PER_DIRECTION
    assert tap.raw(1, "out") == b"c"
    (shown,) = tap.connections()
    assert (shown["bytes_in"], shown["kept_in"], shown["bytes_out"]) == (KEPT_PER_DIRECTION + 10, KEPT_PER_DIRECTION, 1)


def test_other_exercises_make_room_first_then_the_oldest() -> None:
    tap = Tap(in_all=1000)
    captures = {number: tap.open(number, "http", 80, 0.0) for number in range(1, 6)}
    for number, exercise in ((1, "now"), (2, "before"), (3, ""), (4, "now")):
        if exercise:
            tap.attribute(captures[number], exercise, exercise)
        captures[number].take("in", b"x" * 200)
    tap.attribute(captures[4], "now", "now")
    captures[5].take("in", b"x" * 600)
    gone = {number for number in captures if captures[number].gone}
    assert gone == {2, 3}
    captures[5].take("in", b"x" * 200)
    assert captures[1].gone
    assert not captures[4].gone
    with pytest.raises(CaptureGoneError):
        tap.raw(1, "in")
    assert tap.raw(4, "in") == b"x" * 200


def test_connections_are_shown_to_their_exercise_and_those_of_nobody_to_all() -> None:
    tap = Tap()
    tap.attribute(tap.open(1, "http", 80, 0.0), "a", "a")
    tap.attribute(tap.open(2, "http", 80, 0.0), "b~1", "b")
    tap.open(3, "https", 443, 0.0)
    assert [c["connection"] for c in tap.connections("a")] == [1, 3]
    assert [c["connection"] for c in tap.connections("b")] == [2, 3]
    assert [c["connection"] for c in tap.connections("b~1")] == [2, 3]
    assert [c["connection"] for c in tap.connections()] == [1, 2, 3]


def test_the_number_of_connections_is_bounded() -> None:
    tap = Tap(connections=3)
    for number in range(1, 6):
        tap.open(number, "http", 80, 0.0).take("in", b"x")
    assert [c["connection"] for c in tap.connections()] == [3, 4, 5]


def test_an_unknown_connection_is_gone() -> None:
    with pytest.raises(CaptureGoneError):
        Tap().raw(7, "in")
