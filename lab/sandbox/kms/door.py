"""Where clients' own KMS requests come in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.sandbox.render import json_answer

if TYPE_CHECKING:
    from lab.sandbox.exchange import Answer, Exchange


def handle(exchange: Exchange) -> Answer:
    """Answer a recognized KMS request of an authenticated client.

    Raises:
        ServiceError: What KMS refuses.
    """
    request = exchange.request
    answer = exchange.sandbox.kms.call(exchange, request.operation, request.parameters, caller=exchange.identity)
    return json_answer(answer or None)
