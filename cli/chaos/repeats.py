"""Deliveries that come again, and in another order: order frames, and records of both streams."""

from __future__ import annotations

import asyncio
import random
import secrets
from dataclasses import replace
from typing import Final

import asyncpg
import boto3

from cli.running import Running
from engine.commands import Command
from streams.frames import COMMANDS_MAX, pack
from streams.kinesis import CHAIN_EVENTS, MARKET_EVENTS
from streams.order_queue import OrderQueue

_RECENT: Final = """
SELECT market, command FROM order_commands WHERE sent_at IS NOT NULL ORDER BY id DESC LIMIT $1
"""


class Repeats:
    """Sends again what was sent before, straight to the queue and the streams."""

    def __init__(self, running: Running) -> None:
        self._running = running
        variables = running.variables
        self._session = boto3.Session(
            aws_access_key_id="rialto-order-relay",
            aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
            region_name=variables["AWS_REGION"],
        )

    async def orders(self, chance: random.Random, *, times: int) -> None:
        """The newest five hundred commands, shuffled anew each time, in frames of other sizes."""
        address = self._running.database_url.replace("+asyncpg", "")
        connection = await asyncpg.connect(address)
        try:
            rows = await connection.fetch(_RECENT, COMMANDS_MAX)
        finally:
            await connection.close()
        commands: list[tuple[str, Command]] = [(r["market"], tuple(r["command"])) for r in rows]
        sqs = self._session.client(
            "sqs", endpoint_url=self._running.variables["AWS_ENDPOINT_URL_SQS"]
        )
        queue = OrderQueue(self._running.variables["RIALTO_ORDER_QUEUE"], sqs)
        for _ in range(times):
            chance.shuffle(commands)
            size = chance.randint(1, COMMANDS_MAX)
            frames = [
                replace(frame, deduplication_id=secrets.token_hex(16))  # SQS must not know them.
                for start in range(0, len(commands), size)
                for frame in pack(commands[start : start + size], group="spot")
            ]
            await queue.send(frames[:20])

    async def events(self, chance: random.Random) -> None:
        await asyncio.to_thread(self._events, chance)

    def _events(self, chance: random.Random) -> None:
        """The newest records of each stream, under their own keys, in another order."""
        kinesis = self._session.client(
            "kinesis", endpoint_url=self._running.variables["AWS_ENDPOINT_URL_KINESIS"]
        )
        for stream in (MARKET_EVENTS, CHAIN_EVENTS):
            for shard in kinesis.list_shards(StreamName=stream)["Shards"]:
                iterator = kinesis.get_shard_iterator(
                    StreamName=stream,
                    ShardId=shard["ShardId"],
                    ShardIteratorType="TRIM_HORIZON",
                )["ShardIterator"]
                records = kinesis.get_records(ShardIterator=iterator, Limit=1_000)["Records"][-20:]
                chance.shuffle(records)
                for record in records:
                    kinesis.put_record(
                        StreamName=stream, Data=record["Data"], PartitionKey=record["PartitionKey"]
                    )
