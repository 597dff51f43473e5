"""What a request shows under each condition key: computed when a policy asks for it, and only then.

The keys see the request as it was sent, before bucket defaults apply (S3 user guide, "Bucket policies and default
encryption"): an absent header is an absent key. ``s3:TlsVersion`` is absent over plain HTTP.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote

from lab.sandbox.realm import REGION, Account, Realm

if TYPE_CHECKING:
    from lab.sandbox.exchange import Exchange, Request
    from lab.sandbox.identity import Identity

Value = str | Sequence[str] | None

_TYPES = {"user": "User", "role": "AssumedRole", "root": "Account", "anonymous": "Anonymous"}

_PRINCIPAL: dict[str, Callable[[Identity], Value]] = {
    "aws:principalarn": lambda who: None if who.kind == "anonymous" else who.principal_arn,
    "aws:principalaccount": lambda who: who.account or None,
    "aws:principaltype": lambda who: _TYPES[who.kind],
    "aws:username": lambda who: who.name if who.kind == "user" else None,
    "aws:userid": lambda who: who.user_id,
    "aws:principalisawsservice": lambda _who: "false",
    "aws:multifactorauthpresent": lambda who: "false" if who.kind == "role" else None,
    "kms:calleraccount": lambda who: who.account or None,
}


def principal_key(realm: Realm, identity: Identity, key: str) -> Value:
    """A condition key that says who asks; session tags come before those of the user or role."""
    if key.startswith("aws:principaltag/"):
        tags = {**_tags(realm, identity), **identity.tags}
        return next((value for name, value in tags.items() if name.lower() == key[17:]), None)
    read = _PRINCIPAL.get(key)
    return None if read is None else read(identity)


def _tags(realm: Realm, identity: Identity) -> dict[str, str]:
    account = realm.accounts.get(identity.account)
    if account is None:
        return {}
    from lab.sandbox.moto_hooks import iam  # not before a policy asks

    return iam.tags_of(account, identity)


def time_key(now: float, key: str) -> Value:
    """A condition key that says when."""
    if key == "aws:epochtime":
        return str(int(now))
    if key == "aws:currenttime":
        return dt.datetime.fromtimestamp(now, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return None


@dataclass(slots=True)
class RequestContext:
    """The condition keys of one action of one request; called with a lower-case key.

    Attributes:
        identity: Who asks; S3 asks KMS in the caller's name.
        owner: Whose the resource is; None where nobody's.
        bucket: The bucket that the action concerns; a copy's source where its source is read.
        key: The object, None for a bucket's own actions.
        version: The version named, None where none is.
        via: ``s3`` where S3 calls on: what the network shows is S3's then, and absent here.
        extra: Keys that only the caller of the judge knows, lower case.
        upload: Headers of the request that began a multipart upload: its parts are judged by these.
    """

    exchange: Exchange
    identity: Identity
    owner: Account | None
    bucket: str | None = None
    key: str | None = None
    version: str | None = None
    via: str | None = None
    extra: Mapping[str, Value] = field(default_factory=dict)
    upload: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, key: str) -> Sequence[str] | None:
        """The values under a condition key, None where the key is absent."""
        value = self._value(key)
        return [value] if isinstance(value, str) else value

    def _value(self, key: str) -> Value:
        if key in self.extra:
            return self.extra[key]
        read = _REQUEST.get(key)
        if read is not None:
            return read(self)
        if key.startswith("s3:"):
            return self._s3(key[3:])
        value = principal_key(self.exchange.realm, self.identity, key)
        return value if value is not None else time_key(self.exchange.sandbox.clock.now(), key)

    def _s3(self, key: str) -> Value:
        if key.startswith("x-amz-"):
            sent = self.exchange.request.headers.get(key)
            return sent if sent is not None else self.upload.get(key)
        if key.startswith("requestobjecttag/"):
            return next((value for name, value in self._sent_tags() if name.lower() == key[17:]), None)
        if key.startswith("existingobjecttag/"):
            return next((value for name, value in self.stored_tags() if name.lower() == key[18:]), None)
        return None

    def _sent_tags(self) -> list[tuple[str, str]]:
        return parse_qsl(self.exchange.request.headers.get("x-amz-tagging") or "", keep_blank_values=True)

    def stored_tags(self) -> list[tuple[str, str]]:
        """The tags of the object as it is stored."""
        if self.owner is None or self.bucket is None or self.key is None:
            return []
        from lab.sandbox.moto_hooks import s3  # not before a policy asks

        bucket = s3.buckets(self.owner).get(self.bucket)
        if bucket is None:
            return []
        versions = bucket.versions(self.key)
        if self.version is not None:
            versions = [one for one in versions if one.version_id == self.version]
        return list(getattr(versions[-1], "tags", {}).items()) if versions else []

    def sent_tag_keys(self) -> list[str] | None:
        """``s3:RequestObjectTagKeys``."""
        return [name for name, _ in self._sent_tags()] or None


def _query(name: str) -> Callable[[RequestContext], Value]:
    return lambda context: context.exchange.request.query_value(name)


def _header(name: str) -> Callable[[RequestContext], Value]:
    return lambda context: context.exchange.request.headers.get(name)


def _network(read: Callable[[Request], Value]) -> Callable[[RequestContext], Value]:
    return lambda context: None if context.via is not None else read(context.exchange.request)


def _tls_version(request: Request) -> Value:
    return (request.connection.tls_version or "").removeprefix("TLSv") or None


def _copy_source(context: RequestContext) -> Value:
    sent = context.exchange.request.headers.get("x-amz-copy-source")
    return None if sent is None else unquote(sent).removeprefix("/")


def _signature_version(context: RequestContext) -> Value:
    request = context.exchange.request
    sent = request.headers.get("authorization") or ""
    if sent.startswith("AWS4-") or request.query_value("X-Amz-Algorithm") is not None:
        return "AWS4-HMAC-SHA256"
    return "AWS" if sent.startswith("AWS ") or request.query_value("Signature") is not None else None


def _auth_type(context: RequestContext) -> Value:
    request = context.exchange.request
    if "authorization" in request.headers:
        return "REST-HEADER"
    presigned = request.query_value("X-Amz-Signature") is not None or request.query_value("Signature") is not None
    return "REST-QUERY-STRING" if presigned else None


def _signature_age(context: RequestContext) -> Value:
    request = context.exchange.request
    sent = request.query_value("X-Amz-Date") or request.headers.get("x-amz-date")
    try:
        signed = dt.datetime.strptime(sent or "", "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)
    except ValueError:
        return None
    return str(max(0, int((context.exchange.sandbox.clock.now() - signed.timestamp()) * 1000)))


def _owner(context: RequestContext) -> Value:
    return None if context.owner is None else context.owner.id


_REQUEST: dict[str, Callable[[RequestContext], Value]] = {
    "aws:securetransport": lambda context: "true" if context.exchange.request.secure else "false",
    "aws:sourceip": _network(lambda _request: "127.0.0.1"),
    "aws:useragent": _header("user-agent"),
    "aws:referer": _header("referer"),
    "aws:requestedregion": lambda _context: REGION,
    "aws:viaawsservice": lambda context: "false" if context.via is None else "true",
    "aws:resourceaccount": _owner,
    "s3:resourceaccount": _owner,
    "s3:tlsversion": _network(_tls_version),
    "s3:signatureversion": _signature_version,
    "s3:authtype": _auth_type,
    "s3:signatureage": _signature_age,
    "s3:versionid": lambda context: context.version,
    "s3:prefix": _query("prefix"),
    "s3:delimiter": _query("delimiter"),
    "s3:max-keys": _query("max-keys"),
    "s3:x-amz-copy-source": _copy_source,
    "s3:requestobjecttagkeys": RequestContext.sent_tag_keys,
    "s3:object-lock-mode": _header("x-amz-object-lock-mode"),
    "s3:object-lock-retain-until-date": _header("x-amz-object-lock-retain-until-date"),
    "s3:object-lock-legal-hold": _header("x-amz-object-lock-legal-hold"),
}
