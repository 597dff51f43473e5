"""Tags of keys, and what conditions see of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lab.sandbox.kms import errors
from lab.sandbox.kms.call import refuse_states, require_customer_managed
from lab.sandbox.kms.paging import page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.sandbox.kms.call import Call, Extra

LIMIT: Final = 50


def read(pairs: Sequence[Any]) -> dict[str, str]:
    """Tags of a request as a mapping.

    Raises:
        ServiceError: ``TagException`` for a tag that KMS does not take.
    """
    tags: dict[str, str] = {}
    for pair in pairs:
        name, value = pair.get("TagKey"), pair.get("TagValue")
        if not isinstance(name, str) or not isinstance(value, str) or not 1 <= len(name) <= 128 or len(value) > 256:
            raise errors.refusal("TagException", "Invalid tag: a key has 1 to 128 characters, a value at most 256.")
        if name.lower().startswith("aws:"):
            raise errors.refusal("TagException", "Tags beginning with aws: are reserved")
        if name in tags:
            raise errors.refusal("TagException", "Duplicate tag keys")
        tags[name] = value
    if len(tags) > LIMIT:
        raise errors.refusal("TagException", "Too many tags")
    return tags


def condition_keys(tags: dict[str, str]) -> Extra:
    """What policies may ask about the tags in a request."""
    if not tags:
        return {}
    return {"aws:TagKeys": list(tags), **{f"aws:RequestTag/{name}": value for name, value in tags.items()}}


def tag_resource(call: Call) -> dict[str, Any]:
    """TagResource."""
    tags = read(call.parameters["Tags"])
    key = call.find(call.parameters["KeyId"])
    call.authorize(key, "kms:TagResource", condition_keys(tags))
    require_customer_managed(call, key)
    refuse_states(key, "PendingDeletion")
    merged = key.tags | tags
    if len(merged) > LIMIT:
        raise errors.refusal("TagException", "Too many tags")
    key.tags = merged
    call.changed()
    return {}


def untag_resource(call: Call) -> dict[str, Any]:
    """UntagResource: names that the key does not have are passed over."""
    names = call.parameters["TagKeys"]
    key = call.find(call.parameters["KeyId"])
    call.authorize(key, "kms:UntagResource", {"aws:TagKeys": list(names)})
    require_customer_managed(call, key)
    refuse_states(key, "PendingDeletion")
    key.tags = {name: value for name, value in key.tags.items() if name not in names}
    call.changed()
    return {}


def list_resource_tags(call: Call) -> dict[str, Any]:
    """ListResourceTags."""
    key = call.find(call.parameters["KeyId"])
    call.authorize(key, "kms:ListResourceTags")
    tags, rest = page(list(key.tags.items()), call.parameters, default=50)
    return {"Tags": [{"TagKey": name, "TagValue": value} for name, value in tags], **rest}
