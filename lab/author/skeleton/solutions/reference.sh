#!/usr/bin/env bash
set -euo pipefail
aws s3 cp note.txt "s3://$LAB_BUCKET_DESK/note.txt"
