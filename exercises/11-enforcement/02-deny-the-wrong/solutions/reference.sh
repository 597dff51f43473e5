#!/usr/bin/env bash
set -euo pipefail
cat > policy.json <<JSON
{"Version": "2012-10-17", "Statement": [
  {"Sid": "NoOtherMode", "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject",
   "Resource": "arn:aws:s3:::$LAB_BUCKET_LEDGER/*",
   "Condition": {"Null": {"s3:x-amz-server-side-encryption": "false"},
                 "StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}}},
  {"Sid": "NoOtherKey", "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject",
   "Resource": "arn:aws:s3:::$LAB_BUCKET_LEDGER/*",
   "Condition": {"Null": {"s3:x-amz-server-side-encryption-aws-kms-key-id": "false"},
                 "StringNotEquals": {"s3:x-amz-server-side-encryption-aws-kms-key-id": "$LAB_KEY_A"}}},
  {"Sid": "NoSseC", "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject",
   "Resource": "arn:aws:s3:::$LAB_BUCKET_LEDGER/*",
   "Condition": {"Null": {"s3:x-amz-server-side-encryption-customer-algorithm": "false"}}}
]}
JSON
aws s3api put-bucket-policy --bucket "$LAB_BUCKET_LEDGER" --policy file://policy.json
