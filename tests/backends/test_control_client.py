"""The control connection against a sandbox that misbehaves, which the real one never does on request."""

from __future__ import annotations

import json
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.backends.control_client import ControlClient, ControlFailureError, EventStream
from lab.errors import SandboxLostError

EVENT = {
    "seq": 7, "at": 1.0, "origin": "learner", "exercise": "ex", "principal": "", "connection": 1,
    "step": "connection", "data": {"scheme": "http", "port": 1},
}  # fmt: skip


class Peer:
    """A control socket whose answers the test writes: one script per connection, in order."""

    def __init__(self, *scripts: Callable[[socket.socket, Iterator[bytes]], None]) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="s3lab-"))
        self.path = self.directory / "c.sock"
        self.asked: list[str] = []
        self.hung_up = threading.Semaphore(0)  # once for every connection that was closed here
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(self.path))
        self._listener.listen()
        self._thread = threading.Thread(target=self._run, args=(scripts,), daemon=True)
        self._thread.start()

    def _run(self, scripts: tuple[Callable[[socket.socket, Iterator[bytes]], None], ...]) -> None:
        for script in scripts:
            connection, _ = self._listener.accept()
            with connection, connection.makefile("rb") as lines:
                script(connection, self._note(lines))
            self.hung_up.release()
        self._listener.close()

    def _note(self, lines: Iterator[bytes]) -> Iterator[bytes]:
        for line in lines:
            self.asked.append(json.loads(line)["op"])
            yield line

    def close(self) -> None:
        self._listener.close()
        self._thread.join(5)
        shutil.rmtree(self.directory)


@pytest.fixture
def peer() -> Iterator[Callable[..., Peer]]:
    made: list[Peer] = []

    def make(*scripts: Callable[[socket.socket, Iterator[bytes]], None]) -> Peer:
        made.append(Peer(*scripts))
        return made[-1]

    yield make
    for one in made:
        one.close()


def answer(connection: socket.socket, lines: Iterator[bytes], count: int = 99) -> None:
    for _, line in zip(range(count), lines, strict=False):
        request = json.loads(line)
        connection.sendall(json.dumps({"id": request["id"], "ok": True, "result": request["op"]}).encode() + b"\n")


def refuse(connection: socket.socket, lines: Iterator[bytes]) -> None:
    for line in lines:
        error = {"code": "no-such-world", "message": "There is no world."}
        connection.sendall(json.dumps({"id": json.loads(line)["id"], "ok": False, "error": error}).encode() + b"\n")


def hang_up(_connection: socket.socket, lines: Iterator[bytes]) -> None:
    next(lines)


def half_an_answer(connection: socket.socket, lines: Iterator[bytes]) -> None:
    next(lines)
    connection.sendall(b'{"id": 1, "ok": true')


def silence(_connection: socket.socket, lines: Iterator[bytes]) -> None:
    list(lines)


def answer_once(connection: socket.socket, lines: Iterator[bytes]) -> None:
    answer(connection, lines, 1)


def test_results_and_refusals(peer: Callable[..., Peer]) -> None:
    with ControlClient(peer(answer).path) as client:
        assert client.call("hello") == "hello"
        assert client.call("world.list") == "world.list"
    with ControlClient(peer(refuse).path) as client, pytest.raises(ControlFailureError) as caught:
        client.call("world.fork", exercise="x")
    assert caught.value.code == "no-such-world"
    assert caught.value.message == "There is no world."


@pytest.mark.parametrize("broken", [hang_up, half_an_answer])
def test_a_question_that_changes_nothing_is_asked_again(
    peer: Callable[..., Peer], broken: Callable[[socket.socket, Iterator[bytes]], None]
) -> None:
    there = peer(broken, answer)
    with ControlClient(there.path) as client:
        assert client.call("world.fingerprint", exercise="x") == "world.fingerprint"
    assert there.asked == ["world.fingerprint", "world.fingerprint"]


@pytest.mark.parametrize("broken", [hang_up, half_an_answer])
def test_one_that_changes_something_is_not(
    peer: Callable[..., Peer], broken: Callable[[socket.socket, Iterator[bytes]], None]
) -> None:
    there = peer(broken, answer)
    with ControlClient(there.path) as client:
        with pytest.raises(SandboxLostError):
            client.call("world.create", exercise="x")
        assert there.asked == ["world.create"]
        assert client.call("hello") == "hello"  # and the next one finds the sandbox that is there now


def test_a_connection_that_the_sandbox_closed_between_calls_is_opened_again(peer: Callable[..., Peer]) -> None:
    there = peer(answer_once, answer)
    with ControlClient(there.path) as client:
        client.call("hello")
        assert there.hung_up.acquire(timeout=10)  # before that, a question could still reach the old connection
        assert client.call("world.create", exercise="x") == "world.create"
    assert there.asked == ["hello", "world.create"]


def test_what_could_not_be_sent_is_asked_again_whatever_it_changes(
    peer: Callable[..., Peer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sandbox closed after the look whether it had."""
    there = peer(answer_once, answer)
    with ControlClient(there.path) as client:
        client.call("hello")
        assert there.hung_up.acquire(timeout=10)
        monkeypatch.setattr("lab.backends.control_client._hung_up", lambda _: False)
        assert client.call("world.create", exercise="x") == "world.create"
    assert there.asked == ["hello", "world.create"]


def test_silence_ends_the_wait_and_the_connection(peer: Callable[..., Peer]) -> None:
    there = peer(silence, answer)
    with ControlClient(there.path) as client:
        with pytest.raises(SandboxLostError, match=r"within 0\.1 seconds"):
            client.call("world.fingerprint", timeout=0.1)
        assert client.call("hello") == "hello"


def test_nobody_there_is_said_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SandboxLostError, match="not running"):
        ControlClient(tmp_path / "none.sock").call("hello")
    with pytest.raises(SandboxLostError, match="not running"):
        EventStream(tmp_path / "none.sock")


def tell(connection: socket.socket, lines: Iterator[bytes]) -> None:
    request = json.loads(next(lines))
    connection.sendall(b'{"id": 0, "ok": true, "result": true}\n')
    line = json.dumps({"event": {**EVENT, "seq": request["after"] + 1}}).encode() + b"\n"
    connection.sendall(line[:20])
    connection.sendall(line[20:])


def test_a_stream_that_was_cut_off_goes_on_where_it_was(peer: Callable[..., Peer]) -> None:
    there = peer(tell, tell)
    with EventStream(there.path, after=6) as stream:
        events = iter(stream)
        assert next(events).seq == 7
        assert next(events).seq == 8
        with pytest.raises(SandboxLostError):
            next(events)


def test_a_stream_that_is_closed_elsewhere_ends(peer: Callable[..., Peer]) -> None:
    there = peer(silence)
    stream = EventStream(there.path)
    threading.Timer(0.05, stream.close).start()
    assert list(stream) == []
    stream.close()
    assert list(stream) == []
