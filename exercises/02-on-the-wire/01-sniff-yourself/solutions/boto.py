import json
import os
import re
import subprocess
from pathlib import Path

import boto3

bucket = os.environ["LAB_BUCKET_CLINIC"]
boto3.client("s3").put_object(Bucket=bucket, Key="patient.txt", Body=Path("patient.txt").read_bytes())
recording = subprocess.run(["lab", "xray", "wire", "--raw"], check=True, capture_output=True).stdout
leaks = {
    "bucket": bucket,
    "key": "patient.txt",
    "access_key_id": re.search(rb"Credential=([A-Z0-9]+)/", recording)[1].decode(),
    "header": re.search(rb"(?mi)^host: [^\r\n]+", recording)[0].decode(),
    "body": Path("patient.txt").read_text().splitlines()[1],
}
Path("leaks.json").write_text(json.dumps(leaks))
boto3.client("s3", endpoint_url=os.environ["LAB_HTTPS"]).put_object(
    Bucket=bucket, Key="patient-2.txt", Body=Path("patient-2.txt").read_bytes()
)
