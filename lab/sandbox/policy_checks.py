"""Before a policy is stored: its grammar, who it names, and whether it locks out or lets in whom it must not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lab.sandbox import authorize, denials
from lab.sandbox.context import RequestContext
from lab.sandbox.exchange import ServiceError
from lab.sandbox.policy import Policies, Question, compile_policy, evaluate
from lab.sandbox.policy.grammar import MalformedError, check_bucket_policy, check_key_policy
from lab.sandbox.policy.public import is_public

if TYPE_CHECKING:
    from lab.sandbox.exchange import Exchange
    from lab.sandbox.identity import Identity
    from lab.sandbox.realm import Realm

LOCKED_OUT: Final = "The new key policy will not allow you to update the key policy in the future."
_ACCOUNT: Final = re.compile(r"arn:aws:(?:iam|sts)::(\d{12}):")
_EVERYTHING: Final = compile_policy(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
)


def accept_bucket_policy(exchange: Exchange, bucket: str, text: str) -> None:
    """Check what PutBucketPolicy brings; the caller's permission was judged before.

    Raises:
        ServiceError: ``MalformedPolicy``, or ``AccessDenied`` where Block Public Access refuses public policies.
    """
    try:
        check_bucket_policy(text, bucket, lambda arn: principal_exists(exchange.realm, arn))
    except MalformedError as error:
        raise ServiceError(400, "MalformedPolicy", str(error)) from None
    owner = exchange.sandbox.realms.owner(exchange.realm, bucket)
    kept = None if owner is None else authorize.bucket_of(owner, bucket)
    block = None if kept is None else kept.public_access_block
    if owner is not None and block is not None and block.block_public_policy and is_public(compile_policy(text)):
        raise denials.s3_denied(
            f"User: {exchange.identity.arn} is not authorized to perform: s3:PutBucketPolicy on resource: "
            f'"arn:aws:s3:::{bucket}" because public policies are blocked by the BlockPublicPolicy block public '
            "access setting."
            if exchange.identity.account == owner.id
            else "Access Denied"
        )


def accept_key_policy(
    exchange: Exchange, *, caller: Identity, key_arn: str, key_account: str, text: str, bypass: bool
) -> None:
    """Check what PutKeyPolicy or CreateKey brings.

    Args:
        exchange: The request.
        caller: Who brings it.
        key_arn: The key; for CreateKey the ARN that it will have.
        key_account: Whose the key is.
        text: The document.
        bypass: Whether the client renounced the check that the policy still lets the caller replace it.

    Raises:
        ServiceError: ``MalformedPolicyDocumentException``.
    """
    try:
        check_key_policy(text, lambda arn: principal_exists(exchange.realm, arn))
    except MalformedError as error:
        raise ServiceError(400, "MalformedPolicyDocumentException", str(error)) from None
    if bypass:
        return
    lookup = RequestContext(exchange, caller, exchange.realm.accounts.get(key_account))
    question = Question(caller, "kms:PutKeyPolicy", key_arn, key_account, lookup)
    # Only the key policy's side is looked at: it must name the caller, or the account, whose policies may follow.
    policies = Policies(
        identity=(("", _EVERYTHING),),
        resource=compile_policy(text),
        resource_kind="key policy",
        resource_must_allow=True,
    )
    if not evaluate(question, policies).allowed:
        raise ServiceError(400, "MalformedPolicyDocumentException", LOCKED_OUT)


def principal_exists(realm: Realm, arn: str) -> bool:
    """Whether the principal of an ARN exists; one of an account that is not of this realm may."""
    from lab.sandbox.moto_hooks import iam

    found = _ACCOUNT.match(arn)
    account = None if found is None else realm.accounts.get(found[1])
    return account is None or iam.principal_exists(account, arn)
