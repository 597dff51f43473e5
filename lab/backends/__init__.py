"""The AWS that exercises run against: the sandbox, or an endpoint that the user names, behind one protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lab.errors import NotCapableError, UsageError

if TYPE_CHECKING:
    from lab.backends.protocol import Backend

BACKENDS: Final[tuple[str, ...]] = ("sandbox", "endpoint", "aws")


def open_backend(name: str = "sandbox", *, endpoint: str | None = None, profile: str | None = None) -> Backend:
    """The back end of that name, open.

    Args:
        name: ``sandbox``, ``endpoint`` or ``aws``.
        endpoint: For ``endpoint``: its URL.
        profile: For ``endpoint``: the profile in the user's AWS files whose credentials it takes.

    Raises:
        UsageError: There is no back end of that name, or it lacks its URL or profile.
        NotCapableError: It is not built yet.
        BackendError: It does not answer.
    """
    backend: Backend
    if name == "sandbox":
        from lab.backends.sandbox import SandboxBackend

        backend = SandboxBackend()
    elif name == "endpoint":
        from lab.backends.endpoint import EndpointBackend

        if not endpoint:
            raise UsageError("The endpoint back end needs a URL.", "Name it: --endpoint https://HOST:PORT.")
        if not profile:
            raise UsageError(
                "The endpoint back end takes credentials only from a profile that you name.",
                "Name one of your AWS profiles: --profile NAME.",
            )
        backend = EndpointBackend(endpoint, profile)
    elif name == "aws":
        raise NotCapableError("The real AWS back end is not built yet.", "Use the sandbox: --backend sandbox.")
    else:
        raise UsageError(f'There is no back end "{name}".', f"Choose one of {', '.join(BACKENDS)}.")
    backend.open()
    return backend
