"""kill -9 of each server: it comes back by itself, with everything it had acknowledged."""

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import asyncpg
import boto3
import pytest
from temporalio.client import Client

from devstack.postgres import admin_url
from devstack.probes import json_rpc
from devstack.rented import RentedStack
from devstack.servers import bitcoin_credentials, heartbeat_file
from tests.devstack.waiting import eventually

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def stack() -> Iterator[RentedStack]:
    """Servers of this module alone: what it kills and mines would disturb the tests of others."""
    own = RentedStack()
    yield own
    own.close()


def kill_and_wait(stack: RentedStack, name: str) -> None:
    died = stack.kill(name)

    assert eventually(lambda: stack.pid(name) not in (None, died) and stack.is_healthy(name))


def bitcoin(stack: RentedStack, method: str, *params: object) -> Any:
    credentials = bitcoin_credentials(stack.site)
    return json_rpc(stack.port("bitcoind"), method, *params, basic=credentials)


def ethereum(stack: RentedStack, method: str, *params: object) -> Any:
    return json_rpc(stack.port("anvil"), method, *params)


def on_disk(stack: RentedStack) -> dict[str, str]:
    """The newest block of each chain that a kill cannot take."""
    return json.loads(heartbeat_file(stack.site).read_text())


def height_on_disk(stack: RentedStack) -> int:
    block = ethereum(stack, "eth_getBlockByHash", on_disk(stack)["ethereum"], False)
    return int(block["number"], 16) if block else -1


@pytest.fixture
def aws(stack: RentedStack) -> Callable[[str], Any]:
    stack.require("ministack", "roto")
    env = stack.env

    def client(service: str) -> Any:
        endpoint = env.get(f"AWS_ENDPOINT_URL_{service.upper()}", env["AWS_ENDPOINT_URL"])
        return boto3.client(
            service,
            endpoint_url=endpoint,
            region_name=env["AWS_REGION"],
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    return client


async def test_committed_row_survives_kill_of_postgres(stack: RentedStack):
    stack.require("postgres")
    connection = await asyncpg.connect(admin_url(stack.site))
    await connection.execute("CREATE TABLE kept (id int); INSERT INTO kept VALUES (7)")

    kill_and_wait(stack, "postgres")

    connection = await asyncpg.connect(admin_url(stack.site))
    assert await connection.fetchval("SELECT id FROM kept") == 7
    await connection.execute("DROP TABLE kept")
    await connection.close()


async def test_workflow_survives_kill_of_temporal(stack: RentedStack):
    stack.require("temporal")
    address = stack.env["RIALTO_TEMPORAL_ADDRESS"]
    client = await Client.connect(address, namespace="rialto")
    handle = await client.start_workflow("Waits", id=str(uuid.uuid4()), task_queue="nobody")

    kill_and_wait(stack, "temporal")

    client = await Client.connect(address, namespace="rialto")
    description = await client.get_workflow_handle(handle.id).describe()
    assert description.status is not None
    assert description.status.name == "RUNNING"


def test_acknowledged_key_signs_the_same_after_kill_of_ministack(
    stack: RentedStack, aws: Callable[[str], Any]
):
    kms = aws("kms")
    key = kms.create_key(KeySpec="ECC_SECG_P256K1", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/kept", TargetKeyId=key)
    public_key = kms.get_public_key(KeyId=key)["PublicKey"]

    kill_and_wait(stack, "ministack")

    assert aws("kms").get_public_key(KeyId="alias/kept")["PublicKey"] == public_key


def test_acknowledged_item_and_table_survive_kill_of_ministack(
    stack: RentedStack, aws: Callable[[str], Any]
):
    tables = aws("dynamodb")
    name = f"kept-{uuid.uuid4()}"
    tables.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    tables.put_item(TableName=name, Item={"id": {"S": "lease"}, "epoch": {"N": "1"}})
    tables.update_item(
        TableName=name,
        Key={"id": {"S": "lease"}},
        UpdateExpression="ADD epoch :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
    )

    kill_and_wait(stack, "ministack")

    item = aws("dynamodb").get_item(TableName=name, Key={"id": {"S": "lease"}})["Item"]
    assert item["epoch"] == {"N": "2"}


def test_stored_document_survives_kill_of_ministack(stack: RentedStack, aws: Callable[[str], Any]):
    bucket = f"kept-{uuid.uuid4()}"
    region = {"LocationConstraint": "eu-central-1"}
    aws("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration=region)
    aws("s3").put_object(Bucket=bucket, Key="passport", Body=b"scan", Metadata={"case": "7"})

    kill_and_wait(stack, "ministack")

    stored = aws("s3").get_object(Bucket=bucket, Key="passport")
    assert stored["Body"].read() == b"scan"
    assert stored["Metadata"] == {"case": "7"}


def test_queued_frame_survives_kill_of_roto(stack: RentedStack, aws: Callable[[str], Any]):
    attributes = {"FifoQueue": "true"}
    name = f"kept-{uuid.uuid4()}.fifo"
    queue = aws("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    aws("sqs").send_message(
        QueueUrl=queue, MessageBody="frame", MessageGroupId="1", MessageDeduplicationId="1"
    )

    kill_and_wait(stack, "roto")

    messages = aws("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=1)["Messages"]
    assert [message["Body"] for message in messages] == ["frame"]


def test_mined_blocks_survive_kill_of_bitcoind(stack: RentedStack):
    stack.require("miner", "chain_keeper")
    assert eventually(lambda: stack.is_healthy("miner"))
    assert eventually(heartbeat_file(stack.site).exists)
    tip = on_disk(stack)["bitcoin"]  # The miner may be further by now.

    kill_and_wait(stack, "bitcoind")

    assert bitcoin(stack, "getblock", tip)["confirmations"] >= 1
    assert eventually(lambda: "miner" in bitcoin(stack, "listwallets"))
    assert eventually(lambda: stack.is_healthy("miner"))


def test_mined_transaction_survives_kill_of_anvil():
    stack = RentedStack(RIALTO_ETHEREUM_BLOCKS="keeper")
    try:
        stack.require("anvil", "chain_keeper")
        payer, payee = ethereum(stack, "eth_accounts")[:2]
        payment = {"from": payer, "to": payee, "value": "0x7"}
        txid = ethereum(stack, "eth_sendTransaction", payment)
        assert eventually(lambda: ethereum(stack, "eth_getTransactionReceipt", txid) is not None)
        block = ethereum(stack, "eth_getTransactionReceipt", txid)["blockHash"]
        number = ethereum(stack, "eth_getBlockByHash", block, False)["number"]
        assert eventually(lambda: height_on_disk(stack) >= int(number, 16))

        kill_and_wait(stack, "anvil")

        assert ethereum(stack, "eth_getTransactionReceipt", txid)["blockHash"] == block
    finally:
        stack.close()
