"""Checksums: known values, joining of parts, and what a request may declare."""

from __future__ import annotations

import base64
import hashlib
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.sandbox import checksums
from lab.sandbox.exchange import Headers, ServiceError

#: Reflected polynomials: of zlib, of RFC 3720, and of the NVM Express base specification.
POLYNOMIALS = {"CRC32": 0xEDB88320, "CRC32C": 0x82F63B78, "CRC64NVME": 0x9A6C9329AC4BC9B5}


def slowly(algorithm: str, data: bytes) -> bytes:
    """The CRC bit by bit, from its definition."""
    size = checksums.DIGEST_SIZES[algorithm]
    ones = (1 << size * 8) - 1
    state = ones
    for byte in data:
        state ^= byte
        for _ in range(8):
            state = (state >> 1) ^ POLYNOMIALS[algorithm] if state & 1 else state >> 1
    return (state ^ ones).to_bytes(size, "big")


def quickly(algorithm: str, *pieces: bytes) -> bytes:
    running = checksums.start(algorithm)
    for piece in pieces:
        running.update(piece)
    return running.digest()


@pytest.mark.parametrize(
    ("algorithm", "value"), [("CRC32", 0xCBF43926), ("CRC32C", 0xE3069283), ("CRC64NVME", 0xAE8B14860A799888)]
)
def test_crcs_have_their_check_values(algorithm: str, value: int) -> None:
    assert int.from_bytes(quickly(algorithm, b"123456789"), "big") == value
    assert int.from_bytes(quickly(algorithm), "big") == 0


@pytest.mark.parametrize("algorithm", sorted(POLYNOMIALS))
@pytest.mark.parametrize("size", [1, 15, 16, 1000, 16_500])
def test_crcs_are_what_their_definition_says_in_any_pieces(algorithm: str, size: int) -> None:
    data = hashlib.shake_128(str(size).encode()).digest(size)
    wanted = slowly(algorithm, data)
    assert quickly(algorithm, data) == wanted
    assert quickly(algorithm, data[: size // 3], b"", data[size // 3 :]) == wanted


@settings(max_examples=50, deadline=None)
@given(parts=st.lists(st.binary(max_size=300), min_size=1, max_size=6))
def test_crcs_of_parts_join_to_the_crc_of_the_whole(parts: list[bytes]) -> None:
    whole = b"".join(parts)
    for algorithm in POLYNOMIALS:
        pairs = [(quickly(algorithm, part), len(part)) for part in parts]
        assert checksums.combined(algorithm, pairs) == base64.b64encode(slowly(algorithm, whole)).decode()


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
