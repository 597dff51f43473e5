"""KMS's refusals in KMS's words: one function per exception and message.

Sources: recorded answers of AWS (the integration-test snapshots of LocalStack) for the texts of key states, keys
that are not found, key usage, ciphertexts, rotation limits, dry runs, alias prefixes and ``ValidationException``; the
KMS API reference for which exception fits where nothing was recorded.
"""

from __future__ import annotations

from lab.sandbox.exchange import ServiceError


def refusal(code: str, message: str) -> ServiceError:
    """Any KMS exception: KMS answers all of them, denials included, with 400."""
    return ServiceError(400, code, message)


def invalid(*findings: str) -> ServiceError:
    """What the request model does not allow, all findings in one message."""
    count = len(findings)
    plural = "" if count == 1 else "s"
    return refusal("ValidationException", f"{count} validation error{plural} detected: {'; '.join(findings)}")


def validation(message: str) -> ServiceError:
    """What the service does not allow beyond the request model."""
    return refusal("ValidationException", message)


def disabled(arn: str) -> ServiceError:
    """The key is disabled."""
    return refusal("DisabledException", f"{arn} is disabled.")


def wrong_state(arn: str, state: str) -> ServiceError:
    """The key's state does not allow the operation."""
    words = {
        "PendingDeletion": "is pending deletion",
        "PendingImport": "is pending import",
        "Unavailable": "is unavailable",
    }
    return refusal("KMSInvalidStateException", f"{arn} {words[state]}.")


def not_pending_deletion(arn: str) -> ServiceError:
    """CancelKeyDeletion of a key that nobody is deleting."""
    return refusal("KMSInvalidStateException", f"{arn} is not pending deletion.")


def no_such_key(arn: str) -> ServiceError:
    """A well-formed key id or ARN that names no key."""
    return refusal("NotFoundException", f"Key '{arn}' does not exist")


def no_such_alias(arn: str) -> ServiceError:
    """A well-formed alias that does not exist."""
    return refusal("NotFoundException", f"Alias {arn} is not found.")


def malformed_key_id(key_id: str) -> ServiceError:
    """What is neither a key id nor an alias nor an ARN."""
    return refusal("NotFoundException", f"Invalid keyId '{key_id}'")


def invalid_arn(what: str) -> ServiceError:
    """An ARN of another Region (KMS names the Region), or of something that is not a key."""
    return refusal("NotFoundException", f"Invalid arn {what}")


def alias_arn_not_supported() -> ServiceError:
    """An alias ARN for an operation that takes key ids and key ARNs only."""
    return refusal("InvalidArnException", "Key Aliases are not supported for this operation")


def foreign(caller: str, action: str) -> ServiceError:
    """A key of another account that is not there, or an operation that does not cross accounts."""
    what = "the resource associated with this ciphertext" if action == "kms:Decrypt" else "this resource"
    return refusal(
        "AccessDeniedException",
        f"User: {caller} is not authorized to perform: {action} on {what} because the resource does not exist in this "
        "Region, no resource-based policies allow access, or a resource-based policy explicitly denies access",
    )


def denied(caller: str, action: str, arn: str) -> ServiceError:
    """Neither the key's policy nor a grant lets the caller do it."""
    return refusal(
        "AccessDeniedException",
        f"User: {caller} is not authorized to perform: {action} on resource: {arn} "
        f"because no resource-based policy allows the {action} action",
    )


def unknown_ciphertext() -> ServiceError:
    """The ciphertext is whole, but its key is gone or was never here."""
    return refusal(
        "AccessDeniedException",
        "The ciphertext refers to a customer master key that does not exist, does not exist in this region, "
        "or you are not allowed to access.",
    )


def invalid_ciphertext() -> ServiceError:
    """Changed bytes or another encryption context; KMS sends no message on purpose."""
    return refusal("InvalidCiphertextException", "")


def incorrect_key() -> ServiceError:
    """The key named in the request is not the one that the ciphertext was made with."""
    return refusal(
        "IncorrectKeyException",
        "The key ID in the request does not identify a CMK that can perform this operation.",
    )


def wrong_usage(arn: str, usage: str, operation: str) -> ServiceError:
    """A key made for something else."""
    return refusal("InvalidKeyUsageException", f"{arn} key usage is {usage} which is not valid for {operation}.")


def wrong_algorithm(algorithm: str, spec: str) -> ServiceError:
    """An algorithm that this kind of key does not have."""
    return refusal("InvalidKeyUsageException", f"Algorithm {algorithm} is incompatible with key spec {spec}.")


def wrong_origin(arn: str, origin: str) -> ServiceError:
    """An operation that keys of this origin do not offer."""
    return refusal("UnsupportedOperationException", f"{arn} origin is {origin} which is not valid for this operation.")


def wrong_spec(arn: str, spec: str) -> ServiceError:
    """An operation that keys of this kind do not offer."""
    return refusal("UnsupportedOperationException", f"{arn} key spec is {spec} which is not valid for this operation.")


def too_many_rotations(arn: str) -> ServiceError:
    """The 26th on-demand rotation."""
    return refusal(
        "LimitExceededException",
        "The on-demand rotations limit has been reached for the given keyId. "
        f"No more on-demand rotations can be performed for this key: {arn}",
    )


def dry_run() -> ServiceError:
    """Everything was allowed and nothing was done."""
    return refusal("DryRunOperationException", "The request would have succeeded, but the DryRun option is set.")


def not_modelled(what: str) -> ServiceError:
    """AWS can do it, this sandbox cannot; it says so instead of guessing."""
    return ServiceError(501, "NotImplemented", f"The sandbox does not model {what}.")
