"""Worlds through their control operations: made, kept, brought back, copied, dropped."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from moto.iam import models

from lab.sandbox.assembly import Assembly
from lab.sandbox.control import OPERATIONS, ControlError
from lab.sandbox.kms.state import KeyMaterial, KmsKey
from lab.sandbox.moto_hooks import iam, s3
from lab.sandbox.realm import Realm
from lab.sandbox.worlds import BARE, Worlds, bare_realm

PRINCIPALS = [
    {"name": "default", "kind": "user", "account": "home", "administrator": True},
    {"name": "reader", "kind": "role", "account": "home", "policies": {"read": {"Version": "2012-10-17"}}},
    {"name": "stranger", "kind": "user", "account": "other", "policies": {"none": '{"Version": "2012-10-17"}'}},
]
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]})


class Life:
    """One life of a state directory."""

    def __init__(self, state: Path, *, persistent: bool = True) -> None:
        self.assembly = Assembly(state, persistent=persistent)
        self.sandbox = self.assembly.sandbox
        self.worlds: Worlds = self.assembly.worlds

    def ask(self, op: str, **parameters: Any) -> Any:
        """A control operation, its answer through JSON as on the socket."""
        return json.loads(json.dumps(OPERATIONS[op](self.sandbox, parameters)))

    def make(self, exercise: str = "ex") -> dict[str, Any]:
        answer: dict[str, Any] = self.ask(
            "world.create", exercise=exercise, accounts=["home", "other"], principals=PRINCIPALS
        )
        return answer

    def realm(self, realm_id: str = "ex") -> Realm:
        found = self.sandbox.realms.get(realm_id)
        assert found is not None
        return found

    def add_key(self, realm_id: str = "ex", description: str = "") -> str:
        account = self.realm(realm_id).home
        key_id = f"key-{len(account.kms.keys)}"
        account.kms.keys[key_id] = KmsKey(
            key_id, account.id, f"arn:{key_id}", 1.0, "{}", description, materials=[KeyMaterial("m", b"k" * 32, 1.0)]
        )
        return key_id

    def add_bucket(self, name: str, realm_id: str = "ex") -> None:
        account = self.realm(realm_id).home
        s3.buckets(account)[name] = s3.SealedBucket(name, account.storage_id, 1.0)

    def close(self) -> None:
        self.assembly.close()


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    made = Life(tmp_path)
    yield made
    made.close()


def test_a_new_world_has_accounts_and_everybodys_keys(life: Life) -> None:
    answer = life.make()
    home, other = answer["accounts"]["home"], answer["accounts"]["other"]
    assert home != other
    assert all(len(number) == 12 and number.isdigit() for number in (home, other))
    default, reader = answer["credentials"]["default"], answer["credentials"]["reader"]
    assert default["access_key_id"].startswith("AKIA")
    assert default["session_token"] is None
    assert default["arn"] == f"arn:aws:iam::{home}:user/default"
    assert reader["access_key_id"].startswith("ASIA")
    assert reader["session_token"]
    assert reader["arn"] == f"arn:aws:iam::{home}:role/reader"
    assert answer["credentials"]["stranger"]["account"] == other
    assert answer["builder"] == answer["builders"]["home"]
    assert answer["builders"]["other"]["arn"] == f"arn:aws:iam::{other}:root"
    assert answer["realm"] == "ex"


def test_every_key_leads_to_its_principal(life: Life) -> None:
    answer = life.make()
    home = answer["accounts"]["home"]

    def who(line: dict[str, Any]) -> Any:
        found = life.sandbox.realms.credential(line["access_key_id"])
        assert found is not None
        credential, realm = found
        assert realm.id == "ex"
        assert credential.secret_access_key == line["secret_access_key"]
        assert credential.session_token == line["session_token"]
        return credential.identity

    default = who(answer["credentials"]["default"])
    assert (default.kind, default.origin, default.omniscient) == ("user", "learner", False)
    assert default.user_id.startswith("AIDA")
    reader = who(answer["credentials"]["reader"])
    assert reader.arn == f"arn:aws:sts::{home}:assumed-role/reader/reader"
    assert reader.principal_arn == f"arn:aws:iam::{home}:role/reader"
    assert reader.user_id.endswith(":reader")
    validator = who(answer["validator"])
    assert (validator.origin, validator.omniscient) == ("validator", True)
    builder = who(answer["builder"])
    assert (builder.kind, builder.origin, builder.omniscient) == ("root", "world", False)
    assert life.sandbox.realms.credential("AKIAUNKNOWN") is None


def test_administrators_and_policies_are_in_iam(life: Life) -> None:
    life.make()
    backend = iam.backend(life.realm().home)
    (document,) = backend.users["default"].policies.values()
    assert json.loads(document)["Statement"] == [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
    role = backend.get_role("reader")
    assert role.policies == {"read": '{"Version": "2012-10-17"}'}
    trust = json.loads(role.assume_role_policy_document)
    assert trust["Statement"][0]["Action"] == "sts:AssumeRole"


def test_a_users_key_follows_iam(life: Life) -> None:
    key_id = life.make()["credentials"]["default"]["access_key_id"]
    backend = iam.backend(life.realm().home)
    backend.update_access_key("default", key_id, "Inactive")
    found = life.sandbox.realms.credential(key_id)
    assert found is not None
    assert not found[0].active
    backend.delete_access_key(key_id, "default")
    assert life.sandbox.realms.credential(key_id) is None


def test_a_key_that_a_client_made_leads_to_its_user(life: Life) -> None:
    life.make()
    backend = iam.backend(life.realm().home)
    made = backend.create_access_key("default")
    found = life.sandbox.realms.credential(made.access_key_id)
    assert found is not None
    assert found[0].identity.principal_arn == backend.users["default"].arn
    assert found[0].secret_access_key == made.secret_access_key


def test_making_a_world_again_drops_the_old_one(life: Life) -> None:
    old = life.make()
    life.add_bucket("b-1")
    new = life.make()
    assert new["accounts"] != old["accounts"]
    assert life.sandbox.realms.credential(old["builder"]["access_key_id"]) is None
    assert life.sandbox.realms.of_bucket("b-1") is None


def test_buckets_lead_to_their_realm_and_owner(life: Life) -> None:
    life.make()
    life.make("another")
    life.add_bucket("b-1")
    realm = life.sandbox.realms.of_bucket("b-1")
    assert realm is life.realm("ex")
    owner = life.sandbox.realms.owner(life.realm("ex"), "b-1")
    assert owner is life.realm("ex").home
    assert life.sandbox.realms.owner(life.realm("another"), "b-1") is None


def test_restoring_brings_everything_back(life: Life) -> None:
    answer = life.make()
    life.add_key()
    life.add_bucket("b-1")
    before = life.ask("world.fingerprint", exercise="ex")
    life.ask("world.snapshot", exercise="ex", label="start")
    realm = life.realm()
    life.add_key()
    next(iter(realm.home.kms.keys.values())).state = "Disabled"
    life.add_bucket("b-2")
    iam.backend(realm.home).delete_access_key(answer["credentials"]["default"]["access_key_id"], "default")
    assert life.ask("world.fingerprint", exercise="ex") != before
    for _ in range(2):
        life.ask("world.restore", exercise="ex", label="start")
        assert life.ask("world.fingerprint", exercise="ex") == before
        assert life.realm() is realm
        assert life.ask("world.open", exercise="ex") == answer
        assert life.sandbox.realms.credential(answer["credentials"]["default"]["access_key_id"]) is not None
        life.add_bucket("b-3")


@pytest.mark.parametrize("of", ["key", "bucket", "policy", "user", "alias of a key's text"])
def test_every_kind_of_change_changes_the_fingerprint(life: Life, of: str) -> None:
    life.make()
    life.add_key()
    life.add_bucket("b-1")
    home = life.realm().home
    before = life.ask("world.fingerprint", exercise="ex")
    assert life.ask("world.fingerprint", exercise="ex") == before
    match of:
        case "key":
            home.kms.keys["key-0"].state = "PendingDeletion"
        case "bucket":
            s3.buckets(home)["b-1"].blocked_encryption = ()
        case "policy":
            iam.backend(home).users["default"].put_policy("more", POLICY)
        case "user":
            iam.backend(home).create_user("us-east-1", "new")
        case _:
            home.kms.keys["key-0"].policy = POLICY
    assert life.ask("world.fingerprint", exercise="ex") != before


def test_reading_does_not_change_the_fingerprint(life: Life) -> None:
    life.make()
    before = life.ask("world.fingerprint", exercise="ex")
    home = life.realm().home
    (key,) = iam.backend(home).access_keys.values()
    key.last_used = models.AccessKeyLastUsed(datetime.now(UTC), "s3", "us-east-1")
    home.bucket_keys.clear()
    assert life.ask("world.fingerprint", exercise="ex") == before


def test_a_fork_is_the_same_world_under_other_keys(life: Life) -> None:
    answer = life.make()
    life.add_key()
    life.add_bucket("b-1")
    before = life.ask("world.fingerprint", exercise="ex")
    fork = life.ask("world.fork", exercise="ex")
    realm = life.realm(fork["realm"])
    assert fork["realm"].startswith("ex~")
    assert realm.exercise == "ex"
    assert realm.origin_override == "validator"
    assert fork["accounts"] == answer["accounts"]
    for name, line in answer["credentials"].items():
        copy = fork["credentials"][name]
        assert copy["arn"] == line["arn"]
        assert copy["access_key_id"] != line["access_key_id"]
        assert copy["access_key_id"][:4] == line["access_key_id"][:4]
        found = life.sandbox.realms.credential(copy["access_key_id"])
        assert found is not None
        assert found[1] is realm
        assert found[0].identity.origin == "validator"
    assert life.ask("world.fingerprint", exercise=fork["realm"]).isalnum()
    # What happens in the fork stays there.
    life.add_bucket("b-2", fork["realm"])
    life.add_key(fork["realm"])
    iam.backend(realm.home).create_user("us-east-1", "new")
    assert iam.backend(realm.home).users["new"].arn == f"arn:aws:iam::{answer['accounts']['home']}:user/new"
    assert life.ask("world.fingerprint", exercise="ex") == before
    original = life.sandbox.realms.of_bucket("b-1")
    assert original is not None
    assert original.id == "ex"
    assert life.ask("world.drop", exercise=fork["realm"]) is True
    assert life.ask("world.list") == ["ex"]
    assert life.ask("world.fingerprint", exercise="ex") == before


def test_an_accidental_fork_does_not_stay_for_ever(life: Life) -> None:
    life.make()
    forks = [life.ask("world.fork", exercise="ex")["realm"] for _ in range(20)]
    left = set(life.ask("world.list"))
    assert "ex" in left
    assert forks[-1] in left
    assert len(left) <= 18


def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    first = Life(tmp_path)
    answer = first.make()
    first.add_key()
    first.add_bucket("b-1")
    first.ask("world.snapshot", exercise="ex", label="start")
    start = first.ask("world.fingerprint", exercise="ex")
    first.add_bucket("b-2")
    first.sandbox.realms.changed(first.realm())
    first.ask("world.fork", exercise="ex")
    before = first.ask("world.fingerprint", exercise="ex")
    first.close()

    second = Life(tmp_path)
    try:
        assert second.ask("world.list") == ["ex"]
        assert second.ask("world.open", exercise="ex") == answer
        assert second.ask("world.fingerprint", exercise="ex") == before
        second.ask("world.restore", exercise="ex", label="start")
        assert second.ask("world.fingerprint", exercise="ex") == start
        second.ask("world.drop", exercise="ex")
    finally:
        second.close()
    third = Life(tmp_path)
    assert third.ask("world.list") == []
    third.close()


def test_a_change_reaches_the_disk_without_being_asked(life: Life, tmp_path: Path) -> None:
    life.make()
    life.add_key(description="mark-1")
    life.sandbox.realms.changed(life.realm())
    file = tmp_path / "realms" / "ex" / "state.json"
    deadline = time.monotonic() + 5
    while "mark-1" not in (file.read_text() if file.exists() else ""):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_world_of_another_moto_is_set_aside_and_the_others_live(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = Life(tmp_path)
    first.make("good")
    first.make("bad")
    first.close()
    file = tmp_path / "realms" / "bad" / "state.json"
    file.write_text(file.read_text().replace('"software":"moto ', '"software":"moto 4'))
    second = Life(tmp_path)
    try:
        assert second.ask("world.list") == ["good"]
        assert second.ask("world.open", exercise="bad") is None
        assert "set-aside" in capsys.readouterr().err
        second.make("bad")
    finally:
        second.close()
    assert (file.parent / "state.json.set-aside-1").exists()


def test_without_persistence_nothing_is_written(tmp_path: Path) -> None:
    life = Life(tmp_path, persistent=False)
    life.make()
    life.ask("world.snapshot", exercise="ex", label="start")
    life.ask("world.restore", exercise="ex", label="start")
    life.close()
    assert not (tmp_path / "realms").exists()


def test_files_that_nothing_refers_to_are_swept_and_those_of_snapshots_stay(tmp_path: Path) -> None:
    first = Life(tmp_path)
    first.make()
    names = {}
    for use in ("kept", "in snapshot", "orphan"):
        writer = first.sandbox.blobs.create([b"k" * 32])
        writer.write(use.encode())
        names[use] = writer.finish()
    bucket = s3.SealedBucket("b-1", first.realm().home.storage_id, 1.0)
    s3.buckets(first.realm().home)["b-1"] = bucket
    for use in ("in snapshot", "kept"):
        bucket.set_versions(use, [_version(bucket, use, names[use])])
    first.ask("world.snapshot", exercise="ex", label="start")
    bucket.set_versions("in snapshot", [])
    first.sandbox.realms.changed(first.realm())
    first.close()

    second = Life(tmp_path)  # every file counts as old in a new life
    try:
        exists = {use: second.sandbox.blobs.path(blob.name).exists() for use, blob in names.items()}
        assert exists == {"kept": True, "in snapshot": True, "orphan": False}
        second.ask("world.restore", exercise="ex", label="start")
        assert s3.buckets(second.realm().home)["b-1"].current("in snapshot") is not None
        second.ask("world.drop", exercise="ex")
        second.worlds.flush()
        assert not any(second.sandbox.blobs.path(blob.name).exists() for blob in names.values())
    finally:
        second.close()


def _version(bucket: s3.SealedBucket, name: str, blob: Any) -> s3.SealedKey:
    from lab.sandbox.envelope import Envelope, Part

    return s3.SealedKey(
        bucket,
        name,
        version_id="null",
        last_modified=1.0,
        etag="e",
        size=blob.size,
        envelope=Envelope("AES256", ()),
        parts=(Part(1, blob, "e", 1.0),),
    )


def test_the_bare_realm_is_made_once(life: Life) -> None:
    first = bare_realm(life.sandbox)
    assert bare_realm(life.sandbox) == first
    assert first.identity.kind == "user"
    assert life.realm(BARE).exercise == ""


@pytest.mark.parametrize(
    ("op", "parameters", "code"),
    [
        ("world.create", {}, "bad-request"),
        ("world.create", {"exercise": "x", "accounts": ["other"]}, "bad-request"),
        ("world.create", {"exercise": "x", "principals": [{"name": "a", "account": "other"}]}, "bad-request"),
        ("world.create", {"exercise": "x", "principals": [{"name": "a", "kind": "group"}]}, "bad-request"),
        ("world.create", {"exercise": "x", "principals": [{"name": "a"}, {"name": "a"}]}, "bad-request"),
        ("world.fork", {"exercise": "nowhere"}, "no-such-world"),
        ("world.snapshot", {"exercise": "nowhere", "label": "a"}, "no-such-world"),
        ("world.restore", {"exercise": "ex", "label": "never"}, "no-such-snapshot"),
        ("at_rest", {"exercise": "ex", "bucket": "b", "key": "k"}, "no-such-object"),
        ("plant", {"exercise": "ex", "fact": "never"}, "no-such-fact"),
    ],
)
def test_a_wrong_question_is_refused_by_name(life: Life, op: str, parameters: dict[str, Any], code: str) -> None:
    life.make()
    with pytest.raises(ControlError) as caught:
        life.ask(op, **parameters)
    assert caught.value.code == code


def test_dropping_what_is_not_there_is_no_error(life: Life) -> None:
    assert life.ask("world.drop", exercise="nowhere") is False


def test_no_secret_is_in_a_repr(life: Life) -> None:
    answer = life.make()
    secrets = [line["secret_access_key"] for line in answer["credentials"].values()]
    text = repr(life.worlds.find("ex"))
    assert not any(secret in text for secret in secrets)
