"""Which permissions an operation needs, and on which resources: S3's by table, IAM's by what the request names.

Source: S3 user guide, "Required permissions for Amazon S3 API operations", and the service authorization reference.
A ``versionId`` asks for the version's own action; tagging, ACL and lock headers ask for theirs as well; a copy reads
its source.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, unquote

if TYPE_CHECKING:
    from lab.sandbox.exchange import Request
    from lab.sandbox.identity import Identity

S3_ARN = "arn:aws:s3:::"


@dataclass(frozen=True, slots=True)
class Need:
    """One permission that a request needs.

    Attributes:
        action: ``s3:PutObject``.
        bucket: The bucket concerned, None for the account's own actions.
        key: The object concerned, None for a bucket's own actions.
        version: The version named, None where none is.
    """

    action: str
    bucket: str | None = None
    key: str | None = None
    version: str | None = None

    @property
    def resource(self) -> str:
        """The ARN that policies are matched against."""
        if self.bucket is None:
            return f"{S3_ARN}*"
        return f"{S3_ARN}{self.bucket}" if self.key is None else f"{S3_ARN}{self.bucket}/{self.key}"


_ALIASES: dict[str, str] = {
    "HeadBucket": "ListBucket",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListObjectVersions": "ListBucketVersions",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListParts": "ListMultipartUploadParts",
    "ListBuckets": "ListAllMyBuckets",
    "CompleteMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "GetObjectTorrent": "GetObject",
    "SelectObjectContent": "GetObject",
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "PutObjectLockConfiguration": "PutBucketObjectLockConfiguration",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "DeleteBucketEncryption": "PutEncryptionConfiguration",
    "GetBucketReplication": "GetReplicationConfiguration",
    "PutBucketReplication": "PutReplicationConfiguration",
    "DeleteBucketReplication": "PutReplicationConfiguration",
    "GetBucketLifecycle": "GetLifecycleConfiguration",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "PutBucketLifecycle": "PutLifecycleConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "DeleteBucketLifecycle": "PutLifecycleConfiguration",
    "GetBucketCors": "GetBucketCORS",
    "PutBucketCors": "PutBucketCORS",
    "DeleteBucketCors": "PutBucketCORS",
    "DeleteBucketTagging": "PutBucketTagging",
    "DeleteBucketOwnershipControls": "PutBucketOwnershipControls",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "GetBucketAccelerateConfiguration": "GetAccelerateConfiguration",
    "PutBucketAccelerateConfiguration": "PutAccelerateConfiguration",
    **{
        f"{verb}Bucket{kind}Configuration{plural}": f"{'Get' if verb in {'Get', 'List'} else 'Put'}{kind}Configuration"
        for kind in ("Inventory", "Metrics", "Analytics", "IntelligentTiering")
        for verb, plural in (("Get", ""), ("Put", ""), ("Delete", ""), ("List", "s"))
    },
}

_VERSIONED: dict[str, str] = {
    "GetObject": "GetObjectVersion",
    "GetObjectAcl": "GetObjectVersionAcl",
    "GetObjectTagging": "GetObjectVersionTagging",
    "PutObjectAcl": "PutObjectVersionAcl",
    "PutObjectTagging": "PutObjectVersionTagging",
    "DeleteObject": "DeleteObjectVersion",
    "DeleteObjectTagging": "DeleteObjectVersionTagging",
    "GetObjectAttributes": "GetObjectVersionAttributes",
}

_WRITES = frozenset({"PutObject", "PostObject", "CreateMultipartUpload", "CopyObject"})
#: Judged key by key while the request is handled.
PER_KEY = frozenset({"DeleteObjects"})


def needs(request: Request) -> list[Need]:
    """Every permission that the request needs, in the order in which S3's denials name them."""
    operation, bucket, key = request.operation, request.bucket, request.key
    version = request.query_value("versionId") or None
    if operation in PER_KEY:
        return []
    if operation in _WRITES:
        return [*_reads_of_source(request), *_writes(request)]
    if operation == "UploadPartCopy":
        return [*_reads_of_source(request), Need("s3:PutObject", bucket, key)]
    if operation == "GetObjectAttributes":
        return [_object(name, bucket, key, version) for name in ("GetObject", "GetObjectAttributes")]
    if operation == "HeadObject":
        return [_object("GetObject", bucket, key, version)]
    if operation == "CreateBucket":
        return _creates_bucket(request)
    if operation in _VERSIONED:
        found = [_object(operation, bucket, key, version)]
        if operation == "DeleteObject" and "x-amz-bypass-governance-retention" in request.headers:
            found.append(Need("s3:BypassGovernanceRetention", bucket, key, version))
        return found
    return [Need(f"s3:{_ALIASES.get(operation, operation)}", bucket, key, version)]


def delete_action(version: str | None) -> str:
    """The permission to delete one key of a DeleteObjects request."""
    return "s3:DeleteObject" if version is None else "s3:DeleteObjectVersion"


def copy_source(request: Request) -> tuple[str, str, str | None] | None:
    """Bucket, key and version that a copy reads; None where the header is absent or names no object."""
    sent = request.headers.get("x-amz-copy-source")
    if not sent:
        return None
    path, _, query = sent.partition("?")
    bucket, slash, key = unquote(path).removeprefix("/").partition("/")
    if not slash or not bucket or not key:
        return None
    versions = parse_qs(query).get("versionId")
    return bucket, key, versions[0] if versions else None


def _object(name: str, bucket: str | None, key: str | None, version: str | None) -> Need:
    return Need(f"s3:{_VERSIONED[name] if version else name}", bucket, key, version)


def _reads_of_source(request: Request) -> list[Need]:
    source = copy_source(request)
    return [] if source is None else [_object("GetObject", *source)]


def _writes(request: Request) -> list[Need]:
    headers, bucket, key = request.headers, request.bucket, request.key
    found = [Need("s3:PutObject", bucket, key)]
    if headers.get("x-amz-tagging"):
        found.append(Need("s3:PutObjectTagging", bucket, key))
    if "x-amz-acl" in headers or headers.starting("x-amz-grant-"):
        found.append(Need("s3:PutObjectAcl", bucket, key))
    if "x-amz-object-lock-mode" in headers or "x-amz-object-lock-retain-until-date" in headers:
        found.append(Need("s3:PutObjectRetention", bucket, key))
    if "x-amz-object-lock-legal-hold" in headers:
        found.append(Need("s3:PutObjectLegalHold", bucket, key))
    return found


def _creates_bucket(request: Request) -> list[Need]:
    headers, bucket = request.headers, request.bucket
    found = [Need("s3:CreateBucket", bucket)]
    if (headers.get("x-amz-bucket-object-lock-enabled") or "").lower() == "true":
        found += [Need("s3:PutBucketObjectLockConfiguration", bucket), Need("s3:PutBucketVersioning", bucket)]
    if "x-amz-object-ownership" in headers:
        found.append(Need("s3:PutBucketOwnershipControls", bucket))
    if headers.get("x-amz-acl", "private") != "private" or headers.starting("x-amz-grant-"):
        found.append(Need("s3:PutBucketAcl", bucket))
    return found


_IAM_KINDS: Final = (
    ("RoleName", "role/"), ("GroupName", "group/"), ("UserName", "user/"), ("PolicyName", "policy/"),
    ("InstanceProfileName", "instance-profile/"),
)  # fmt: skip

#: What these make may have a path; the others name what is there already.
MAKES_A_PATH: Final = frozenset({"CreateUser", "CreateRole", "CreateGroup", "CreatePolicy"})


def iam_resource(identity: Identity, operation: str, parameters: Mapping[str, Any]) -> str:
    """The ARN that an IAM request concerns; without a name, what is listed, or the caller.

    Putting a user into a group concerns the group. What is there already is named without its path.
    """
    start = f"arn:aws:iam::{identity.account}:"
    path = str(parameters.get("Path") or "/").lstrip("/") if operation in MAKES_A_PATH else ""
    for member, kind in _IAM_KINDS:
        if parameters.get(member):
            return f"{start}{kind}{path}{parameters[member]}"
    if parameters.get("PolicyArn"):
        return str(parameters["PolicyArn"])
    if operation.startswith("List") and operation.endswith(("Users", "Roles", "Groups")):
        return f"{start}{operation[4:-1].lower()}/"
    if operation == "ListPolicies":
        return f"{start}policy/"
    return identity.principal_arn if identity.kind == "user" else "*"
