"""Who is asking: the principal behind a request, and the credentials that prove it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["anonymous", "root", "user", "role"]
Origin = Literal["learner", "world", "validator"]


@dataclass(frozen=True, slots=True)
class Identity:
    """A principal as AWS sees it in one request.

    Attributes:
        kind: ``role`` is an assumed-role session.
        account: 12 digits; empty for the anonymous principal.
        arn: What ``sts get-caller-identity`` shows and what denials name
            (``arn:aws:sts::…:assumed-role/NAME/SESSION`` for sessions); ``anonymous`` for the anonymous principal.
        principal_arn: What policies are matched against: the user's ARN, the role's ARN, the account root's ARN.
        user_id: ``aws:userid``.
        name: User or role name, session name for none.
        access_key_id: Empty for the anonymous principal.
        session_policies: JSON policies passed to AssumeRole, decoded.
        origin: Whose credentials these are; validators and worlds use their own.
        omniscient: True only for the validator's principal: policies of buckets, keys and identities do not bind it,
            key states and customer keys do.
        tags: Principal and session tags.
    """

    kind: Kind
    account: str
    arn: str
    principal_arn: str
    user_id: str
    name: str
    access_key_id: str
    session_policies: tuple[dict[str, Any], ...] = ()
    origin: Origin = "learner"
    omniscient: bool = False
    tags: dict[str, str] = field(default_factory=dict)


ANONYMOUS = Identity(
    kind="anonymous", account="", arn="anonymous", principal_arn="anonymous", user_id="anonymous", name="anonymous",
    access_key_id="",
)  # fmt: skip


@dataclass(slots=True)
class Credential:
    """An access key that the sandbox knows. The secret never leaves the sandbox's memory except to its owner.

    Attributes:
        expires_at: Seconds since the epoch on the sandbox's clock; None for long-lived keys.
        active: False for a deactivated key.
    """

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(repr=False)
    identity: Identity
    realm_id: str
    expires_at: float | None = None
    active: bool = True
