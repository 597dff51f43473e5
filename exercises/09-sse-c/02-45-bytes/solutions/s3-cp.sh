#!/usr/bin/env bash
set -euo pipefail
umask 077
base64 -d sse-c-key.txt > key.bin
rm sse-c-key.txt
aws s3 cp secret-file.txt "s3://$LAB_BUCKET_VAULT/secret-file.txt" --sse-c AES256 --sse-c-key fileb://key.bin
