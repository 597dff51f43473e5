"""The process: it says when it is ready, ends when it should, and leaves nothing behind."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from botocore.exceptions import ClientError

from lab.events import DATA_MEMBERS, Event
from lab.sandbox.process import SandboxProcess, Settings
from tests.sandbox import harness
from tests.sandbox.harness import ControlRefusedError, RunningSandbox, wait_until

Start = Callable[..., RunningSandbox]


def test_a_boto3_request_travels_all_the_way(sandbox: RunningSandbox) -> None:
    for http in (False, True):
        s3 = sandbox.client("s3", http=http)
        bucket = f"process-{'http' if http else 'https'}"
        s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key="k", Body=b"hello")
        assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"hello"
    assert sandbox.client("kms").list_keys()["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_hello_says_where_everything_is(sandbox: RunningSandbox) -> None:
    hello = sandbox.call("hello")
    assert (hello["pid"], hello["https"], hello["http"]) == (sandbox.process.pid, sandbox.https, sandbox.http)
    assert (hello["ca_bundle"], hello["region"]) == (str(sandbox.ca_bundle), "us-east-1")
    assert hello["clients"] >= 1


def test_every_answer_names_its_request(sandbox: RunningSandbox) -> None:
    s3 = sandbox.client("s3").list_buckets()["ResponseMetadata"]
    assert re.fullmatch(r"[0-9A-Z]{16}", s3["RequestId"])
    assert len(s3["HostId"]) == 76
    assert s3["HTTPHeaders"]["server"] == "AmazonS3"
    assert s3["HTTPHeaders"]["date"].endswith(" GMT")
    kms = sandbox.client("kms").list_keys()["ResponseMetadata"]
    assert re.fullmatch(r"[0-9a-f-]{36}", kms["RequestId"])
    assert "server" not in kms["HTTPHeaders"]


def test_what_went_over_the_wire_can_be_read(sandbox: RunningSandbox) -> None:
    s3 = sandbox.client("s3", http=True)
    s3.create_bucket(Bucket="process-wire")
    s3.put_object(Bucket="process-wire", Key="k", Body=b"marker-on-the-wire")
    plain = [c for c in sandbox.call("wire.connections") if c["scheme"] == "http"]
    raw = b"".join(
        base64.b64decode(sandbox.call("wire.raw", connection=c["connection"], direction="in")) for c in plain
    )
    assert b"marker-on-the-wire" in raw


def test_a_capture_that_is_not_there_says_so(sandbox: RunningSandbox) -> None:
    with pytest.raises(ControlRefusedError) as refused:
        sandbox.call("wire.raw", connection=10**9, direction="in")
    assert refused.value.code == "capture-gone"
    with pytest.raises(ControlRefusedError, match="bad-request"):
        sandbox.call("wire.raw", connection=1, direction="up")


def test_events_are_told_in_order_without_secrets(sandbox: RunningSandbox) -> None:
    key = base64.b64encode(b"k" * 32).decode()
    before = max((event["seq"] for event in sandbox.call("events")), default=0)
    s3 = sandbox.client("s3")
    s3.create_bucket(Bucket="process-events")
    with pytest.raises(ClientError):  # new buckets refuse customer keys
        s3.put_object(
            Bucket="process-events", Key="k", Body=b"x", SSECustomerAlgorithm="AES256", SSECustomerKey="k" * 32
        )
    events = sandbox.call("events", after=before)
    assert [event["step"] for event in events][:3] == ["connection", "tls", "request"]
    assert events[-1]["step"] == "answer"
    assert [event["seq"] for event in events] == sorted(event["seq"] for event in events)
    (put,) = [e["data"] for e in events if e["step"] == "request" and e["data"]["operation"] == "PutObject"]
    assert put["customer_key"]["length"] == 32
    assert put["headers"]["x-amz-server-side-encryption-customer-key"] == "<44 bytes>"
    text = json.dumps(events)
    assert key not in text
    assert sandbox.secret_access_key not in text
    assert not re.search(r"Signature=[0-9a-f]{8}", text)


def test_events_have_the_members_that_the_lab_reads(sandbox: RunningSandbox) -> None:
    with pytest.raises(ClientError):
        sandbox.client("s3").get_object(Bucket="process-no-such-bucket", Key="k")
    seen: set[str] = set()
    for line in sandbox.call("events"):
        event = Event.from_json(line)
        seen.add(event.step)
        assert event.data.keys() >= DATA_MEMBERS[event.step], event.step
    assert seen >= {"connection", "tls", "request", "answer"}


def test_connections_belong_to_the_exercise_of_their_first_request(sandbox: RunningSandbox) -> None:
    world = sandbox.create_world("process-attribution")
    sandbox.client_of(world["credentials"]["default"], "s3").list_buckets()
    sandbox.client_of(world["validator"], "s3").list_buckets()
    events = sandbox.call("events", exercise="process-attribution")
    of: dict[str, list[str]] = {event["origin"]: [] for event in events if event["exercise"]}
    for event in events:
        if event["exercise"]:
            of[event["origin"]].append(event["step"])
    assert of["learner"][:3] == of["validator"][:3] == ["connection", "tls", "request"]
    numbers = {event["connection"] for event in events if event["exercise"]}
    assert numbers <= {c["connection"] for c in sandbox.call("wire.connections", exercise="process-attribution")}


def test_closing_leaves_no_thread_and_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    before = set(threading.enumerate())
    process = SandboxProcess(Settings())
    process.start()
    process.bare_credential()
    control = harness.Control(process.control)
    control.call("subscribe", after=0)
    with socket.create_connection(("127.0.0.1", int(process.http.rpartition(":")[2]))):
        process.close()
    control.close()
    assert set(threading.enumerate()) <= before
    assert not process.state_dir.exists()


def test_stop_is_answered(start_sandbox: Start) -> None:
    running = start_sandbox("--serve")
    assert running.connect().call("stop") is None
    assert running.process.wait(15) == 0


def test_a_signal_before_it_is_ready_leaves_nothing(tmp_path: Path) -> None:
    process = harness.launch("--json", environment={"TMPDIR": str(tmp_path)})
    wait_until(lambda: any(tmp_path.iterdir()) or process.poll() is not None)
    process.terminate()
    process.communicate(timeout=15)
    assert process.returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_time_only_moves_forward(start_sandbox: Start) -> None:
    running = start_sandbox()
    now = running.call("clock")
    assert running.call("clock", advance=86_400) - now >= 86_400
    with pytest.raises(ControlRefusedError, match="forward"):
        running.call("clock", advance=-1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(start_sandbox: Start, number: int) -> None:
    running = start_sandbox()
    child = psutil.Process(running.process.pid)
    state = running.ca_bundle.parent.parent
    client = running.connect()
    client.call("hello")
    with socket.create_connection(("127.0.0.1", running.http_port)):
        wait_until(lambda: any(c.status == psutil.CONN_ESTABLISHED for c in child.net_connections("tcp")))
        running.process.send_signal(number)
        assert running.process.wait(15) == 0
    _, said = running.process.communicate()
    assert said == b""
    assert not state.exists()
    assert not running.control.parent.exists()


def test_it_ends_some_time_after_its_last_client(start_sandbox: Start) -> None:
    running = start_sandbox("--linger", "0.5")
    client = running.connect()
    client.call("hello")
    with pytest.raises(subprocess.TimeoutExpired):
        running.process.wait(1)
    client.close()
    assert running.process.wait(15) == 0


def test_standard_input_does_not_matter(start_sandbox: Start) -> None:
    running = start_sandbox()  # its stdin is at its end from the beginning
    assert running.call("hello")["pid"] == running.process.pid


def test_a_required_port_that_is_taken_is_one_clear_sentence(sandbox: RunningSandbox) -> None:
    process = harness.launch("--http-port", str(sandbox.http_port))
    out, said = process.communicate(timeout=30)
    assert process.returncode == 3
    assert out == b""
    assert re.fullmatch(
        rf"Port {sandbox.http_port} on localhost cannot be used \(.+\)\. Name another one, .+\.\n", said.decode()
    )


def test_a_second_sandbox_does_not_take_the_first_one_s_socket(start_sandbox: Start, short_directory: Path) -> None:
    running = start_sandbox("--runtime", str(short_directory))
    process = harness.launch("--runtime", str(short_directory))
    _, said = process.communicate(timeout=30)
    assert process.returncode == 3
    assert b"already running" in said
    assert running.call("hello")["pid"] == running.process.pid


def test_a_killed_sandbox_is_followed_by_the_next_at_the_same_place(
    start_sandbox: Start, short_directory: Path, tmp_path: Path
) -> None:
    places = ("--runtime", str(short_directory), "--state", str(tmp_path / "state"))
    first = start_sandbox(*places)
    first.client("s3").create_bucket(Bucket="before-the-kill")
    events = first.call("events")
    connection = first.call("wire.connections")[-1]["connection"]
    authority = first.ca_bundle.read_bytes()
    first.stop(signal.SIGKILL)
    assert first.control.exists()
    second = start_sandbox(*places)
    assert (second.https, second.http) == (first.https, first.http)
    assert second.ca_bundle.read_bytes() == authority
    assert second.call("events") == events
    second.client("s3").list_buckets()
    assert second.call("events", after=events[-1]["seq"])
    assert second.call("wire.connections")[0]["connection"] > connection
    with pytest.raises(ControlRefusedError, match="capture-gone"):
        second.call("wire.raw", connection=connection, direction="in")


def test_what_it_keeps_is_this_user_s_alone(start_sandbox: Start, short_directory: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    running = start_sandbox("--runtime", str(short_directory), "--state", str(state))
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    assert stat.S_IMODE(running.control.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE((state / "ca" / "ca.key").stat().st_mode) == 0o600
    assert stat.S_IMODE((state / "sandbox.log").stat().st_mode) == 0o600
    running.stop()
    assert state.exists()
    assert not running.control.exists()


def test_a_moved_clock_stays_moved(start_sandbox: Start, tmp_path: Path) -> None:
    first = start_sandbox("--state", str(tmp_path))
    now = first.call("clock", advance=86_400)
    first.stop()
    assert start_sandbox("--state", str(tmp_path)).call("clock") >= now


def test_the_user_s_aws_does_not_shine_through(start_sandbox: Start, tmp_path: Path) -> None:
    hostile = tmp_path / "config"
    hostile.write_text("this is not a configuration file")
    running = start_sandbox(
        environment={
            "AWS_CONFIG_FILE": str(hostile),
            "AWS_PROFILE": "does-not-exist",
            "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
            "AWS_ACCESS_KEY_ID": "AKIAOTHER",
            "MOTO_S3_CUSTOM_ENDPOINTS": "http://elsewhere",
        }
    )
    running.client("s3").create_bucket(Bucket="no-aws-here")


def test_it_talks_to_loopback_alone(sandbox: RunningSandbox) -> None:
    for found in psutil.Process(sandbox.process.pid).net_connections("inet"):
        assert found.laddr.ip in {"127.0.0.1", "::1"}


def test_without_json_it_speaks_to_people(tmp_path: Path) -> None:
    process = harness.launch("--state", str(tmp_path))
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b"The sandbox is ready at https://localhost:")
    lines = [process.stdout.readline() for _ in range(5)]
    process.terminate()
    process.communicate(timeout=15)
    assert process.returncode == 0
    assert any(line.startswith(b"  export AWS_CA_BUNDLE=") for line in lines)


def test_a_closed_standard_output_does_not_end_it(short_directory: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.Popen(
        [sys.executable, "-m", "lab.sandbox", "--json", "--runtime", str(short_directory)],
        stdin=subprocess.DEVNULL,
        stdout=writer,
        stderr=subprocess.PIPE,
    )
    os.close(writer)
    try:
        wait_until((short_directory / "control.sock").exists, 30)
        control = harness.Control(short_directory / "control.sock")
        assert control.call("hello")["pid"] == process.pid
        control.close()
    finally:
        process.terminate()
        _, said = process.communicate(timeout=15)
    assert (process.returncode, said) == (0, b"")


def test_a_directory_that_cannot_be_used_is_one_clear_sentence(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    process = harness.launch("--state", str(file / "below"))
    _, said = process.communicate(timeout=30)
    assert process.returncode == 3
    assert said.decode().count("\n") == 1
    assert "cannot be used" in said.decode()
