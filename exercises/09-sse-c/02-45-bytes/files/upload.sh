#!/usr/bin/env bash
# The upload as it was handed over. S3 refuses it.
aws s3api put-object \
    --bucket "$LAB_BUCKET_VAULT" \
    --key secret-file.txt \
    --body secret-file.txt \
    --sse-customer-algorithm AES256 \
    --sse-customer-key fileb://sse-c-key.txt
