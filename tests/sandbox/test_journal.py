"""Events across restarts: what was told once is told again, whatever ended the sandbox, and holds no secret."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.sandbox.clock import Clock
from lab.sandbox.counters import Counter
from lab.sandbox.journal import Journal
from lab.sandbox.log import EventLog
from lab.sandbox.worlds import BARE, keeps_events
from tests.sandbox.harness import RunningSandbox

Events = list[dict[str, Any]]


class Life:
    """A log as one life of the sandbox has it."""

    def __init__(self, directory: Path, *, per_exercise: int = 100, in_all: int = 200) -> None:
        self.said: list[str] = []
        self.journal = Journal(directory / "events", keeps_events, self.said.append)
        self.log = EventLog(
            Clock(),
            Counter(directory / "events.json"),
            per_exercise=per_exercise,
            in_all=in_all,
            journal=self.journal,
        )

    def append(self, step: str, exercise: str = "ex", realm: str | None = None) -> int:
        return self.log.append(
            step,
            {"text": "line\nbreak \udc80 é"},
            origin="learner",
            realm=exercise if realm is None else realm,
            exercise=exercise,
            principal="p",
            connection=1,
        )

    def request(self, exercise: str = "ex", realm: str | None = None) -> None:
        for step in ("request", "decision", "answer"):
            self.append(step, exercise, realm)


def numbers(events: Events) -> list[int]:
    return [event["seq"] for event in events]


def lines(directory: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in (directory / "events").iterdir())


def test_answered_requests_outlive_a_life_that_ends_at_once(tmp_path: Path) -> None:
    first = Life(tmp_path)
    for exercise, realm in (("a", None), ("b", None), ("", BARE), ("a", None)):
        first.request(exercise, realm)
    first.append("tls", "", "")
    second = Life(tmp_path)
    assert second.log.events() == first.log.events()
    assert second.log.events(after=4, exercise="a") == first.log.events(after=4, exercise="a")
    second.request("a")
    assert numbers(Life(tmp_path).log.events())[-1] > first.log.last_seq


def test_what_waits_for_its_answer_is_kept_by_a_clean_end(tmp_path: Path) -> None:
    first = Life(tmp_path)
    first.append("request")
    assert Life(tmp_path).log.events() == []
    first.log.close()
    assert numbers(Life(tmp_path).log.events()) == [1]


def test_forks_leave_nothing(tmp_path: Path) -> None:
    first = Life(tmp_path)
    first.request("ex", "ex~1")
    first.request("", f"{BARE}~2")
    first.log.close()
    assert Life(tmp_path).log.events() == []
    assert list((tmp_path / "events").iterdir()) == []


def test_what_is_forgotten_stays_forgotten(tmp_path: Path) -> None:
    first = Life(tmp_path)
    first.request("a")
    first.request("b")
    first.append("request", "a")
    first.log.forget("a")
    first.request("a")
    assert numbers(Life(tmp_path).log.events()) == [4, 5, 6, 8, 9, 10]


@pytest.mark.parametrize("torn", [b'{"seq": 7, "at"', b"\xff\x00", b'{"seq": "7"}', b"[1]\n"])
def test_a_torn_line_takes_no_other_with_it(tmp_path: Path, torn: bytes) -> None:
    Life(tmp_path).request()
    (file,) = (tmp_path / "events").iterdir()
    with file.open("ab") as stream:
        stream.write(torn)
    second = Life(tmp_path)
    assert numbers(second.log.events()) == [1, 2, 3]
    second.request()
    assert len(Life(tmp_path).log.events()) == 6
    assert torn not in file.read_bytes()


def test_a_write_that_fails_is_said_once_and_takes_no_other_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(descriptor: int, data: bytes) -> int:
        whole(descriptor, data[:5])
        raise OSError(28, "No space left on device")

    whole = os.write
    first = Life(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", fail)
        first.request()
        first.request()
    first.request()
    assert first.said == ["Events cannot be kept across restarts (No space left on device)."]
    assert numbers(Life(tmp_path).log.events()) == [7, 8, 9]


def test_the_files_are_bounded_as_the_memory_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.sandbox.log.SURPLUS", 50)
    first = Life(tmp_path, per_exercise=30, in_all=45)
    for _ in range(200):
        first.request("loud")
        assert lines(tmp_path) <= 45 + 50
    first.request("quiet")
    second = Life(tmp_path, per_exercise=30, in_all=45)
    assert second.log.events() == first.log.events()
    assert lines(tmp_path) == len(first.log.events())
    Life(tmp_path, per_exercise=6, in_all=6)
    assert lines(tmp_path) == 6


def test_numbers_go_on_behind_what_is_kept_even_without_the_counter(tmp_path: Path) -> None:
    Life(tmp_path).request()
    (tmp_path / "events.json").unlink()
    second = Life(tmp_path)
    second.request()
    assert numbers(Life(tmp_path).log.events()) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM])
def test_a_learner_s_events_are_there_again_and_hold_no_secret(
    start_sandbox: Callable[..., RunningSandbox], short_directory: Path, tmp_path: Path, ending: signal.Signals
) -> None:
    state = tmp_path / "state"
    first = start_sandbox("--state", str(state), "--runtime", str(short_directory))
    made = first.create_world("ex")
    learner = made["credentials"]["default"]
    key, body = os.urandom(32), b"the body of a test, to be found nowhere"
    s3 = first.client_of(learner, "s3")
    s3.create_bucket(Bucket="kept-events")
    rule = {"BlockedEncryptionTypes": {"EncryptionType": ["NONE"]}}
    s3.put_bucket_encryption(Bucket="kept-events", ServerSideEncryptionConfiguration={"Rules": [rule]})
    s3.put_object(Bucket="kept-events", Key="a", Body=body)
    customer = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": key}
    s3.put_object(Bucket="kept-events", Key="b", Body=body, **customer)
    s3.get_object(Bucket="kept-events", Key="b", **customer)["Body"].read()
    data_key = first.client_of(learner, "kms").generate_data_key(
        KeyId=first.client_of(learner, "kms").create_key()["KeyMetadata"]["KeyId"], KeySpec="AES_256"
    )["Plaintext"]
    fork = first.call("world.fork", exercise="ex")
    first.client_of(fork["credentials"]["default"], "s3").list_buckets()
    events: Events = first.call("events", exercise="ex")
    mine = [event for event in events if event["realm"] != fork["realm"]]
    assert len(mine) < len(events)
    assert {event["step"] for event in mine} >= {"connection", "tls", "request", "decision", "sse", "stored", "answer"}
    first.stop(ending)

    kept = b"".join(path.read_bytes() for path in (state / "events").iterdir())
    digest = hashlib.md5(key, usedforsecurity=False).digest()
    assert base64.b64encode(digest) in kept  # the digest is what an event shows of a key
    secrets = [body, learner["secret_access_key"].encode()]
    for raw in (key, data_key):
        secrets += [raw, base64.b64encode(raw), raw.hex().encode(), json.dumps(raw.decode("latin-1")).encode()]
    assert [secret for secret in secrets if secret in kept] == []
    assert {path.stat().st_mode & 0o777 for path in (state / "events").iterdir()} == {0o600}

    second = start_sandbox("--state", str(state), "--runtime", str(short_directory))
    assert second.call("events", exercise="ex") == mine
    assert second.call("events", exercise="ex", after=mine[3]["seq"]) == mine[4:]
    second.call("world.drop", exercise="ex")
    assert [event for event in second.call("events", exercise="ex") if event["realm"]] == []
    assert not (state / "events" / "ex.jsonl").exists()


def test_a_fork_that_is_dropped_takes_its_events_along(sandbox: RunningSandbox) -> None:
    sandbox.create_world("journal-forks")
    fork = sandbox.call("world.fork", exercise="journal-forks")
    sandbox.client_of(fork["credentials"]["default"], "s3").list_buckets()
    of_fork = [e for e in sandbox.call("events", exercise="journal-forks") if e["realm"] == fork["realm"]]
    assert of_fork
    for _ in range(17):  # more than are remembered: the oldest goes without being told to
        sandbox.call("world.fork", exercise="journal-forks")
    assert [e for e in sandbox.call("events", exercise="journal-forks") if e["realm"] == fork["realm"]] == []
    sandbox.call("world.drop", exercise="journal-forks")
