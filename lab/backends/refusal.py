"""A client as boto3 types it, and the error that it raises when the service refuses: loaded when first asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botocore.client import BaseClient
    from botocore.exceptions import ClientError

__all__ = ["BaseClient", "ClientError"]


def __getattr__(name: str) -> Any:
    """Load the class on first use: botocore is heavy, and the course is listed without it."""
    if name == "ClientError":
        from botocore import exceptions

        return exceptions.ClientError
    if name == "BaseClient":
        from botocore import client

        return client.BaseClient
    raise AttributeError(name)
