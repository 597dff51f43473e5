"""The shared sandbox's life: started once, found, survived, ended; nothing is left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import lab
from lab.backends import process, runtime
from lab.backends.control_client import ControlClient
from lab.backends.protocol import Credentials, PrincipalSpec, WorldSpec
from lab.backends.sandbox import SandboxBackend
from lab.errors import SandboxLostError, SandboxStartError

SPEC = WorldSpec("ex", ("home",), (PrincipalSpec("default", administrator=True), PrincipalSpec("visitor", "role")))

STARTER = """
import json
from lab.backends.runtime import ensure_sandbox
found = ensure_sandbox()
print(json.dumps({"pid": found.pid, "https": found.endpoints.https}))
"""


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


@pytest.mark.usefixtures("lab_home")
class TestLife:
    def test_it_is_started_once_and_found(self) -> None:
        assert runtime.find_sandbox() is None
        first = runtime.ensure_sandbox()
        assert runtime.find_sandbox() == first
        assert runtime.ensure_sandbox() == first
        record = json.loads(runtime.runtime_file().read_text())
        assert record["pid"] == first.pid
        assert record["https"] == first.endpoints.https
        assert record["http"] == first.endpoints.http
        for path in (runtime.runtime_file(), runtime.log_file()):
            assert path.stat().st_mode & 0o777 == 0o600
        assert runtime.stop_sandbox() is True
        assert not first.alive
        assert runtime.find_sandbox() is None
        assert not runtime.runtime_file().exists()
        assert runtime.stop_sandbox() is False

    def test_commands_that_race_get_one_sandbox(self) -> None:
        racers = [
            subprocess.Popen([sys.executable, "-c", STARTER], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            for _ in range(3)
        ]
        answers = []
        for racer in racers:
            out, err = racer.communicate(timeout=60)
            assert racer.returncode == 0, err.decode()
            answers.append(json.loads(out))
        assert len({answer["pid"] for answer in answers}) == 1
        found = runtime.find_sandbox()
        assert found is not None  # it outlives who started it
        assert found.pid == answers[0]["pid"]

    def test_after_a_kill_the_next_takes_its_ports_and_worlds_over(self) -> None:
        backend = SandboxBackend()
        backend.open()
        world = backend.create_world(SPEC)
        client = world.client("default", "kms")
        arn = client.create_key(Description="before")["KeyMetadata"]["Arn"]
        session = world.client("default", "sts").assume_role(
            RoleArn=world.credentials["visitor"].arn, RoleSessionName="visit"
        )["Credentials"]
        before = world.fingerprint()
        first = backend.running
        state = Path(os.environ["LAB_DATA_DIR"]) / "sandbox" / "realms" / "ex" / "state.json"
        wait_until(lambda: session["AccessKeyId"] in state.read_text(), "the key is on the disk")
        os.kill(first.pid, signal.SIGKILL)
        wait_until(lambda: not first.alive, "it is dead")
        with pytest.raises(SandboxLostError):
            world.fingerprint()
        backend.open()
        try:
            assert backend.running.pid != first.pid
            assert backend.endpoints() == first.endpoints
            again = backend.open_world("ex")
            assert again is not None
            assert again.credentials == world.credentials
            assert again.fingerprint() == before
            keys = again.client("default", "kms").list_keys()["Keys"]
            assert [key["KeyArn"] for key in keys] == [arn]
            visitor = Credentials(
                session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"], "", "", "role"
            )
            visit = backend.clients.client(visitor, "sts", http=False)
            assert visit.get_caller_identity()["Arn"].endswith("assumed-role/visitor/visit")  # type: ignore[attr-defined]
        finally:
            backend.close()

    def test_events_outlive_a_stop(self) -> None:
        backend = SandboxBackend()
        backend.open()
        world = backend.create_world(SPEC)
        world.client("default", "sts").get_caller_identity()
        before = world.events()
        backend.close()
        assert runtime.stop_sandbox() is True
        backend.open()
        try:
            again = backend.open_world("ex")
            assert again is not None
            assert again.events() == before
            assert again.events(after=before[0].seq) == before[1:]
        finally:
            backend.close()

    def test_numbers_of_events_rise_across_a_kill(self) -> None:
        backend = SandboxBackend()
        backend.open()
        world = backend.create_world(SPEC)
        world.client("default", "sts").get_caller_identity()
        before = world.events()
        last = before[-1].seq
        os.kill(backend.running.pid, signal.SIGKILL)
        wait_until(lambda: not backend.running.alive, "it is dead")
        backend.open()
        try:
            again = backend.open_world("ex") or backend.create_world(SPEC)
            again.client("default", "sts").get_caller_identity()
            later = [event for event in again.events() if event not in before]
            assert later
            assert min(event.seq for event in later) > last
        finally:
            backend.close()

    def test_a_number_that_now_belongs_to_another_process_is_not_trusted(self) -> None:
        first = runtime.ensure_sandbox()
        other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        try:
            record = json.loads(runtime.runtime_file().read_text())
            runtime.runtime_file().write_text(json.dumps({**record, "pid": other.pid}))
            assert runtime.find_sandbox() is None
            assert runtime.stop_sandbox() is False
            assert other.poll() is None
        finally:
            other.communicate(b"\n")
            runtime.runtime_file().write_text(json.dumps(record))
        assert runtime.find_sandbox() == first

    @pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"pid": "x"}', '{"pid": 1, "began": "never"}'])
    def test_a_broken_or_stale_runtime_file_is_replaced(self, content: str) -> None:
        runtime.runtime_file().write_text(content)
        assert runtime.find_sandbox() is None
        assert runtime.ensure_sandbox().alive

    def test_one_that_its_starter_left_half_way_is_ended_and_replaced(self) -> None:
        first = runtime.ensure_sandbox()
        runtime.runtime_file().write_text(json.dumps({"pid": first.pid, "began": first.began, "starting": True}))
        assert runtime.find_sandbox() is None
        second = runtime.ensure_sandbox()
        assert second.pid != first.pid
        assert not first.alive

    def test_an_unused_one_is_stopped_and_a_used_one_is_left(self) -> None:
        found = runtime.ensure_sandbox()
        hold = (
            "import pathlib, sys; from lab.backends.control_client import ControlClient;"
            " client = ControlClient(pathlib.Path(sys.argv[1])); client.call('hello');"
            " print('held', flush=True); input()"
        )
        with subprocess.Popen(
            [sys.executable, "-c", hold, found.control], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as somebody:
            assert somebody.stdout is not None
            assert somebody.stdout.readline() == b"held\n"
            assert runtime.stop_sandbox(only_unused=True) is False
            assert found.alive
            somebody.communicate(b"\n")
        wait_until(lambda: runtime.stop_sandbox(only_unused=True), "nobody uses it")
        assert not found.alive

    def test_connections_of_our_own_do_not_count_as_use(self) -> None:
        found = runtime.ensure_sandbox()
        with ControlClient(found.control) as ours:
            ours.call("hello")
            assert runtime.stop_sandbox(only_unused=True) is True
        assert not found.alive

    def test_one_that_is_about_to_end_when_it_is_found_is_replaced(self) -> None:
        ending = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        assert ending.stdin is not None
        record = {
            "pid": ending.pid, "began": process.start_time(ending.pid), "version": lab.__version__, "region": "x",
            "https": "https://localhost:1", "control": str(runtime.runtime_file().with_name("gone.sock")),
        }  # fmt: skip
        runtime.runtime_file().write_text(json.dumps(record))
        threading.Timer(0.3, ending.communicate, (b"\n",)).start()
        backend = SandboxBackend()
        backend.open()
        assert backend.running.pid != ending.pid
        backend.close()

    def test_one_of_another_version_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        runtime.ensure_sandbox()
        monkeypatch.setattr("lab.__version__", "99.0")
        with pytest.raises(SandboxStartError, match=r"this is 99\.0") as caught:
            runtime.ensure_sandbox()
        assert "lab sandbox stop" in caught.value.next_step

    def test_what_keeps_it_from_starting_is_said(self) -> None:
        state = Path(os.environ["LAB_DATA_DIR"]) / "sandbox"
        runtime.log_file()
        (state / "ca").mkdir(parents=True)
        (state / "blobs").write_text("a file where a directory should be")
        with pytest.raises(SandboxStartError) as caught:
            runtime.ensure_sandbox()
        assert str(runtime.log_file()) in caught.value.next_step
        assert runtime.find_sandbox() is None
        (state / "blobs").unlink()
        assert runtime.ensure_sandbox().alive

    def test_nothing_of_the_users_aws_reaches_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAUSERSOWN")
        monkeypatch.setenv("MOTO_S3_CUSTOM_ENDPOINTS", "https://elsewhere")
        found = runtime.ensure_sandbox()
        if sys.platform == "linux":
            assert b"AKIAUSERSOWN" not in Path(f"/proc/{found.pid}/environ").read_bytes()
            assert b"MOTO_" not in Path(f"/proc/{found.pid}/environ").read_bytes()


def test_after_its_last_client_it_ends(lab_home: Path) -> None:
    run = Path(os.environ["LAB_RUNTIME_DIR"])
    log = lab_home / "log"
    child = runtime.start_process(runtime=run, state=lab_home, log=log, options=("--linger", "0.2"))
    runtime.wait_ready(child, log, 60)
    control = run / "control.sock"
    with ControlClient(control) as client:
        client.call("hello")
        assert child.poll() is None
    assert child.wait(20) == 0
    assert not control.exists()


def test_a_process_is_known_by_number_and_beginning() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    began = process.start_time(child.pid)
    assert began is not None
    assert process.is_same(child.pid, began)
    assert not process.is_same(child.pid, "another time")
    assert process.end(child.pid, "another time")  # nothing to end
    assert child.poll() is None
    ended = threading.Thread(target=child.wait)
    ended.start()
    assert process.end(child.pid, began)
    ended.join(5)
    assert child.returncode == -signal.SIGTERM
    assert process.start_time(child.pid) is None
    assert child.stdin is not None
    child.stdin.close()
