#!/bin/sh
aws s3api put-object --bucket "$LAB_BUCKET_VAULT" --key note.txt --body note.txt
chmod 600 key.bin
echo S3 > answer.txt
