"""KMS: one door for clients and for S3 acting in a client's name.

Whoever calls, the same happens: the request is checked, the operation runs, and one ``kms`` event tells what was asked
of which key and how it ended, without plaintext or ciphertext.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lab.sandbox.exchange import ServiceError
from lab.sandbox.kms import aliases, data_keys, errors, grants, keys, policies, rotation, tags
from lab.sandbox.kms.call import Call
from lab.sandbox.kms.parameters import check

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lab.sandbox.exchange import Exchange
    from lab.sandbox.identity import Identity
    from lab.sandbox.kms.call import Authorizer
    from lab.sandbox.kms.state import KmsKey

#: Operations that change nothing but bytes: the realm's lock is not held while they run.
USES: Final[Mapping[str, Callable[[Call], dict[str, Any]]]] = {
    "Decrypt": data_keys.decrypt,
    "DescribeKey": keys.describe_key,
    "Encrypt": data_keys.encrypt,
    "GenerateDataKey": data_keys.generate_data_key,
    "GenerateDataKeyWithoutPlaintext": data_keys.generate_data_key_without_plaintext,
    "GenerateRandom": data_keys.generate_random,
    "ReEncrypt": data_keys.re_encrypt,
}

#: Operations that change or list what an account has.
MANAGEMENT: Final[Mapping[str, Callable[[Call], dict[str, Any]]]] = {
    "CancelKeyDeletion": keys.cancel_key_deletion,
    "CreateAlias": aliases.create_alias,
    "CreateGrant": grants.create_grant,
    "CreateKey": keys.create_key,
    "DeleteAlias": aliases.delete_alias,
    "DisableKey": keys.disable_key,
    "DisableKeyRotation": rotation.disable_key_rotation,
    "EnableKey": keys.enable_key,
    "EnableKeyRotation": rotation.enable_key_rotation,
    "GetKeyPolicy": policies.get_key_policy,
    "GetKeyRotationStatus": rotation.get_key_rotation_status,
    "ListAliases": aliases.list_aliases,
    "ListGrants": grants.list_grants,
    "ListKeyPolicies": policies.list_key_policies,
    "ListKeyRotations": rotation.list_key_rotations,
    "ListKeys": keys.list_keys,
    "ListResourceTags": tags.list_resource_tags,
    "ListRetirableGrants": grants.list_retirable_grants,
    "PutKeyPolicy": policies.put_key_policy,
    "RetireGrant": grants.retire_grant,
    "RevokeGrant": grants.revoke_grant,
    "RotateKeyOnDemand": rotation.rotate_key_on_demand,
    "ScheduleKeyDeletion": keys.schedule_key_deletion,
    "TagResource": tags.tag_resource,
    "UntagResource": tags.untag_resource,
    "UpdateAlias": aliases.update_alias,
    "UpdateKeyDescription": keys.update_key_description,
}


class KmsService:
    """KMS for every realm of the sandbox; all state is in the realms' accounts.

    Args:
        authorizer: Judges each action on each key.
    """

    def __init__(self, authorizer: Authorizer) -> None:
        self._authorizer = authorizer

    def call(
        self,
        exchange: Exchange,
        operation: str,
        parameters: dict[str, Any],
        *,
        caller: Identity,
        via: str | None = None,
    ) -> dict[str, Any]:
        """Authorize, check the key's state, run the operation, append a ``kms`` event.

        Args:
            exchange: The request in whose course this happens.
            operation: botocore's operation name.
            parameters: As boto3 takes them: blobs as bytes.
            caller: In whose name; S3 passes the requester.
            via: ``s3`` when S3 calls in the caller's name, None for a client's own call.

        Returns:
            The answer's members, as boto3 gives them: blobs as bytes, dates as datetimes.

        Raises:
            ServiceError: With KMS's own code (``DisabledException``); S3 rewords it.
        """
        call = Call(
            exchange, self._authorizer, operation, parameters, caller, via, exchange.sandbox.clock.now(),
            context=parameters.get("EncryptionContext") or {}, asked_key=parameters.get("KeyId"),
        )  # fmt: skip
        outcome, message = "InternalError", None
        try:
            answer = self._run(call)
            outcome = "ok"
            return answer
        except ServiceError as error:
            outcome, message = error.code, error.message
            raise
        finally:
            exchange.emit("kms", _event(call, outcome, message))

    def find_key(self, exchange: Exchange, key_id: str, *, caller: Identity, via: str | None = None) -> KmsKey:
        """What a key id, ARN, alias or alias ARN means to this caller; asks no permission and appends no event.

        ``alias/aws/s3`` comes to be when S3 asks for it.

        Raises:
            ServiceError: ``NotFoundException`` in KMS's words.
        """
        call = Call(exchange, self._authorizer, "DescribeKey", {}, caller, via, exchange.sandbox.clock.now())
        return call.find(key_id, aliases=True, abroad=True)

    @staticmethod
    def _run(call: Call) -> dict[str, Any]:
        check(call.operation, call.parameters)
        use = USES.get(call.operation)
        if use is not None:
            return use(call)
        manage = MANAGEMENT.get(call.operation)
        if manage is None:
            raise errors.not_modelled(f"the KMS operation {call.operation}")
        with call.realm.lock:
            call.settle(call.account)
            return manage(call)


def _event(call: Call, outcome: str, message: str | None) -> dict[str, Any]:
    data: dict[str, Any] = {
        "operation": call.operation,
        "key_arn": call.key.arn if call.key else call.asked_key,
        "key_state": call.key_state,
        "via": call.via,
        "context": call.context,
        "caller": call.caller.arn,
        "outcome": outcome,
        "message": message,
        **call.facts,
    }
    if call.source_key is not None:
        data["source_key_arn"] = call.source_key.arn
    if call.parameters.get("GrantTokens"):
        data["grant_tokens"] = True
    return data
