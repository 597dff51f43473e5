set -e
cat > put_env.py <<'PY'
import base64, os
from pathlib import Path

import boto3

bucket = os.environ["LAB_BUCKET_ENV"]
kms, s3 = boto3.client("kms"), boto3.client("s3")
for name in ("a.txt", "b.txt", "c.txt"):
    context = {"bucket": bucket, "key": name}
    blob = kms.encrypt(KeyId=os.environ["LAB_KEY_MAIN"], Plaintext=Path("plain", name).read_bytes(), EncryptionContext=context)["CiphertextBlob"]
    s3.put_object(Bucket=bucket, Key=name, Body=blob, Metadata={"x-lab-edk": base64.b64encode(blob).decode(), "x-lab-nonce": base64.b64encode(os.urandom(12)).decode()})
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
python put_env.py
