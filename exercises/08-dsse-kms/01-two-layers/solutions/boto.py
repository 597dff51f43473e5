import json
import os
from pathlib import Path

import boto3

boto3.client("s3").put_object(
    Bucket=os.environ["LAB_BUCKET_RECORDS"],
    Key="record.txt",
    Body=Path("record.txt").read_bytes(),
    ServerSideEncryption="aws:kms:dsse",
    SSEKMSKeyId=os.environ["LAB_KEY_A"].rsplit("/", 1)[1],
)
Path("answer.json").write_text(
    json.dumps(
        {
            "kms_keys": 1,
            "layer_1_applied_by": "s3",
            "layer_2_applied_by": "s3",
            "layer_2_key_managed_by": "s3",
        }
    )
)
