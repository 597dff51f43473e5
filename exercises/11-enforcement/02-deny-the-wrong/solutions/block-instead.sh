#!/usr/bin/env bash
# SSE-C is refused by the bucket's own block; the policy pins mode and key.
set -euo pipefail
aws s3api put-bucket-encryption --bucket "$LAB_BUCKET_LEDGER" --server-side-encryption-configuration \
    "{\"Rules\":[{\"ApplyServerSideEncryptionByDefault\":{\"SSEAlgorithm\":\"aws:kms\",\"KMSMasterKeyID\":\"$LAB_KEY_A\"},\"BucketKeyEnabled\":true,\"BlockedEncryptionTypes\":{\"EncryptionType\":[\"SSE-C\"]}}]}"
cat > policy.json <<JSON
{"Version": "2012-10-17", "Statement": [
  {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "s3:PutObject",
   "Resource": ["arn:aws:s3:::$LAB_BUCKET_LEDGER", "arn:aws:s3:::$LAB_BUCKET_LEDGER/*"],
   "Condition": {"StringEquals": {"s3:x-amz-server-side-encryption": ["AES256", "aws:kms:dsse"]}}},
  {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "s3:*",
   "Resource": "arn:aws:s3:::$LAB_BUCKET_LEDGER/*",
   "Condition": {"StringNotEqualsIfExists": {"s3:x-amz-server-side-encryption-aws-kms-key-id": "$LAB_KEY_A"},
                 "Null": {"s3:x-amz-server-side-encryption-aws-kms-key-id": "false"}}}
]}
JSON
aws s3api put-bucket-policy --bucket "$LAB_BUCKET_LEDGER" --policy file://policy.json
