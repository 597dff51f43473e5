"""What S3 says to a client that never got a whole request across: garbled, too large, too slow, broken off."""

from __future__ import annotations

from typing import Final

import h11

from lab.sandbox.exchange import ServiceError

LARGEST_HEADERS: Final = 8192


def malformed(error: h11.RemoteProtocolError) -> ServiceError:
    """The refusal of what is not HTTP, in S3's words (recorded answers)."""
    if error.error_status_hint == 431:
        return headers_too_large()
    if error.error_status_hint == 501:
        return ServiceError(
            501,
            "NotImplemented",
            "A header you provided implies functionality that is not implemented",
            {"Header": "Transfer-Encoding"},
        )
    return not_http()


def not_http() -> ServiceError:
    """What no reader of HTTP can be sure about."""
    return ServiceError(400, "BadRequest", "An error occurred when parsing the HTTP request.")


def headers_too_large() -> ServiceError:
    """More than 8 KiB of headers (recorded answer)."""
    return ServiceError(
        400,
        "RequestHeaderSectionTooLarge",
        "Your request header section exceeds the maximum allowed size.",
        {"MaxSizeAllowed": str(LARGEST_HEADERS)},
    )


def too_slow() -> ServiceError:
    """Nothing came for too long (S3 API reference, "Error responses")."""
    return ServiceError(
        400,
        "RequestTimeout",
        "Your socket connection to the server was not read from or written to within the timeout period. "
        "Idle connections will be closed.",
    )


def incomplete_body() -> ServiceError:
    """The framing is broken or ends too early."""
    return ServiceError(400, "IncompleteBody", "The request body terminated unexpectedly")


def wrong_length(expected: int, provided: int) -> ServiceError:
    """More or fewer bytes than were announced."""
    return ServiceError(
        400,
        "IncompleteBody",
        "You did not provide the number of bytes specified by the Content-Length HTTP header",
        {"NumberBytesExpected": str(expected), "NumberBytesProvided": str(provided)},
    )
