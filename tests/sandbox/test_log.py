"""The event log: numbers that rise for ever, bounded memory, followers without gaps."""

from __future__ import annotations

import threading
from pathlib import Path

from lab.sandbox.clock import Clock
from lab.sandbox.counters import Counter
from lab.sandbox.log import EventLog


def make_log(per_exercise: int = 20_000, in_all: int = 40_000) -> EventLog:
    return EventLog(Clock(), per_exercise=per_exercise, in_all=in_all)


def append(log: EventLog, exercise: str = "ex", realm: str | None = None, number: int = 0) -> int:
    return log.append(
        "request",
        {"number": number},
        origin="learner",
        realm=exercise if realm is None else realm,
        exercise=exercise,
        principal="p",
        connection=1,
    )


def numbers(events: list[dict[str, object]]) -> list[object]:
    return [event["seq"] for event in events]


def test_events_are_found_by_number_and_exercise() -> None:
    log = make_log()
    append(log, "a")
    append(log, "b")
    append(log, "", realm="")
    append(log, "a", realm="a~1")
    assert numbers(log.events()) == [1, 2, 3, 4]
    assert numbers(log.events(exercise="a")) == [1, 3, 4]
    assert numbers(log.events(exercise="a~1")) == [3, 4]
    assert numbers(log.events(after=1, exercise="b")) == [2, 3]
    assert numbers(log.events(limit=2)) == [1, 2]
    assert log.last_seq == 4


def test_a_bare_sandbox_does_not_show_in_exercises() -> None:
    log = make_log()
    append(log, "", realm="~bare")
    assert log.events(exercise="a") == []


def test_memory_is_bounded_per_exercise_and_in_all() -> None:
    log = make_log(per_exercise=10, in_all=25)
    for number in range(100):
        append(log, "loud", number=number)
    append(log, "quiet")
    assert numbers(log.events(exercise="loud")) == list(range(91, 101))
    for exercise in "abcdefghij":
        for _ in range(3):
            append(log, exercise)
    events = log.events()
    assert len(events) == 25
    assert events[-1]["seq"] == 131
    assert numbers(events) == sorted(numbers(events))  # type: ignore[type-var]


def test_a_follower_gets_everything_once_while_others_append() -> None:
    log = make_log()
    for _ in range(50):
        append(log)
    ready = threading.Barrier(5)

    def work() -> None:
        ready.wait()
        for _ in range(200):
            append(log)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    ready.wait()
    subscription = log.subscribe(after=10)
    got: list[dict[str, object]] = []
    while len(got) < 840:
        got += subscription.get(timeout=10)
    for thread in threads:
        thread.join()
    assert numbers(got) == list(range(11, 851))
    log.unsubscribe(subscription)
    assert subscription.get(timeout=10) == []


def test_a_follower_of_one_exercise_gets_no_others() -> None:
    log = make_log()
    subscription = log.subscribe(exercise="a")
    append(log, "b")
    append(log, "a")
    assert numbers(subscription.get(timeout=5)) == [2]


def test_a_follower_that_sleeps_is_cut_off_and_holds_no_memory() -> None:
    log = make_log()
    append(log)
    subscription = log.subscribe()
    for _ in range(10_001):
        append(log)
    assert subscription.lost
    assert subscription.get(timeout=1) == []


def test_closing_ends_followers() -> None:
    log = make_log()
    subscription = log.subscribe()
    log.close()
    assert subscription.closed
    assert subscription.get() == []


def test_a_realm_can_be_forgotten() -> None:
    log = make_log()
    append(log, "a", realm="a~1")
    append(log, "a")
    log.forget("a~1")
    assert numbers(log.events()) == [2]


def test_numbers_continue_after_a_clean_end_and_never_repeat_after_a_crash(tmp_path: Path) -> None:
    file = tmp_path / "numbers.json"
    first = Counter(file)
    assert [first.next() for _ in range(3)] == [1, 2, 3]
    first.close()
    second = Counter(file)
    assert second.next() == 4
    third = Counter(file)  # the second one was killed
    assert third.next() > 4
    file.write_text("{ not a number")
    assert Counter(file).next() == 1


def test_events_carry_the_movable_time() -> None:
    clock = Clock()
    log = EventLog(clock)
    append(log)
    clock.advance(86_400)
    append(log)
    first, second = log.events()
    assert 86_400 <= second["at"] - first["at"] < 86_500
