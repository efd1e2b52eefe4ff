"""terraform/ applied to the local AWS emulator, then Rialto's own code on what was made."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from chains.keys import KmsKey
from chains.secp256k1 import SignatureMismatch
from devstack.rented import RentedStack
from domain.ids import TradeId
from domain.market import MarketId
from engine import commands
from engine import events as e
from storage.documents import DocumentBucket
from storage.dynamo import Dynamo
from storage.dynamo_tables import LEASES
from storage.dynamo_trades import find_trade
from streams import secret_environment
from streams.aws import client_of
from streams.frames import pack, unpack
from streams.kinesis import MARKET_EVENTS, KinesisProducer, Record
from streams.kinesis_consumer import KinesisConsumer
from streams.lease import Lease
from streams.order_queue import OrderQueue
from tests.infra.emulator.applied import Applied, apply, mirror
from tests.infra.tools import HERE
from tests.projections.histories import LISTINGS, START_US, run_of
from workers.data_processor import KeptPositions, Lag, taker
from workers.projection_parts import ProjectionSettings, build

MARKET = MarketId("BTC-USDT")


@pytest.fixture(scope="module")
def emulator() -> Iterator[RentedStack]:
    stack = RentedStack()
    stack.require("ministack", "osmem")
    yield stack
    stack.close()


@pytest.fixture(scope="module")
def applied(
    emulator: RentedStack, terraform_config: Path, tmp_path_factory: pytest.TempPathFactory
) -> Applied:
    folder = tmp_path_factory.mktemp("applied")
    config = mirror(folder / "mirror", terraform_config.parent)
    return apply(folder / "terraform", config, emulator.env["AWS_ENDPOINT_URL"])


@pytest.fixture(scope="module")
def clients(applied: Applied, emulator: RentedStack) -> Any:
    """Clients of the emulator for every service, SQS and Kinesis too: terraform made them there."""
    variables = {
        key: value for key, value in emulator.env.items() if not key.startswith("AWS_ENDPOINT_URL_")
    }
    assert variables["AWS_ENDPOINT_URL"] == applied.endpoint
    return lambda service: client_of(variables, service)


def test_everything_asked_for_was_made(applied: Applied) -> None:
    assert len(applied.resources) >= 70
    for kind in (
        *("aws_sqs_queue", "aws_kinesis_stream", "aws_dynamodb_table", "aws_kms_key"),
        *("aws_s3_bucket", "aws_iam_role_policy", "aws_secretsmanager_secret"),
    ):
        assert applied.of_type(kind), kind


def test_the_copies_lost_what_is_listed_and_nothing_else(applied: Applied) -> None:
    """What a provider of 2021 does not know. A new line here is a decision, not an accident."""
    listed = (HERE / "emulator" / "lost.txt").read_text(encoding="utf-8").splitlines()

    assert sorted(applied.lost) == listed


async def test_an_order_frame_passes_through_the_queue(clients: Any) -> None:
    command = (commands.CANCEL, 9002, 77, 4999)
    [frame] = pack([(MARKET, command)], group="spot")
    queue = OrderQueue("rialto-orders.fifo", clients("sqs"))

    await queue.send([frame])
    await queue.send([frame])  # The same body within five minutes is queued once.
    received = await queue.receive(wait_seconds=5)
    await queue.delete(received)

    assert [unpack(each.body) for each in received] == [[(MARKET, [command])]]
    assert await queue.receive(wait_seconds=0) == []


async def test_what_is_no_frame_goes_to_the_dead_letters(clients: Any) -> None:
    sqs = clients("sqs")
    queue = OrderQueue("rialto-orders.fifo", sqs)
    url = sqs.get_queue_url(QueueName="rialto-orders.fifo")["QueueUrl"]
    sqs.send_message(
        QueueUrl=url, MessageBody="rubbish", MessageGroupId="spot", MessageDeduplicationId="1"
    )

    [received] = await queue.receive(wait_seconds=5)
    await queue.put_aside(received)

    [dead] = await OrderQueue("rialto-orders-dead.fifo", sqs).receive(wait_seconds=5)
    assert dead.body == "rubbish"


async def test_one_engine_holds_the_lease(clients: Any) -> None:
    table, dynamodb = LEASES.full_name("rialto-"), clients("dynamodb")
    first = Lease(table, "spot", "first", dynamodb=dynamodb)
    second = Lease(table, "spot", "second", dynamodb=dynamodb)

    assert await first.try_acquire()
    assert not await second.try_acquire()
    await first.renew()
    await first.release()
    assert await second.try_acquire()
    assert second.epoch == first.epoch + 1


async def test_an_event_passes_through_kinesis_into_the_projections(
    clients: Any, emulator: RentedStack
) -> None:
    settings = ProjectionSettings(opensearch_url=emulator.env["RIALTO_OPENSEARCH_URL"])
    parts = build(settings, LISTINGS, clients)
    dynamo: Dynamo = parts.stores()[0].dynamo
    trade = (e.FILLED, 1, 500, 2, 11, 7, 0, 12, 8, 0, e.SELL_AGGRESSOR)
    events = [
        (1, START_US, e.RESTED, 11, 7, 1, 500, 2),
        (2, START_US, e.ACCEPTED, 12, 8, 0, 500, 2),
        (3, START_US, *trade),
    ]
    await KinesisProducer(clients("kinesis")).put(
        MARKET_EVENTS, [Record(MARKET, run_of(events, MARKET))]
    )

    stop = asyncio.Event()
    projector = parts.projector()
    consumer = KinesisConsumer(
        clients("kinesis"),
        MARKET_EVENTS,
        KeptPositions(parts.dynamo, MARKET_EVENTS, Lag()),
        lambda _: taker(projector, MARKET_EVENTS),
        idle_seconds=0.1,
    )
    running = asyncio.create_task(consumer.run(stop))
    try:
        async with asyncio.timeout(60):
            while find_trade(dynamo, MARKET, TradeId(1)) is None:
                assert not running.done(), running
                await asyncio.sleep(0.1)
    finally:
        stop.set()
        await running


@pytest.mark.parametrize("chain", ["bitcoin", "ethereum"])
async def test_a_hot_wallet_signs(chain: str, clients: Any) -> None:
    key = await KmsKey.open(clients("kms"), f"alias/rialto-hot-{chain}")
    digest = hashlib.sha256(chain.encode()).digest()

    signature = await key.sign(digest)  # Verified inside, by another library than KMS's.

    signature.verify(digest, key.public_key)
    with pytest.raises(SignatureMismatch):
        signature.verify(hashlib.sha256(b"other").digest(), key.public_key)


async def test_documents_are_stored_under_their_key(applied: Applied, clients: Any) -> None:
    s3, kms = clients("s3"), clients("kms")
    [bucket] = [each for each in applied.of_type("aws_s3_bucket") if "documents" in each["bucket"]]
    documents = DocumentBucket(s3, bucket["bucket"])

    await documents.put("7/passport", "image/png", b"content")

    assert await documents.get("7/passport") == b"content"
    kept = s3.head_object(Bucket=bucket["bucket"], Key="7/passport")
    assert kept["ServerSideEncryption"] == "aws:kms"
    assert kept["SSEKMSKeyId"]
    assert kms.describe_key(KeyId="alias/rialto-documents")["KeyMetadata"]["Enabled"]
    blocked = s3.get_public_access_block(Bucket=bucket["bucket"])["PublicAccessBlockConfiguration"]
    assert all(blocked.values())


def _named(applied: Applied, kind: str) -> Mapping[str, dict[str, Any]]:
    return {each["name"]: each for each in applied.of_type(kind)}


def test_queues_and_tables_are_as_the_modules_say(applied: Applied, clients: Any) -> None:
    """Read back from the emulator, not from Terraform's memory."""
    sqs, dynamodb = clients("sqs"), clients("dynamodb")
    url = sqs.get_queue_url(QueueName="rialto-orders.fifo")["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert attributes["FifoQueue"] == "true"
    assert '"maxReceiveCount":5' in attributes["RedrivePolicy"].replace(" ", "")
    for name in _named(applied, "aws_dynamodb_table"):
        table = dynamodb.describe_table(TableName=name)["Table"]
        assert table["TableStatus"] == "ACTIVE"
        assert table["KeySchema"][0] == {"AttributeName": "pk", "KeyType": "HASH"}


def test_a_function_reads_its_secrets(clients: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the secret that terraform made empty, once an operator has filled it."""
    values = {"RIALTO_DATABASE_URL": "postgresql+asyncpg://a:b@c/d", "RIALTO_SESSION_HOURS": "1"}
    name = "rialto/wallet-service/environment"
    clients("secretsmanager").put_secret_value(SecretId=name, SecretString=json.dumps(values))
    monkeypatch.setattr(secret_environment, "client", clients)
    monkeypatch.setenv("RIALTO_SECRET_ENVIRONMENT", name)
    monkeypatch.setenv("RIALTO_SESSION_HOURS", "2")  # What is set stays.
    monkeypatch.setenv("RIALTO_DATABASE_URL", "")  # So that it is as before afterwards.
    monkeypatch.delenv("RIALTO_DATABASE_URL")

    secret_environment.read_secret_environment()

    assert os.environ["RIALTO_DATABASE_URL"] == values["RIALTO_DATABASE_URL"]
    assert os.environ["RIALTO_SESSION_HOURS"] == "2"
