import contextlib
import os

import boto3
from botocore.exceptions import ClientError

s3, kms = boto3.client("s3"), boto3.client("kms")
bucket, key = os.environ["LAB_BUCKET_PLUG"], os.environ["LAB_KEY_MAIN"]
kms.disable_key(KeyId=key.rsplit("/", 1)[1])
with contextlib.suppress(ClientError):
    s3.get_object(Bucket=bucket, Key="kms.txt")
with contextlib.suppress(ClientError):
    s3.put_object(Bucket=bucket, Key="new.txt", Body=b"new")
s3.get_object(Bucket=bucket, Key="s3.txt")["Body"].read()
kms.enable_key(KeyId=key)
s3.get_object(Bucket=bucket, Key="kms.txt")["Body"].read()
