import os
from pathlib import Path

import boto3

s3 = boto3.client("s3")
bucket = os.environ["LAB_BUCKET_DOCS"]
s3.put_bucket_encryption(
    Bucket=bucket,
    ServerSideEncryptionConfiguration={
        "Rules": [
            {
                "ApplyServerSideEncryptionByDefault": {
                    "SSEAlgorithm": "aws:kms",
                    "KMSMasterKeyID": os.environ["LAB_KEY_MAIN"],
                },
                "BucketKeyEnabled": True,
                "BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]},
            }
        ]
    },
)
s3.put_object(Bucket=bucket, Key="probe.txt", Body=Path("probe.txt").read_bytes())
