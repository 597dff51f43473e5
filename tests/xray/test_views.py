"""The four views on events as the sandbox emits them: what each must show, and what none may."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lab.backends.protocol import AtRest, CaptureGoneError, Direction, WireConnection, WireRecord
from lab.events import Event
from lab.xray import VIEWS, show
from lab.xray.rest import derive, password_of
from lab.xray.wire import readable

KEY = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
CALLER = "arn:aws:sts::111122223333:assumed-role/solo/solo"
SECRET = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3I="


@dataclass
class Fake:
    """A source made of lists; the real one is the exercise's session."""

    workspace: Path
    all_events: list[Event] = field(default_factory=list)
    all_connections: list[WireConnection] = field(default_factory=list)
    raw: dict[int, bytes] = field(default_factory=dict)
    disk: dict[tuple[str, str], AtRest] = field(default_factory=dict)
    capabilities: frozenset[str] = frozenset({"events", "wire", "at_rest", "decide"})
    decisions: list[dict[str, Any]] = field(default_factory=list)

    def events(self) -> list[Event]:
        return self.all_events

    def connections(self) -> list[WireConnection]:
        return self.all_connections

    def wire(self, connection: int, direction: Direction) -> bytes:
        if connection not in self.raw:
            raise CaptureGoneError("gone")
        return self.raw[connection]

    def at_rest(self, bucket: str, key: str, version_id: str | None = None) -> AtRest | None:
        return self.disk.get((bucket, key))

    def asked(self) -> list[dict[str, Any]]:
        return self.decisions


class Log:
    """Writes events with rising numbers."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def add(self, step: str, request_id: str, **data: Any) -> None:
        self.events.append(
            Event(
                seq=len(self.events) + 1, at=0.0, origin="learner", exercise="x", principal=CALLER, connection=1,
                step=step, data={"request_id": request_id, **data},
            )
        )  # fmt: skip

    def request(self, request_id: str, operation: str, *, status: int = 200, code: str = "", **data: Any) -> None:
        request: dict[str, Any] = {
            "service": "s3", "operation": operation, "method": "PUT", "target": "/b/k", "host": "localhost",
            "bucket": "b", "key": "k", "version_id": None, "headers": {}, "scheme": "https",
            "tls_version": "TLSv1.3", "signature": "v4-header", "access_key_id": "AKIA", "content_length": 1,
            "customer_key": None,
        }  # fmt: skip
        self.add("request", request_id, **(request | data))
        self.add("answer", request_id, status=status, code=code, message="", headers={}, bytes_sent=0, milliseconds=1.0)

    def kms(self, request_id: str, operation: str, outcome: str = "ok", state: str = "Enabled", arn: str = "") -> None:
        self.add(
            "kms", request_id, operation=operation, key_arn=KEY, key_state=state, via="s3",
            context={"aws:s3:arn": arn} if arn else {}, caller=CALLER, outcome=outcome, message="",
        )  # fmt: skip


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.mark.parametrize("name", list(VIEWS))
def test_an_empty_view_says_why(name: str, tmp_path: Path) -> None:
    view = show(name, Fake(tmp_path))
    assert view.lines == ()
    assert view.empty.endswith(".")


@pytest.mark.parametrize("name", list(VIEWS))
def test_a_back_end_that_shows_nothing_is_named(name: str, tmp_path: Path) -> None:
    view = show(name, Fake(tmp_path, capabilities=frozenset()))
    assert "back end" in view.empty


def test_wire_marks_a_key_of_the_wrong_length(log: Log, tmp_path: Path) -> None:
    log.request(
        "1", "PutObject", status=400, code="InvalidArgument",
        customer_key={"length": 45, "md5_sent": "a", "md5_of_key": "a", "source": False},
    )  # fmt: skip
    view = show("wire", Fake(tmp_path, log.events))
    assert view.data["requests"][0]["customer_key"]["length"] == 45
    assert view.data["requests"][0]["customer_key"]["needed"] == 32
    assert "45 bytes  <- 32 are needed" in view.text


def test_wire_reads_plain_http_as_an_eavesdropper_does() -> None:
    found = readable(
        b"PUT /clinic-1/patient.txt HTTP/1.1\r\nHost: localhost:1\r\nx-amz-meta-ward: north\r\n"
        b"Authorization: AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20260101/us-east-1/s3/aws4_request, "
        b"SignedHeaders=host, Signature=00ff\r\n\r\ndiagnosis: marker"
    )
    assert found["bucket"] == "clinic-1"
    assert found["key"] == "patient.txt"
    assert found["access_key_id"] == "AKIAEXAMPLE"
    assert found["signature"] == "00ff"
    assert found["metadata"] == {"x-amz-meta-ward": "north"}
    assert found["body"] == "diagnosis: marker"


def test_wire_never_shows_a_customer_key(log: Log, tmp_path: Path) -> None:
    log.request("1", "PutObject", status=400, scheme="http", tls_version=None)
    raw = b"PUT /b/k HTTP/1.1\r\nx-amz-server-side-encryption-customer-key: " + SECRET.encode() + b"\r\n\r\nbody"
    connection = WireConnection(1, "http", 80, 0.0, len(raw), 0, len(raw), 0, [], None, None)
    view = show("wire", Fake(tmp_path, log.events, [connection], {1: raw}))
    assert view.data["connections"][0]["readable"]["customer_key_exposed"] is True
    assert SECRET not in view.text
    assert SECRET not in str(view.data)


def test_wire_shows_of_tls_only_what_is_readable(log: Log, tmp_path: Path) -> None:
    log.request("1", "PutObject")
    records = [WireRecord("in", "handshake", "TLSv1.0", 512), WireRecord("out", "application_data", "TLSv1.2", 90)]
    connection = WireConnection(1, "https", 443, 0.0, 600, 100, 600, 100, records, "localhost", "TLSv1.3")
    view = show("wire", Fake(tmp_path, log.events, [connection]))
    found = view.data["connections"][0]
    assert found["readable"] is None
    assert (found["sni"], found["tls_version"]) == ("localhost", "TLSv1.3")
    assert [record["length"] for record in found["records"]] == [512, 90]
    assert "nothing else is readable" in view.text


def test_wire_says_when_a_recording_is_gone(log: Log, tmp_path: Path) -> None:
    log.request("1", "PutObject", scheme="http", tls_version=None)
    connection = WireConnection(1, "http", 80, 0.0, 10, 0, 0, 0, [], None, None)
    view = show("wire", Fake(tmp_path, log.events, [connection]))
    assert "recording is gone" in view.text


def test_keys_names_the_refused_call_and_the_key_state(log: Log, tmp_path: Path) -> None:
    log.request("1", "GetObject", status=400, code="KMS.DisabledException")
    log.kms("1", "Decrypt", outcome="DisabledException", state="Disabled", arn="arn:aws:s3:::b/k")
    view = show("keys", Fake(tmp_path, log.events))
    assert view.data["refused"][0]["key_state"] == "Disabled"
    assert view.data["refused"][0]["operation"] == "Decrypt"
    assert "key was Disabled" in view.text


def test_keys_groups_by_requester_key_and_context(log: Log, tmp_path: Path) -> None:
    for number in range(3):
        log.request(f"o{number}", "PutObject")
        log.kms(f"o{number}", "GenerateDataKey", arn=f"arn:aws:s3:::plain/{number}")
    log.request("b0", "PutObject")
    log.kms("b0", "GenerateDataKey", arn="arn:aws:s3:::bk")
    for number in range(1, 5):
        log.request(f"b{number}", "PutObject")
        log.add("bucket_key", f"b{number}", use="write", key_arn=KEY, bucket="bk", caller=CALLER)
    groups = show("keys", Fake(tmp_path, log.events)).data["groups"]
    assert [(g["context_kind"], g["bucket"], g["kms_calls"], g["served_from_cache"]) for g in groups] == [
        ("object ARN", "plain", 3, 0),
        ("bucket ARN", "bk", 1, 4),
    ]
    assert groups[0]["requester"] == "solo"


def test_keys_counts_marked_runs(log: Log, tmp_path: Path) -> None:
    for number in range(200):
        log.request(f"r{number}", "GetObject", headers={"user-agent": "Boto3/1 lab-run/plain-one.00ff"})
        log.kms(f"r{number}", "Decrypt", arn="arn:aws:s3:::b/k")
    log.request("again", "GetObject", headers={"user-agent": "Boto3/1 lab-run/plain-one.00fe"})
    first, second = show("keys", Fake(tmp_path, log.events)).data["runs"]
    assert (first["kind"], first["complete"], first["kms_calls"], first["repeated"]) == ("plain-one", True, 200, False)
    assert (second["complete"], second["repeated"]) == (False, True)


def test_a_run_after_a_broken_one_is_the_first_that_counts(log: Log, tmp_path: Path) -> None:
    log.request("broken", "GetObject", headers={"user-agent": "Boto3/1 lab-run/plain-one.00fe"})
    for number in range(200):
        log.request(f"r{number}", "GetObject", headers={"user-agent": "Boto3/1 lab-run/plain-one.00ff"})
    first, second = show("keys", Fake(tmp_path, log.events)).data["runs"]
    assert (first["complete"], first["repeated"]) == (False, False)
    assert (second["complete"], second["repeated"]) == (True, False)


def test_keys_says_who_decided_the_encryption(log: Log, tmp_path: Path) -> None:
    log.request("1", "PutObject")
    log.add(
        "sse", "1", operation="PutObject", bucket="b", key="k", decided_by="bucket_default", requested={},
        bucket_default={"SSEAlgorithm": "aws:kms"}, algorithm="aws:kms", kms_key_arn=KEY, bucket_key_enabled=True,
        context={},
    )  # fmt: skip
    view = show("keys", Fake(tmp_path, log.events))
    assert view.data["decided"][0]["decided_by"] == "bucket_default"
    assert "decided by the bucket's default" in view.text


def test_policy_shows_statement_operator_wanted_and_seen(log: Log, tmp_path: Path) -> None:
    log.request("1", "PutObject", status=403, code="AccessDenied")
    condition = {
        "operator": "StringNotEquals", "key": "s3:x-amz-server-side-encryption", "wanted": ["aws:kms"], "seen": None,
        "matched": True,
    }  # fmt: skip
    statement = {
        "policy": "bucket policy", "sid": "NoOther", "index": 0, "effect": "Deny", "applies": "yes",
        "conditions": [condition],
    }  # fmt: skip
    log.add(
        "decision", "1", action="s3:PutObject", resource="arn:aws:s3:::b/k", allowed=False, reason="explicit_deny",
        denied_by="bucket policy", trace=[statement],
    )  # fmt: skip
    view = show("policy", Fake(tmp_path, log.events))
    assert view.data["decisions"][0]["statements"][0]["conditions"][0]["seen"] is None
    assert "wanted aws:kms  seen absent  -> true" in view.text
    assert "denied by a statement of the bucket policy" in view.text


def test_rest_shows_layers_nonces_and_which_key_comes_from_kms(log: Log, tmp_path: Path) -> None:
    log.request("1", "PutObject")
    log.add("stored", "1", bucket="b", key="k", version_id=None, part_number=None, size=5, etag='"x"', envelope={})
    layers = [
        {"name": "1", "algorithm": "AES-256-GCM", "key_source": "KMS", "kms_key_arn": KEY, "nonce": "aa"},
        {"name": "2", "algorithm": "AES-256-GCM", "key_source": "S3", "kms_key_arn": None, "nonce": "bb"},
    ]
    envelope: dict[str, Any] = {
        "mode": "aws:kms:dsse",
        "layers": layers,
        "context": {},
        "bucket_key": None,
        "customer_key_md5": None,
    }
    rest = AtRest(tmp_path / "blob", 40, b"\x00\x01sealed", envelope, {"x-amz-meta-a": "b"}, '"x"', 5, [])
    view = show("rest", Fake(tmp_path, log.events, disk={("b", "k"): rest}))
    found = view.data["objects"][0]
    assert [layer["nonce"] for layer in found["layers"]] == ["aa", "bb"]
    assert found["etag_is_md5"] is False
    assert "key from KMS" in view.text
    assert "key from S3" in view.text
    assert "x-amz-meta-a: b" in view.text


def test_rest_takes_an_openssl_file_apart(tmp_path: Path) -> None:
    salt = bytes.fromhex("a1a2a3a4a5a6a7a8")
    (tmp_path / "my-aes-key.bin").write_bytes(b"password\nrest of the file")
    (tmp_path / "out.enc").write_bytes(b"Salted__" + salt + b"\x01" * 32)
    found = show("rest", Fake(tmp_path)).data["files"][0]
    assert (found["header"], found["salt"], found["password_bytes"]) == ("Salted__", salt.hex(), 8)
    assert found["derived_key"] == derive(b"password", salt).hex()
    assert found["fixed_salt_key"] is None
    (tmp_path / "derived.hex").write_text("00")
    found = show("rest", Fake(tmp_path)).data["files"][0]
    assert found["fixed_salt_key"] == derive(b"password", bytes.fromhex("0102030405060708")).hex()
    assert found["fixed_salt_key"] != found["derived_key"]


@pytest.mark.parametrize(
    ("content", "password"),
    [(b"abc\ndef", b"abc"), (b"abc\0def", b"abc"), (b"\nabc", b""), (b"abc\rdef", b"abc\rdef"), (b"abc", b"abc")],
)
def test_a_password_file_ends_at_newline_or_zero(content: bytes, password: bytes) -> None:
    assert password_of(content) == password
