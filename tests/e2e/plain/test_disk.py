"""Objects larger than memory, and a disk that has no room: told at the client in S3's form, with nothing lost."""

from __future__ import annotations

import os
import resource
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import pytest

from tests.e2e.plain.harness import Lab

MIB = 1 << 20
GIB = 1 << 30

CURL = (
    'curl -sS --aws-sigv4 aws:amz:us-east-1:s3 -H "x-amz-content-sha256: UNSIGNED-PAYLOAD" '
    '--user "$(aws configure get aws_access_key_id):$(aws configure get aws_secret_access_key)" '
    "-T {file} $LAB_HTTPS/$LAB_BUCKET_RECORDS/large -w '%{{http_code}}\\n'"
)
AWS = "aws s3 cp --no-progress {file} s3://$LAB_BUCKET_RECORDS/large"


class Memory:
    """The most memory that a process had to itself and its share of what it shares (PSS), while it was watched."""

    def __init__(self, process: int) -> None:
        self.most = 0
        self._rollup = Path(f"/proc/{process}/smaps_rollup")
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.1):
            (line,) = [line for line in self._rollup.read_text().splitlines() if line.startswith("Pss:")]
            self.most = max(self.most, int(line.split()[1]) * 1024)


@pytest.mark.slow
@pytest.mark.parametrize(("command", "size"), [(AWS, 2 * GIB), (CURL, GIB // 2)], ids=["aws s3 cp", "curl"])
def test_a_large_upload_takes_little_memory(command: str, size: int, lab: Lab) -> None:
    lab.done("start", "8.1")
    file = lab.root / "large"
    with file.open("wb") as stream:
        stream.truncate(size)  # sparse: it takes no room itself
    with Memory(int(lab.runtime_record()["pid"])) as memory:
        answer = lab.shell("8.1", command.format(file=file), timeout=300)
    assert answer.returncode == 0, answer.stderr
    assert "200" in answer.stdout or "upload:" in answer.stdout
    assert 0 < memory.most <= 250 * MIB
    (item,) = lab.json("xray", "rest", "8.1")["objects"]
    assert item["plaintext_size"] == size
    # The end of it is there too.
    tail = "aws s3api get-object --bucket $LAB_BUCKET_RECORDS --key large --range bytes=-100 tail --query ContentRange"
    assert f"/{size}" in lab.shell("8.1", tail).stdout
    assert (lab.workspace("dsse-two-layers") / "tail").read_bytes() == bytes(100)


@contextmanager
def small_disk(place: Path, size: int) -> Iterator[None]:
    """A file system of its own; only root can make one."""
    place.mkdir(mode=0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", place], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


STORE = "aws s3api put-object --bucket $LAB_BUCKET_RECORDS --key {key} --body {file}"
READ = "aws s3api get-object --bucket $LAB_BUCKET_RECORDS --key {key} {file}"


def _large_file(lab: Lab, size: int) -> Path:
    file = lab.root / "large"
    file.write_bytes(os.urandom(size))
    return file


def _refused(lab: Lab) -> None:
    """What is too large is refused in words, in one piece and in parts; what was there before is there still."""
    small = lab.root / "small"
    small.write_bytes(os.urandom(1 * MIB))
    assert lab.shell("8.1", STORE.format(key="kept", file=small)).returncode == 0
    large = _large_file(lab, 40 * MIB)
    one_attempt = "AWS_MAX_ATTEMPTS=1 "
    for command in (STORE.format(key="kept", file=large), AWS.format(file=large)):
        answer = lab.shell("8.1", one_attempt + command)
        assert answer.returncode != 0
        assert "InternalError" in answer.stderr
        assert "The sandbox's disk is full. Free some space" in answer.stderr
    assert lab.shell("8.1", READ.format(key="kept", file="back")).returncode == 0
    assert (lab.workspace("dsse-two-layers") / "back").read_bytes() == small.read_bytes()
    listed = lab.shell("8.1", "aws s3 ls s3://$LAB_BUCKET_RECORDS").stdout
    assert "large" not in listed
    requests = lab.json("xray", "wire", "8.1")["requests"]
    assert any((request["status"], request["code"]) == (500, "InternalError") for request in requests)


@pytest.mark.slow
def test_a_file_that_may_not_grow_further_is_a_full_disk(lab: Lab) -> None:
    limit = 6 * MIB  # less than a part of the CLI's
    lab.done("start", "8.1", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    _refused(lab)
    assert lab.run("check", "8.1").returncode == 1


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="a small file system takes root to make; the test above needs none")
def test_a_full_disk_is_said_and_goes_by(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    with small_disk(lab.data, 24 * MIB):
        lab.done("start", "8.1")
        _refused(lab)
        filler = lab.data / "filler"
        with filler.open("wb", buffering=0) as stream:  # the last byte
            try:
                while stream.write(b"\0" * 4096) > 0:
                    pass
            except OSError:
                pass

        # Everything can still be looked at, and what needs room says so.
        assert lab.run("list").returncode == 0
        checked = lab.run("check", "8.1")
        assert checked.returncode == 1, checked.stderr
        assert "mistake of its own" not in checked.stderr
        started = lab.run("start", "9.2")
        assert started.returncode == 3
        assert "No space left on device" in started.stderr
        assert "mistake of its own" not in started.stderr
        disabled = lab.run("shell", "8.1", "-c", "true")
        assert "mistake of its own" not in disabled.stderr

        # There is room again: what happened meanwhile is kept, and everything works.
        filler.unlink()
        assert lab.shell("8.1", "aws kms disable-key --key-id $LAB_KEY_B").returncode == 0
        lab.done("start", "9.2")
        lab.done("sandbox", "stop")
        state = "aws kms describe-key --key-id $LAB_KEY_B --query KeyMetadata.KeyState --output text"
        assert lab.shell("8.1", state).stdout == "Disabled\n"
        assert lab.shell("8.1", READ.format(key="kept", file="again")).returncode == 0
        lab.end()
