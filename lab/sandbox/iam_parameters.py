"""The request model of IAM: which members an operation needs, what they may look like, and IAM's words for a misfit.

moto takes any text for a name and writes it into its answers as it came. The table follows the API model that AWS ships
with its SDKs; a test compares the two. SDK clients check lengths before they send, other clients check nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from lab.sandbox.exchange import ServiceError


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a request.

    Attributes:
        low: Least length, or value of a number.
        high: Greatest length or value.
        pattern: As AWS writes it into its answer.
        allowed: The values of an enumeration.
    """

    low: int = 0
    high: int | None = None
    pattern: str = ""
    allowed: tuple[str, ...] = ()


_NAME: Final = r"[\w+=,.@-]+"
_DOCUMENT: Final = Member(1, 131072, r"[\u0009\u000A\u000D\u0020-\u00FF]+")
_ARN: Final = Member(20, 2048)

MEMBERS: Final[Mapping[str, Member]] = {
    "AccessKeyId": Member(16, 128, r"[\w]+"),
    "AssumeRolePolicyDocument": _DOCUMENT,
    "Description": Member(0, 1000, r"[\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]*"),
    "GroupName": Member(1, 128, _NAME),
    "Marker": Member(1, 320, r"[\u0020-\u00FF]+"),
    "MaxItems": Member(1, 1000),
    "MaxSessionDuration": Member(3600, 43200),
    "Path": Member(1, 512, r"(\u002F)|(\u002F[\u0021-\u007E]+\u002F)"),
    "PathPrefix": Member(1, 512, r"\u002F[\u0021-\u007F]*"),
    "PermissionsBoundary": _ARN,
    "PolicyArn": _ARN,
    "PolicyDocument": _DOCUMENT,
    "PolicyName": Member(1, 128, _NAME),
    "RoleName": Member(1, 64, _NAME),
    "Scope": Member(allowed=("All", "AWS", "Local")),
    "Status": Member(allowed=("Active", "Inactive", "Expired")),
    "UserName": Member(1, 128, _NAME),
    "VersionId": Member(0, None, r"v[1-9][0-9]*(\.[A-Za-z0-9-]*)?"),
}
_POLICY_PATH: Final = Member(1, 512, r"((/[A-Za-z0-9\.,\+@=_-]+)*)/")
#: Where an operation asks for something else under the same name.
EXCEPTIONS: Final[Mapping[tuple[str, str], Member]] = {
    ("CreatePolicy", "Description"): Member(0, 1000),
    ("CreatePolicy", "Path"): _POLICY_PATH,
    **{
        (operation, "UserName"): Member(1, 64, _NAME)
        for operation in ("CreateUser", "AttachUserPolicy", "DetachUserPolicy", "ListAttachedUserPolicies")
    },
    **{(f"ListAttached{holder}Policies", "PathPrefix"): _POLICY_PATH for holder in ("User", "Role", "Group")},
    ("ListPolicies", "PathPrefix"): _POLICY_PATH,
}
_TAG_KEY: Final = Member(1, 128, r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+")
_TAG_VALUE: Final = Member(0, 256, r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*")
_MOST_TAGS: Final = 50

#: Members that need not be named, whichever operation has them.
OPTIONAL: Final = frozenset(
    {
        "Description", "Marker", "MaxItems", "MaxSessionDuration", "OnlyAttached", "Path", "PathPrefix",
        "PermissionsBoundary", "Scope", "SetAsDefault", "Tags",
    }
)  # fmt: skip
#: Operations in which the user who asks is meant where none is named.
OF_CALLER: Final = frozenset({"CreateAccessKey", "DeleteAccessKey", "GetUser", "ListAccessKeys", "UpdateAccessKey"})

# Python has no \p{…}: letters, digits and the low line, and the one separator that people write.
_PYTHON: Final = {_TAG_KEY.pattern: r"[\w .:/=+\-@]+", _TAG_VALUE.pattern: r"[\w .:/=+\-@]*"}
_PATH_WORDS: Final = "It must begin and end with / and contain only alphanumeric characters and/or / characters."
_SPOKEN: Final = {
    _NAME: "It must contain only alphanumeric characters and/or the following: +=,.@_-",
    MEMBERS["Path"].pattern: _PATH_WORDS,
    _POLICY_PATH.pattern: _PATH_WORDS,
}


def check(operation: str, members: Mapping[str, object], parameters: Mapping[str, Any]) -> None:
    """Check a request's members as IAM does before it looks at anything else.

    Args:
        operation: botocore's name.
        members: The members that are known of the operation.
        parameters: What was sent of them.

    Raises:
        ServiceError: ``ValidationError``.
    """
    optional = OPTIONAL | {"UserName"} if operation in OF_CALLER else OPTIONAL
    findings = [
        f"Value null at '{_path(name)}' failed to satisfy constraint: Member must not be null"
        for name in sorted(members)
        if name not in optional and name not in parameters
    ]
    for name, value in parameters.items():
        member = EXCEPTIONS.get((operation, name)) or MEMBERS.get(name)
        if member is not None:
            findings += _findings(member, _path(name), value)
    findings += _tag_findings(parameters.get("Tags") or [])
    if findings:
        plural = "" if len(findings) == 1 else "s"
        raise _invalid(f"{len(findings)} validation error{plural} detected: {'; '.join(findings)}")


def _findings(member: Member, path: str, value: Any) -> list[str]:
    found: list[str] = []
    size, kind = (value, "value") if isinstance(value, int) else (len(value), "length")
    if size < member.low:
        found.append(f"Member must have {kind} greater than or equal to {member.low}")
    if member.high is not None and size > member.high:
        found.append(f"Member must have {kind} less than or equal to {member.high}")
    if member.allowed and value not in member.allowed:
        found.append(f"Member must satisfy enum value set: [{', '.join(member.allowed)}]")
    if member.pattern and value and not found and not _fits(member.pattern, value):
        if member.pattern in _SPOKEN:
            raise _invalid(f"The specified value for {path} is invalid. {_SPOKEN[member.pattern]}")
        found.append(f"Member must satisfy regular expression pattern: {member.pattern}")
    return [f"Value '{value}' at '{path}' failed to satisfy constraint: {constraint}" for constraint in found]


def _fits(pattern: str, text: str) -> bool:
    ascii_words = re.ASCII if "\\w" in pattern else re.NOFLAG
    return re.fullmatch(_PYTHON.get(pattern, pattern), text, ascii_words) is not None


def _tag_findings(tags: Any) -> list[str]:
    found: list[str] = []
    for position, tag in enumerate(tags if isinstance(tags, list) else [tags], 1):
        for name, member in (("Key", _TAG_KEY), ("Value", _TAG_VALUE)):
            path = f"tags.{position}.member.{_path(name)}"
            text = tag.get(name) if isinstance(tag, dict) else None
            if not isinstance(text, str):
                found.append(f"Value null at '{path}' failed to satisfy constraint: Member must not be null")
            else:
                found += _findings(member, path, text)
    if len(tags) > _MOST_TAGS:
        found.append(
            f"Value at 'tags' failed to satisfy constraint: Member must have length less than or equal to {_MOST_TAGS}"
        )
    return found


def _path(name: str) -> str:
    return name[0].lower() + name[1:]


def _invalid(message: str) -> ServiceError:
    return ServiceError(400, "ValidationError", message)
