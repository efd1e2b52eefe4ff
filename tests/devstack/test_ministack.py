"""One test for each correction that `devstack/ministack_launcher.py` makes to the emulator."""

import json
import subprocess
import threading
import time
import uuid
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


def test_waiting_receive_wakes_when_a_message_comes(queue: tuple[Any, str]):
    sqs, url = queue
    received_at: list[float] = []

    def receive() -> None:
        sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)
        received_at.append(time.monotonic())

    waits: list[float] = []
    for number in range(5):
        receiver = threading.Thread(target=receive)
        receiver.start()
        threading.Event().wait(0.12)  # Long enough that the receiver waits on the server.
        sent_at = time.monotonic()
        sqs.send_message(
            QueueUrl=url,
            MessageBody="frame",
            MessageGroupId=str(number),
            MessageDeduplicationId=str(number),
        )
        receiver.join()
        waits.append(received_at[-1] - sent_at)

    assert min(waits) < 0.03


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
    answer = subprocess.run(
        [CHECKOUT / ".venv-aws/bin/python", "-P", "-c", program, CHECKOUT / "devstack"],
        capture_output=True,
        text=True,
        check=True,
        env={"STATE_DIR": "/nonexistent", "PERSIST_STATE": "0"},
    )

    assert json.loads(answer.stdout) == 1


def test_interval_saves_empty_the_log_of_table_changes(stack_with_ministack: RentedStack):
    log = stack_with_ministack.site.directory("ministack") / "state" / "dynamodb.ahead.jsonl"
    tables = client(stack_with_ministack, "dynamodb")
    tables.create_table(
        TableName=f"logged-{uuid.uuid4()}",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    from tests.devstack.waiting import eventually

    assert eventually(lambda: log.stat().st_size == 0)
