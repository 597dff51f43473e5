"""Store a file in the envelope format: python put_env.py FILE KEY"""

import os
import sys

import boto3

BUCKET = os.environ["LAB_BUCKET_ENV"]
KMS_KEY = os.environ["LAB_KEY_MAIN"]


def main() -> None:
    path, key = sys.argv[1], sys.argv[2]
    kms, s3 = boto3.client("kms"), boto3.client("s3")
    # 1. ask KMS for a data key, with the context {"bucket": BUCKET, "key": key}
    # 2. encrypt the file with cryptography's AESGCM, a random 12-byte nonce, and the context as associated data
    # 3. put ciphertext, encrypted data key and nonce into S3, as the brief says
    raise SystemExit("put_env.py is not written yet")


main()
