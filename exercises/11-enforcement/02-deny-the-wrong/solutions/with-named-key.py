"""As the reference, and who asks for SSE-KMS must name the key."""

import json
import os

import boto3

bucket, key = os.environ["LAB_BUCKET_LEDGER"], os.environ["LAB_KEY_A"]
mode = "s3:x-amz-server-side-encryption"
named = f"{mode}-aws-kms-key-id"


def deny(sid, condition):
    return {
        "Sid": sid,
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
        "Condition": condition,
    }


policy = {
    "Version": "2012-10-17",
    "Statement": [
        deny("NoOtherMode", {"Null": {mode: "false"}, "StringNotEquals": {mode: "aws:kms"}}),
        deny("NoOtherKey", {"Null": {named: "false"}, "StringNotEquals": {named: key}}),
        deny("NameTheKey", {"Null": {mode: "false", named: "true"}}),
        deny("NoSseC", {"Null": {f"{mode}-customer-algorithm": "false"}}),
    ],
}
boto3.client("s3").put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
