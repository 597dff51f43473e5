"""The lab's own certificate authority, and TLS over memory buffers so that the tap sees what goes over the wire.

The authority is made once per state directory and never leaves it; the server's certificate is made anew at every
start. TLS 1.2 and 1.3 only, as S3 (user guide, "Protecting data in transit").
"""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
from pathlib import Path
from typing import Any, cast

import trustme

from lab.sandbox.tap import Capture

NAMES = ("localhost", "127.0.0.1", "::1")
ORGANIZATION = "S3 Encryption Lab"
RECEIVE = 256 << 10


class Authority:
    """The certificate authority of one state directory.

    Attributes:
        bundle: PEM file with what a client must trust.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._directory = directory
        self.bundle = directory / "bundle.pem"
        self._authority = self._load() or self._make()

    def server_context(self) -> ssl.SSLContext:
        """A context with a fresh certificate for loopback, which notes the server name that clients send."""
        leaf = self._authority.issue_cert(
            *NAMES, common_name="localhost", organization_name=ORGANIZATION, organization_unit_name="sandbox"
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.maximum_version = ssl.TLSVersion.TLSv1_3
        context.sslobject_class = NamedSSLObject
        context.sni_callback = _note_name
        with leaf.private_key_and_cert_chain_pem.tempfile(dir=str(self._directory)) as pem:
            context.load_cert_chain(pem)
        return context

    def _load(self) -> trustme.CA | None:
        key, certificate = self._directory / "ca.key", self._directory / "ca.pem"
        try:
            authority = trustme.CA.from_pem(certificate.read_bytes(), key.read_bytes())
        except (OSError, ValueError):
            return None
        if not self.bundle.exists():
            _write_private(self.bundle, authority.cert_pem.bytes(), 0o644)
        return authority

    def _make(self) -> trustme.CA:
        authority = trustme.CA(organization_name=ORGANIZATION, organization_unit_name="sandbox authority")
        _write_private(self._directory / "ca.key", authority.private_key_pem.bytes(), 0o600)
        _write_private(self._directory / "ca.pem", authority.cert_pem.bytes(), 0o644)
        _write_private(self.bundle, authority.cert_pem.bytes(), 0o644)
        return authority


class NamedSSLObject(ssl.SSLObject):
    """An :class:`ssl.SSLObject` that remembers the server name in the client's first message."""

    sni: str | None = None


def _note_name(tls: Any, name: str | None, context: ssl.SSLContext) -> None:  # noqa: ARG001 - OpenSSL's signature
    tls.sni = name


class PlainTransport:
    """A connection without TLS: the tap sees plaintext, as anybody would."""

    def __init__(self, connection: socket.socket, capture: Capture) -> None:
        self._socket = connection
        self._capture = capture
        self._timeout: float | None = -1.0

    def set_timeout(self, seconds: float) -> None:
        """Bound the next waits."""
        if seconds != self._timeout:
            self._timeout = seconds
            self._socket.settimeout(seconds)

    def receive(self, size: int = RECEIVE) -> bytes:
        """The next bytes, empty at the end."""
        data = self._socket.recv(size)
        self._capture.take("in", data)
        return data

    def send(self, data: bytes) -> None:
        """Send everything; noted first, so that whoever has an answer finds it in the capture."""
        self._capture.take("out", data)
        self._socket.sendall(data)

    def end_sending(self) -> None:
        """Say that nothing more will come; the other side may still be writing."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def discard(self) -> bool:
        """Read and forget; False at the end."""
        return bool(self._socket.recv(RECEIVE))

    def close(self) -> None:
        """End the connection."""
        self._socket.close()


class TlsTransport(PlainTransport):
    """A connection with TLS: the tap sees records, the rest of the sandbox plaintext."""

    def __init__(self, connection: socket.socket, capture: Capture, context: ssl.SSLContext) -> None:
        super().__init__(connection, capture)
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)

    @property
    def sni(self) -> str | None:
        """The server name that the client sent in clear."""
        return self._tls.sni if isinstance(self._tls, NamedSSLObject) else None

    @property
    def version(self) -> str | None:
        """The negotiated version, as OpenSSL spells it."""
        return self._tls.version()

    @property
    def cipher(self) -> str | None:
        """The negotiated cipher suite."""
        suite = self._tls.cipher()
        return suite[0] if suite else None

    def handshake(self) -> None:
        """Negotiate.

        Raises:
            ssl.SSLError: The client wants what we do not offer, or does not speak TLS; it has been sent the alert.
            OSError: It went away or is too slow.
        """
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._flush()
                self._fill()
                continue
            except ssl.SSLError:
                with contextlib.suppress(OSError):
                    self._flush()
                raise
            self._flush()
            return

    def receive(self, size: int = RECEIVE) -> bytes:
        """The next plaintext, as many records as have arrived; empty at the end."""
        buffer = bytearray(size)
        view = memoryview(buffer)
        filled = 0
        while filled < size:
            try:
                count = cast("int", self._tls.read(size - filled, view[filled:]))  # with a buffer it returns a count
            except ssl.SSLWantReadError:
                if filled:
                    break
                self._flush()
                self._fill()
                continue
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                break
            if not count:
                break
            filled += count
        return bytes(view[:filled])

    def send(self, data: bytes) -> None:
        """Encrypt and send everything, in pieces so that no second copy of a large body is held."""
        view = memoryview(data)
        for start in range(0, len(data), RECEIVE):
            self._tls.write(view[start : start + RECEIVE])
            self._flush()

    def end_sending(self) -> None:
        """Send the closing alert, then stop sending."""
        with contextlib.suppress(OSError, ssl.SSLError):
            try:
                self._tls.unwrap()
            except ssl.SSLWantReadError:
                self._flush()
        super().end_sending()

    def close(self) -> None:
        """Send the closing alert if that is still possible, and end the connection."""
        with contextlib.suppress(OSError, ssl.SSLError, ValueError):
            with contextlib.suppress(ssl.SSLWantReadError):
                self._tls.unwrap()
            self._socket.setblocking(False)
            self._socket.send(self._outgoing.read())
        super().close()

    def _flush(self) -> None:
        if self._outgoing.pending:
            super().send(self._outgoing.read())

    def _fill(self) -> None:
        data = super().receive(RECEIVE)
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()


def reason(error: ssl.SSLError) -> str:
    """OpenSSL's short name of what went wrong (``UNSUPPORTED_PROTOCOL``, ``HTTP_REQUEST``)."""
    return error.reason or type(error).__name__


def _write_private(path: Path, data: bytes, mode: int) -> None:
    draft = path.with_suffix(f"{path.suffix}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(data)
    draft.replace(path)
