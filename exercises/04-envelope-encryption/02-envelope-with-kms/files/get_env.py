"""Read an object in the envelope format: python get_env.py KEY OUT"""

import os
import sys

import boto3

BUCKET = os.environ["LAB_BUCKET_ENV"]


def main() -> None:
    key, out = sys.argv[1], sys.argv[2]
    kms, s3 = boto3.client("kms"), boto3.client("s3")
    # 1. get the object and its metadata
    # 2. have KMS decrypt the data key, with the context that this name must have
    # 3. decrypt, and only then write the file
    raise SystemExit("get_env.py is not written yet")


main()
