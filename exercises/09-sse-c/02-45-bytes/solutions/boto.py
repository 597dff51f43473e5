import base64
import os
from pathlib import Path

import boto3

text = Path("sse-c-key.txt")
text.chmod(0o600)
boto3.client("s3").put_object(
    Bucket=os.environ["LAB_BUCKET_VAULT"],
    Key="secret-file.txt",
    Body=Path("secret-file.txt").read_bytes(),
    SSECustomerAlgorithm="AES256",
    SSECustomerKey=base64.b64decode(text.read_text()),
)
