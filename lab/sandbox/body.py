"""Request bodies: three framings in, one decoded stream out, and every promise of the client checked at its end.

A body has a content length, or comes in HTTP chunks, or is ``aws-chunked`` on top of either: sizes, optionally a
signature per chunk, and trailing headers. Errors are those that S3 answers (recorded answers for malformed encodings;
S3 API reference, "Transferring payload in multiple chunks").
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from lab.sandbox.exchange import Headers, ServiceError
from lab.sandbox.refusals import incomplete_body, wrong_length
from lab.sandbox.wire_values import whole_number

if TYPE_CHECKING:
    from lab.sandbox.sigv4 import ChunkSigner, PayloadCheck

SMALLEST_CHUNK = 8192
LONGEST_LINE = 1024
LONGEST_TRAILER = 8192
TRAILER_SIGNATURE = "x-amz-trailer-signature"
_SIZE = re.compile(rb"[0-9A-Fa-f]{1,16}")


def malformed_trailer() -> ServiceError:
    """Trailing headers that are not what ``x-amz-trailer`` announced."""
    return ServiceError(
        400,
        "MalformedTrailerError",
        "The request contained trailing data that was not well-formed or did not conform to our published schema.",
    )


def signature_mismatch() -> ServiceError:
    """A chunk or the trailer is not what the client signed."""
    return ServiceError(
        403,
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. "
        "Check your key and signing method.",
    )


class AwsChunkedDecoder:
    """Takes ``aws-chunked`` bytes in pieces of any size and gives the data in them.

    Args:
        expected: ``x-amz-decoded-content-length``, None if absent.
        announced: Names in ``x-amz-trailer``.
        signer: Verifies the chain of chunk signatures; None where chunks are not signed.
        signed_trailer: Whether the trailing headers are signed too.
    """

    def __init__(
        self,
        expected: int | None,
        announced: frozenset[str] = frozenset(),
        signer: ChunkSigner | None = None,
        *,
        signed_trailer: bool = False,
    ) -> None:
        self.trailers: dict[str, str] = {}
        self._expected = expected
        self._announced = announced
        self._signer = signer
        self._signed_trailer = signed_trailer
        self._buffer = bytearray()
        self._step = self._read_size
        self._left = 0
        self._size = 0
        self._number = 0
        self._decoded = 0
        self._signature = ""
        self._digest = hashlib.sha256()
        self._trailer_signature: str | None = None
        self._trailer_bytes = 0
        self._complete = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Decode the next bytes.

        Raises:
            ServiceError: As S3 answers it.
        """
        self._buffer += data
        while self._buffer:
            if self._complete:
                raise incomplete_body()
            if self._left:
                piece = bytes(self._buffer[: self._left])
                del self._buffer[: self._left]
                self._left -= len(piece)
                if self._signer:
                    self._digest.update(piece)
                yield piece
            elif not self._step():
                return

    def finish(self) -> None:
        """Check that nothing is missing at the end of the message."""
        if not self._complete:
            raise incomplete_body()

    def _line(self, limit: int) -> bytes | None:
        end = self._buffer.find(b"\r\n", 0, limit)
        if end < 0:
            if len(self._buffer) >= limit:
                raise incomplete_body()
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return line

    def _read_size(self) -> bool:
        line = self._line(LONGEST_LINE)
        if line is None:
            return False
        size_text, _, extension = line.partition(b";")
        if not _SIZE.fullmatch(size_text.strip()):
            raise incomplete_body()
        size = int(size_text, 16)
        self._number += 1
        if self._number > 1 and size and self._size < SMALLEST_CHUNK:
            raise ServiceError(
                403,
                "InvalidChunkSizeError",
                "Only the last chunk is allowed to have a size less than 8192 bytes",
                {"Chunk": str(self._number), "BadChunkSize": str(self._size)},
            )
        self._signature = extension.strip().removeprefix(b"chunk-signature=").decode("latin-1")
        self._size = self._left = size
        self._decoded += size
        if self._expected is not None and (
            self._decoded > self._expected or (not size and self._decoded != self._expected)
        ):
            raise wrong_length(self._expected, self._decoded)
        if size:
            self._step = self._end_chunk
        else:
            self._verify_chunk()
            self._step = self._read_trailer
        return True

    def _end_chunk(self) -> bool:
        if len(self._buffer) < 2:
            if self._buffer != b"\r":
                raise incomplete_body()
            return False
        if self._buffer[:2] != b"\r\n":
            raise incomplete_body()
        del self._buffer[:2]
        self._verify_chunk()
        self._step = self._read_size
        return True

    def _verify_chunk(self) -> None:
        if self._signer:
            if not self._signer.verify_chunk(self._digest.hexdigest(), self._signature):
                raise signature_mismatch()
            self._digest = hashlib.sha256()

    def _read_trailer(self) -> bool:
        line = self._line(LONGEST_TRAILER)
        if line is None:
            return False
        self._trailer_bytes += len(line)
        if self._trailer_bytes > LONGEST_TRAILER:
            raise malformed_trailer()
        text = line.strip().decode("latin-1")
        if not text:
            self._end_trailers()
            return True
        name, colon, value = text.partition(":")
        name = name.strip().lower()
        if not colon or not name or name in self.trailers:
            raise malformed_trailer()
        if name == TRAILER_SIGNATURE:
            self._trailer_signature = value.strip()
        elif self._trailer_signature is not None or name not in self._announced:
            raise malformed_trailer()
        else:
            self.trailers[name] = value.strip()
        return True

    def _end_trailers(self) -> None:
        if self._announced - self.trailers.keys():
            raise incomplete_body() if self._signed_trailer else malformed_trailer()
        if self._signed_trailer and self._signer:
            signature = self._trailer_signature or ""
            if not self._signer.verify_trailer(list(self.trailers.items()), signature):
                raise signature_mismatch()
        self._complete = True


class RequestBody:
    """The body of one request; satisfies :class:`lab.sandbox.exchange.Body`.

    Args:
        headers: Tell the framing and what the client promises.
        pieces: The bytes as they arrive, HTTP's own framing removed; raises :class:`ServiceError` where the client
            breaks off.
    """

    def __init__(self, headers: Headers, pieces: Iterator[bytes]) -> None:
        self.trailers: dict[str, str] = {}
        self._pieces = pieces
        self._headers = headers
        self._declared_hash = headers.get("x-amz-content-sha256") or ""
        self._check: PayloadCheck | None = None
        self._started = False

    @property
    def aws_chunked(self) -> bool:
        """Whether the ``aws-chunked`` framing is used; ``x-amz-content-sha256`` says so."""
        return self._declared_hash.startswith("STREAMING-")

    @property
    def length(self) -> int | None:
        """Decoded length in bytes that the client declared, None where it declared none."""
        text = self._headers.get("x-amz-decoded-content-length" if self.aws_chunked else "content-length")
        return whole_number(text)

    def expect(self, check: PayloadCheck) -> None:
        """Say what the signature promises about this body; called by whoever verified the signature."""
        self._check = check

    def chunks(self, size: int = 1 << 20) -> Iterator[bytes]:
        """Yield the body in pieces of at most ``size`` bytes; once.

        Raises:
            ServiceError: The body is not what the client announced; what was yielded must not be kept.
        """
        if self._started:
            raise RuntimeError("a body can be read once")
        self._started = True
        for piece in self._verified():
            if len(piece) <= size:
                yield piece
            else:
                for start in range(0, len(piece), size):
                    yield piece[start : start + size]

    def read(self, limit: int) -> bytes:
        """Read the whole body.

        Raises:
            ServiceError: ``EntityTooLarge`` beyond ``limit`` bytes, or as :meth:`chunks`.
        """
        parts: list[bytes] = []
        total = 0
        for piece in self.chunks():
            total += len(piece)
            if total > limit:
                raise ServiceError(
                    400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed object size."
                )
            parts.append(piece)
        return b"".join(parts)

    def _verified(self) -> Iterator[bytes]:
        if self.aws_chunked:
            yield from self._unframed()
            return
        wanted = self._check.sha256 if self._check else self._hash_in_header()
        if wanted is None:
            yield from self._pieces
            return
        digest = hashlib.sha256()
        for piece in self._pieces:
            digest.update(piece)
            yield piece
        if digest.hexdigest() != wanted.lower():
            raise ServiceError(
                400,
                "XAmzContentSHA256Mismatch",
                "The provided 'x-amz-content-sha256' header does not match what was computed.",
                {"ClientComputedContentSHA256": wanted, "S3ComputedContentSHA256": digest.hexdigest()},
            )

    def _hash_in_header(self) -> str | None:
        return None if self._declared_hash in {"", "UNSIGNED-PAYLOAD"} else self._declared_hash

    def _unframed(self) -> Iterator[bytes]:
        names = (self._headers.get("x-amz-trailer") or "").split(",")
        decoder = AwsChunkedDecoder(
            self.length,
            frozenset(name.strip().lower() for name in names if name.strip()),
            self._check.chunks if self._check else None,
            signed_trailer=self._check.trailer if self._check else False,
        )
        for piece in self._pieces:
            yield from decoder.feed(piece)
        decoder.finish()
        self.trailers = decoder.trailers
