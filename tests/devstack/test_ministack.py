"""One test for each correction that `devstack/ministack_launcher.py` makes to the emulator."""

import json
import subprocess
import uuid
from pathlib import Path
from typing import Any

import boto3
import pytest

from devstack.rented import RentedStack
from devstack.site import CHECKOUT

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def stack_with_ministack(stack: RentedStack) -> RentedStack:
    stack.require("ministack")
    return stack


def client(stack: RentedStack, service: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=stack.env["AWS_ENDPOINT_URL"],
        region_name="eu-central-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


@pytest.fixture
def queue(stack_with_ministack: RentedStack) -> tuple[Any, str]:
    sqs = client(stack_with_ministack, "sqs")
    name = f"corrected-{uuid.uuid4()}.fifo"
    return sqs, sqs.create_queue(QueueName=name, Attributes={"FifoQueue": "true"})["QueueUrl"]


def test_amounts_of_38_digits_are_added_exactly(stack_with_ministack: RentedStack):
    tables = client(stack_with_ministack, "dynamodb")
    name = f"exact-{uuid.uuid4()}"
    tables.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    key = {"id": {"S": "balance"}}
    tables.put_item(TableName=name, Item={**key, "units": {"N": "1" + "0" * 36 + "5"}})

    updated = tables.update_item(
        TableName=name,
        Key=key,
        UpdateExpression="SET units = units - :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
        ReturnValues="ALL_NEW",
    )

    assert updated["Attributes"]["units"] == {"N": "1" + "0" * 36 + "4"}


def in_the_emulator(program: str, **variables: str) -> Any:
    """What the program prints as JSON: it runs beside the launcher, with the emulator's Python."""
    answer = subprocess.run(
        [CHECKOUT / ".venv-aws/bin/python", "-P", "-c", program, CHECKOUT / "devstack"],
        capture_output=True,
        text=True,
        check=True,
        env={"STATE_DIR": "/nonexistent", "PERSIST_STATE": "0", **variables},
    )
    return json.loads(answer.stdout)


def test_waiting_receive_wakes_when_a_message_comes():
    """The emulator's own pause is made an hour long: only waking can end it."""
    program = """
import asyncio, json, sys
sys.path.insert(0, sys.argv[1])
import ministack_launcher as launcher

pause = launcher.WakingAsyncio.sleep
pauses = asyncio.Queue()

async def long_pause(self, seconds):
    pauses.put_nowait(seconds)
    await pause(self, 3_600)

async def main():
    launcher.WakingAsyncio.sleep = long_pause
    launcher.wake_waiting_receives()
    act = launcher.sqs._dispatch
    fifo = {"QueueName": "q.fifo", "Attributes": {"FifoQueue": "true"}}
    url = (await act("CreateQueue", fifo, ""))["QueueUrl"]
    receive = act("ReceiveMessage", {"QueueUrl": url, "WaitTimeSeconds": 20}, url)
    receiver = asyncio.create_task(receive)
    await pauses.get()
    message = {"MessageBody": "frame", "MessageGroupId": "1", "MessageDeduplicationId": "1"}
    await act("SendMessage", {"QueueUrl": url, **message}, url)
    answer = await asyncio.wait_for(receiver, 60)
    print(json.dumps([each["Body"] for each in answer["Messages"]]))

asyncio.run(main())
"""

    assert in_the_emulator(program) == ["frame"]


def test_duplicate_is_still_recognised_although_ids_are_pruned_rarely(queue: tuple[Any, str]):
    sqs, url = queue
    message = {"MessageBody": "frame", "MessageGroupId": "1", "MessageDeduplicationId": "7"}

    first = sqs.send_message(QueueUrl=url, **message)
    second = sqs.send_message(QueueUrl=url, **message)

    assert first["MessageId"] == second["MessageId"]


def test_ids_are_pruned_once_a_second_at_most():
    program = """
import json, sys
sys.path.insert(0, sys.argv[1])
import ministack_launcher as launcher
calls = []
launcher.sqs._prune_dedup = calls.append
launcher.prune_once_a_second()
queue = {"dedup_cache": {}}
for _ in range(100):
    launcher.sqs._prune_dedup(queue)
print(json.dumps(len(calls)))
"""

    assert in_the_emulator(program) == 1


SAVING = """
import asyncio, json, sys
sys.path.insert(0, sys.argv[1])
import ministack_launcher as launcher

async def save_once(durability):
    saves = []
    pause = asyncio.sleep
    async def turn(seconds):
        saves.append(seconds)
        if len(saves) > 2:
            raise asyncio.CancelledError
        await pause(0)
    launcher.asyncio.sleep = turn
    try:
        await durability.save_at_intervals()
    except asyncio.CancelledError:
        launcher.asyncio.sleep = pause

async def main():
    durability = launcher.Durability()
    table = {
        "TableName": "kept",
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    headers = {"x-amz-target": "DynamoDB_20120810.CreateTable"}
    body = json.dumps(table).encode()
    answer = await launcher.dynamodb.handle_request("POST", "/", headers, body, {})
    durability.touch()
    await save_once(durability)
    after_interval = launcher.TABLE_LOG.stat().st_size, launcher.TABLES.exists()
    messages = iter([{"type": "lifespan.shutdown"}])
    async def receive():
        return next(messages)
    async def send(message):
        pass
    receive, send = durability.around_life(receive, send)
    await receive()
    launcher.persistence.save_all(launcher.gateway._build_persistence_save_dict())
    await send({"type": "lifespan.shutdown.complete"})
    print(json.dumps([answer[0], *after_interval, launcher.TABLE_LOG.stat().st_size]))

asyncio.run(main())
"""


@pytest.mark.parametrize(("bytes_max", "is_saved"), [("0", True), ("32000000", False)])
def test_tables_are_saved_and_their_log_emptied_when_it_is_long(
    tmp_path: Path, bytes_max: str, is_saved: bool
):
    """After a clean stop there is none in any case: the emulator saves by itself."""
    status, log_bytes, tables_saved, after_stop = in_the_emulator(
        SAVING, STATE_DIR=str(tmp_path), PERSIST_STATE="1", RIALTO_TABLE_LOG_BYTES=bytes_max
    )

    assert status == 200
    assert (log_bytes == 0, tables_saved) == (is_saved, is_saved)
    assert after_stop == 0
