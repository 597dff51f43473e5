"""The sandbox behind the protocol: what clients see of worlds, and what only the lab sees."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from botocore.exceptions import ClientError

from lab.backends.protocol import Backend, CaptureGoneError, PrincipalSpec, WorldHandle, WorldSpec
from lab.backends.sandbox import SandboxBackend, SandboxWorld
from lab.errors import BackendError

READ_ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
SPEC = WorldSpec(
    "ex",
    ("home", "other"),
    (
        PrincipalSpec("default", administrator=True),
        PrincipalSpec("reader", "role", policies={"read": READ_ALL}),
        PrincipalSpec("stranger", account="other", administrator=True),
    ),
)
BUCKET = "vault-0a1b2c3d"


@pytest.fixture
def world(backend: SandboxBackend) -> Iterator[SandboxWorld]:
    made = backend.create_world(SPEC)
    made.client("builder", "s3").create_bucket(Bucket=BUCKET)
    yield made
    made.drop()


def code(call: Callable[[], object]) -> str:
    with pytest.raises(ClientError) as caught:
        call()
    return str(caught.value.response["Error"]["Code"])


def test_it_keeps_to_the_protocol(backend: SandboxBackend, world: SandboxWorld) -> None:
    as_backend: Backend = backend
    as_world: WorldHandle = world
    assert as_backend.endpoints().https.startswith("https://localhost:")
    assert set(as_world.accounts) == {"home", "other"}
    assert set(as_world.credentials) == {
        "default", "reader", "stranger", "validator", "builder", "builder-other",
    }  # fmt: skip


def test_every_principal_is_who_it_is(world: SandboxWorld) -> None:
    home, other = world.accounts["home"], world.accounts["other"]
    expected = {
        "default": f"arn:aws:iam::{home}:user/default",
        "reader": f"arn:aws:sts::{home}:assumed-role/reader/reader",
        "stranger": f"arn:aws:iam::{other}:user/stranger",
        "builder": f"arn:aws:iam::{home}:root",
        "builder-other": f"arn:aws:iam::{other}:root",
    }
    for name, arn in expected.items():
        answer = world.client(name, "sts").get_caller_identity()
        assert answer["Arn"] == arn
        assert answer["Account"] == world.credentials[name].account


def test_what_each_may_do_is_what_its_policies_say(world: SandboxWorld) -> None:
    world.client("default", "s3").put_object(Bucket=BUCKET, Key="a", Body=b"text")
    reader = world.client("reader", "s3")
    assert reader.get_object(Bucket=BUCKET, Key="a")["Body"].read() == b"text"
    assert code(lambda: reader.put_object(Bucket=BUCKET, Key="a", Body=b"")) == "AccessDenied"
    assert code(lambda: world.client("stranger", "s3").get_object(Bucket=BUCKET, Key="a")) == "AccessDenied"
    assert world.client("validator", "s3").get_object(Bucket=BUCKET, Key="a")["Body"].read() == b"text"


def test_clients_are_the_same_object_and_unknown_principals_are_named(world: SandboxWorld) -> None:
    assert world.client("default", "s3") is world.client("default", "s3")
    assert world.client("default", "s3") is not world.client("default", "s3", http=True)
    with pytest.raises(BackendError, match='no principal "nobody"'):
        world.client("nobody", "s3")


def test_http_and_https_show_one_world(backend: SandboxBackend, world: SandboxWorld) -> None:
    world.client("default", "s3", http=True).put_object(Bucket=BUCKET, Key="a", Body=b"in clear")
    assert world.client("default", "s3").get_object(Bucket=BUCKET, Key="a")["Body"].read() == b"in clear"
    assert {connection.scheme for connection in world.connections()} == {"http", "https"}


def test_events_say_whose_they_are(world: SandboxWorld) -> None:
    world.client("default", "s3").put_object(Bucket=BUCKET, Key="a", Body=b"text")
    world.client("validator", "s3").head_object(Bucket=BUCKET, Key="a")
    operations = {
        event.origin: event.data["operation"] for event in world.events(step="request")
    }  # the last of each origin
    assert operations == {"world": "CreateBucket", "learner": "PutObject", "validator": "HeadObject"}
    every = world.events()
    assert [event.seq for event in every] == sorted({event.seq for event in every})
    assert world.events(after=every[-2].seq) == every[-1:]
    assert world.events(limit=2) == every[:2]
    assert {event.origin for event in world.events(origin="learner")} == {"learner"}


def test_a_subscription_tells_what_was_and_what_comes(world: SandboxWorld) -> None:
    s3 = world.client("default", "s3")
    s3.put_object(Bucket=BUCKET, Key="before", Body=b"")
    with world.subscribe() as stream:
        puts = (
            event.data["key"] for event in stream if event.step == "request" and event.data["operation"] == "PutObject"
        )
        assert next(puts) == "before"
        later = threading.Timer(0.05, lambda: s3.put_object(Bucket=BUCKET, Key="after", Body=b""))
        later.start()
        assert next(puts) == "after"
        later.join()


def test_versions_keys_and_envelopes_come_back(world: SandboxWorld) -> None:
    s3, kms = world.client("default", "s3"), world.client("default", "kms")
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    key = kms.create_key()["KeyMetadata"]["Arn"]
    for body in (b"one", b"two"):
        s3.put_object(Bucket=BUCKET, Key="k", Body=body, ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    world.snapshot("start")
    before = world.fingerprint()
    versions = s3.list_object_versions(Bucket=BUCKET, Prefix="k")["Versions"]

    s3.delete_object(Bucket=BUCKET, Key="k", VersionId=versions[1]["VersionId"])
    kms.disable_key(KeyId=key)
    s3.put_bucket_policy(
        Bucket=BUCKET,
        Policy='{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:PutObject",'
        f'"Resource":"arn:aws:s3:::{BUCKET}/*"}}]}}',
    )
    world.client("default", "iam").create_user(UserName="more")
    assert world.fingerprint() != before
    began = time.perf_counter()
    world.restore("start")
    assert time.perf_counter() - began < 0.3
    assert world.fingerprint() == before
    bodies = {
        s3.get_object(Bucket=BUCKET, Key="k", VersionId=version["VersionId"])["Body"].read() for version in versions
    }
    assert bodies == {b"one", b"two"}
    assert code(lambda: s3.get_bucket_policy(Bucket=BUCKET)) == "NoSuchBucketPolicy"
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"three")


def test_an_upload_under_way_comes_back_and_goes_on_in_a_fork(world: SandboxWorld) -> None:
    s3 = world.client("default", "s3")
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="big")["UploadId"]
    etag = s3.upload_part(Bucket=BUCKET, Key="big", UploadId=upload, PartNumber=1, Body=b"part")["ETag"]
    world.snapshot("half-way")
    fork = world.fork()
    s3.abort_multipart_upload(Bucket=BUCKET, Key="big", UploadId=upload)
    world.restore("half-way")
    for one in (fork, world):
        client = one.client("default", "s3")
        client.complete_multipart_upload(
            Bucket=BUCKET,
            Key="big",
            UploadId=upload,
            MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]},
        )
        assert client.get_object(Bucket=BUCKET, Key="big")["Body"].read() == b"part"
    fork.drop()


def test_reading_leaves_the_fingerprint(world: SandboxWorld) -> None:
    builder = world.client("builder", "s3")
    key = world.client("builder", "kms").create_key()["KeyMetadata"]["Arn"]
    builder.put_object(Bucket=BUCKET, Key="k", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=key,
                       BucketKeyEnabled=True)  # fmt: skip
    before = world.fingerprint()
    for name in ("validator", "default"):
        s3, kms, iam = world.client(name, "s3"), world.client(name, "kms"), world.client(name, "iam")
        s3.get_object(Bucket=BUCKET, Key="k")["Body"].read()
        s3.head_object(Bucket=BUCKET, Key="k")
        s3.list_object_versions(Bucket=BUCKET)
        s3.get_bucket_encryption(Bucket=BUCKET)
        kms.describe_key(KeyId=key)
        kms.list_aliases()
        iam.list_users()
    world.decide("reader", "s3:GetObject", f"arn:aws:s3:::{BUCKET}/k")
    world.at_rest(BUCKET, "k")
    assert world.fingerprint() == before


def test_what_happens_in_a_fork_stays_there(world: SandboxWorld) -> None:
    s3 = world.client("default", "s3")
    key = world.client("default", "kms").create_key()["KeyMetadata"]["Arn"]
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"text", ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    before = world.fingerprint()
    fork = world.fork()
    assert fork.accounts == world.accounts
    assert {name: one.arn for name, one in fork.credentials.items()} == {
        name: one.arn for name, one in world.credentials.items()
    }
    theirs = fork.client("default", "s3")
    assert theirs.get_object(Bucket=BUCKET, Key="k")["Body"].read() == b"text"
    theirs.put_object(Bucket=BUCKET, Key="new", Body=b"", ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    theirs.delete_object(Bucket=BUCKET, Key="k")
    fork.client("default", "kms").disable_key(KeyId=key)
    fork.client("default", "iam").create_user(UserName="more")
    users = fork.client("default", "iam").list_users()["Users"]
    assert f"arn:aws:iam::{world.accounts['home']}:user/more" in {user["Arn"] for user in users}
    assert world.fingerprint() == before
    assert fork.fingerprint() != before
    assert {event.origin for event in fork.events()} <= {"validator"}
    assert not [event for event in world.events(origin="learner") if event.data.get("key") == "new"]
    fork.drop()
    assert s3.get_object(Bucket=BUCKET, Key="k")["Body"].read() == b"text"
    assert world.fingerprint() == before


def test_at_rest_is_ciphertext_that_names_its_protection(world: SandboxWorld) -> None:
    marker = b"marker-" + b"0123456789" * 20
    s3 = world.client("default", "s3")
    s3.put_object(Bucket=BUCKET, Key="k", Body=marker, Metadata={"owner": "me"}, ContentType="text/plain")
    found = world.at_rest(BUCKET, "k")
    assert found is not None
    assert found.envelope["mode"] == "AES256"
    assert found.plaintext_size == len(marker)
    assert found.metadata == {"content-type": "text/plain", "x-amz-meta-owner": "me"}
    assert found.etag == s3.head_object(Bucket=BUCKET, Key="k")["ETag"]
    stored = found.path.read_bytes()
    assert stored[:256] == found.head
    assert len(stored) == found.size_on_disk
    assert marker[:16] not in stored
    assert world.at_rest(BUCKET, "nothing") is None
    assert world.at_rest("no-bucket", "k") is None


def test_at_rest_shows_each_part(world: SandboxWorld) -> None:
    s3 = world.client("default", "s3")
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="big")["UploadId"]
    parts = []
    for number, body in enumerate((b"a" * (5 << 20), b"b"), start=1):
        etag = s3.upload_part(Bucket=BUCKET, Key="big", UploadId=upload, PartNumber=number, Body=body)["ETag"]
        parts.append({"PartNumber": number, "ETag": etag})
    s3.complete_multipart_upload(
        Bucket=BUCKET,
        Key="big",
        UploadId=upload,
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": str(parts[0]["ETag"])},
                                   {"PartNumber": 2, "ETag": str(parts[1]["ETag"])}]},
    )  # fmt: skip
    found = world.at_rest(BUCKET, "big")
    assert found is not None
    assert [part["number"] for part in found.parts] == [1, 2]
    assert [part["plaintext_size"] for part in found.parts] == [5 << 20, 1]
    assert found.plaintext_size == (5 << 20) + 1


def test_the_wire_is_kept_and_a_lost_capture_says_so(world: SandboxWorld) -> None:
    world.client("default", "s3", http=True).put_object(Bucket=BUCKET, Key="a", Body=b"for everyone to read")
    plain = [one for one in world.connections() if one.scheme == "http"]
    sent = b"".join(world.wire(one.number, "in") for one in plain)
    assert b"for everyone to read" in sent
    world.client("default", "s3").put_object(Bucket=BUCKET, Key="a", Body=b"for nobody to read")
    secure = next(one for one in world.connections() if one.scheme == "https")
    assert secure.tls_version == "TLSv1.3"
    assert secure.sni == "localhost"
    assert "application_data" in {record.type for record in secure.records}
    assert b"for nobody to read" not in world.wire(secure.number, "in")
    with pytest.raises(CaptureGoneError):
        world.wire(999_999, "in")


def test_decisions_are_the_ones_that_requests_meet(world: SandboxWorld) -> None:
    allowed = world.decide("reader", "s3:GetObject", f"arn:aws:s3:::{BUCKET}/a")
    assert allowed.allowed
    denied = world.decide(world.credentials["reader"].arn, "s3:PutObject", f"arn:aws:s3:::{BUCKET}/a")
    assert not denied.allowed
    assert denied.reason == "implicit_deny"
    assert "is not authorized to perform: s3:PutObject" in denied.message
    with pytest.raises(BackendError, match="no principal"):
        world.decide("nobody", "s3:GetObject", "arn:aws:s3:::b/a")


def test_planted_facts_are_there(world: SandboxWorld) -> None:
    body = b"as before 2023"
    world.plant("legacy-unencrypted", bucket=BUCKET, key="old", body=body)
    s3 = world.client("default", "s3")
    assert s3.get_object(Bucket=BUCKET, Key="old")["Body"].read() == body
    found = world.at_rest(BUCKET, "old")
    assert found is not None
    assert found.path.read_bytes() == body
    with pytest.raises(BackendError, match="No fact"):
        world.plant("never")


def test_the_clock_moves_forward_for_everybody(world: SandboxWorld) -> None:
    now = world.clock()
    assert world.clock(advance=3600) >= now + 3600
    assert world.clock() >= now + 3600


def test_worlds_are_found_replaced_and_dropped(backend: SandboxBackend) -> None:
    made = backend.create_world(WorldSpec("another", principals=(PrincipalSpec("default"),)))
    found = backend.open_world("another")
    assert found is not None
    assert found.credentials == made.credentials
    assert found.accounts == made.accounts
    again = backend.create_world(WorldSpec("another"))
    assert again.accounts != made.accounts
    backend.drop_world("another")
    backend.drop_world("another")
    assert backend.open_world("another") is None
    with pytest.raises(BackendError, match='no world "another"'):
        again.fingerprint()


def test_a_new_world_starts_without_the_events_of_the_old(backend: SandboxBackend) -> None:
    for _ in range(2):
        world = backend.create_world(WorldSpec("another", principals=(PrincipalSpec("default"),)))
        assert [event for event in world.events() if event.exercise] == []
        world.client("default", "sts").get_caller_identity()
        assert [event.data["operation"] for event in world.events(step="request")] == ["GetCallerIdentity"]
    world.drop()


def test_two_worlds_do_not_see_each_other(backend: SandboxBackend, world: SandboxWorld) -> None:
    another = backend.create_world(WorldSpec("another", principals=(PrincipalSpec("default", administrator=True),)))
    s3 = another.client("default", "s3")
    assert code(lambda: s3.list_objects_v2(Bucket=BUCKET)) == "NoSuchBucket"
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="mine", Body=b"")
    assert "Contents" not in world.client("default", "s3").list_objects_v2(Bucket=BUCKET)
    assert all(event.exercise in {"ex", ""} for event in world.events())
    another.drop()


def test_clients_serve_many_threads(world: SandboxWorld) -> None:
    world.client("default", "s3").put_object(Bucket=BUCKET, Key="k", Body=b"text")
    failures: list[BaseException] = []

    def read() -> None:
        try:
            for name in ("default", "reader", "validator"):
                for _ in range(3):
                    assert world.client(name, "s3").get_object(Bucket=BUCKET, Key="k")["Body"].read() == b"text"
                    world.events(limit=1)
        except BaseException as error:  # noqa: BLE001 - shown by the assertion below
            failures.append(error)

    threads = [threading.Thread(target=read) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_no_secret_shows_in_a_repr(world: SandboxWorld) -> None:
    text = repr(world.credentials)
    for credentials in world.credentials.values():
        assert credentials.secret_access_key not in text
        assert credentials.session_token is None or credentials.session_token not in text


def test_customer_keys_bind_the_validator_too(world: SandboxWorld) -> None:
    s3 = world.client("builder", "s3")
    s3.put_bucket_encryption(
        Bucket=BUCKET,
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
                       "BlockedEncryptionTypes": {"EncryptionType": ["NONE"]}}]
        },
    )  # fmt: skip
    s3.put_object(
        Bucket=BUCKET, Key="c", Body=b"x", SSECustomerAlgorithm="AES256", SSECustomerKey="0123456789abcdef" * 2
    )
    assert code(lambda: world.client("validator", "s3").get_object(Bucket=BUCKET, Key="c")) == "InvalidRequest"
