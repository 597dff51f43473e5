"""One HTTP request exactly as written, without any client's help: presigned URLs, anonymous reads, old TLS."""

from __future__ import annotations

import http.client
import socket
import ssl
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

from lab.backends.protocol import Endpoints
from lab.errors import NotCapableError

_SECONDS = 20.0

TlsVersion = Literal["1.2", "1.3"]

_VERSIONS = {"1.1": ssl.TLSVersion.TLSv1_1, "1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer.

    Attributes:
        headers: By lower-case name.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """The error code of an XML body, empty where there is none."""
        return self._text("Code")

    @property
    def message(self) -> str:
        """The error message of an XML body."""
        return self._text("Message")

    def _text(self, name: str) -> str:
        try:
            return ET.fromstring(self.body).findtext(name) or ""  # noqa: S314 - small, from the endpoint under test
        except ET.ParseError:
            return ""


def fetch(
    endpoints: Endpoints,
    url: str,
    method: str = "GET",
    *,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    tls: TlsVersion | None = None,
) -> Reply:
    """Send the request and read the answer.

    Args:
        endpoints: For the authority that signed the certificate.
        url: Where to, with its scheme.
        method: HTTP method.
        body: Sent as it is.
        headers: Beside those that HTTP itself needs.
        tls: The one version to offer; None offers what is usual.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(host, parts.port, timeout=_SECONDS, context=context(endpoints, tls))
    else:
        connection = http.client.HTTPConnection(host, parts.port, timeout=_SECONDS)
    try:
        connection.request(method, f"{parts.path}?{parts.query}".rstrip("?"), body or None, dict(headers or {}))
        answer = connection.getresponse()
        return Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
    finally:
        connection.close()


def context(endpoints: Endpoints, tls: TlsVersion | None) -> ssl.SSLContext:
    """TLS settings of a client that verifies the endpoint."""
    made = ssl.create_default_context(cafile=str(endpoints.ca_bundle) if endpoints.ca_bundle else None)
    if tls is not None:
        made.minimum_version = made.maximum_version = _VERSIONS[tls]
    return made


def handshake(endpoints: Endpoints, version: Literal["1.1", "1.2", "1.3"]) -> str | None:
    """Offer one version of TLS and say which was negotiated.

    Raises:
        ssl.SSLError: The endpoint refuses.
        NotCapableError: It has no TLS at all.
    """
    parts = urlsplit(endpoints.https)
    if parts.scheme != "https":
        raise NotCapableError("This endpoint has no TLS.", "Name one with https.")
    host = parts.hostname or ""
    made = context(endpoints, None)
    if version == "1.1":
        made.set_ciphers("DEFAULT:@SECLEVEL=0")  # else the client refuses by itself, and nobody learns what S3 says
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that TLS 1.1 is old is what is being asked about
        made.minimum_version = made.maximum_version = _VERSIONS[version]
    with (
        socket.create_connection((host, parts.port or 443), timeout=_SECONDS) as plain,
        made.wrap_socket(plain, server_hostname=host) as secure,
    ):
        return secure.version()
