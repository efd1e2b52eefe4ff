"""Makes the AWS resources Rialto needs: queues, streams, tables, buckets, keys.

Production makes them with terraform; this is for one machine and for tests, and works on an AWS
account as well. Running it again is safe: what exists stays as it is, apart from queue attributes,
which are brought up to date.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from storage.dynamo_tables import PREFIX_DEFAULT, TABLES, create_table
from streams.aws import client, error_code
from streams.kinesis import CHAIN_EVENTS, MARKET_EVENTS

if TYPE_CHECKING:
    from types_boto3_kms import KMSClient
    from types_boto3_kms.literals import KeySpecType
    from types_boto3_s3 import S3Client
    from types_boto3_sqs import SQSClient

ORDER_QUEUE_DEFAULT = "rialto-orders.fifo"
EVENT_DEAD_LETTERS = "rialto-events-dead"
RECEIVES_MAX = 5
"""A frame that failed this often goes to the dead letters and no longer blocks its group."""

FOURTEEN_DAYS_SECONDS = str(14 * 24 * 3600)
SHARDS = {CHAIN_EVENTS: 1, MARKET_EVENTS: 2}
BUCKETS = ("rialto-documents", "rialto-journal", "rialto-proofs")
KEYS: dict[str, KeySpecType] = {
    "alias/rialto-payloads": "SYMMETRIC_DEFAULT",
    "alias/rialto-seed": "SYMMETRIC_DEFAULT",
    "alias/rialto-documents": "SYMMETRIC_DEFAULT",
    "alias/rialto-api-secrets": "SYMMETRIC_DEFAULT",
    "alias/rialto-webhooks": "SYMMETRIC_DEFAULT",
    "alias/rialto-hot-bitcoin": "ECC_SECG_P256K1",
    "alias/rialto-hot-ethereum": "ECC_SECG_P256K1",
    "alias/rialto-staff": "ECC_NIST_P256",
}


def seed(
    *, table_prefix: str = PREFIX_DEFAULT, order_queue: str = ORDER_QUEUE_DEFAULT
) -> list[str]:
    """Make whatever is missing; returns the names of what was made."""
    return [
        *_queues(order_queue),
        *_streams(),
        *_tables(table_prefix),
        *_keys(),
        *_buckets(),
    ]


def _queues(order_queue: str) -> Iterator[str]:
    sqs = client("sqs")
    retention = {"MessageRetentionPeriod": FOURTEEN_DAYS_SECONDS}
    # High-throughput mode: limits and de-duplication count per market group, not per queue.
    fifo = {
        **retention,
        "FifoQueue": "true",
        "DeduplicationScope": "messageGroup",
        "FifoThroughputLimit": "perMessageGroupId",
    }
    dead_queue = order_queue.removesuffix(".fifo") + "-dead.fifo"
    yield from _queue(sqs, dead_queue, fifo)
    dead_arn = _queue_arn(sqs, dead_queue)
    redrive = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": RECEIVES_MAX})
    yield from _queue(
        sqs, order_queue, {**fifo, "VisibilityTimeout": "30", "RedrivePolicy": redrive}
    )
    yield from _queue(sqs, EVENT_DEAD_LETTERS, retention)


def _queue(sqs: SQSClient, name: str, attributes: dict[str, str]) -> Iterator[str]:
    try:
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    except ClientError as error:
        if "NonExistentQueue" not in error_code(error) and "QueueDoesNotExist" not in error_code(
            error
        ):
            raise
        sqs.create_queue(QueueName=name, Attributes=attributes)  # type: ignore[arg-type]  # Plain names.
        yield name
        return
    changeable = {key: value for key, value in attributes.items() if key != "FifoQueue"}
    sqs.set_queue_attributes(QueueUrl=url, Attributes=changeable)  # type: ignore[arg-type]  # Plain names.


def _queue_arn(sqs: SQSClient, name: str) -> str:
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return answer["Attributes"]["QueueArn"]


def _streams() -> Iterator[str]:
    kinesis = client("kinesis")
    for name, shards in SHARDS.items():
        try:
            kinesis.create_stream(StreamName=name, ShardCount=shards)
        except kinesis.exceptions.ResourceInUseException:
            continue
        yield name
    for name in SHARDS:
        kinesis.get_waiter("stream_exists").wait(
            StreamName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )


def _tables(prefix: str) -> Iterator[str]:
    dynamodb = client("dynamodb")
    for table in TABLES:
        if create_table(dynamodb, table, prefix):
            yield table.full_name(prefix)


def _keys() -> Iterator[str]:
    kms = client("kms")
    existing = {
        entry["AliasName"]
        for page in kms.get_paginator("list_aliases").paginate()
        for entry in page["Aliases"]
        if entry.get("TargetKeyId")
    }
    for alias, spec in KEYS.items():
        if alias not in existing:
            _key(kms, alias, spec)
            yield alias


def _key(kms: KMSClient, alias: str, spec: KeySpecType) -> None:
    usage: Any = "ENCRYPT_DECRYPT" if spec == "SYMMETRIC_DEFAULT" else "SIGN_VERIFY"
    made = kms.create_key(KeySpec=spec, KeyUsage=usage, Description=alias.removeprefix("alias/"))
    key_id = made["KeyMetadata"]["KeyId"]
    if spec == "SYMMETRIC_DEFAULT":
        _rotate_yearly(kms, key_id)
    kms.create_alias(AliasName=alias, TargetKeyId=key_id)


def _rotate_yearly(kms: KMSClient, key_id: str) -> None:
    try:
        kms.enable_key_rotation(KeyId=key_id)
    except ClientError as error:
        if error_code(error) not in {"UnsupportedOperationException", "InvalidAction"}:
            raise  # An emulator may lack rotation; AWS does not.


def _buckets() -> Iterator[str]:
    s3 = client("s3")
    existing = {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
    for name in BUCKETS:
        if name in existing:
            continue
        _bucket(s3, name)
        yield name


def _bucket(s3: S3Client, name: str) -> None:
    region: Any = s3.meta.region_name
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": region})
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    s3.put_public_access_block(
        Bucket=name,
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": True,
            "BlockPublicPolicy": True,
            "IgnorePublicAcls": True,
            "RestrictPublicBuckets": True,
        },
    )


def main() -> None:
    """Names come from the same variables the processes read."""
    made = seed(
        table_prefix=os.environ.get("RIALTO_TABLE_PREFIX", PREFIX_DEFAULT),
        order_queue=os.environ.get("RIALTO_ORDER_QUEUE", ORDER_QUEUE_DEFAULT),
    )
    print("\n".join(f"made {name}" for name in made) or "nothing to make")


if __name__ == "__main__":
    main()
