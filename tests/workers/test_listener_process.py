"""The listener as a process: killed at any moment, it loses nothing and starts everything once."""

import asyncio
import json
import os
import random
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client
from temporalio.service import RPCError

from chains.bitcoin.node import BitcoinNode
from devstack.rented import Database, RentedStack
from storage.blocks import exclusive
from streams.aws import client as aws_client
from streams.kinesis import CHAIN_EVENTS, split_aggregate
from tests.chains.house import Miner, addresses_for, plant
from workers.event_listener import ListenerSettings, catch_up

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(600)]

_WITHIN_SECONDS = 240.0
"""The listener walks from genesis through all that earlier tests mined."""


@pytest.fixture(scope="module")
async def miner(aws: None, bitcoin: BitcoinNode, owner: AsyncEngine) -> Miner:
    found = Miner(bitcoin)
    await found.prepare()
    await plant(owner)
    return found


@pytest.fixture(scope="module")
def environment(stack: RentedStack, database: Database) -> dict[str, str]:
    stack.require("temporal", "anvil", "bitcoind", "roto", "ministack")
    return {
        **os.environ,
        **stack.env,
        "RIALTO_DATABASE_URL": database.worker,
        "RIALTO_LISTENER_POLL_SECONDS": "0.05",
    }


@asynccontextmanager
async def running(environment: dict[str, str]) -> AsyncIterator[Process]:
    """The listener, killed at the end as kill -9 does."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "workers.event_listener",
        env=environment,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def eventually(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(_WITHIN_SECONDS):
        while not await holds():  # noqa: ASYNC110 - another process, which signals nothing
            await asyncio.sleep(0.1)


async def told(engine: AsyncEngine, txids: set[str]) -> bool:
    """Whether every output of `txids` is a deposit, told of and published."""
    async with engine.connect() as connection:
        rows = (
            await connection.execute(
                text("SELECT txid, has_news, height FROM deposits WHERE txid = ANY(:txids)"),
                {"txids": sorted(txids)},
            )
        ).all()
        waiting = await connection.scalar(
            text("SELECT count(*) FROM chain_events WHERE published_at IS NULL")
        )
    mined = {row.txid for row in rows if row.height is not None and not row.has_news}
    return mined == txids and waiting == 0


def on_the_stream() -> list[dict[str, object]]:
    """Every event of the stream, in order."""
    kinesis = aws_client("kinesis")
    [shard] = kinesis.list_shards(StreamName=CHAIN_EVENTS)["Shards"]
    iterator = kinesis.get_shard_iterator(
        StreamName=CHAIN_EVENTS, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    events: list[dict[str, object]] = []
    while True:
        answer = kinesis.get_records(ShardIterator=iterator, Limit=1000)
        for record in answer["Records"]:
            events += [json.loads(each) for each in split_aggregate(record["Data"])]
        if not answer["Records"]:
            return events
        iterator = answer["NextShardIterator"]


async def workflow_exists(client: Client, deposit_id: str) -> bool:
    try:
        await client.get_workflow_handle(f"deposit/{deposit_id}").describe()
    except RPCError:
        return False
    return True


async def test_kill_9_at_any_moment_loses_no_deposit(
    environment: dict[str, str], miner: Miner, worker: AsyncEngine
):
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    txids: set[str] = set()
    for round_number in range(5):
        addresses = await addresses_for(worker, "bitcoin", 12, first=300 + 20 * round_number)
        async with running(environment) as process:
            for address in addresses:
                txids.add(await miner.pay(address, "0.01"))
            await miner.mine()
            await asyncio.sleep(chance.uniform(0.5, 3.0))  # The moment of death is the test.
            process.kill()
    async with running(environment):
        await eventually(lambda: told(worker, txids))

    client = await Client.connect(environment["RIALTO_TEMPORAL_ADDRESS"], namespace="rialto")
    async with worker.connect() as connection:
        ids = (await connection.execute(text("SELECT id FROM deposits"))).scalars().all()
    started = [await workflow_exists(client, each) for each in ids]
    events = await asyncio.to_thread(on_the_stream)
    mined = {event["txid"] for event in events if event["kind"] == "deposit_mined"}
    assert len(ids) == len(txids) == 60, f"seed {seed}"
    assert all(started), f"seed {seed}"
    assert mined >= txids, f"seed {seed}"


async def test_a_second_listener_stands_by_and_takes_over(
    environment: dict[str, str], miner: Miner, worker: AsyncEngine
):
    async with running(environment) as first, running(environment) as second:
        addresses = await addresses_for(worker, "bitcoin", 2, first=500)
        before = await miner.pay(addresses[0], "0.01")
        await miner.mine()
        await eventually(lambda: told(worker, {before}))

        first.kill()
        after = await miner.pay(addresses[1], "0.01")
        await miner.mine()
        await eventually(lambda: told(worker, {after}))

        assert second.returncode is None


async def test_the_lambda_catches_up_once(
    environment: dict[str, str], miner: Miner, worker: AsyncEngine, monkeypatch: pytest.MonkeyPatch
):
    [address] = await addresses_for(worker, "bitcoin", 1, first=510)
    txid = await miner.pay(address, "0.01")
    await miner.mine(3)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    heights = await catch_up(ListenerSettings())

    assert heights["bitcoin"] == (await miner.node.tip())[0]
    assert await told(worker, {txid})


async def test_a_lambda_without_time_for_all_goes_on_at_the_next_call(
    environment: dict[str, str], miner: Miner, worker: AsyncEngine, monkeypatch: pytest.MonkeyPatch
):
    """A new stack's function has the whole chain before it, and minutes for each call."""
    [address] = await addresses_for(worker, "bitcoin", 1, first=511)
    txid = await miner.pay(address, "0.01")
    await miner.mine(4)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    tip = (await miner.node.tip())[0]

    heights = [(await catch_up(ListenerSettings(), seconds=0.0))["bitcoin"] for _ in range(2)]
    assert heights == [tip - 3, tip - 2], "one block a call"

    assert (await catch_up(ListenerSettings(), seconds=60.0))["bitcoin"] == tip
    assert await told(worker, {txid})


async def test_a_lambda_beside_another_listener_says_how_far_that_one_is(
    environment: dict[str, str], miner: Miner, worker: AsyncEngine, monkeypatch: pytest.MonkeyPatch
):
    await miner.mine()
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    before = await catch_up(ListenerSettings())
    await miner.mine()

    async with exclusive(worker, "bitcoin") as is_ours:
        assert is_ours
        assert await catch_up(ListenerSettings()) == before
