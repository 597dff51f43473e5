"""200 S3 requests, marked as one run: python load.py plain-one|plain-four|bk-one|bk-four"""

import os
import sys
import uuid

import boto3
from botocore.config import Config

BUCKETS = {"plain": os.environ["LAB_BUCKET_PLAINKMS"], "bk": os.environ["LAB_BUCKET_BK"]}
ROLES = {"one": ["solo"], "four": ["team-1", "team-2", "team-3", "team-4"]}
OBJECTS = 100


def main() -> None:
    kind = sys.argv[1] if len(sys.argv) == 2 else ""
    where, _, who = kind.partition("-")
    if where not in BUCKETS or who not in ROLES:
        raise SystemExit("usage: python load.py plain-one|plain-four|bk-one|bk-four")
    run = uuid.uuid4().hex[:8]
    marked = Config(user_agent_extra=f"lab-run/{kind}.{run}", retries={"total_max_attempts": 1})
    clients = [boto3.Session(profile_name=role).client("s3", config=marked) for role in ROLES[who]]
    share = OBJECTS // len(clients)
    for index, s3 in enumerate(clients):
        for number in range(index * share, (index + 1) * share):
            s3.put_object(Bucket=BUCKETS[where], Key=f"{run}/{number:03}", Body=b"x" * 64)
        for number in range(index * share, (index + 1) * share):
            s3.get_object(Bucket=BUCKETS[where], Key=f"{run}/{number:03}")["Body"].read()
    print(f"{kind}: {2 * OBJECTS} requests by {len(clients)} role(s). The keys view has the calls.")


main()
