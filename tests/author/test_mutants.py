"""The operations that no shipped exercise uses, on a real world; the others are proved with the exercises."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lab.author.mask import Mask
from lab.author.mutants import MutantError, Scene, apply, operations
from lab.author.proofs import Mutant
from lab.author.stage import Stage
from lab.events import Event
from tests.author.conftest import Change, Play

WORLD = '''"""A world with a bit of everything."""

from __future__ import annotations

import json

from lab.exercise.api import WorldBuilder


def build(world: WorldBuilder) -> None:
    """Make bucket, keys, alias and policy."""
    bucket = world.create_bucket("desk")
    world.create_key("main")
    world.create_key("spare")
    world.create_alias("one", key="main")
    statement = {
        "Effect": "Deny",
        "Principal": {"AWS": world.name("principal.default")},
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
        "Condition": {"StringEquals": {"aws:RequestedRegion": "nowhere"}},
    }
    s3 = world.clients("builder").s3
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    s3.put_object(Bucket=bucket, Key="a", Body=b"first", Metadata={"mark": "1"})
'''


@contextmanager
def scene_of(play: Play) -> Iterator[Scene]:
    with play.home.entered():
        stage = Stage(play.exercise(), play.home, play.backend)
        stage.begin()
        yield Scene(stage.session.handle, stage.session.names, stage.workspace, play.backend.mask)


@pytest.fixture
def scene(play: Play, change: Change) -> Iterator[Scene]:
    change("world.py", "", WORLD)
    change("exercise.toml", "keys = []\naliases = []", 'keys = ["main", "spare"]\naliases = ["one"]')
    with scene_of(play) as made:
        yield made


def do(scene: Scene, op: str, **target: Any) -> None:
    apply(Mutant(1, op, target, ("stored",), ""), scene)


def policy(scene: Scene) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(scene.s3.get_bucket_policy(Bucket=scene.bucket({"bucket": "desk"}))["Policy"])
    return document


def state(scene: Scene, key: str = "main") -> str:
    return str(scene.kms.describe_key(KeyId=scene.kms_key(key))["KeyMetadata"]["KeyState"])


def test_keys(scene: Scene) -> None:
    do(scene, "kms.disable", key="main")
    assert state(scene) == "Disabled"
    do(scene, "kms.enable", key="main")
    assert state(scene) == "Enabled"
    do(scene, "kms.schedule_deletion", key="main")
    assert state(scene) == "PendingDeletion"
    do(scene, "kms.cancel_deletion", key="main")
    assert state(scene) == "Disabled"
    assert state(scene, "spare") == "Enabled"
    do(scene, "kms.alias_repoint", alias="one", key="spare")
    found = scene.kms.describe_key(KeyId=scene.named("alias", "one"))["KeyMetadata"]["Arn"]
    assert found == scene.kms_key("spare")


def test_policies(scene: Scene) -> None:
    do(scene, "s3.policy_operator", bucket="desk", index=0, **{"from": "StringEquals", "to": "StringLike"})
    assert list(policy(scene)["Statement"][0]["Condition"]) == ["StringLike"]
    do(scene, "s3.policy_effect", bucket="desk", index=0, effect="Allow")
    assert policy(scene)["Statement"][0]["Effect"] == "Allow"
    other = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": {"AWS": "{principal.default}"},
             "Action": "s3:DeleteObject", "Resource": "arn:aws:s3:::{bucket.desk}/*"}]}  # fmt: skip
    do(scene, "s3.policy_set", bucket="desk", document=other)
    assert policy(scene)["Statement"][0]["Resource"] == f"arn:aws:s3:::{scene.bucket({'bucket': 'desk'})}/*"
    do(scene, "s3.policy_drop_statement", bucket="desk", index=0)
    with pytest.raises(MutantError, match="no policy"):
        do(scene, "s3.policy_delete", bucket="desk")


def test_objects(scene: Scene) -> None:
    bucket = scene.bucket({"bucket": "desk"})
    do(scene, "s3.reencrypt", bucket="desk", key="a", sse="aws:kms", kms_key="main", bucket_key=True,
       context={"where": "{bucket.desk}"})  # fmt: skip
    found = scene.reader.get_object(Bucket=bucket, Key="a")
    assert (found["Body"].read(), found["Metadata"], found["SSEKMSKeyId"], found["BucketKeyEnabled"]) == (
        b"first", {"mark": "1"}, scene.kms_key("main"), True
    )  # fmt: skip
    do(scene, "s3.metadata", bucket="desk", key="a", set={"new": "2"}, drop=["mark"])
    do(scene, "s3.copy", bucket="desk", **{"from": "a", "to": "b"})
    copy = scene.reader.head_object(Bucket=bucket, Key="b")
    assert copy["Metadata"] == {"new": "2"}
    do(scene, "s3.overwrite", bucket="desk", key="a")
    over = scene.reader.get_object(Bucket=bucket, Key="a")
    assert over["Body"].read() != b"first"
    assert (over["Metadata"], over["SSEKMSKeyId"]) == ({"new": "2"}, scene.kms_key("main"))
    do(scene, "plant", fact="legacy-unencrypted", bucket="desk", key="old", body="eA==")
    assert "ServerSideEncryption" not in scene.reader.head_object(Bucket=bucket, Key="old")


def test_files(scene: Scene) -> None:
    do(scene, "file.replace", path="deep/a.json", text='{"a": [1, {"b": 2}], "n": "{bucket.desk}"}')
    do(scene, "json.set", path="deep/a.json", pointer="/a/1/b", value="{alias.one}")
    found = json.loads((scene.workspace / "deep" / "a.json").read_text())
    assert found == {"a": [1, {"b": scene.named("alias", "one")}], "n": scene.bucket({"bucket": "desk"})}
    do(scene, "file.truncate", path="note.txt")
    assert (scene.workspace / "note.txt").read_text() == "To be stored"[:11]
    do(scene, "file.chmod", path="note.txt", mode="600")
    assert (scene.workspace / "note.txt").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("op", "target", "message"),
    [
        ("s3.delete", {"bucket": "desk", "key": "z"}, "no object"),
        ("s3.delete", {"bucket": "chair", "key": "a"}, "no bucket 'chair'"),
        ("s3.delete", {"bucket": "desk"}, "needs the member"),
        ("s3.metadata", {"bucket": "desk", "key": "a", "drop": ["none"]}, "no metadata"),
        ("s3.policy_drop_statement", {"bucket": "desk", "index": 7}, "no statement 7"),
        ("s3.policy_operator", {"bucket": "desk", "index": 0, "from": "Null", "to": "Bool"}, "no condition Null"),
        ("file.delete", {"path": "none"}, "cannot be read"),
        ("file.replace", {"path": "../out", "text": ""}, "outside the workspace"),
        ("json.set", {"path": "note.txt", "pointer": "/a", "value": 1}, "not JSON"),
        ("events.forget", {"operation": "PutObject"}, "sent no such"),
        ("kms.enable", {"key": "third"}, "no key 'third'"),
        ("kms.cancel_deletion", {"key": "main"}, "KMSInvalidStateException"),
        ("file.data_key", {"path": "x", "bucket": "desk", "key": "a", "metadata": "edk"}, "cannot be had"),
    ],
)
def test_what_cannot_be_changed_is_said(scene: Scene, op: str, target: dict[str, Any], message: str) -> None:
    with pytest.raises(MutantError, match=message):
        do(scene, op, **target)


def test_forgotten_requests_leave_no_trace(scene: Scene) -> None:
    bucket = scene.bucket({"bucket": "desk"})
    learner = scene.learner_http
    learner.put_object(Bucket=bucket, Key="x", Body=b"marker-x")
    scene.handle.client("default", "s3").list_objects_v2(Bucket=bucket)
    before = scene.handle.events(origin="learner")
    do(scene, "events.forget", operation="PutObject", key="x")
    after = scene.handle.events(origin="learner")
    assert {event.data.get("operation") for event in before if event.step == "request"} == {
        "PutObject",
        "ListObjectsV2",
    }
    assert {event.data.get("operation") for event in after if event.step == "request"} == {"ListObjectsV2"}
    assert not any(b"marker-x" in scene.handle.wire(one.number, "in") for one in scene.handle.connections())
    scene.mask.clear()
    assert len(scene.handle.events(origin="learner")) == len(before)
    assert any(b"marker-x" in scene.handle.wire(one.number, "in") for one in scene.handle.connections())


def _event(seq: int, step: str = "request", connection: int = 1, request: str = "r") -> Event:
    return Event(seq, 0.0, "learner", "x", "", connection, step, {"request_id": request})


@pytest.mark.parametrize(
    ("cover", "event", "covered"),
    [
        (lambda mask: mask.cover_between(4, 6), _event(4), False),
        (lambda mask: mask.cover_between(4, 6), _event(5), True),
        (lambda mask: mask.cover_between(4, 6), _event(6), True),
        (lambda mask: mask.cover_between(4, 6), _event(7), False),
        (lambda mask: mask.cover_requests({"r"}), _event(9, "stored"), True),
        (lambda mask: mask.cover_requests({"r"}), _event(9, request="s"), False),
        (lambda mask: mask.cover_connections({1}), _event(9, "connection"), True),
        (lambda mask: mask.cover_connections({1}), _event(9, "request"), False),
        (lambda mask: mask.cover_connections({2}), _event(9, "tls"), False),
    ],
)
def test_mask(cover: Callable[[Mask], None], event: Event, covered: bool) -> None:
    mask = Mask()
    assert not mask.covers(event)
    cover(mask)
    assert mask.covers(event) is covered
    mask.clear()
    assert not mask.covers(event)


def test_every_operation_is_in_the_authors_document() -> None:
    text = (Path(__file__).parents[2] / "docs" / "authoring.md").read_text()
    rows = re.findall(r"^\| (`(?:[a-z0-9]+\.[a-z_]+|plant)`[^|]*) \|", text, re.MULTILINE)
    listed = {name for row in rows for name in re.findall(r"`([^`]+)`", row)}
    families = {"s3", "kms", "file", "json", "events", "plant"}
    assert {name for name in listed if name.split(".")[0] in families and not name.endswith((".md", ".toml"))} == set(
        operations()
    )
