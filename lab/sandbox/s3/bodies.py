"""Bodies on their way: a request's into a sealed file, an object's files into an answer, and small XML documents."""

from __future__ import annotations

import secrets
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lab.sandbox.blobs import SEGMENT, Blob, BlobStore, DamagedError
from lab.sandbox.checksums import Checksum, Verifier, check_document
from lab.sandbox.envelope import DataKeys, Part
from lab.sandbox.exchange import Answer, Exchange, Headers, Request, ServiceError

if TYPE_CHECKING:
    from lab.sandbox.moto_hooks.s3 import SealedKey

LARGEST_PUT: Final = 5 << 30
#: What S3 computes where a client sends no checksum.
DEFAULT: Final = "CRC64NVME"
_LARGEST_DOCUMENT: Final = 2 << 20


@dataclass(frozen=True, slots=True)
class Received:
    """Plaintext that was sealed into a file of its own.

    Attributes:
        etag: The MD5 of the plaintext where it may be shown, otherwise something that says nothing about the bytes.
        declared: The client's checksum, verified; None where it sent none.
        checksum: What is kept: the declared one, unless S3 keeps another.
    """

    blob: Blob
    etag: str
    declared: Checksum | None
    checksum: Checksum | None


def opaque_etag() -> str:
    """The ETag of what is encrypted with a key of the customer's or of KMS: not a digest of the data."""
    return secrets.token_hex(16)


def check_length(request: Request) -> None:
    """Refuse an upload that does not say how long it is, or is too long for one request.

    Raises:
        ServiceError: ``MissingContentLength``, ``NotImplemented`` or ``EntityTooLarge``.
    """
    length = request.body.length
    if length is None and "transfer-encoding" in request.headers:
        # Chunks of HTTP alone are not enough: recorded for PutObject and UploadPart.
        raise ServiceError(
            501,
            "NotImplemented",
            "A header you provided implies functionality that is not implemented",
            {"Header": "Transfer-Encoding"},
        )
    if length is None:
        raise ServiceError(411, "MissingContentLength", "You must provide the Content-Length HTTP header.")
    if length > LARGEST_PUT:
        raise ServiceError(
            400,
            "EntityTooLarge",
            "Your proposed upload exceeds the maximum allowed size",
            {"ProposedSize": str(length), "MaxSizeAllowed": str(LARGEST_PUT)},
        )


def receive(
    exchange: Exchange, keys: DataKeys, *, show_md5: bool, keep: str = DEFAULT, always: bool = False
) -> Received:
    """Stream the request's body into a sealed file and verify what the client declared about it.

    The caller settles or discards the file.

    Args:
        exchange: The request.
        keys: To seal with, innermost first.
        show_md5: Whether the ETag will be the MD5.
        keep: The checksum that S3 computes where the client sends none.
        always: Whether S3 keeps that one even where the client sends another.

    Raises:
        ServiceError: The body is not what was declared; nothing is kept then.
    """
    verifier = Verifier(exchange.request.headers, need_md5=show_md5, keep=keep, always=always)
    body = exchange.request.body
    return _seal(
        exchange.sandbox.blobs, body.chunks(), keys, verifier, show_md5=show_md5, trailers=lambda: body.trailers
    )


def reseal(exchange: Exchange, chunks: Iterator[bytes], keys: DataKeys, *, show_md5: bool, keep: str) -> Received:
    """Stream plaintext that was just opened into a new sealed file; the caller settles or discards it."""
    verifier = Verifier(Headers(()), need_md5=show_md5, keep=keep)
    return _seal(exchange.sandbox.blobs, chunks, keys, verifier, show_md5=show_md5, trailers=dict)


def _seal(
    store: BlobStore,
    chunks: Iterator[bytes],
    keys: DataKeys,
    verifier: Verifier,
    *,
    show_md5: bool,
    trailers: Callable[[], dict[str, str]],
) -> Received:
    writer = store.create(keys.keys)
    try:
        for chunk in chunks:
            verifier.update(chunk)
            writer.write(chunk)
        declared = verifier.finish(trailers())
        blob = writer.finish()
    except BaseException:
        writer.abandon()
        raise
    etag = verifier.md5.hex() if show_md5 else opaque_etag()
    return Received(blob, etag, declared, verifier.computed or declared)


def plaintext(
    store: BlobStore, parts: Sequence[Part], keys: DataKeys, start: int = 0, stop: int | None = None
) -> Iterator[bytes]:
    """The bytes ``start`` up to ``stop`` of an object, from one file after the other.

    Raises:
        DamagedError: A file does not open.
    """
    end = sum(part.size for part in parts) if stop is None else stop
    position = 0
    for part in parts:
        first, last = max(start - position, 0), min(end - position, part.size)
        position += part.size
        if first >= last:
            continue
        reader = store.open(part.blob, keys.keys)
        try:
            yield from reader.chunks(first, last)
        finally:
            reader.close()


def send(answer: Answer, store: BlobStore, version: SealedKey, keys: DataKeys, span: tuple[int, int]) -> Answer:
    """Let an answer carry an object's bytes; short ones are opened before the first byte leaves.

    Raises:
        DamagedError: A file does not open.
    """
    start, stop = span
    chunks = plaintext(store, version.parts, keys, start, stop)
    answer.length = stop - start
    if answer.length <= SEGMENT:
        body = b"".join(chunks)
        if len(body) != answer.length:
            raise DamagedError("the file is shorter than the object")
        answer.body = body
        return answer
    first = next(chunks)

    def stream() -> Iterator[bytes]:
        yield first
        yield from chunks

    answer.body = stream()
    answer.close = chunks.close  # type: ignore[attr-defined]
    return answer


# ---- Small documents -------------------------------------------------------------------------------------------------


def malformed_xml() -> ServiceError:
    """A document that is not what the operation takes."""
    return ServiceError(
        400,
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema",
    )


def read_document(exchange: Exchange, *, limit: int = _LARGEST_DOCUMENT) -> bytes:
    """Read a small body and verify its checksums."""
    data = exchange.request.body.read(limit)
    check_document(exchange.request.headers, data, exchange.request.body.trailers)
    return data


def read_xml(exchange: Exchange, root: str, *, required: bool = True, verify: bool = True) -> ET.Element | None:
    """Read an XML document and strip its namespaces.

    Args:
        exchange: The request.
        root: Name that the document's element must have.
        required: Whether an empty body is refused; else it is None.
        verify: Whether the checksum headers are about this document.

    Raises:
        ServiceError: ``MalformedXML``, ``MissingRequestBodyError``.
    """
    data = read_document(exchange) if verify else exchange.request.body.read(_LARGEST_DOCUMENT)
    if not data.strip():
        if required:
            raise ServiceError(400, "MissingRequestBodyError", "Request Body is empty")
        return None
    return parse_xml(data, root)


class _Builder(ET.TreeBuilder):
    """Builds the tree; whatever the encoding, a document type ends it before anything that it declares is read."""

    def doctype(self, name: str, public_id: str | None, system_id: str | None) -> None:  # noqa: ARG002
        raise ValueError("a document type")


def parse_xml(data: bytes, root: str) -> ET.Element:
    """Parse an XML document; one that declares a document type, and so may declare entities, is refused there."""
    try:
        element: ET.Element = ET.fromstring(data, ET.XMLParser(target=_Builder()))  # noqa: S314 - see _Builder
    except (ET.ParseError, ValueError, LookupError):
        raise malformed_xml() from None
    for node in element.iter():
        node.tag = node.tag.rpartition("}")[2]
    if element.tag != root:
        raise malformed_xml()
    return element


def child_text(element: ET.Element, name: str) -> str | None:
    """The text of a child element, None where there is no such child."""
    found = element.find(name)
    return None if found is None else (found.text or "")
