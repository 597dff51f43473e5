set -e
cat > put_env.py <<'PY'
"""Store a file in the envelope format: python put_env.py FILE KEY"""

import base64
import json
import os
import sys
from pathlib import Path

import boto3
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

BUCKET = os.environ["LAB_BUCKET_ENV"]
KMS_KEY = os.environ["LAB_KEY_MAIN"]


def main():
    path, key = sys.argv[1], sys.argv[2]
    context = {"bucket": BUCKET, "key": key}
    data_key = boto3.client("kms").generate_data_key(KeyId=KMS_KEY, KeySpec="AES_256", EncryptionContext=context)
    nonce = os.urandom(12)
    aad = json.dumps(context, sort_keys=True, separators=(",", ":")).encode()
    body = AESGCM(data_key["Plaintext"]).encrypt(nonce, Path(path).read_bytes(), aad)
    metadata = {
        "x-lab-edk": base64.b64encode(data_key["CiphertextBlob"]).decode(),
        "x-lab-nonce": base64.b64encode(nonce).decode(),
    }
    boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body, Metadata=metadata)


main()
PY
cat > get_env.py <<'PY'
import time

while True:
    time.sleep(1)
PY
for name in a.txt b.txt c.txt; do python put_env.py "plain/$name" "$name"; done
