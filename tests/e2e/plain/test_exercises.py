"""Every exercise from its start to its reset, by commands alone, and what the four views say of it afterwards."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.e2e.plain.harness import CONTENT, Lab, tree

Views = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Case:
    """One exercise, a solution of it, and the least that the views must show."""

    number: str
    id: str
    directory: str
    solution: str
    facts: Callable[[Lab, Views], None]
    before: str = ""
    predictions: dict[str, str] = field(default_factory=dict)

    @property
    def command(self) -> str:
        file = CONTENT / "exercises" / self.directory / "solutions" / self.solution
        return f"{'python' if file.suffix == '.py' else 'bash'} {file}"


def wire_of_2_1(lab: Lab, views: Views) -> None:
    plain, sealed = views["wire"]["connections"]
    text = (lab.workspace("sniff-yourself") / "patient.txt").read_text()
    seen = plain["readable"]
    assert plain["scheme"] == "http"
    assert text.splitlines()[1] in seen["body"]
    assert (seen["bucket"], seen["key"]) == (views["wire"]["requests"][0]["bucket"], "patient.txt")
    assert seen["access_key_id"].startswith("AKIA")
    assert len(seen["signature"]) == 64
    assert sealed["readable"] is None
    assert sealed["tls_version"] in ("TLSv1.2", "TLSv1.3")
    assert sealed["sni"] == "localhost"
    assert {record["type"] for record in sealed["records"]} >= {"handshake", "application_data"}
    assert all(record["length"] > 0 for record in sealed["records"])
    assert not {"patient-2.txt", "headers", "body"} & set(json.dumps(sealed).split('"'))


def rest_of_3_1(lab: Lab, views: Views) -> None:
    workspace = lab.workspace("openssl-where-is-the-key")
    (file,) = views["rest"]["files"]
    sealed = (workspace / "encrypted-file.enc").read_bytes()
    password = (workspace / "my-aes-key.bin").read_bytes().split(b"\n")[0]
    assert (file["file"], file["header"]) == ("encrypted-file.enc", "Salted__")
    assert bytes.fromhex(file["salt"]) == sealed[8:16]
    assert sealed[16:].startswith(bytes.fromhex(file["ciphertext"]))
    assert bytes.fromhex(file["derived_key"]) == hashlib.sha256(password + sealed[8:16]).digest()
    fixed = bytes.fromhex("0102030405060708")
    assert bytes.fromhex(file["fixed_salt"]) == fixed
    assert bytes.fromhex(file["fixed_salt_key"]) == hashlib.sha256(password + fixed).digest()


def keys_and_rest_of_4_2(_: Lab, views: Views) -> None:
    made = [call for call in views["keys"]["calls"] if call["operation"] == "GenerateDataKey"]
    bucket = views["rest"]["objects"][0]["bucket"]
    names = ["a.txt", "b.txt", "c.txt"]
    assert [call["context"] for call in made] == [{"bucket": bucket, "key": name} for name in names]
    assert {call["via"] for call in made} == {None}
    stored = {item["key"]: item for item in views["rest"]["objects"]}
    assert sorted(stored) == names
    wrapped = {item["metadata"]["x-amz-meta-x-lab-edk"] for item in stored.values()}
    assert len(wrapped) == 3
    assert all(len(base64.b64decode(text)) > 100 for text in wrapped)
    for item in stored.values():
        assert item["mode"] == "AES256"
        assert [layer["key_source"] for layer in item["layers"]] == ["s3"]


def keys_of_5_3(_: Lab, views: Views) -> None:
    (write,) = views["keys"]["decided"]
    assert (write["key"], write["decided_by"], write["algorithm"]) == ("probe.txt", "bucket_default", "aws:kms")
    assert write["bucket_key_enabled"] is True
    assert write["requested"] == {}
    assert write["bucket_default"]["kms_key_id"] == write["kms_key_arn"]
    assert any(item["action"] == "s3:PutObject" and item["allowed"] for item in views["policy"]["decisions"])


def keys_of_6_3(_: Lab, views: Views) -> None:
    refused = views["keys"]["refused"]
    assert [(call["for"], call["operation"]) for call in refused] == [
        ("GetObject", "Decrypt"),
        ("PutObject", "GenerateDataKey"),
    ]
    assert {call["key_state"] for call in refused} == {"Disabled"}
    assert {call["outcome"] for call in refused} == {"DisabledException"}


def keys_of_7_1(_: Lab, views: Views) -> None:
    rows = [row for row in views["keys"]["groups"] if row["context_kind"] != "none"]
    assert {row["context_kind"] for row in rows} == {"object ARN", "bucket ARN"}
    for row in rows:
        assert row["requester"] in ("solo", "team-1", "team-2", "team-3", "team-4")
        assert row["key_arn"].startswith("arn:aws:kms:")
        assert (row["served_from_cache"] > 0) == (row["context_kind"] == "bucket ARN")
    calls = {run["kind"]: run["kms_calls"] for run in views["keys"]["runs"]}
    assert calls["plain-one"] == calls["plain-four"] == 200
    assert calls["bk-one"] < calls["bk-four"] < 20
    assert sum(row["kms_calls"] for row in rows) == sum(calls.values())


def rest_of_8_1(_: Lab, views: Views) -> None:
    (item,) = views["rest"]["objects"]
    assert item["mode"] == "aws:kms:dsse"
    assert [layer["key_source"] for layer in item["layers"]] == ["kms", "s3"]
    first, second = item["layers"]
    assert first["nonce"] != second["nonce"]
    assert first["kms_key_arn"]
    assert second["kms_key_arn"] is None


def wire_of_9_2(lab: Lab, views: Views) -> None:
    refused, stored = (request["customer_key"] for request in views["wire"]["requests"])
    text = (lab.workspace("ssec-45-bytes") / "sse-c-key.txt").read_bytes()
    key = base64.b64decode(text)
    assert (refused["length"], refused["needed"]) == (45, 32)
    assert refused["md5_of_key"] == base64.b64encode(hashlib.md5(text, usedforsecurity=False).digest()).decode()
    assert (stored["length"], stored["needed"]) == (32, 32)
    shown = json.dumps(views)
    assert not [form for form in (key.hex(), text.decode().strip(), base64.b64encode(text).decode()) if form in shown]


def policy_of_11_2(_: Lab, views: Views) -> None:
    asked = views["policy"]["asked"]
    assert {item["principal"] for item in asked} == {"legacy", "rogue"}
    conditions = [
        (item["allowed"], item["context"], statement, condition)
        for item in asked
        for statement in item["statements"]
        for condition in statement["conditions"]
    ]
    assert {condition["operator"] for _, _, _, condition in conditions} >= {"Null", "StringNotEquals"}
    assert all(set(condition) >= {"operator", "key", "wanted", "seen", "matched"} for *_, condition in conditions)
    mode = "s3:x-amz-server-side-encryption"
    of_mode = [condition for *_, condition in conditions if condition["key"] == mode]
    assert any(condition["seen"] is None for condition in of_mode)
    assert any(condition["seen"] == ["AES256"] and condition["matched"] for condition in of_mode)
    assert {allowed for allowed, *_ in conditions} == {True, False}


CASES = [
    Case("2.1", "sniff-yourself", "02-on-the-wire/01-sniff-yourself", "boto.py", wire_of_2_1),
    Case("3.1", "openssl-where-is-the-key", "03-openssl-enc/01-where-is-the-key", "recomputed.py", rest_of_3_1),
    Case("4.2", "envelope-with-kms", "04-envelope-encryption/02-envelope-with-kms", "reference.sh",
         keys_and_rest_of_4_2),
    Case("5.3", "repair-the-json", "05-default-encryption/03-repair-the-json", "boto.py", keys_of_5_3),
    Case("6.3", "pull-the-plug", "06-sse-kms/03-pull-the-plug", "boto.py", keys_of_6_3,
         predictions={"get-kms": "400", "get-s3": "400", "put-new": "400"}),
    Case("7.1", "count-the-calls", "07-bucket-keys/01-count-the-calls", "other-order.py", keys_of_7_1,
         predictions={"plain-one": "100-or-more", "plain-four": "100-or-more", "bk-one": "none", "bk-four": "up-to-3"}),
    Case("8.1", "dsse-two-layers", "08-dsse-kms/01-two-layers", "boto.py", rest_of_8_1),
    Case("9.2", "ssec-45-bytes", "09-sse-c/02-45-bytes", "boto.py", wire_of_9_2, before="./upload.sh"),
    Case("11.2", "deny-the-wrong", "11-enforcement/02-deny-the-wrong", "with-named-key.py", policy_of_11_2),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.number)
def test_an_exercise_is_lived_through_by_commands(case: Case, shared: Lab) -> None:
    lab = shared
    assert case.id in lab.done("start", case.number)
    at_the_start = tree(lab.workspace(case.id))
    assert lab.json("check", case.number, status=1)["verdict"] == "not_yet"
    assert "hint 1 of 4" in lab.done("hint", case.number)
    assert lab.run("explain", case.number).returncode == 1

    for question, choice in case.predictions.items():
        lab.done("predict", case.number, choice, "--question", question)
    if case.before:
        assert lab.shell(case.id, case.before).returncode != 0
    solved = lab.shell(case.number, case.command)
    assert solved.returncode == 0, solved.stderr

    report = lab.json("check", case.number)
    assert (report["exit"], report["verdict"]) == (0, "passed")
    assert {check["state"] for check in report["checks"]} == {"passed"}
    assert {question["id"]: question["choice"] for question in report["questions"]} == case.predictions
    assert {question["state"] for question in report["questions"]} <= {"answered"}
    views = {name: lab.json("xray", name, case.number) for name in ("wire", "rest", "keys", "policy")}
    for view in views.values():
        assert view["empty"] or any(value for name, value in view.items() if name not in ("view", "empty"))
    case.facts(lab, views)

    assert "not measured" not in lab.done("explain", case.number)
    assert "solutions/reference" in lab.done("solution", case.number)
    assert _state(lab, case.id) == "passed"

    lab.done("reset", case.number)
    assert tree(lab.workspace(case.id)) == at_the_start
    again = lab.json("check", case.number, status=1)
    assert "passed" not in {check["state"] for check in again["checks"]}
    assert _state(lab, case.id) == "passed"


def _state(lab: Lab, exercise: str) -> str:
    lessons = lab.json("list")["lessons"]
    return str(next(item["state"] for lesson in lessons for item in lesson["exercises"] if item["id"] == exercise))
