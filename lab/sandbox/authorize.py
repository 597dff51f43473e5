"""May the caller do what the request asks: collects the policies that apply, asks the policy engine, words the denial.

Every decision is an event with its trace. S3 names its own permissions (``actions``); KMS asks with
:func:`authorize_kms`, STS with :func:`authorize_assume_role`, each at the point where the key or role is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from lab.sandbox import actions, denials
from lab.sandbox.actions import Need
from lab.sandbox.context import RequestContext, Value
from lab.sandbox.policy import Decision, Lookup, Policies, Policy, Question, Source, compile_policy, evaluate
from lab.sandbox.policy.public import is_public
from lab.sandbox.realm import REGION, Account

if TYPE_CHECKING:
    from lab.sandbox.exchange import Exchange, ServiceError
    from lab.sandbox.identity import Identity
    from lab.sandbox.kms.state import Grant
    from lab.sandbox.moto_hooks.s3 import SealedBucket
    from lab.sandbox.realm import Realm

ALLOWED: Final = Decision(allowed=True, reason="allow", denied_by=None)
#: The account root is never locked out of these (S3 API reference, PutBucketPolicy).
_ALWAYS_FOR_ROOT: Final = frozenset({"s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"})
_READS: Final = ("Get", "List", "Head", "Describe", "Decrypt", "AssumeRole", "Lookup")
_PARTS: Final = frozenset({"UploadPart", "UploadPartCopy", "CompleteMultipartUpload"})
_UNJUDGED: Final = frozenset({"kms", "sts", "unknown"})


def authorize(exchange: Exchange) -> None:
    """Judge a request before it is handled.

    Raises:
        ServiceError: The caller may not do it.
    """
    service = exchange.request.service
    if service in _UNJUDGED:
        return
    if service == "s3":
        _check_expected_owners(exchange)
        for need in [*actions.needs(exchange.request), *_copied_tags(exchange)]:
            _require(exchange, need)
        return
    _authorize_account(exchange)


def authorize_key(exchange: Exchange, action: str, bucket: str, key: str, version: str | None = None) -> None:
    """Judge one key of a request that names several (DeleteObjects), or an action found while handling.

    Raises:
        ServiceError: The caller may not do it.
    """
    _require(exchange, Need(action, bucket, key, version))


def may_list(exchange: Exchange, bucket: str) -> bool:
    """Whether the caller could list the bucket; leaves no event."""
    decision, _ = judge_s3(exchange, Need("s3:ListBucket", bucket))
    return decision.allowed


def hide_absence(exchange: Exchange, bucket: str) -> None:
    """Refuse who may not list the bucket, before anything is said about a key that is not there.

    S3 names ``s3:ListBucket`` then, whatever the operation was (recorded answer of GetObject).

    Raises:
        ServiceError: The caller may not know what is in the bucket.
    """
    if not may_list(exchange, bucket):
        _require(exchange, Need("s3:ListBucket", bucket))


def judge_s3(exchange: Exchange, need: Need) -> tuple[Decision, str]:
    """The decision on one S3 permission, without an event, and the number of the account that owns the resource.

    A bucket that does not exist is nobody's: the handler answers for it, and nothing is decided here.
    """
    identity, realm = exchange.identity, exchange.realm
    if need.bucket is None or need.action == "s3:CreateBucket":
        owner, bucket = realm.accounts.get(identity.account), None
    else:
        owner = exchange.sandbox.realms.owner(realm, need.bucket)
        if owner is None:
            return ALLOWED, ""
        bucket = bucket_of(owner, need.bucket)
    number = "" if owner is None else owner.id
    context = RequestContext(exchange, identity, owner, need.bucket, need.key, need.version)
    if exchange.request.operation in _PARTS:
        context.upload = _begun_with(exchange, bucket)
    question = Question(identity, need.action, need.resource, number, context)
    return decide_s3(realm, question, bucket), number


def decide_s3(realm: Realm, question: Question, bucket: SealedBucket | None) -> Decision:
    """The decision on an S3 permission under the bucket's policy and its Block Public Access."""
    if omniscient(question.identity, question.action):
        return ALLOWED
    text = bucket.policy_text if bucket is not None else None
    policy = None if text is None else compile_policy(text)
    decision = evaluate(
        question,
        policies_of(realm, question.identity, resource=policy, restrict_public=_restricted(bucket, policy)),
    )
    if (
        not decision.allowed
        and question.identity.kind == "root"
        and question.identity.account == question.owner
        and question.action in _ALWAYS_FOR_ROOT
    ):
        return Decision(allowed=True, reason="allow", denied_by=None, trace=decision.trace)
    return decision


def omniscient(identity: Identity, action: str) -> bool:
    """Whether this is the validator's principal, reading."""
    return identity.omniscient and action.partition(":")[2].startswith(_READS)


def bucket_of(owner: Account, name: str) -> SealedBucket | None:
    """The bucket as S3 keeps it."""
    from lab.sandbox.moto_hooks import s3

    return s3.buckets(owner).get(name)


def _restricted(bucket: SealedBucket | None, policy: Policy | None) -> bool:
    if bucket is None or policy is None:
        return False
    block = bucket.public_access_block
    return block is not None and bool(block.restrict_public_buckets) and is_public(policy)


def policies_of(
    realm: Realm,
    identity: Identity,
    *,
    resource: Policy | None = None,
    resource_kind: Source = "bucket policy",
    resource_must_allow: bool = False,
    grant: str | None = None,
    restrict_public: bool = False,
) -> Policies:
    """What applies to whatever this identity asks, beside the policy of the resource."""
    named: Iterable[tuple[str, str]] = ()
    boundary: str | None = None
    account = realm.accounts.get(identity.account)
    if account is not None and identity.kind in {"user", "role"}:
        from lab.sandbox.moto_hooks import iam

        named, boundary = iam.identity_policies(account, identity)
    return Policies(
        identity=tuple([(name, compile_policy(text)) for name, text in named]),
        boundary=None if boundary is None else compile_policy(boundary),
        session=tuple([compile_policy(one) for one in identity.session_policies]),
        resource=resource,
        resource_kind=resource_kind,
        resource_must_allow=resource_must_allow,
        grant=grant,
        restrict_public=restrict_public,
    )


def _require(exchange: Exchange, need: Need) -> None:
    decision, owner = judge_s3(exchange, need)
    if decision is ALLOWED and not owner:
        return  # no such bucket: the handler says so
    _tell(exchange, need.action, need.resource, decision)
    if not decision.allowed:
        raise denials.s3_denied(denials.s3_text(decision, exchange.identity, need.action, need.resource, owner))


def _tell(exchange: Exchange, action: str, resource: str, decision: Decision) -> None:
    exchange.emit(
        "decision",
        {
            "action": action,
            "resource": resource,
            "allowed": decision.allowed,
            "reason": decision.reason,
            "denied_by": decision.denied_by,
            "trace": decision.trace,
        },
    )


def _begun_with(exchange: Exchange, bucket: SealedBucket | None) -> Mapping[str, str]:
    """The encryption headers that a multipart upload was begun with: its parts are judged by them."""
    upload_id = exchange.request.query_value("uploadId")
    upload = None if bucket is None or upload_id is None else bucket.uploads.get(upload_id)
    return getattr(upload, "requested", None) or {}


def _copied_tags(exchange: Exchange) -> list[Need]:
    """A copy takes the source's tags along unless told otherwise; where there are any, that needs permissions too."""
    request = exchange.request
    source = actions.copy_source(request)
    replaced = (request.headers.get("x-amz-tagging-directive") or "").upper() == "REPLACE"
    if request.operation != "CopyObject" or source is None or replaced:
        return []
    owner = exchange.sandbox.realms.owner(exchange.realm, source[0])
    if not RequestContext(exchange, exchange.identity, owner, *source).stored_tags():
        return []
    name = "s3:GetObjectTagging" if source[2] is None else "s3:GetObjectVersionTagging"
    return [Need(name, *source), Need("s3:PutObjectTagging", request.bucket, request.key)]


def _check_expected_owners(exchange: Exchange) -> None:
    """``x-amz-expected-bucket-owner`` and its counterpart for a copy's source."""
    headers = exchange.request.headers
    source = actions.copy_source(exchange.request)
    expectations = (
        ("x-amz-expected-bucket-owner", exchange.request.bucket),
        ("x-amz-source-expected-bucket-owner", None if source is None else source[0]),
    )
    for header, bucket in expectations:
        expected = headers.get(header)
        if expected is None or bucket is None:
            continue
        owner = exchange.sandbox.realms.owner(exchange.realm, bucket)
        if owner is not None and owner.id != expected:
            raise denials.s3_denied()


# ---- KMS -------------------------------------------------------------------------------------------------------------


def authorize_kms(
    exchange: Exchange,
    *,
    caller: Identity,
    action: str,
    key_arn: str,
    key_account: str,
    key_policy: str | None,
    grants: Sequence[Grant],
    context: Mapping[str, str],
    via: str | None,
    extra: Mapping[str, Value],
) -> None:
    """Judge one action on one KMS key.

    Args:
        exchange: The request in whose course this happens.
        caller: In whose name.
        action: ``kms:Decrypt``.
        key_arn: The key, or ``*`` for what concerns no key.
        key_account: Whose the key is.
        key_policy: None for what concerns no key: identity policies alone decide.
        grants: The key's grants.
        context: The encryption context of the call.
        via: ``s3`` where S3 calls in the caller's name.
        extra: Condition keys that only KMS knows.

    Raises:
        ServiceError: ``AccessDeniedException``.
    """
    keys = kms_keys(context, via, extra)
    realm = exchange.realm
    lookup = RequestContext(exchange, caller, realm.accounts.get(key_account), via=via, extra=keys)
    question = Question(caller, action, key_arn, key_account, lookup)
    decision = decide_kms(realm, question, key_policy, grants, context)
    _tell(exchange, action, key_arn, decision)
    if not decision.allowed:
        raise denials.json_denied(denials.plain_text(decision, caller, action, key_arn, key_account))


def kms_keys(context: Mapping[str, str], via: str | None, extra: Mapping[str, Value]) -> dict[str, Value]:
    """The condition keys of a KMS call, lower case."""
    keys: dict[str, Value] = {name.lower(): value for name, value in extra.items()}
    for name, value in context.items():
        keys[f"kms:encryptioncontext:{name.lower()}"] = value
    if context:
        keys["kms:encryptioncontextkeys"] = list(context)
    if via is not None:
        keys["kms:viaservice"] = f"{via}.{REGION}.amazonaws.com"
    return keys


def decide_kms(
    realm: Realm, question: Question, key_policy: str | None, grants: Sequence[Grant], context: Mapping[str, str]
) -> Decision:
    """The decision on one action on one KMS key."""
    if omniscient(question.identity, question.action):
        return ALLOWED
    policies = policies_of(
        realm,
        question.identity,
        resource=None if key_policy is None else compile_policy(key_policy),
        resource_kind="key policy",
        resource_must_allow=key_policy is not None,
        grant=next((one.id for one in grants if _grants(one, question.identity, question.action, context)), None),
    )
    return evaluate(question, policies)


def _grants(grant: Grant, caller: Identity, action: str, context: Mapping[str, str]) -> bool:
    names = {caller.arn, caller.principal_arn}
    operation = action.removeprefix("kms:")
    if operation == "RetireGrant":
        return grant.retiring in names or (grant.grantee in names and "RetireGrant" in grant.operations)
    if grant.grantee not in names or operation not in grant.operations:
        return False
    if operation in {"DescribeKey", "CreateGrant"}:  # these have no encryption context of their own
        return True
    if grant.context_equals is not None and dict(context) != grant.context_equals:
        return False
    subset = grant.context_subset or {}
    return all(context.get(name) == value for name, value in subset.items())


# ---- STS, IAM and the others -----------------------------------------------------------------------------------------


def authorize_assume_role(
    exchange: Exchange,
    *,
    role_arn: str,
    role_account: str,
    trust_policy: str,
    extra: Mapping[str, Value] | None = None,
    action: str = "sts:AssumeRole",
) -> None:
    """Judge whether the caller may assume a role: its trust policy must allow, and the caller's policies.

    Args:
        exchange: The request.
        role_arn: The role.
        role_account: Whose it is.
        trust_policy: Its trust policy, as stored.
        extra: Condition keys of STS (``sts:ExternalId``).
        action: ``sts:TagSession`` as well, where the session is to have tags.

    Raises:
        ServiceError: ``AccessDenied``.
    """
    identity, realm = exchange.identity, exchange.realm
    keys: dict[str, Value] = {name.lower(): value for name, value in (extra or {}).items()}
    lookup = RequestContext(exchange, identity, realm.accounts.get(role_account), extra=keys)
    question = Question(identity, action, role_arn, role_account, lookup)
    if omniscient(identity, question.action):
        decision = ALLOWED
    else:
        policies = policies_of(
            realm,
            identity,
            resource=compile_policy(trust_policy),
            resource_kind="trust policy",
            resource_must_allow=True,
        )
        decision = evaluate(question, policies)
    _tell(exchange, question.action, role_arn, decision)
    if not decision.allowed:
        message = f"User: {identity.arn} is not authorized to perform: {action} on resource: {role_arn}"
        raise denials.query_denied(message)


def _authorize_account(exchange: Exchange) -> None:
    """Services whose resources have no policies of their own: the caller's identity policies decide."""
    request, identity, realm = exchange.request, exchange.identity, exchange.realm
    action = f"{request.service}:{request.operation}"
    resource = "*"
    if request.service == "iam":
        resource = _iam_resource(exchange)
    lookup: Lookup = RequestContext(exchange, identity, realm.accounts.get(identity.account))
    question = Question(identity, action, resource, identity.account, lookup)
    decision = ALLOWED if omniscient(identity, action) else evaluate(question, policies_of(realm, identity))
    _tell(exchange, action, resource, decision)
    if not decision.allowed:
        raise _account_denied(exchange, denials.plain_text(decision, identity, action, resource, identity.account))


def _iam_resource(exchange: Exchange) -> str:
    request, identity = exchange.request, exchange.identity
    named = actions.iam_resource(identity, request.operation, request.parameters)
    account = exchange.realm.accounts.get(identity.account)
    if account is None or request.operation in actions.MAKES_A_PATH:
        return named
    from lab.sandbox.moto_hooks import iam

    return iam.with_path(account, named)


def _account_denied(exchange: Exchange, message: str) -> ServiceError:
    return denials.query_denied(message) if exchange.request.service == "iam" else denials.json_denied(message)
