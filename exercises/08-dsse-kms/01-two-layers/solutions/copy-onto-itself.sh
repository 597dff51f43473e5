#!/usr/bin/env bash
set -euo pipefail
aws s3 cp record.txt "s3://$LAB_BUCKET_RECORDS/record.txt"
aws s3api copy-object --bucket "$LAB_BUCKET_RECORDS" --key record.txt --copy-source "$LAB_BUCKET_RECORDS/record.txt" \
    --server-side-encryption aws:kms:dsse --ssekms-key-id "$LAB_KEY_A"
printf '%s\n' '{"kms_keys": 1, "layer_1_applied_by": "S3", "layer_2_applied_by": "S3", "layer_2_key_managed_by": "S3"}' > answer.json
