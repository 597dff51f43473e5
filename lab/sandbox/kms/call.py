"""One call to KMS: what it asks, in whose name, and what is found out on the way.

Every operation follows one order: find the key, ask whether the caller may, look at the key's state, act. A call
remembers what its event will tell: the key, the state it was in, the encryption context.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from lab.sandbox.exchange import ServiceError
from lab.sandbox.kms import errors, lifetime, managed
from lab.sandbox.realm import PARTITION, REGION

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lab.sandbox.exchange import Exchange
    from lab.sandbox.identity import Identity
    from lab.sandbox.kms.state import Grant, KmsKey, KmsState
    from lab.sandbox.realm import Account, Realm

_KEY_ID: Final = re.compile(r"(?:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|mrk-[0-9a-f]{32})\Z")

#: Values of condition keys that only KMS knows, by name.
Extra = dict[str, "str | Sequence[str] | None"]


class Authorizer(Protocol):
    """Judges one action on one key (``authorize.authorize_kms``); raises ``AccessDeniedException``."""

    def __call__(
        self,
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
        extra: Mapping[str, str | Sequence[str] | None],
    ) -> None:
        """Return if allowed."""


@dataclass(slots=True, repr=False)
class Call:
    """One call on its way; it holds plaintext, so it has no ``repr``.

    Attributes:
        now: Seconds since the epoch on the sandbox's clock, one value for the whole call.
        key: The key that the call is about, once found.
        key_state: The key's state when it was found.
        asked_key: What the client named, for the event of a call that found no key.
        source_key: ReEncrypt's other key.
        facts: Further members for the event.
    """

    exchange: Exchange
    authorizer: Authorizer
    operation: str
    parameters: dict[str, Any]
    caller: Identity
    via: str | None
    now: float
    key: KmsKey | None = None
    key_state: str | None = None
    asked_key: str | None = None
    source_key: KmsKey | None = None
    context: dict[str, str] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def realm(self) -> Realm:
        """The universe of accounts in which keys are looked up."""
        return self.exchange.realm

    @property
    def account(self) -> Account:
        """The caller's account."""
        return self.realm.accounts[self.caller.account]

    @property
    def state(self) -> KmsState:
        """KMS in the caller's account."""
        return self.account.kms

    def state_of(self, key: KmsKey) -> KmsState:
        """KMS in the account that owns the key."""
        return self.realm.accounts[key.account].kms

    def changed(self) -> None:
        """Tell those who keep the state that it changed."""
        self.exchange.sandbox.realms.changed(self.realm)

    def find(self, key_id: str, *, aliases: bool = False, abroad: bool = False) -> KmsKey:
        """Find the key that a client named, as the subject of this call.

        Args:
            key_id: A key id or key ARN; alias name or alias ARN as well with ``aliases``.
            aliases: Whether the operation takes aliases.
            abroad: Whether the operation works on keys of other accounts.
        """
        self.asked_key = key_id
        key = self.look_up(key_id, aliases=aliases, abroad=abroad)
        self.subject(key)
        return key

    def subject(self, key: KmsKey) -> None:
        """Make the key what this call, and its event, is about."""
        self.key, self.key_state = key, key.state

    def look_up(self, key_id: str, *, aliases: bool = False, abroad: bool = False) -> KmsKey:
        """Find a key without making it the subject; arguments as for :meth:`find`."""
        if key_id.startswith("arn:"):
            return self._by_arn(key_id, aliases=aliases, abroad=abroad)
        if aliases and key_id.startswith("alias/"):
            return self._by_alias(self.account, key_id)
        if not _KEY_ID.match(key_id):
            raise errors.malformed_key_id(key_id)
        return self._by_id(self.account, key_id)

    def authorize(
        self,
        key: KmsKey,
        action: str,
        extra: Extra | None = None,
        *,
        context: bool = False,
        grants: Callable[[Grant], bool] = lambda _grant: True,
    ) -> None:
        """Ask whether the caller may do this to the key.

        Args:
            key: The key.
            action: As policies name it (``kms:Decrypt``).
            extra: Condition keys that come with this operation.
            context: Whether the call's encryption context belongs to this action.
            grants: Which of the key's grants may count for this call.
        """
        state = self.state_of(key)
        known: Extra = {
            "kms:KeySpec": key.spec,
            "kms:KeyUsage": key.usage,
            "kms:KeyOrigin": key.origin,
            "kms:MultiRegion": "false",
            **{f"aws:ResourceTag/{name}": value for name, value in key.tags.items()},
        }
        names = [alias.name for alias in state.aliases.values() if alias.key_id == key.id]
        if names:
            known["kms:ResourceAliases"] = names
        if self.asked_key is not None and "alias/" in self.asked_key:
            known["kms:RequestAlias"] = self.asked_key[self.asked_key.index("alias/") :]
        self.authorizer(
            self.exchange,
            caller=self.caller,
            action=action,
            key_arn=key.arn,
            key_account=key.account,
            key_policy=key.policy,
            grants=[grant for grant in state.grants.values() if grant.key_id == key.id and grants(grant)],
            context=self.context if context else {},
            via=self.via,
            extra=known | extra if extra else known,
        )

    def authorize_account(self, action: str, resource: str = "*", extra: Extra | None = None) -> None:
        """Ask whether the caller may do what concerns no key: identity policies alone decide."""
        self.authorizer(
            self.exchange,
            caller=self.caller,
            action=action,
            key_arn=resource,
            key_account=self.caller.account,
            key_policy=None,
            grants=(),
            context={},
            via=self.via,
            extra=extra or {},
        )

    def settle(self, account: Account) -> None:
        """Make up for what time did to the account's keys."""
        if lifetime.due(account.kms, self.now):
            with self.realm.lock:
                lifetime.settle(account.kms, self.now)
            self.changed()

    def _by_arn(self, arn: str, *, aliases: bool, abroad: bool) -> KmsKey:
        parts = arn.split(":", 5)
        if len(parts) != 6 or parts[1] != PARTITION or parts[2] != "kms":
            raise errors.invalid_arn(arn)
        region, owner, resource = parts[3:]
        if region != REGION:
            raise errors.invalid_arn(region)
        kind, _, name = resource.partition("/")
        if kind not in {"key", "alias"} or not name:
            raise errors.invalid_arn(arn)
        if kind == "alias" and not aliases:
            raise errors.alias_arn_not_supported()
        account = self.realm.accounts.get(owner)
        if owner != self.caller.account and not (abroad and account is not None):
            raise errors.foreign(self.caller.arn, f"kms:{self.operation}")
        if account is None:
            raise errors.no_such_key(arn)
        try:
            return self._by_alias(account, resource) if kind == "alias" else self._by_id(account, name)
        except ServiceError:
            if owner != self.caller.account:
                raise errors.foreign(self.caller.arn, f"kms:{self.operation}") from None
            raise

    def _by_id(self, account: Account, key_id: str) -> KmsKey:
        self.settle(account)
        key = account.kms.keys.get(key_id)
        if key is None:
            raise errors.no_such_key(f"arn:{PARTITION}:kms:{REGION}:{account.id}:key/{key_id}")
        return key

    def _by_alias(self, account: Account, name: str) -> KmsKey:
        self.settle(account)
        alias = account.kms.aliases.get(name)
        if alias is None and name == managed.S3_ALIAS and (self.via == "s3" or self.operation == "DescribeKey"):
            with self.realm.lock:
                key = managed.s3_key(account, self.now)
            self.changed()
            return key
        if alias is None:
            raise errors.no_such_alias(f"arn:{PARTITION}:kms:{REGION}:{account.id}:{name}")
        return account.kms.keys[alias.key_id]


def require_enabled(key: KmsKey) -> None:
    """Cryptographic operations need an enabled key.

    Raises:
        ServiceError: In the words that KMS has for the state the key is in.
    """
    if key.state == "Disabled":
        raise errors.disabled(key.arn)
    if key.state != "Enabled":
        raise errors.wrong_state(key.arn, key.state)


def refuse_states(key: KmsKey, *states: str) -> None:
    """Refuse an operation in these states (KMS developer guide, key states of KMS keys).

    Raises:
        ServiceError: ``KMSInvalidStateException``.
    """
    if key.state in states:
        raise errors.wrong_state(key.arn, key.state)


def require_customer_managed(call: Call, key: KmsKey) -> None:
    """AWS managed keys can be looked at and used through their service, and nothing else.

    Their key policy says so already; this holds for those whom policies do not bind as well.
    """
    if key.manager == "AWS":
        raise errors.denied(call.caller.arn, f"kms:{call.operation}", key.arn)
