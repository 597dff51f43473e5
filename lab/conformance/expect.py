"""What checks say with: an answer is as expected, or a deviation names what was expected and what was seen."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from lab.backends.refusal import ClientError

#: A call's parameters, or an answer's members.
Members = Mapping[str, Any]


class Deviation(Exception):  # noqa: N818 - it is what a check found, not a failure of the check
    """The endpoint does otherwise than AWS.

    Args:
        expected: What AWS does, in few words.
        seen: What the endpoint did.
    """

    def __init__(self, expected: str, seen: str) -> None:
        super().__init__(f"expected {expected}; seen {seen}")
        self.expected = expected
        self.seen = seen


def same(what: str, expected: object, seen: object) -> None:
    """The two are equal."""
    if seen != expected:
        raise Deviation(f"{what} {_short(expected)}", _short(seen))


def differs(what: str, one: object, other: object) -> None:
    """The two are not equal."""
    if one == other:
        raise Deviation(f"{what} other than {_short(one)}", "the same")


def true(what: str, seen: bool, detail: object = "it is not so") -> None:
    """A fact that has no better words than a sentence."""
    if not seen:
        raise Deviation(what, _short(detail))


def shows(answer: Members, **members: object) -> None:
    """The answer has these members with these values; None stands for a member that is absent."""
    for name, value in members.items():
        same(name, value, answer.get(name))


def refused(
    status: int,
    code: str | Collection[str] | None,
    message: str | re.Pattern[str] | None,
    call: Callable[..., Any],
    **parameters: object,
) -> Members:
    """The call is refused with this status, code and message.

    Args:
        status: HTTP status.
        code: One code or several that are known; None compares none.
        message: The whole text, or a pattern that is searched in it; None compares none.
        call: A client's method.
        parameters: What it is called with.

    Returns:
        The error's members.
    """
    wanted = f"{status} {code if isinstance(code, str) else '/'.join(code or ('',))}".strip()
    try:
        call(**parameters)
    except ClientError as error:
        given: Any = error.response
        seen = given["Error"]
        said = f"{given['ResponseMetadata']['HTTPStatusCode']} {seen['Code']}: {seen.get('Message', '')}"
        codes = {code} if isinstance(code, str) else set(code or (seen["Code"],))
        if given["ResponseMetadata"]["HTTPStatusCode"] != status or seen["Code"] not in codes:
            raise Deviation(wanted, said) from None
        says(message, seen.get("Message", ""))
        return dict(seen)
    raise Deviation(wanted, "it was accepted")


def head_refused(status: int, call: Callable[..., Any], **parameters: object) -> None:
    """A HEAD is refused with this status; its answer has no body, so there is no code to compare."""
    refused(status, None, None, call, **parameters)


def says(message: str | re.Pattern[str] | None, seen: str) -> None:
    """The text is the message, or holds the pattern."""
    if isinstance(message, re.Pattern):
        if message.search(seen) is None:
            raise Deviation(f"a message like {message.pattern!r}", repr(seen))
    elif message is not None and seen != message:
        raise Deviation(f"the message {message!r}", repr(seen))


def attempt(call: Callable[..., Any], **parameters: object) -> str:
    """``ok`` where the call succeeds, else its error code: one cell of a truth table."""
    try:
        call(**parameters)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "ok"


@contextlib.contextmanager
def altered(
    client: Any, operation: str, headers: Mapping[str, str] | None = None, *, without: Collection[str] = ()
) -> Iterator[None]:
    """While this lasts, the client's requests of that operation carry other headers, signed like the rest.

    Args:
        client: A boto3 client.
        operation: Its operation, as ``GetObject``.
        headers: Headers to set.
        without: Headers to leave out.
    """
    event = f"before-sign.{client.meta.service_model.service_id.hyphenize()}.{operation}"

    def change(request: Any, **_: object) -> None:
        for name in (*without, *(headers or {})):
            del request.headers[name]
        for name, value in (headers or {}).items():
            request.headers[name] = value

    client.meta.events.register(event, change)
    try:
        yield
    finally:
        client.meta.events.unregister(event, change)


def _short(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 300 else f"{text[:300]} …"
