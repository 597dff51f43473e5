"""M: audit, quotas and metadata; most of it is not modelled, and must say so instead of pretending."""

from __future__ import annotations

from lab.conformance.expect import refused, same
from lab.conformance.stage import Stage, kms


def m01(stage: Stage) -> None:
    refused(501, "NotImplemented", None, stage.other_service("cloudtrail").lookup_events)


def m02(stage: Stage) -> None:
    bucket = stage.bucket()
    inventory = {
        "Id": "encryption",
        "IsEnabled": True,
        "IncludedObjectVersions": "All",
        "Schedule": {"Frequency": "Daily"},
        "OptionalFields": ["EncryptionStatus", "BucketKeyStatus"],
        "Destination": {"S3BucketDestination": {"Bucket": f"arn:aws:s3:::{bucket}", "Format": "CSV"}},
    }
    one = {"Bucket": bucket, "Id": "encryption"}
    put = stage.s3.put_bucket_inventory_configuration
    refused(501, "NotImplemented", None, put, **one, InventoryConfiguration=inventory)
    refused(501, "NotImplemented", None, stage.s3.get_bucket_inventory_configuration, **one)


def m03(stage: Stage) -> None:
    refused(501, "NotImplemented", None, stage.other_service("service-quotas").list_service_quotas, ServiceCode="kms")


def m04(stage: Stage) -> None:
    bucket, key = stage.bucket(), stage.key()
    stage.put(bucket, "payroll/2026.csv", **kms(key))
    stage.kms.disable_key(KeyId=key)
    same("names", ["payroll/2026.csv"], [o["Key"] for o in stage.s3.list_objects_v2(Bucket=bucket)["Contents"]])
