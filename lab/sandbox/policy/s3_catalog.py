"""S3's actions and condition keys: what a bucket policy may name, and which key belongs to which action.

Source: service authorization reference, "Actions, resources, and condition keys for Amazon S3". PutBucketPolicy
refuses what is not listed there.
"""

from __future__ import annotations

from typing import Final


def _named(words: str) -> frozenset[str]:
    return frozenset(f"s3:{word}" for word in words.split())


OBJECT_ACTIONS: Final = _named(
    "AbortMultipartUpload BypassGovernanceRetention DeleteObject DeleteObjectAnnotation DeleteObjectTagging "
    "DeleteObjectVersion DeleteObjectVersionAnnotation DeleteObjectVersionTagging GetObject GetObjectAcl "
    "GetObjectAnnotation GetObjectAttributes GetObjectLegalHold GetObjectRetention GetObjectTagging "
    "GetObjectTorrent GetObjectVersion GetObjectVersionAcl GetObjectVersionAnnotation "
    "GetObjectVersionAnnotationForReplication GetObjectVersionAttributes GetObjectVersionForReplication "
    "GetObjectVersionTagging GetObjectVersionTorrent InitiateReplication ListMultipartUploadParts "
    "ListObjectAnnotations ListObjectVersionAnnotations ObjectOwnerOverrideToBucketOwner PutObject PutObjectAcl "
    "PutObjectAnnotation PutObjectLegalHold PutObjectRetention PutObjectTagging PutObjectVersionAcl "
    "PutObjectVersionAnnotation PutObjectVersionTagging ReplicateDelete ReplicateObject "
    "ReplicateObjectAnnotation ReplicateTags RestoreObject UpdateObjectEncryption"
)

BUCKET_ACTIONS: Final = _named(
    "AllowVendedLogDeliveryForResource CreateBucket CreateBucketMetadataTableConfiguration DeleteBucket "
    "DeleteBucketMetadataTableConfiguration DeleteBucketPolicy DeleteBucketWebsite GetAccelerateConfiguration "
    "GetAnalyticsConfiguration GetBucketAbac GetBucketAcl GetBucketCORS GetBucketLocation GetBucketLogging "
    "GetBucketMetadataTableConfiguration GetBucketNotification GetBucketObjectLockConfiguration "
    "GetBucketOwnershipControls GetBucketPolicy GetBucketPolicyStatus GetBucketPublicAccessBlock "
    "GetBucketRequestPayment GetBucketTagging GetBucketVersioning GetBucketWebsite GetEncryptionConfiguration "
    "GetIntelligentTieringConfiguration GetInventoryConfiguration GetLifecycleConfiguration "
    "GetMetricsConfiguration GetReplicationConfiguration ListBucket ListBucketMultipartUploads "
    "ListBucketVersions ListTagsForResource PauseReplication PutAccelerateConfiguration "
    "PutAnalyticsConfiguration PutBucketAbac PutBucketAcl PutBucketCORS PutBucketLogging PutBucketNotification "
    "PutBucketObjectLockConfiguration PutBucketOwnershipControls PutBucketPolicy PutBucketPublicAccessBlock "
    "PutBucketRequestPayment PutBucketTagging PutBucketVersioning PutBucketWebsite PutEncryptionConfiguration "
    "PutIntelligentTieringConfiguration PutInventoryConfiguration PutLifecycleConfiguration "
    "PutMetricsConfiguration PutReplicationConfiguration TagResource UntagResource "
    "UpdateBucketMetadataAnnotationTableConfiguration UpdateBucketMetadataInventoryTableConfiguration "
    "UpdateBucketMetadataJournalTableConfiguration"
)

#: Known to S3, but they concern neither a bucket nor an object.
OTHER_ACTIONS: Final = _named(
    "CreateAccessPoint CreateJob DeleteAccessPoint DeleteAccessPointPolicy DescribeJob GetAccessPoint "
    "GetAccessPointPolicy GetAccessPointPolicyStatus GetAccountPublicAccessBlock GetDataAccess "
    "ListAccessPoints ListAllMyBuckets ListJobs ListStorageLensConfigurations ListStorageLensGroups "
    "PutAccessPointPolicy PutAccessPointPublicAccessBlock PutAccountPublicAccessBlock "
    "PutStorageLensConfiguration UpdateJobPriority UpdateJobStatus"
)

ACTIONS: Final = OBJECT_ACTIONS | BUCKET_ACTIONS | OTHER_ACTIONS

_LISTS: Final = frozenset({"s3:ListBucket", "s3:ListBucketVersions"})
_WRITES: Final = frozenset({"s3:PutObject", "s3:ReplicateObject", "s3:BypassGovernanceRetention"})
_ACLS: Final = _WRITES | {"s3:PutObjectAcl", "s3:PutObjectVersionAcl", "s3:PutBucketAcl", "s3:CreateBucket"}
_TAGS: Final = _WRITES | {"s3:PutObjectTagging", "s3:PutObjectVersionTagging", "s3:ReplicateTags"}
_LOCKS: Final = _WRITES | {
    "s3:PutObjectRetention", "s3:PutObjectLegalHold", "s3:GetObjectRetention", "s3:GetObjectLegalHold",
    "s3:PutBucketObjectLockConfiguration",
}  # fmt: skip

#: S3's condition keys, lower case, and the actions that they can be combined with.
CONDITION_KEYS: Final[dict[str, frozenset[str]]] = {
    **dict.fromkeys(
        (
        "s3:accessgrantsinstancearn", "s3:accesspointnetworkorigin", "s3:authtype", "s3:dataaccesspointaccount",
        "s3:dataaccesspointarn", "s3:resourceaccount", "s3:signatureage", "s3:signatureversion", "s3:tlsversion",
        "s3:x-amz-content-sha256",
        ),
        ACTIONS,
    ),
    **dict.fromkeys(("s3:prefix", "s3:delimiter", "s3:max-keys"), _LISTS),
    **dict.fromkeys(
        (
        "s3:x-amz-server-side-encryption", "s3:x-amz-server-side-encryption-aws-kms-key-id",
        "s3:x-amz-server-side-encryption-customer-algorithm", "s3:x-amz-copy-source",
        "s3:x-amz-metadata-directive", "s3:x-amz-storage-class", "s3:x-amz-website-redirect-location",
        "s3:objectcreationoperation",
        ),
        _WRITES,
    ),
    **dict.fromkeys(
        (
        "s3:x-amz-acl", "s3:x-amz-grant-full-control", "s3:x-amz-grant-read", "s3:x-amz-grant-read-acp",
        "s3:x-amz-grant-write", "s3:x-amz-grant-write-acp",
        ),
        _ACLS,
    ),
    "s3:requestobjecttagkeys": _TAGS,
    "s3:versionid": OBJECT_ACTIONS,
    "s3:if-match": _WRITES | {"s3:DeleteObject"},
    "s3:if-none-match": _WRITES,
    "s3:locationconstraint": frozenset({"s3:CreateBucket"}),
    "s3:inventoryaccessibleoptionalfields": frozenset({"s3:PutInventoryConfiguration"}),
    **dict.fromkeys(
        (
        "s3:object-lock-legal-hold", "s3:object-lock-mode", "s3:object-lock-remaining-retention-days",
        "s3:object-lock-retain-until-date",
        ),
        _LOCKS,
    ),
}  # fmt: skip

#: Keys that end in a tag's name.
CONDITION_KEY_PREFIXES: Final[dict[str, frozenset[str]]] = {
    "s3:existingobjecttag/": OBJECT_ACTIONS,
    "s3:requestobjecttag/": _TAGS,
    "s3:buckettag/": ACTIONS,
}


def actions_of_key(key: str) -> frozenset[str] | None:
    """The actions that a condition key (lower case) goes with; None for a key that S3 does not know."""
    if key.startswith("aws:"):
        return ACTIONS
    found = CONDITION_KEYS.get(key)
    if found is None:
        found = next((names for start, names in CONDITION_KEY_PREFIXES.items() if key.startswith(start)), None)
    return found
