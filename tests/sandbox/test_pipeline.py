"""The order of the steps, and what becomes of errors and faults."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest

from lab.sandbox import authenticate, authorize, faults, recognize
from lab.sandbox.body import RequestBody
from lab.sandbox.clock import Clock
from lab.sandbox.core import Sandbox
from lab.sandbox.exchange import Answer, Connection, Exchange, Headers, Request, ServiceError
from lab.sandbox.log import EventLog
from lab.sandbox.pipeline import Pipeline, new_request_id
from lab.sandbox.realm import Realm

SECRET = "never-to-be-seen"


class FewParts:
    """As much of a sandbox as the pipeline itself touches."""

    def __init__(self) -> None:
        self.log = EventLog(Clock())


def make_request(service: str = "s3", method: str = "GET") -> Request:
    headers = Headers([("host", "localhost"), ("x-amz-security-token", SECRET)])
    request = Request(
        connection=Connection(7, "http", 80),
        request_id=new_request_id(),
        at=0.0,
        method=method,
        target="/b/k?X-Amz-Signature=abcdef&versionId=v",
        path="/b/k",
        query=(("X-Amz-Signature", "abcdef"), ("versionId", "v")),
        headers=headers,
        body=RequestBody(headers, iter(())),
    )
    request.service = cast("Any", service)
    return request


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which steps ran, in order; each does nothing else."""
    ran: list[str] = []

    def authenticated(exchange: Exchange) -> None:
        ran.append("authenticate")
        exchange.realm = Realm(id="ex~1", exercise="ex")

    monkeypatch.setattr(recognize, "recognize", lambda _: ran.append("recognize"))
    monkeypatch.setattr(authenticate, "authenticate", authenticated)
    monkeypatch.setattr(authorize, "authorize", lambda _: ran.append("authorize"))
    return ran


def run(request: Request, handler: Any) -> tuple[Any, list[dict[str, Any]]]:
    parts = FewParts()
    pipeline = Pipeline(cast("Sandbox", parts), {request.service: handler})
    outcome = pipeline.run(request, lambda _: None)
    pipeline.answered(outcome, 0)
    return outcome, parts.log.events()


def test_the_steps_run_in_order(steps: list[str]) -> None:
    def handle(_: Exchange) -> Answer:
        steps.append("handle")
        return Answer(200, [("ETag", '"x"')])

    outcome, events = run(make_request(), handle)
    assert steps == ["recognize", "authenticate", "authorize", "handle"]
    assert [event["step"] for event in events] == ["request", "answer"]
    assert {event["exercise"] for event in events} == {"ex"}
    assert [name for name, _ in outcome.answer.headers] == [
        "x-amz-request-id", "x-amz-id-2", "Date", "ETag", "Server",
    ]  # fmt: skip


@pytest.mark.parametrize(("service", "code"), [("s3", "InternalError"), ("kms", "KMSInternalException")])
def test_a_fault_becomes_the_service_s_own_error_and_leaks_nothing(
    steps: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, service: str, code: str
) -> None:
    monkeypatch.setattr("sys.excepthook", None)
    monkeypatch.setattr("threading.excepthook", None)
    path = faults.open_log(tmp_path)

    def handle(_: Exchange) -> Answer:
        local = SECRET + "!"
        try:
            raise KeyError(local)
        except KeyError as error:
            raise ValueError(local) from error

    try:
        outcome, events = run(make_request(service), handle)
    finally:
        faults.close_log()
    assert outcome.answer.status == 500
    assert code.encode() in outcome.answer.body
    assert events[-1]["data"]["code"] == code
    written = path.read_text()
    assert "ValueError" in written
    assert "caused by KeyError" in written
    assert "test_pipeline.py" in written
    for text in (written, json.dumps(events), outcome.answer.body.decode()):
        assert SECRET not in text


def test_an_error_is_told_with_code_and_message(steps: list[str]) -> None:
    def handle(_: Exchange) -> Answer:
        raise ServiceError(404, "NoSuchKey", "The specified key does not exist.", {"Key": "k"})

    outcome, events = run(make_request(), handle)
    assert outcome.answer.status == 404
    assert b"<Key>k</Key>" in outcome.answer.body
    data = events[-1]["data"]
    assert (data["status"], data["code"], data["message"]) == (404, "NoSuchKey", "The specified key does not exist.")
    host_ids = [value for name, value in outcome.answer.headers if name == "x-amz-id-2"]
    assert len(host_ids) == 1
    assert host_ids[0].encode() in outcome.answer.body


def test_a_bad_signature_comes_before_an_unknown_operation(steps: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(_: Request) -> None:
        raise ServiceError(501, "NotImplemented", "")

    def unsigned(_: Exchange) -> None:
        raise ServiceError(403, "SignatureDoesNotMatch", "")

    monkeypatch.setattr(recognize, "recognize", unknown)
    assert run(make_request(), None)[0].code == "NotImplemented"
    monkeypatch.setattr(authenticate, "authenticate", unsigned)
    assert run(make_request(), None)[0].code == "SignatureDoesNotMatch"
    assert run(make_request("kms"), None)[0].code == "NotImplemented"


def test_a_service_that_is_not_modelled_says_so(steps: list[str]) -> None:
    parts = FewParts()
    outcome = Pipeline(cast("Sandbox", parts), {}).run(make_request("cloudtrail"), lambda _: None)
    assert (outcome.answer.status, outcome.code) == (501, "NotImplemented")
    assert b"cloudtrail" in cast("bytes", outcome.answer.body)
