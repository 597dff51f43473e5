"""Bodies: whatever the framing and however the bytes arrive, the same data or the same refusal."""

from __future__ import annotations

import hashlib
import hmac
import itertools
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.sandbox.body import RequestBody
from lab.sandbox.exchange import Headers, ServiceError
from lab.sandbox.sigv4 import ChunkSigner, PayloadCheck, Scope

KEY = b"k" * 32
TIMESTAMP = "20261121T000000Z"
SCOPE = Scope("20261121", "us-east-1", "s3")
SEED = "0" * 64
CRC = "x-amz-checksum-crc32"

splits = st.lists(st.integers(0, 40_000), max_size=20)


def pieces(data: bytes, cuts: list[int]) -> Iterator[bytes]:
    """The data cut at these positions."""
    places = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    for start, end in itertools.pairwise(places):
        yield data[start:end]


def unsigned(chunks: list[bytes], trailer: bytes = f"{CRC}:AAAAAA==\r\n".encode()) -> bytes:
    framed = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    return framed + b"0\r\n" + trailer + b"\r\n"


class Signer:
    """The client's side of the chain, written from the documentation and not from the code under test."""

    def __init__(self) -> None:
        self.previous = SEED

    def _sign(self, kind: str, digests: str) -> str:
        text = f"AWS4-HMAC-SHA256-{kind}\n{TIMESTAMP}\n{SCOPE}\n{self.previous}\n{digests}"
        self.previous = hmac.new(KEY, text.encode(), hashlib.sha256).hexdigest()
        return self.previous

    def chunk(self, data: bytes) -> bytes:
        empty = hashlib.sha256(b"").hexdigest()
        signature = self._sign("PAYLOAD", f"{empty}\n{hashlib.sha256(data).hexdigest()}")
        head = f"{len(data):x};chunk-signature={signature}\r\n".encode()
        return head + data + b"\r\n" if data else head

    def trailer(self, name: str, value: str) -> bytes:
        digest = hashlib.sha256(f"{name}:{value}\n".encode()).hexdigest()
        return f"{name}:{value}\r\nx-amz-trailer-signature:{self._sign('TRAILER', digest)}\r\n".encode()


def signed(chunks: list[bytes], *, trailer: bool) -> bytes:
    signer = Signer()
    framed = b"".join(signer.chunk(chunk) for chunk in [*chunks, b""])
    return framed + (signer.trailer(CRC, "AAAAAA==") if trailer else b"") + b"\r\n"


def unsigned_body(raw: bytes, length: int, cuts: list[int], *, trailer: str | None = CRC) -> RequestBody:
    headers = [
        ("X-Amz-Content-SHA256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
        ("x-amz-decoded-content-length", str(length)),
    ]
    if trailer:
        headers.append(("x-amz-trailer", trailer))
    body = RequestBody(Headers(headers), pieces(raw, cuts))
    body.expect(PayloadCheck("STREAMING-UNSIGNED-PAYLOAD-TRAILER"))
    return body


def signed_body(raw: bytes, length: int, cuts: list[int], *, trailer: bool) -> RequestBody:
    kind = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" + ("-TRAILER" if trailer else "")
    headers = [("x-amz-content-sha256", kind), ("x-amz-decoded-content-length", str(length))]
    if trailer:
        headers.append(("x-amz-trailer", CRC))
    body = RequestBody(Headers(headers), pieces(raw, cuts))
    body.expect(PayloadCheck(kind, chunks=ChunkSigner(KEY, TIMESTAMP, SCOPE, SEED), trailer=trailer))
    return body


def chunked(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


data_and_size = st.tuples(st.binary(max_size=30_000), st.integers(8192, 20_000))


@given(st.binary(max_size=30_000), splits, st.integers(1, 9000))
def test_plain_body_comes_through_however_it_is_cut(data: bytes, cuts: list[int], size: int) -> None:
    headers = Headers([("content-length", str(len(data))), ("x-amz-content-sha256", hashlib.sha256(data).hexdigest())])
    body = RequestBody(headers, pieces(data, cuts))
    parts = list(body.chunks(size))
    assert b"".join(parts) == data
    assert all(0 < len(part) <= size for part in parts)
    assert body.length == len(data)


@given(data_and_size, splits)
def test_unsigned_chunks_come_through_however_they_are_cut(sample: tuple[bytes, int], cuts: list[int]) -> None:
    data, size = sample
    body = unsigned_body(unsigned(chunked(data, size)), len(data), cuts)
    assert body.read(1 << 20) == data
    assert body.trailers == {CRC: "AAAAAA=="}
    assert body.length == len(data)


@given(data_and_size, splits, st.booleans())
def test_signed_chunks_come_through_however_they_are_cut(
    sample: tuple[bytes, int], cuts: list[int], trailer: bool
) -> None:
    data, size = sample
    body = signed_body(signed(chunked(data, size), trailer=trailer), len(data), cuts, trailer=trailer)
    assert body.read(1 << 20) == data
    assert body.trailers == ({CRC: "AAAAAA=="} if trailer else {})


@given(st.binary(min_size=1, max_size=20_000), splits, st.data(), st.booleans())
def test_one_changed_byte_of_signed_data_is_noticed(
    data: bytes, cuts: list[int], choice: st.DataObject, trailer: bool
) -> None:
    raw = bytearray(signed(chunked(data, 8192), trailer=trailer))
    place = raw.index(b"\r\n") + 2 + choice.draw(st.integers(0, min(len(data), 8192) - 1))
    raw[place] ^= 1
    with pytest.raises(ServiceError) as refused:
        signed_body(bytes(raw), len(data), cuts, trailer=trailer).read(1 << 20)
    assert (refused.value.status, refused.value.code) == (403, "SignatureDoesNotMatch")


def test_a_changed_trailer_is_noticed_when_it_is_signed() -> None:
    raw = signed([b"data"], trailer=True).replace(b"AAAAAA==", b"AAAAAB==")
    with pytest.raises(ServiceError) as refused:
        signed_body(raw, 4, [], trailer=True).read(100)
    assert refused.value.code == "SignatureDoesNotMatch"


def test_an_aws_chunk_signature_from_the_documentation() -> None:
    """S3 API reference, "Transferring payload in multiple chunks": 66560 bytes of ``a`` in chunks of 64 KB."""
    key = hmac.digest(b"AWS4wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", b"20130524", "sha256")
    for part in (b"us-east-1", b"s3", b"aws4_request"):
        key = hmac.digest(key, part, "sha256")
    seed = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
    first = "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"
    second = "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"
    last = "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"
    raw = b"".join(
        (
            b"10000;chunk-signature=" + first.encode() + b"\r\n" + b"a" * 65536 + b"\r\n",
            b"400;chunk-signature=" + second.encode() + b"\r\n" + b"a" * 1024 + b"\r\n",
            b"0;chunk-signature=" + last.encode() + b"\r\n\r\n",
        )
    )
    kind = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
    headers = Headers([("x-amz-content-sha256", kind), ("x-amz-decoded-content-length", "66560")])
    body = RequestBody(headers, iter([raw]))
    scope = Scope("20130524", "us-east-1", "s3")
    body.expect(PayloadCheck(kind, chunks=ChunkSigner(key, "20130524T000000Z", scope, seed)))
    assert body.read(1 << 20) == b"a" * 66560


@pytest.mark.parametrize(
    ("raw", "length", "code"),
    [
        (b"", 0, "IncompleteBody"),
        (b"5\r\nhello\r\n", 5, "IncompleteBody"),
        (unsigned([b"hello"])[:-1], 5, "IncompleteBody"),
        (unsigned([b"hello"])[:-1] + b"X", 5, "IncompleteBody"),
        (unsigned([b"hello"]) + b"more", 5, "IncompleteBody"),
        (b"3\r\nhello\r\n0\r\n\r\n", 5, "IncompleteBody"),
        (b"zz\r\nhello\r\n0\r\n\r\n", 5, "IncompleteBody"),
        (b"-5\r\nhello\r\n0\r\n\r\n", 5, "IncompleteBody"),
        (b"0x5\r\nhello\r\n0\r\n\r\n", 5, "IncompleteBody"),
        (b"5" * 2000, 5, "IncompleteBody"),
        (unsigned([b"hello"]), 6, "IncompleteBody"),
        (unsigned([b"hello"]), 4, "IncompleteBody"),
        (unsigned([b"hello", b"you"]), 8, "InvalidChunkSizeError"),
        (unsigned([b"hello"], b""), 5, "MalformedTrailerError"),
        (unsigned([b"hello"], b":AAAAAA==\r\n"), 5, "MalformedTrailerError"),
        (unsigned([b"hello"], b"x-amz-checksum-crc32AAAAAA==\r\n"), 5, "MalformedTrailerError"),
        (unsigned([b"hello"], b"x-amz-checksum-sha1:AAAAAA==\r\n"), 5, "MalformedTrailerError"),
    ],
)
@pytest.mark.parametrize("cuts", [[], list(range(60))])
def test_broken_framing_is_refused_as_s3_does(raw: bytes, length: int, code: str, cuts: list[int]) -> None:
    with pytest.raises(ServiceError) as refused:
        unsigned_body(raw, length, cuts).read(1 << 20)
    assert refused.value.code == code


def test_sizes_are_named_where_they_do_not_fit() -> None:
    with pytest.raises(ServiceError) as refused:
        unsigned_body(unsigned([b"hello"]), 6, []).read(100)
    assert refused.value.extra == {"NumberBytesExpected": "6", "NumberBytesProvided": "5"}
    with pytest.raises(ServiceError) as refused:
        unsigned_body(unsigned([b"hello", b"you"]), 8, []).read(100)
    assert refused.value.extra == {"Chunk": "2", "BadChunkSize": "5"}


def test_a_trailer_that_was_not_announced_is_refused() -> None:
    with pytest.raises(ServiceError, match="MalformedTrailerError"):
        unsigned_body(unsigned([b"hello"]), 5, [], trailer=None).read(100)


def test_a_signed_body_without_its_trailer_is_incomplete() -> None:
    with pytest.raises(ServiceError, match="IncompleteBody"):
        signed_body(signed([b"hello"], trailer=False), 5, [], trailer=True).read(100)


@given(st.binary(max_size=2000), splits)
def test_garbage_never_ends_in_anything_but_a_refusal(raw: bytes, cuts: list[int]) -> None:
    with pytest.raises(ServiceError):
        unsigned_body(raw, 7, cuts).read(1 << 20)


def test_a_wrong_payload_hash_is_noticed_at_the_end() -> None:
    headers = Headers([("content-length", "4"), ("x-amz-content-sha256", hashlib.sha256(b"other").hexdigest())])
    body = RequestBody(headers, iter([b"da", b"ta"]))
    stream = body.chunks()
    assert next(stream) + next(stream) == b"data"
    with pytest.raises(ServiceError) as refused:
        next(stream)
    assert refused.value.code == "XAmzContentSHA256Mismatch"
    assert refused.value.extra["S3ComputedContentSHA256"] == hashlib.sha256(b"data").hexdigest()


def test_read_has_a_limit_and_a_body_is_read_once() -> None:
    body = RequestBody(Headers([("content-length", "9")]), iter([b"123456789"]))
    with pytest.raises(ServiceError, match="EntityTooLarge"):
        body.read(8)
    with pytest.raises(RuntimeError):
        body.read(8)


@pytest.mark.parametrize("text", ["", "-1", "1e3", "٣", "0x10"])
def test_a_length_that_is_no_number_is_no_length(text: str) -> None:
    assert RequestBody(Headers([("content-length", text)]), iter(())).length is None
