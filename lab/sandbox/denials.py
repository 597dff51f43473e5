"""A decision against the caller in AWS's words, which name the type of policy that is to blame.

S3 and KMS say more to callers of the resource's own account than to others (S3 user guide, "Troubleshoot access
denied errors"; KMS's sentence for callers of other accounts is a recorded answer).
"""

from __future__ import annotations

from lab.sandbox.exchange import ServiceError
from lab.sandbox.identity import Identity
from lab.sandbox.policy import Decision, Source

_TYPES: dict[Source, str] = {
    "identity policy": "identity-based policy",
    "bucket policy": "resource-based policy",
    "key policy": "resource-based policy",
    "trust policy": "resource-based policy",
    "block public access": "resource-based policy",
    "permission boundary": "permissions boundary",
    "session policy": "session policy",
}


def because(decision: Decision, action: str) -> str:
    """The part of a denial that says which type of policy denied."""
    kind = _TYPES.get(decision.denied_by or "identity policy", "identity-based policy")
    if decision.reason == "explicit_deny":
        return f"with an explicit deny in {'an' if kind.startswith('i') else 'a'} {kind}"
    return f"because no {kind} allows the {action} action"


def s3_text(decision: Decision, identity: Identity, action: str, resource: str, owner: str) -> str:
    """S3's sentence; callers of other accounts and anonymous ones learn nothing."""
    if identity.kind == "anonymous" or identity.account != owner:
        return "Access Denied"
    where = "" if action == "s3:ListAllMyBuckets" else f' on resource: "{resource}"'
    return f"User: {identity.arn} is not authorized to perform: {action}{where} {because(decision, action)}"


def plain_text(decision: Decision, identity: Identity, action: str, resource: str, owner: str) -> str:
    """The sentence of KMS, IAM and the rest, without quotes around the resource."""
    start = f"User: {identity.arn} is not authorized to perform: {action} on "
    if identity.account == owner or decision.denied_by not in {"key policy", "trust policy"}:
        return f"{start}resource: {resource} {because(decision, action)}"
    what = "the resource associated with this ciphertext" if action == "kms:Decrypt" else "this resource"
    return (
        f"{start}{what} because the resource does not exist in this Region, no resource-based policies allow access, "
        "or a resource-based policy explicitly denies access"
    )


def blocked_encryption_text(identity: Identity, action: str, resource: str) -> str:
    """S3's sentence for a write with a customer's key to a bucket that blocks those."""
    return (
        f'User: {identity.arn} is not authorized to perform: {action} on resource: "{resource}" because this bucket '
        "has blocked upload requests that specify Server Side Encryption with Customer provided keys (SSE-C). Please "
        "specify a different server-side encryption type"
    )


def s3_denied(message: str = "Access Denied") -> ServiceError:
    """S3's refusal."""
    return ServiceError(403, "AccessDenied", message)


def query_denied(message: str) -> ServiceError:
    """IAM's and STS's refusal."""
    return ServiceError(403, "AccessDenied", message)


def json_denied(message: str) -> ServiceError:
    """The refusal of KMS and the other services that speak JSON."""
    return ServiceError(400, "AccessDeniedException", message)
