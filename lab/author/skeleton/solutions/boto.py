import os
from pathlib import Path

import boto3

boto3.client("s3").put_object(Bucket=os.environ["LAB_BUCKET_DESK"], Key="note.txt", Body=Path("note.txt").read_bytes())
