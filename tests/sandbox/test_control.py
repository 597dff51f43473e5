"""The control socket: JSON lines, one user, one sandbox, nothing lost and nothing leaked."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from lab.sandbox import control
from lab.sandbox.clock import Clock
from lab.sandbox.control import ControlError, ControlServer, SocketError
from lab.sandbox.core import Sandbox
from lab.sandbox.log import EventLog
from tests.sandbox.harness import Control, ControlRefusedError, wait_until

NO_SANDBOX = cast("Sandbox", None)


def append(log: EventLog, exercise: str = "ex") -> int:
    return log.append(
        "answer", {"n": 1}, origin="learner", realm=exercise, exercise=exercise, principal="", connection=0
    )


def fail(_: Sandbox, __: dict[str, Any]) -> None:
    secret = "do-not-show"
    raise KeyError(secret)


def refuse(_: Sandbox, __: dict[str, Any]) -> None:
    raise ControlError("no-such-world", "There is no world of that name.")


@pytest.fixture
def log() -> EventLog:
    return EventLog(Clock())


@pytest.fixture
def server(short_directory: Path, log: EventLog) -> Iterator[ControlServer]:
    made = ControlServer(
        short_directory,
        NO_SANDBOX,
        log,
        {"echo": lambda _, parameters: parameters, "fail": fail, "refuse": refuse},
    )
    made.start()
    yield made
    made.stop()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("control")]


@pytest.fixture
def client(server: ControlServer) -> Iterator[Control]:
    with contextlib.closing(Control(server.path)) as made:
        yield made


def test_an_operation_gets_its_members_and_answers(client: Control) -> None:
    assert client.call("echo", exercise="x", deep={"list": [1, None]}) == {"exercise": "x", "deep": {"list": [1, None]}}


def test_operations_of_other_modules_are_found(client: Control, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "OPERATIONS", {})
    control.operation("twice")(lambda _, parameters: parameters["n"] * 2)
    assert client.call("twice", n=4) == 8


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"not json\n", "bad-request"),
        (b"[]\n", "bad-request"),
        (b'{"id": 1}\n', "bad-request"),
        (b'{"op": 3}\n', "bad-request"),
        (b"\xff\xfe\n", "bad-request"),
        (b'{"op": "nothing-like-it"}\n', "no-such-operation"),
        (b'{"op": "subscribe", "after": "x"}\n', "bad-request"),
        (b'{"op": "refuse"}\n', "no-such-world"),
        (b'{"op": "fail"}\n', "internal"),
    ],
)
def test_every_mistake_is_answered_and_the_connection_goes_on(client: Control, line: bytes, code: str) -> None:
    answer = client.send(line)
    assert (answer["ok"], answer["error"]["code"]) == (False, code)
    assert "do-not-show" not in json.dumps(answer)
    assert client.call("echo") == {}


def test_a_refusal_carries_its_words(client: Control) -> None:
    with pytest.raises(ControlRefusedError, match="There is no world of that name"):
        client.call("refuse")


def test_a_line_without_end_is_dropped(server: ControlServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "LONGEST_LINE", 1000)
    with contextlib.closing(Control(server.path)) as greedy, contextlib.suppress(ConnectionError):
        assert greedy.send(b"x" * 2000) is None
    with contextlib.closing(Control(server.path)) as another:
        assert another.call("echo") == {}


def test_a_follower_gets_what_was_and_what_comes(client: Control, log: EventLog) -> None:
    append(log)
    append(log)
    append(log, "other")
    assert client.call("subscribe", after=1, exercise="ex") is True
    assert client.read()["event"]["seq"] == 2
    append(log, "other")
    append(log)
    assert client.read()["event"]["seq"] == 5


def test_a_follower_may_still_ask(client: Control) -> None:
    assert client.call("subscribe", after=0) is True
    assert client.call("echo", n=1) == {"n": 1}


def test_open_connections_are_clients(server: ControlServer) -> None:
    assert server.clients == 0
    first = Control(server.path)
    wait_until(lambda: server.clients == 1)
    assert server.idle_seconds() == 0
    first.close()
    wait_until(lambda: server.clients == 0)
    assert 0 <= server.idle_seconds() < 5


def test_many_clients_at_once(server: ControlServer) -> None:
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            with contextlib.closing(Control(server.path)) as one:
                for n in range(20):
                    assert one.call("echo", n=n, number=number) == {"n": n, "number": number}
        except BaseException as error:  # noqa: BLE001 - reported by the test
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_only_this_user_may_come_in(server: ControlServer, monkeypatch: pytest.MonkeyPatch) -> None:
    assert stat.S_IMODE(server.path.stat().st_mode) == 0o600
    monkeypatch.setattr(control, "peer_uid", lambda _: os.getuid() + 1)
    with contextlib.closing(Control(server.path)) as stranger, contextlib.suppress(ConnectionError):
        assert stranger.send(b'{"op": "echo"}\n') is None


def test_the_peer_is_who_the_kernel_says() -> None:
    left, right = socket.socketpair(socket.AF_UNIX)
    with left, right:
        assert control.peer_uid(left) == os.getuid()


def test_a_path_that_is_too_long_is_refused_in_a_sentence(tmp_path: Path, log: EventLog) -> None:
    with pytest.raises(SocketError, match="longer than 100 bytes"):
        ControlServer(tmp_path / ("x" * 120), NO_SANDBOX, log, {})


def test_a_living_sandbox_is_not_replaced(server: ControlServer, log: EventLog) -> None:
    with pytest.raises(SocketError, match="already running"):
        ControlServer(server.path.parent, NO_SANDBOX, log, {})


def test_a_dead_sandbox_s_socket_is_replaced(short_directory: Path, log: EventLog) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(short_directory / control.SOCKET_NAME))
    server = ControlServer(short_directory, NO_SANDBOX, log, {"echo": lambda _, parameters: parameters})
    server.start()
    with contextlib.closing(Control(server.path)) as client:
        assert client.call("echo") == {}
    server.stop()
    assert not server.path.exists()
