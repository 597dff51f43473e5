"""What is derived from events: states, passes that stay, hints and predictions."""

from __future__ import annotations

from lab.progress import ProgressEvent, standings
from lab.progress.standing import last_place


def events(*rows: tuple[str, ...]) -> list[ProgressEvent]:
    return [
        ProgressEvent(verb, exercise="e", check=check, verdict=verdict, diagnosis=diagnosis, at=float(index))
        for index, (verb, check, verdict, diagnosis) in enumerate((*row, "", "", "")[:4] for row in rows)
    ]


def test_a_life() -> None:
    standing = standings(
        events(
            ("start",),
            ("predict", "q", "400"),
            ("check", "a", "not_yet", "d1"),
            ("hint", "a", "1"),
            ("hint", "a", "2"),
            ("predict", "q", "200"),
            ("check", "a", "passed"),
            ("check", "b", "not_yet", "d2"),
        )
    )["e"]
    assert standing.state == "started"
    assert standing.checks == {"a": "passed", "b": "not_yet"}
    assert standing.diagnoses == {"b": "d2"}
    assert (standing.hints, standing.hints_used) == ({"a": 2}, 2)
    assert standing.predictions == {"q": "200"}
    assert standing.passed_checks == 1


def test_a_pass_stays() -> None:
    standing = standings(events(("start",), ("pass",), ("check", "a", "not_yet"), ("reset",), ("pass",)))["e"]
    assert (standing.state, standing.passed_at) == ("passed", 1.0)
    assert standing.checks == {}
    assert standing.resets == 1


def test_forgetting_takes_everything_back() -> None:
    log = events(("start",), ("pass",), ("start",))
    log.append(ProgressEvent("forget", at=1.5))
    assert standings(log)["e"].state == "started"
    assert standings([*log, ProgressEvent("forget", at=9.0)]) == {}


def test_order_of_events_is_by_time() -> None:
    log = events(("check", "a", "not_yet"), ("check", "a", "passed"))
    assert standings(reversed(log))["e"].checks == {"a": "passed"}


def test_last_place() -> None:
    assert last_place([]) == ""
    log = [ProgressEvent("open", exercise="lesson/first", at=2.0), ProgressEvent("start", exercise="e", at=1.0)]
    assert last_place(log) == "lesson/first"
