"""One request and its answer on their way through the sandbox: the record that every step reads and extends.

A request is parsed once. Each step fills in its own part (recognize, authenticate, authorize, handle) and appends
to the event log; later steps only read. Errors that the client sees are :class:`ServiceError`; anything else that is
raised is a fault of the sandbox and is answered as AWS answers its own (``InternalError``), never as HTML.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from lab.sandbox.core import Sandbox
    from lab.sandbox.identity import Identity
    from lab.sandbox.realm import Realm
    from lab.sandbox.sigv4 import PayloadCheck

Service = Literal["s3", "kms", "sts", "iam", "cloudtrail", "servicequotas", "unknown"]


@dataclass(slots=True)
class Connection:
    """One accepted TCP connection.

    Attributes:
        number: Rises by one per connection over the sandbox's life; 0 is never used.
        scheme: ``http`` or ``https``.
        tls_version: ``TLSv1.2``, ``TLSv1.3`` or None on plain HTTP (as :meth:`ssl.SSLObject.version` spells it).
        cipher: OpenSSL's name of the cipher suite, None on plain HTTP.
        sni: The server name that the client sent in clear, None if it sent none.
        port: The listener's port.
    """

    number: int
    scheme: Literal["http", "https"]
    port: int
    tls_version: str | None = None
    cipher: str | None = None
    sni: str | None = None


class Headers:
    """Request headers in arrival order; names are compared without case, values are stripped text (latin-1)."""

    __slots__ = ("_first", "items")

    def __init__(self, items: Iterable[tuple[str, str]]) -> None:
        self.items: tuple[tuple[str, str], ...] = tuple((name.lower(), value) for name, value in items)
        self._first: dict[str, str] = {}
        for name, value in self.items:
            self._first.setdefault(name, value)

    def get(self, name: str, default: str | None = None) -> str | None:
        """The first value under this name (lower case), or the default."""
        return self._first.get(name, default)

    def __contains__(self, name: object) -> bool:
        """Whether the header was sent, even if empty; the name is lower case."""
        return name in self._first

    def all(self, name: str) -> list[str]:
        """Every value under this name, in order."""
        return [value for key, value in self.items if key == name]

    def starting(self, prefix: str) -> dict[str, str]:
        """Name to first value of all headers whose lower-case name starts with the prefix."""
        return {name: value for name, value in self._first.items() if name.startswith(prefix)}


class Body(Protocol):
    """A request body as the handlers read it: decoded (aws-chunked framing removed), streamed, verified at its end.

    Reading past the end verifies what the client declared (length, payload hash, chunk signatures, trailing
    checksum) and raises :class:`ServiceError` where it does not fit.
    """

    @property
    def length(self) -> int | None:
        """Decoded length in bytes that the client declared, None where it declared none."""

    @property
    def trailers(self) -> dict[str, str]:
        """Trailing headers (lower-case names) of an aws-chunked body; complete only after the last chunk."""

    def expect(self, check: PayloadCheck) -> None:
        """Take what the signature promises about this body; called before anything is read."""

    def chunks(self, size: int = 1 << 20) -> Iterator[bytes]:
        """Yield the body in pieces of at most ``size`` bytes; once."""

    def read(self, limit: int) -> bytes:
        """Read the whole body; :class:`ServiceError` ``EntityTooLarge`` beyond ``limit`` bytes."""


@dataclass(slots=True)
class Request:
    """What the client asked, parsed once.

    Attributes:
        target: The request target exactly as sent (path, undecoded, with query): signatures cover this.
        path: The undecoded path part of the target.
        query: Decoded query parameters in order; a parameter without ``=`` has the value ''.
        service: Which AWS service is addressed.
        operation: botocore's name of the operation (``PutObject``); '' until recognized.
        bucket: Bucket named by path or host, None where the operation names none.
        key: Decoded object key, None where the operation names none.
        parameters: For JSON and query protocols (KMS, STS, IAM …) the decoded members; empty for S3.
        raw_body: For JSON and query protocols the whole body, read while recognizing; empty for S3.
    """

    connection: Connection
    request_id: str
    at: float
    method: str
    target: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Headers
    body: Body
    service: Service = "unknown"
    operation: str = ""
    bucket: str | None = None
    key: str | None = None
    parameters: dict[str, Any] = field(default_factory=dict, repr=False)
    raw_body: bytes = field(default=b"", repr=False)

    def query_value(self, name: str) -> str | None:
        """The first value of a query parameter, '' for one without a value, None where absent."""
        for key, value in self.query:
            if key == name:
                return value
        return None

    @property
    def secure(self) -> bool:
        """Whether the request came over TLS (``aws:SecureTransport``)."""
        return self.connection.scheme == "https"


@dataclass(slots=True)
class Answer:
    """What goes back: status, headers in order, and a body as bytes or as a stream of chunks.

    A streamed body states its length in ``length``; the server then never buffers it. ``close`` runs when the
    answer has been sent or abandoned.
    """

    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes | Iterator[bytes] = b""
    length: int | None = None
    close: Callable[[], None] | None = None

    def header(self, name: str) -> str | None:
        """First value of an answer header, compared without case."""
        lowered = name.lower()
        return next((value for key, value in self.headers if key.lower() == lowered), None)


class ServiceError(Exception):
    """An error that the client is meant to see, in the words of the service.

    Args:
        status: HTTP status.
        code: AWS error code (``AccessDenied``); for KMS the exception name.
        message: AWS's message.
        extra: Further members of the error body, in order (S3 XML elements, KMS JSON members).
        headers: Answer headers to add.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        extra: dict[str, str] | None = None,
        headers: list[tuple[str, str]] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.extra = extra or {}
        self.headers = headers or []


@dataclass(slots=True)
class Exchange:
    """One request on its way: the request, the sandbox it came to, who asks, and in which realm.

    ``identity`` and ``realm`` are the anonymous principal and an empty realm until authenticated; handlers may rely
    on both.
    """

    sandbox: Sandbox
    request: Request
    identity: Identity
    realm: Realm

    def emit(self, step: str, data: dict[str, Any]) -> None:
        """Append an event about this request; ``request_id`` is added."""
        self.sandbox.log.append(
            step,
            {"request_id": self.request.request_id, **data},
            origin=self.realm.origin_override or self.identity.origin,
            realm=self.realm.id,
            exercise=self.realm.exercise,
            principal=self.identity.arn,
            connection=self.request.connection.number,
        )
