"""Many clients at once: no update is lost, no key is mixed up, one of several conditional writes wins."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import ClientError

from tests.sandbox.s3.stage import Stage

CLIENTS = 64


def body_of(number: int) -> bytes:
    return hashlib.shake_128(str(number).encode()).digest(2000 + number)


def test_every_client_reads_what_it_wrote(stage: Stage) -> None:
    bucket, arn = stage.bucket(customer_keys=True), stage.key()
    stage.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    modes: list[dict[str, Any]] = [
        {},
        {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": arn},
        {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": arn, "BucketKeyEnabled": True},
        {"ServerSideEncryption": "aws:kms:dsse", "SSEKMSKeyId": arn},
    ]
    client = stage.client("default", max_pool_connections=CLIENTS)

    def run(number: int) -> tuple[str, bytes]:
        body, options = body_of(number), modes[number % 5] if number % 5 < 4 else {}
        read: dict[str, Any] = {}
        if number % 5 == 4:
            key = hashlib.sha256(str(number).encode()).digest()
            options = read = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": key}
        put = client.put_object(Bucket=bucket, Key="one key for all", Body=body, **options)
        found = client.get_object(Bucket=bucket, Key="one key for all", VersionId=put["VersionId"], **read)
        return str(put["VersionId"]), found["Body"].read()

    with ThreadPoolExecutor(CLIENTS) as pool:
        results = list(pool.map(run, range(CLIENTS)))
    assert [body for _, body in results] == [body_of(number) for number in range(CLIENTS)]
    listed = stage.s3.list_object_versions(Bucket=bucket)["Versions"]
    assert {one["VersionId"] for one in listed} == {version for version, _ in results}


def test_one_of_many_conditional_writes_wins(stage: Stage) -> None:
    bucket = stage.bucket()
    client = stage.client("default", max_pool_connections=16)

    def run(number: int) -> int:
        try:
            client.put_object(Bucket=bucket, Key="a", Body=str(number).encode(), IfNoneMatch="*")
        except ClientError as error:
            response: Any = error.response
            return int(response["ResponseMetadata"]["HTTPStatusCode"])
        return 200

    with ThreadPoolExecutor(16) as pool:
        statuses = sorted(pool.map(run, range(16)))
    assert statuses == [200] + [412] * 15


def test_requests_that_arrive_together_fetch_a_bucket_key_once(stage: Stage) -> None:
    bucket, arn = stage.bucket(), stage.key()
    stage.default(bucket, "aws:kms", arn, bucket_key=True)
    client, mark = stage.client("default", max_pool_connections=16), stage.mark()
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda number: client.put_object(Bucket=bucket, Key=str(number), Body=b"x"), range(32)))
    assert [one["data"]["operation"] for one in stage.events("kms", mark)] == ["GenerateDataKey"]
