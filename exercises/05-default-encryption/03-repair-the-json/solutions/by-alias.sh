#!/usr/bin/env bash
set -euo pipefail
aws s3api put-bucket-encryption --bucket "$LAB_BUCKET_DOCS" --server-side-encryption-configuration \
    "Rules=[{ApplyServerSideEncryptionByDefault={SSEAlgorithm=aws:kms,KMSMasterKeyID=$LAB_ALIAS_DOCS},BucketKeyEnabled=true}]"
aws s3api put-object --bucket "$LAB_BUCKET_DOCS" --key probe.txt --body probe.txt
