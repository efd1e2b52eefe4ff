"""The archives as the emulator's Lambda runs them: nothing but the archive, one batch at a time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from chains.bitcoin.network import network
from chains.bitcoin.node import BitcoinNode
from chains.ethereum.node import EthereumNode
from devstack import lambdas
from devstack.rented import Database, RentedStack
from domain.ids import TradeId
from domain.market import MarketId
from projections.document import Kind
from storage.dynamo_checkpoints import read_positions, write_listings
from storage.dynamo_tables import TABLES, create_table
from storage.dynamo_trades import trades_before
from streams.aws import client, config
from streams.kinesis import MARKET_EVENTS
from tests.projections.conftest import applied, prepare_search, until
from tests.projections.histories import LISTINGS, run_of
from tests.projections.test_processor import traded
from workers.projection_parts import Parts, ProjectionSettings, build

pytestmark = pytest.mark.stack

HERE = "x86_64-manylinux_2_28"
BUCKET = "lambda-releases"
PREFIX = "lambda-"
FUNCTION_SECONDS = 60
ROLE = "arn:aws:iam::000000000000:role/rialto"


@dataclass(frozen=True)
class Releases:
    """Archives in a bucket, as terraform finds them, and the functions made of them."""

    folder: Path

    def function(self, name: str, handler: str, variables: dict[str, str]) -> None:
        functions = client("lambda")
        functions.create_function(
            FunctionName=name,
            Runtime="python3.11",
            Role=ROLE,
            Handler=handler,
            Code={"S3Bucket": BUCKET, "S3Key": f"{name}.zip"},
            Timeout=FUNCTION_SECONDS,
            MemorySize=1024,
            Environment={"Variables": variables},
        )
        functions.get_waiter("function_active_v2").wait(FunctionName=name)

    def invoke(self, name: str, event: dict[str, Any]) -> Any:
        answer = self._caller().invoke(FunctionName=name, Payload=json.dumps(event))
        body = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, body
        return body

    def _caller(self) -> Any:
        """Waits longer than a function may take, and calls once: a call is no query."""
        patient = Config(read_timeout=2 * FUNCTION_SECONDS, retries={"total_max_attempts": 1})
        region = client("lambda").meta.region_name
        return boto3.client("lambda", region_name=region, config=config().merge(patient))


@pytest.fixture(scope="module")
def releases(aws: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Releases:
    folder = tmp_path_factory.mktemp("lambdas")
    s3 = client("s3")
    s3.create_bucket(
        Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name}
    )
    for archive in lambdas.build(folder, platform=HERE):
        s3.upload_file(str(archive), BUCKET, archive.name)
    return Releases(folder)


@pytest.fixture(scope="module")
def lambda_parts(aws: dict[str, str]) -> Parts:
    for table in TABLES:
        create_table(client("dynamodb"), table, PREFIX)
    settings = ProjectionSettings(opensearch_url=aws["RIALTO_OPENSEARCH_URL"], table_prefix=PREFIX)
    parts = build(settings, LISTINGS)
    write_listings(parts.dynamo, LISTINGS.as_json())
    prepare_search(parts)
    return parts


@pytest.fixture
def stream(aws: dict[str, str]) -> Iterator[Any]:
    """The emulator maps its own Kinesis only; ours is another server."""
    kinesis = boto3.client(
        "kinesis",
        endpoint_url=aws["AWS_ENDPOINT_URL"],
        region_name=client("kinesis").meta.region_name,
        config=config(),
    )
    kinesis.create_stream(StreamName=MARKET_EVENTS, ShardCount=2)
    kinesis.get_waiter("stream_exists").wait(StreamName=MARKET_EVENTS)
    yield kinesis
    kinesis.delete_stream(StreamName=MARKET_EVENTS)


def test_the_same_sources_give_the_same_archive(releases: Releases, tmp_path: Path) -> None:
    [again] = lambdas.build(tmp_path, platform=HERE, names=["data-processor"])
    first = releases.folder / "data-processor.zip"

    assert sha256(again.read_bytes()).digest() == sha256(first.read_bytes()).digest()


def test_the_data_processor_takes_a_stream_and_sets_rubbish_aside(
    releases: Releases, lambda_parts: Parts, stream: Any, aws: dict[str, str]
) -> None:
    market = MarketId("BTC-USDT")
    variables = {
        "RIALTO_OPENSEARCH_URL": aws["RIALTO_OPENSEARCH_URL"],
        "RIALTO_TABLE_PREFIX": PREFIX,
        "AWS_ENDPOINT_URL_SQS": aws["AWS_ENDPOINT_URL_SQS"],
    }
    releases.function("data-processor", "workers.projection_lambda.handler", variables)
    letters = lambda_parts.dead_letters.count()
    arn = stream.describe_stream_summary(StreamName=MARKET_EVENTS)["StreamDescriptionSummary"]
    client("lambda").create_event_source_mapping(
        EventSourceArn=arn["StreamARN"],
        FunctionName="data-processor",
        StartingPosition="TRIM_HORIZON",
        BatchSize=500,
        BisectBatchOnFunctionError=True,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )

    def put(data: bytes) -> None:
        stream.put_record(StreamName=MARKET_EVENTS, PartitionKey=market, Data=data)

    put(run_of(traded(20)[:30]))
    put(b"rubbish")
    put(run_of(traded(20)[30:]))

    dynamo = lambda_parts.stores()[0].dynamo
    until(lambda: applied(dynamo, market) == 60, "all events are applied")
    tape = trades_before(dynamo, market, TradeId(21))
    assert [trade.id for trade in tape] == list(range(20, 0, -1))
    until(lambda: lambda_parts.stores()[0].search.count(Kind.TRADE) == 20, "trades are findable")
    until(lambda: read_positions(lambda_parts.dynamo, MARKET_EVENTS), "the lag can be shown")
    # A batch's rubbish is set aside after what could be applied of it.
    until(lambda: lambda_parts.dead_letters.count() > letters, "the rubbish is set aside")
    assert lambda_parts.dead_letters.count() == letters + 1


def test_the_wallet_service_answers_behind_the_gateway(
    releases: Releases, database: Database
) -> None:
    variables = {"RIALTO_DATABASE_URL": database.api}
    releases.function("wallet-service", "api.wallet_service.main.handler", variables)

    def ask(method: str, path: str) -> Any:
        http = {"method": method, "path": path, "sourceIp": "127.0.0.1"}
        event = {"version": "2.0", "rawPath": path, "requestContext": {"http": http}}
        return releases.invoke("wallet-service", event)

    assert ask("GET", "/healthz")["statusCode"] == 200
    assert ask("GET", "/v1/hot-wallets")["statusCode"] == 200
    refused = ask("POST", "/v1/deposit-addresses")
    assert refused["statusCode"] == 401
    assert json.loads(refused["body"])["code"] == "not_authenticated"


async def test_the_event_listener_walks_both_chains(
    releases: Releases, database: Database, stack: RentedStack
) -> None:
    """From their first block, as far as each call's time goes, however long they are by now."""
    stack.require("bitcoind", "anvil", "temporal")
    bitcoin = BitcoinNode.connect(stack.env["RIALTO_BITCOIN_RPC_URL"], network("regtest"))
    ethereum = EthereumNode.connect(stack.env["RIALTO_ETHEREUM_RPC_URL"], 31337)
    known = ("AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL_KINESIS")
    variables = {
        name: value
        for name, value in stack.env.items()
        if name in known
        or name.startswith(("RIALTO_BITCOIN", "RIALTO_ETHEREUM", "RIALTO_TEMPORAL"))
    }
    variables["RIALTO_DATABASE_URL"] = database.worker
    releases.function("event-listener", "workers.event_listener.handler", variables)
    await bitcoin.call("generatetodescriptor", 5, "raw(51)#8lvh9jxk")
    await ethereum.call("anvil_mine", "0x5")
    tips = {"bitcoin": (await bitcoin.tip())[0], "ethereum": (await ethereum.tip())[0]}
    await bitcoin.close()
    await ethereum.close()

    for _ in range(20):  # The session's chains may be longer than one call's time.
        call = asyncio.to_thread(releases.invoke, "event-listener", {"source": "aws.events"})
        heights = await call
        if heights == tips:
            break

    assert heights == tips
