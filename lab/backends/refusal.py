"""The error that a client raises when the service refuses a request: boto3's own, loaded when first asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

__all__ = ["ClientError"]


def __getattr__(name: str) -> Any:
    """Load the class on first use: botocore is heavy, and the course is listed without it."""
    if name == "ClientError":
        from botocore import exceptions

        return exceptions.ClientError
    raise AttributeError(name)
