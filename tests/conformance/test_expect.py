"""What checks say with: each of these notices what it is for."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from lab.backends.refusal import ClientError
from lab.conformance import run
from lab.conformance.catalog import catalog
from lab.conformance.expect import Deviation, altered, attempt, differs, refused, same, shows, true
from lab.conformance.stage import BODY, Stage
from lab.errors import NotCapableError


def _refusing(status: int, code: str, message: str) -> Any:
    def call(**_: object) -> None:
        answer: Any = {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {"HTTPStatusCode": status},
        }
        raise ClientError(answer, "PutObject")

    return call


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (400, "InvalidArgument", "No."),
        (400, {"InvalidArgument", "Another"}, None),
        (400, None, re.compile("^N")),
    ],
)
def test_a_refusal_as_expected(status: int, code: Any, message: Any) -> None:
    assert refused(status, code, message, _refusing(400, "InvalidArgument", "No."))["Code"] == "InvalidArgument"


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (403, "InvalidArgument", None),
        (400, "InvalidRequest", None),
        (400, {"Another"}, None),
        (400, "InvalidArgument", "Yes."),
        (400, None, re.compile("Yes")),
    ],
)
def test_another_refusal_is_a_deviation(status: int, code: Any, message: Any) -> None:
    with pytest.raises(Deviation) as found:
        refused(status, code, message, _refusing(400, "InvalidArgument", "No."))
    assert found.value.seen


def test_what_is_accepted_is_not_refused() -> None:
    with pytest.raises(Deviation, match="it was accepted"):
        refused(400, None, None, dict)


def test_values_are_compared() -> None:
    same("value", 1, 1)
    differs("value", 1, 2)
    true("fact", seen=True)
    shows({"A": 1}, A=1, B=None)
    wrongs: list[Callable[[], None]] = [
        lambda: same("value", 1, 2),
        lambda: differs("value", 1, 1),
        lambda: true("fact", seen=False),
        lambda: shows({"A": 1}, A=2),
        lambda: shows({"A": 1}, A=None),
        lambda: shows({}, A=1),
    ]
    for wrong in wrongs:
        with pytest.raises(Deviation):
            wrong()


def test_an_attempt_is_a_cell_of_a_table() -> None:
    assert attempt(lambda: None) == "ok"
    assert attempt(_refusing(403, "AccessDenied", "")) == "AccessDenied"


def test_altered_headers_are_signed_and_end(stage: Stage) -> None:
    bucket = stage.bucket()
    with altered(stage.s3, "PutObject", {"x-amz-meta-added": "yes"}, without=["x-amz-meta-mine"]):
        stage.put(bucket, Metadata={"mine": "yes"})
    assert stage.head(bucket)["Metadata"] == {"added": "yes"}
    stage.put(bucket)
    assert stage.head(bucket)["Metadata"] == {}


@pytest.mark.parametrize(
    ("raised", "outcome"),
    [
        (Deviation("this", "that"), "deviates"),
        (KeyError("SSEKMSKeyId"), "deviates"),
        (NotCapableError("This endpoint has no TLS."), "not shown"),
        (RuntimeError("a bug"), "fault"),
    ],
)
def test_what_a_check_raises_is_its_outcome(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, raised: Exception, outcome: str
) -> None:
    def check(_: Stage) -> None:
        raise raised

    monkeypatch.setattr(run, "check_of", lambda _: check)
    assert run.run_one(stage, catalog()["A01"]).outcome == outcome


def test_an_unexpected_refusal_is_a_deviation(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "check_of", lambda _: lambda one: one.get("nobody-has-this-bucket"))
    result = run.run_one(stage, catalog()["A01"])
    assert (result.outcome, "NoSuchBucket" in result.seen) == ("deviates", True)


def test_a_missing_tool_is_named(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "find", lambda _: None)
    result = run.run_one(stage, catalog()["X01"])
    assert (result.outcome, result.seen) == ("not shown", "not installed: openssl")


def test_checks_do_not_share_things(stage: Stage) -> None:
    one, other = stage.bucket(), stage.bucket()
    assert one != other
    stage.put(one)
    assert stage.get(one)["Body"] == BODY
    assert stage.s3.list_objects_v2(Bucket=other)["KeyCount"] == 0
