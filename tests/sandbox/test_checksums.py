"""Checksums: known values, joining of parts, and what a request may declare."""

from __future__ import annotations

import base64
import hashlib
import zlib

import crc32c
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.sandbox import checksums, crc64
from lab.sandbox.exchange import Headers, ServiceError


def slowly(data: bytes, crc: int = 0) -> int:
    """CRC-64/NVME bit by bit, from its definition."""
    state = crc ^ ((1 << 64) - 1)
    for byte in data:
        state ^= byte
        for _ in range(8):
            state = (state >> 1) ^ crc64.POLYNOMIAL if state & 1 else state >> 1
    return state ^ ((1 << 64) - 1)


def test_crc64nvme_has_its_check_value() -> None:
    assert crc64.update(b"123456789") == 0xAE8B14860A799888
    assert crc64.update(b"") == 0


@pytest.mark.parametrize("size", [1, 1000, 16_384, 16_500, 262_144, 262_144 + 17_000])
def test_large_blocks_are_taken_side_by_side_to_the_same_result(size: int) -> None:
    data = hashlib.shake_128(str(size).encode()).digest(size)
    whole = crc64.update(data)
    assert crc64.update(data[size // 3 :], crc64.update(data[: size // 3])) == whole
    if size <= 16_500:
        assert whole == slowly(data)


@settings(max_examples=50, deadline=None)
@given(parts=st.lists(st.binary(max_size=300), min_size=1, max_size=6))
def test_crcs_of_parts_join_to_the_crc_of_the_whole(parts: list[bytes]) -> None:
    whole = b"".join(parts)
    expected = {
        "CRC32": zlib.crc32(whole).to_bytes(4, "big"),
        "CRC32C": crc32c.crc32c(whole).to_bytes(4, "big"),
        "CRC64NVME": slowly(whole).to_bytes(8, "big"),
    }
    for algorithm, digest in expected.items():
        pairs = []
        for part in parts:
            running = checksums.start(algorithm)
            running.update(part)
            pairs.append((running.digest(), len(part)))
        assert checksums.combined(algorithm, pairs) == base64.b64encode(digest).decode()


@pytest.mark.parametrize("algorithm", sorted(checksums.DIGEST_SIZES))
def test_every_algorithm_verifies_what_was_declared(algorithm: str) -> None:
    running = checksums.start(algorithm)
    running.update(b"some data")
    value = checksums.text(running.digest())
    name = f"x-amz-checksum-{algorithm.lower()}"
    for headers, trailers in (
        (Headers([(name, value)]), {}),
        (Headers([("x-amz-trailer", name)]), {name: value}),
    ):
        verifier = checksums.Verifier(headers, need_md5=False)
        verifier.update(b"some ")
        verifier.update(b"data")
        assert verifier.finish(trailers) == checksums.Checksum(algorithm, value)
        verifier = checksums.Verifier(headers, need_md5=False)
        verifier.update(b"other data")
        with pytest.raises(ServiceError) as caught:
            verifier.finish(trailers)
        assert caught.value.code == "BadDigest"


def test_what_s3_keeps_of_its_own_accord() -> None:
    declared = Headers([("x-amz-checksum-crc32", checksums.text(zlib.crc32(b"x").to_bytes(4, "big")))])
    for headers, always, computed in (
        (Headers([]), False, True),
        (declared, False, False),
        (declared, True, True),
    ):
        verifier = checksums.Verifier(headers, need_md5=False, keep="CRC64NVME", always=always)
        verifier.update(b"x")
        verifier.finish({})
        assert (verifier.computed is not None) is computed


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ([("x-amz-checksum-crc32", "AAAAAA==")] * 1 + [("x-amz-trailer", "x-amz-checksum-sha1")], "InvalidRequest"),
        ([("x-amz-trailer", "x-amz-checksum-md5")], "InvalidRequest"),
        ([("x-amz-sdk-checksum-algorithm", "CRC32")], "InvalidRequest"),
        ([("x-amz-sdk-checksum-algorithm", "ROT13")], "InvalidRequest"),
        ([("x-amz-checksum-sha256", "AAAA")], "InvalidRequest"),
    ],
)
def test_contradictory_headers_are_refused(headers: list[tuple[str, str]], code: str) -> None:
    with pytest.raises(ServiceError) as caught:
        checksums.declared(Headers(headers))
    assert (caught.value.status, caught.value.code) == (400, code)
