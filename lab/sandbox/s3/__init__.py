"""S3: object, multipart, copy and bucket operations over sealed files; moto remembers buckets, versions and uploads."""

from __future__ import annotations

from lab.sandbox.blobs import DamagedError
from lab.sandbox.exchange import Answer, Exchange, ServiceError
from lab.sandbox.s3.operations import OPERATIONS

__all__ = ["handle"]


def handle(exchange: Exchange) -> Answer:
    """Carry out an S3 request that was recognized, authenticated and authorized.

    Raises:
        ServiceError: What the client did wrong; ``NotImplemented`` for what is not modelled.
    """
    operation = exchange.request.operation
    handler = OPERATIONS.get(operation)
    if handler is None:
        raise ServiceError(501, "NotImplemented", f"The sandbox does not model the S3 operation {operation}.")
    try:
        return handler(exchange)
    except DamagedError:
        # Nothing but a change behind the sandbox's back gets here; which file it was stays in the sandbox.
        raise ServiceError(500, "InternalError", "We encountered an internal error. Please try again.") from None
