"""After real work no key is on the disk but where it must be, and everything on it is the user's alone."""

from __future__ import annotations

import base64
import json
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.plain.harness import CONTENT, Lab

#: One worker, one lab.
pytestmark = pytest.mark.xdist_group("plain-secrets")

EXERCISES = CONTENT / "exercises"
#: Keeps a data key as a program in memory does, and tells it to nobody but the test.
TELL = "print('DATA-KEY', base64.b64encode(data_key['Plaintext']).decode(), file=sys.stderr)"


@dataclass(frozen=True)
class Worked:
    """What was done, and what must not be found."""

    lab: Lab
    customer_key: bytes
    data_keys: list[bytes]
    access_keys: list[bytes]
    bodies: list[bytes]


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worked]:
    lab = Lab(tmp_path_factory.mktemp("secrets"))
    lab.done("start", "9.2")
    assert lab.shell("9.2", "./upload.sh").returncode != 0
    vault = EXERCISES / "09-sse-c" / "02-45-bytes" / "solutions"
    assert lab.shell("9.2", f"python {vault / 'boto.py'}").returncode == 0
    # A wrong key is refused, in words that must not quote it.
    wrong = "--sse-customer-algorithm AES256 --sse-customer-key fileb://zero.bin"
    read = f"aws s3api get-object --bucket $LAB_BUCKET_VAULT --key secret-file.txt {wrong} out"
    assert lab.shell("9.2", f"head -c 32 /dev/zero > zero.bin; {read}").returncode != 0
    assert lab.json("check", "9.2")["verdict"] == "passed"
    key = base64.b64decode((lab.workspace("ssec-45-bytes") / "sse-c-key.txt").read_bytes())

    lab.done("start", "4.2")
    source = (EXERCISES / "04-envelope-encryption" / "02-envelope-with-kms" / "solutions" / "reference.sh").read_text()
    telling = source.replace("    nonce = os.urandom(12)\n", f"    {TELL}\n    nonce = os.urandom(12)\n")
    assert telling != source
    (lab.root / "telling.sh").write_text(telling)
    answer = lab.shell("4.2", f"bash {lab.root / 'telling.sh'}")
    data_keys = [base64.b64decode(line.split()[1]) for line in answer.stderr.splitlines() if "DATA-KEY" in line]
    assert len({len(key) for key in data_keys}) == 1
    assert len(data_keys) == 3
    assert lab.json("check", "4.2")["verdict"] == "passed"
    for exercise in ("9.2", "4.2"):
        for view in ("wire", "rest", "keys", "policy"):
            lab.done("xray", view, exercise)
        lab.done("explain", exercise)
    lab.run("check", "9.2", "--debug")

    access_keys = [
        line.partition("=")[2].strip().encode()
        for file in lab.data.rglob("aws-credentials")
        for line in file.read_text().splitlines()
        if "secret" in line
    ]
    assert len(access_keys) == 2
    bodies = [(lab.workspace("ssec-45-bytes") / "secret-file.txt").read_bytes()]
    bodies += [path.read_bytes() for path in (lab.workspace("envelope-with-kms") / "plain").iterdir()]
    yield Worked(lab, key, data_keys, access_keys, [body.strip() for body in bodies])
    lab.end()


def forms(secret: bytes) -> list[bytes]:
    return [
        secret, secret.hex().encode(), secret.hex().upper().encode(),
        base64.b64encode(secret).rstrip(b"="), base64.urlsafe_b64encode(secret).rstrip(b"="),
    ]  # fmt: skip


def found(lab: Lab, secrets: list[bytes]) -> set[str]:
    """Files of the lab's own, by their place below the data directory, that hold one of these in any form."""
    needles = [form for secret in secrets for form in forms(secret)]
    places = set()
    for root in (lab.data, lab.runtime):
        for path in root.rglob("*"):
            if path.is_file() and any(needle in path.read_bytes() for needle in needles):
                places.add(str(path.relative_to(root)))
    return places


def spoken(lab: Lab) -> bytes:
    """Everything that the lab can be made to say about both exercises."""
    texts = [lab.run("progress", "export", "-").stdout]
    for exercise in ("9.2", "4.2"):
        texts += [lab.run("check", exercise, "--debug", "--json").stdout, lab.run("explain", exercise).stdout]
        texts += [lab.run("xray", view, exercise, "--json").stdout for view in ("wire", "rest", "keys", "policy")]
    return "".join(texts).encode()


@pytest.mark.slow
@pytest.mark.parametrize("stopped", [False, True], ids=["while it runs", "after it was stopped"])
def test_no_secret_lies_where_it_need_not(stopped: bool, worked: Worked) -> None:
    lab = worked.lab
    if stopped:
        lab.done("sandbox", "stop")
    private = "worlds/ssec-45-bytes.sandbox"
    assert found(lab, [worked.customer_key]) == {f"{private}/world.json", f"{private}/start/sse-c-key.txt"}
    assert found(lab, worked.data_keys) == set()
    places = found(lab, worked.access_keys)
    credentials = {
        f"worlds/{exercise}.sandbox/shell/aws-credentials" for exercise in ("ssec-45-bytes", "envelope-with-kms")
    }
    assert places >= credentials
    assert all(place.startswith("sandbox/realms/") for place in places - credentials)
    copies = {place for place in found(lab, worked.bodies) if "/start/" not in place}
    assert copies == set()


@pytest.mark.slow
def test_no_secret_is_ever_said(worked: Worked) -> None:
    said = spoken(worked.lab)
    for secret in (worked.customer_key, *worked.data_keys, *worked.access_keys):
        assert not [form for form in forms(secret) if form in said]


@pytest.mark.slow
def test_everything_on_the_disk_is_the_users_alone(worked: Worked) -> None:
    for root in (worked.lab.data, worked.lab.runtime):
        for path in (root, *root.rglob("*")):
            mode = stat.S_IMODE(path.lstat().st_mode)
            # The copy of the start keeps the modes that a reset brings back, behind a directory of mode 700.
            if "start" not in path.relative_to(root).parts[:-1]:
                assert mode & 0o077 == 0, (path, oct(mode))
    record = json.loads(worked.lab.record("ssec-45-bytes").read_text())
    assert base64.b64encode(worked.customer_key).decode() in json.dumps(record["facts"])


def test_no_secret_stands_in_a_command_line(worked: Worked) -> None:
    worked.lab.run("sandbox", "status")
    worked.lab.run("check", "9.2")
    lines = "\n".join(worked.lab.processes().values()).encode()
    for secret in (worked.customer_key, *worked.access_keys):
        assert not [form for form in forms(secret) if form in lines]
    assert Path(f"/proc/{worked.lab.runtime_record()['pid']}").exists()
