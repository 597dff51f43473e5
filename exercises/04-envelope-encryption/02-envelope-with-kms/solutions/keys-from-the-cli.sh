set -e
cat > put_env.py <<'PY'
import base64, json, os, subprocess, sys, secrets

import boto3
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

path, key = sys.argv[1:]
bucket = os.environ["LAB_BUCKET_ENV"]
context = {"bucket": bucket, "key": key}
made = json.loads(subprocess.run(["aws", "kms", "generate-data-key", "--key-id", os.environ["LAB_ALIAS_ENVELOPE"], "--number-of-bytes", "32",
    "--encryption-context", json.dumps(context), "--output", "json"], check=True, capture_output=True).stdout)
nonce = secrets.token_bytes(12)
sealed = AESGCM(base64.b64decode(made["Plaintext"])).encrypt(nonce, open(path, "rb").read(), json.dumps(context, sort_keys=True, separators=(",", ":")).encode())
boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=sealed, ServerSideEncryption="AES256",
    Metadata={"x-lab-edk": made["CiphertextBlob"], "x-lab-nonce": base64.b64encode(nonce).decode()})
PY
cat > get_env.py <<'PY'
"""Read an object in the envelope format: python get_env.py KEY OUT"""

import base64
import json
import os
import sys
from pathlib import Path

import boto3
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

BUCKET = os.environ["LAB_BUCKET_ENV"]


def main():
    key, out = sys.argv[1], sys.argv[2]
    context = {"bucket": BUCKET, "key": key}
    answer = boto3.client("s3").get_object(Bucket=BUCKET, Key=key)
    edk = base64.b64decode(answer["Metadata"]["x-lab-edk"])
    nonce = base64.b64decode(answer["Metadata"]["x-lab-nonce"])
    data_key = boto3.client("kms").decrypt(CiphertextBlob=edk, EncryptionContext=context)["Plaintext"]
    aad = json.dumps(context, sort_keys=True, separators=(",", ":")).encode()
    Path(out).write_bytes(AESGCM(data_key).decrypt(nonce, answer["Body"].read(), aad))


main()
PY
for name in a.txt b.txt c.txt; do python put_env.py "plain/$name" "$name"; done
