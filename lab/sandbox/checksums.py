"""Checksums that S3 keeps with an object: what the client declared, what was received, and how parts combine.

All are over the plaintext as the client sent it (S3 User Guide, "Checking object integrity").
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Protocol

from lab.sandbox.exchange import Headers, ServiceError

#: Algorithm as S3 spells it, to the length of its digest in bytes.
DIGEST_SIZES: Final[dict[str, int]] = {"CRC32": 4, "CRC32C": 4, "CRC64NVME": 8, "SHA1": 20, "SHA256": 32}

_HEADER_PREFIX: Final = "x-amz-checksum-"
#: Algorithm to its name in the catalogue of parametrised CRC algorithms.
_CRCS: Final = {"CRC32": "CRC32", "CRC32C": "CRC32-ISCSI", "CRC64NVME": "CRC64-NVME"}


class Running(Protocol):
    """A checksum that is being computed."""

    def update(self, data: bytes, /) -> None:
        """Take the next piece in."""

    def digest(self) -> bytes:
        """The checksum of everything so far, big-endian."""


@cache
def _model(algorithm: str) -> Any:
    """What computes this CRC, in C."""
    import anycrc  # here, because the sandbox is ready before the first body comes

    return anycrc.Model(_CRCS[algorithm])


class _Crc:
    __slots__ = ("_model", "_size", "_value")

    def __init__(self, algorithm: str) -> None:
        self._model = _model(algorithm)
        self._size = DIGEST_SIZES[algorithm]
        self._value = 0

    def update(self, data: bytes, /) -> None:
        self._value = self._model.calc(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._size, "big")


def start(algorithm: str) -> Running:
    """Begin a checksum of one of :data:`DIGEST_SIZES`."""
    match algorithm:
        case "CRC32" | "CRC32C" | "CRC64NVME":
            return _Crc(algorithm)
        case "SHA1":
            return hashlib.sha1(usedforsecurity=False)
        case "SHA256":
            return hashlib.sha256()
        case _:
            raise ValueError(f"no such checksum algorithm: {algorithm}")


def text(digest: bytes) -> str:
    """A digest as it stands in headers and XML."""
    return base64.b64encode(digest).decode()


@dataclass(frozen=True, slots=True)
class Checksum:
    """A checksum that is kept with an object or a part.

    Attributes:
        algorithm: One of :data:`DIGEST_SIZES`.
        value: base64; for a composite checksum followed by ``-`` and the number of parts.
        type: ``FULL_OBJECT`` or ``COMPOSITE``.
    """

    algorithm: str
    value: str
    type: str = "FULL_OBJECT"

    @property
    def header(self) -> tuple[str, str]:
        """Name and value of the answer header."""
        return _HEADER_PREFIX + self.algorithm.lower(), self.value

    @property
    def element(self) -> tuple[str, str]:
        """Name and value of the XML element."""
        return f"Checksum{self.algorithm}", self.value


@dataclass(frozen=True, slots=True)
class Declared:
    """What a request says about the checksum of its body.

    Attributes:
        algorithm: Which one is to be computed and kept.
        value: The value in a header; None where it comes in a trailer.
        trailer: Name of the trailing header that will hold the value.
    """

    algorithm: str
    value: str | None = None
    trailer: str | None = None


def declared(headers: Headers) -> Declared | None:
    """Read the checksum headers of an upload; None where the client sent none.

    Raises:
        ServiceError: Two checksums, an unknown algorithm, or a value of the wrong form (recorded answers).
    """
    sent = {
        name.removeprefix(_HEADER_PREFIX).upper(): value
        for name, value in headers.starting(_HEADER_PREFIX).items()
        if name.removeprefix(_HEADER_PREFIX).upper() in DIGEST_SIZES
    }
    trailers = [name.strip().lower() for name in (headers.get("x-amz-trailer") or "").split(",") if name.strip()]
    trailing = [name for name in trailers if name.startswith(_HEADER_PREFIX)]
    if len(sent) + len(trailing) > 1:
        raise ServiceError(
            400,
            "InvalidRequest",
            "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
        )
    if trailing:
        algorithm = trailing[0].removeprefix(_HEADER_PREFIX).upper()
        if algorithm not in DIGEST_SIZES:
            raise ServiceError(
                400, "InvalidRequest", "The value specified in the x-amz-trailer header is not supported"
            )
        return Declared(algorithm, trailer=trailing[0])
    for algorithm, value in sent.items():
        check_form(algorithm, value)
        return Declared(algorithm, value)
    wanted = headers.get("x-amz-sdk-checksum-algorithm")
    if wanted is not None:
        if wanted.upper() not in DIGEST_SIZES:
            raise ServiceError(
                400,
                "InvalidRequest",
                "Value for x-amz-sdk-checksum-algorithm header is invalid.",
            )
        raise ServiceError(
            400,
            "InvalidRequest",
            "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers "
            "were found.",
        )
    return None


def check_form(algorithm: str, value: str) -> None:
    """Refuse a checksum value that cannot be one of this algorithm (recorded answer)."""
    try:
        fits = len(base64.b64decode(value, validate=True)) == DIGEST_SIZES[algorithm]
    except (binascii.Error, ValueError):
        fits = False
    if not fits:
        raise ServiceError(400, "InvalidRequest", f"Value for x-amz-checksum-{algorithm.lower()} header is invalid.")


def content_md5(headers: Headers) -> bytes | None:
    """The digest in ``Content-MD5``, None where it was not sent.

    Raises:
        ServiceError: ``InvalidDigest`` where it is no MD5 in base64 (recorded answer).
    """
    value = headers.get("content-md5")
    if value is None:
        return None
    try:
        digest = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if len(digest) != 16:
        raise ServiceError(400, "InvalidDigest", "The Content-MD5 you specified was invalid.", {"Content-MD5": value})
    return digest


class Verifier:
    """Everything that is computed over one body while it streams by."""

    __slots__ = ("_declared", "_kept", "_md5", "_running", "_wanted_md5")

    def __init__(self, headers: Headers, *, need_md5: bool, keep: str | None = None, always: bool = False) -> None:
        """Read what the request declares.

        Args:
            headers: The request's.
            need_md5: Whether the MD5 is wanted for the ETag; otherwise it is computed only to check ``Content-MD5``.
            keep: The checksum that S3 computes and keeps where the client declares none.
            always: Whether S3 keeps that one even where the client declares another.
        """
        self._declared = declared(headers)
        self._wanted_md5 = content_md5(headers)
        self._running = start(self._declared.algorithm) if self._declared else None
        self._kept: tuple[str, Running] | None = None
        if keep is not None and (self._declared is None or (always and self._declared.algorithm != keep)):
            self._kept = keep, start(keep)
        self._md5 = hashlib.md5(usedforsecurity=False) if need_md5 or self._wanted_md5 is not None else None

    def update(self, data: bytes) -> None:
        """Take the next piece of the body in."""
        if self._md5 is not None:
            self._md5.update(data)
        if self._running is not None:
            self._running.update(data)
        if self._kept is not None:
            self._kept[1].update(data)

    @property
    def md5(self) -> bytes:
        """The MD5 of the whole body; only where it was asked for."""
        if self._md5 is None:
            raise RuntimeError("the MD5 of this body was not asked for")
        return self._md5.digest()

    def finish(self, trailers: Mapping[str, str]) -> Checksum | None:
        """Compare with what was declared and return that; None where nothing was declared.

        Raises:
            ServiceError: ``BadDigest`` (recorded answers).
        """
        if self._wanted_md5 is not None and self.md5 != self._wanted_md5:
            raise ServiceError(
                400,
                "BadDigest",
                "The Content-MD5 you specified did not match what we received.",
                {"ExpectedDigest": self._wanted_md5.hex(), "CalculatedDigest": text(self.md5)},
            )
        if self._declared is None or self._running is None:
            return None
        algorithm, wanted = self._declared.algorithm, self._declared.value
        if self._declared.trailer is not None:
            wanted = trailers.get(self._declared.trailer, "")
            check_form(algorithm, wanted)
        value = text(self._running.digest())
        if wanted != value:
            raise ServiceError(
                400, "BadDigest", f"The {algorithm} you specified did not match the calculated checksum."
            )
        return Checksum(algorithm, value)

    @property
    def computed(self) -> Checksum | None:
        """What S3 computed of its own accord, once all is read; None where it had no reason to."""
        return Checksum(self._kept[0], text(self._kept[1].digest())) if self._kept is not None else None


def check_document(headers: Headers, body: bytes, trailers: Mapping[str, str]) -> None:
    """Verify ``Content-MD5`` and the declared checksum of a small body that is already in memory."""
    verifier = Verifier(headers, need_md5=False)
    verifier.update(body)
    verifier.finish(trailers)


def composite(algorithm: str, digests: Iterable[bytes]) -> str:
    """The checksum of a multipart object over its parts' checksums."""
    running, count = start(algorithm), 0
    for digest in digests:
        running.update(digest)
        count += 1
    return f"{text(running.digest())}-{count}"


def combined(algorithm: str, parts: Iterable[tuple[bytes, int]]) -> str:
    """The CRC of a whole object from the CRCs and sizes of its parts."""
    model, total = _model(algorithm), 0
    for digest, size in parts:
        total = model.combine(total, int.from_bytes(digest, "big"), size)
    return text(total.to_bytes(DIGEST_SIZES[algorithm], "big"))
