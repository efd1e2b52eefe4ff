"""The shipper on its way to the stream: killed at any moment, it repeats and never skips."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from engine import commands as c
from streams.aws import client
from streams.kinesis import split_aggregate
from tests.projections.conftest import CHECKOUT, until
from tests.projections.engine import Engine

pytestmark = pytest.mark.stack

STREAM = "shipped-events"
MARKETS = ("BTC-USDT", "ETH-USDT")
LANE = """
import asyncio, sys
from pathlib import Path
from streams import market_events
from streams.kinesis import KinesisProducer
from workers.shipper_lanes import StreamLane
market_events.STREAM = sys.argv[2]
asyncio.run(StreamLane(Path(sys.argv[1]), KinesisProducer()).run())
"""
"""The lane alone, as the process of the shipper runs it among others."""


@pytest.fixture
def stream(aws: dict[str, str]) -> Iterator[str]:
    client("kinesis").create_stream(StreamName=STREAM, ShardCount=2)
    client("kinesis").get_waiter("stream_exists").wait(StreamName=STREAM)
    yield STREAM
    client("kinesis").delete_stream(StreamName=STREAM)


class Shipper:
    def __init__(self, journal: Path, stream: str) -> None:
        self._command = [sys.executable, "-c", LANE, str(journal), stream]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, cwd=CHECKOUT, env=dict(os.environ))

    def kill(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(timeout=60)


def shipped() -> dict[str, list[int]]:
    """Each market's sequences as the stream has them, repeats included."""
    kinesis, found = client("kinesis"), defaultdict[str, list[int]](list)
    for shard in kinesis.list_shards(StreamName=STREAM)["Shards"]:
        iterator = kinesis.get_shard_iterator(
            StreamName=STREAM, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while True:
            answer = kinesis.get_records(ShardIterator=iterator, Limit=1000)
            for record in answer["Records"]:
                for line in split_aggregate(record["Data"]):
                    events = json.loads(line)["events"]
                    found[record["PartitionKey"]] += [event[0] for event in events]
            if not answer["Records"]:
                break
            iterator = answer["NextShardIterator"]
    return found


def test_kill_9_of_the_shipper_skips_nothing_and_reorders_nothing(
    stream: str, tmp_path: Path
) -> None:
    engine, shipper = Engine(tmp_path, MARKETS), Shipper(tmp_path, stream)
    last: dict[str, int] = {}
    number = 0

    def trade(count: int) -> None:
        nonlocal number
        for _ in range(count):
            for market in MARKETS:
                number += 1
                order = c.place(
                    command_id=number, owner=7 + number % 2, order_id=number, price=500, lots=2,
                    terms=c.SELL if number // 2 % 2 else c.BUY,
                )  # fmt: skip
                last[market] = engine.do(market, order)[-1][0]

    def is_shipped() -> bool:
        found = shipped()
        return all(max(found[market], default=0) == last[market] for market in MARKETS)

    for _ in range(3):
        trade(20)
        shipper.start()
        before = dict(last)
        until(lambda b=before: all(shipped()[m] for m in b), "something is shipped")  # type: ignore[misc]
        trade(40)  # The lane is in the midst of these when it dies.
        shipper.kill()
    shipper.start()
    until(is_shipped, "all is shipped")
    shipper.kill()
    engine.close()

    for market, sequences in shipped().items():
        assert list(dict.fromkeys(sequences)) == list(range(1, last[market] + 1)), market
        for before, after in pairwise(sequences):
            assert after <= before + 1, "what comes again comes with all that follows it"
