"""The order of the steps: recognize, authenticate, authorize, handle, answer; every error becomes an answer here.

What AWS would say is a :class:`ServiceError`; anything else is a fault of the sandbox, which the client sees as AWS's
own ``InternalError`` and whose place, never its values, goes to the log file.
"""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Final

from lab.sandbox import authenticate, authorize, recognize, redact, render
from lab.sandbox.core import Sandbox
from lab.sandbox.exchange import Answer, Exchange, Request, Service, ServiceError
from lab.sandbox.faults import record_fault
from lab.sandbox.identity import ANONYMOUS
from lab.sandbox.realm import Realm

Handler = Callable[[Exchange], Answer]

INTERNAL_ERRORS: Final[dict[str, str]] = {"s3": "InternalError", "kms": "KMSInternalException"}


@dataclass(slots=True)
class Outcome:
    """What came of a request: the answer, and what the ``answer`` event says beside it."""

    exchange: Exchange
    answer: Answer
    code: str | None = None
    message: str | None = None
    started: float = field(default_factory=time.perf_counter)


def new_request_id() -> str:
    """A request id as S3 writes it; JSON and query services get theirs once they are recognized."""
    return secrets.token_hex(8).upper()


class Pipeline:
    """The steps of one sandbox.

    Args:
        sandbox: What the steps reach.
        handlers: By service; what is missing answers ``NotImplemented``.
    """

    def __init__(self, sandbox: Sandbox, handlers: dict[Service, Handler] | None = None) -> None:
        self._sandbox = sandbox
        self._handlers = load_handlers() if handlers is None else handlers

    def run(self, request: Request, attribute: Callable[[Exchange], None]) -> Outcome:
        """Take a request through all steps; never raises.

        Args:
            request: As it came; its body is not read yet.
            attribute: Called once it is known who asks, before the first event about the request.
        """
        started = time.perf_counter()
        exchange = Exchange(self._sandbox, request, ANONYMOUS, Realm(id="", exercise=""))
        code: str | None = None
        message: str | None = None
        try:
            try:
                answer = self._answer(exchange, attribute)
            except ServiceError as error:
                code, message = error.code, error.message
                answer = render.render_error(request, error)
            except Exception as error:  # noqa: BLE001 - whatever it is, the client gets an answer of its protocol
                record_fault(f"{request.service} {request.operation or request.method}", error)
                failure = internal_error(request.service)
                code, message = failure.code, failure.message
                answer = render.render_error(request, failure)
        except Exception as error:  # noqa: BLE001 - even the renderer may fail
            record_fault("rendering an error", error)
            answer = Answer(500, [("Content-Type", "application/xml")], b"<Error><Code>InternalError</Code></Error>")
        add_common_headers(request, answer)
        return Outcome(exchange, answer, code, message, started)

    def refuse(self, request: Request, error: ServiceError) -> Outcome:
        """The answer to what never became a request: malformed, too large, too slow."""
        request.service = "s3"
        exchange = Exchange(self._sandbox, request, ANONYMOUS, Realm(id="", exercise=""))
        answer = render.render_error(request, error)
        add_common_headers(request, answer)
        return Outcome(exchange, answer, error.code, error.message)

    def answered(self, outcome: Outcome, bytes_sent: int, *, complete: bool = True) -> None:
        """Append the ``answer`` event; called before the last byte leaves, so that whoever has it finds the event."""
        answer = outcome.answer
        data = {
            "status": answer.status,
            "code": outcome.code,
            "message": outcome.message,
            "headers": {name.lower(): value for name, value in answer.headers},
            "bytes_sent": bytes_sent,
            "milliseconds": round((time.perf_counter() - outcome.started) * 1000, 3),
        }
        if not complete:
            data["complete"] = False
        outcome.exchange.emit("answer", data)

    def _answer(self, exchange: Exchange, attribute: Callable[[Exchange], None]) -> Answer:
        request = exchange.request
        refusal: ServiceError | None = None
        try:
            recognize.recognize(request)
        except ServiceError as error:
            refusal = error
        if request.service not in {"s3", "unknown"}:
            request.request_id = str(uuid.uuid4())
        try:
            if request.service != "unknown":
                authenticate.authenticate(exchange)
        except ServiceError as error:
            # A request that is both unknown and unsigned is refused for its signature, as S3 does; the others need
            # their body for that, which has not been read when they are not recognized.
            if refusal is None or request.service == "s3":
                refusal = error
        finally:
            attribute(exchange)
            exchange.emit("request", redact.request_event(request))
        if refusal is not None:
            raise refusal
        authorize.authorize(exchange)
        handler = self._handlers.get(request.service)
        if handler is None:
            raise recognize.not_implemented(f"{request.service} {request.operation}".strip())
        return handler(exchange)


def load_handlers() -> dict[Service, Handler]:
    """Import what answers for each service; this is where the time of the sandbox's start goes."""
    from lab.sandbox import iam, kms, s3, sts

    return {"s3": s3.handle, "kms": kms.handle, "sts": sts.handle, "iam": iam.handle}


def internal_error(service: Service) -> ServiceError:
    """What a service answers when the fault is its own."""
    code = INTERNAL_ERRORS.get("s3" if service == "unknown" else service, "InternalFailure")
    return ServiceError(500, code, "We encountered an internal error. Please try again.")


def add_common_headers(request: Request, answer: Answer) -> None:
    """What every answer carries: ids, the date, and who answers."""
    present = {name.lower() for name, _ in answer.headers}
    common = [*render.id_headers(request), ("Date", formatdate(usegmt=True))]
    answer.headers[:0] = [pair for pair in common if pair[0].lower() not in present]
    if request.service in {"s3", "unknown"} and "server" not in present:
        answer.headers.append(("Server", "AmazonS3"))
