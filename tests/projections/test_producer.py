"""The producer on a stream that refuses, throttles, loses replies and is split meanwhile."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams import kinesis as producing
from streams.aws import client
from streams.kinesis import KinesisProducer, Record, RecordTooLarge, split_aggregate
from streams.kinesis_consumer import KinesisConsumer, Position, Received

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
KEYS = ("BTC-USDT", "ETH-USDT", "ETH-BTC")


class Troubled:
    """A Kinesis that does to each call what the script says, and keeps what it took."""

    def __init__(self, script: Iterator[str]) -> None:
        self._script = script
        self.taken: defaultdict[str, list[bytes]] = defaultdict(list)
        """By key, as readers find them."""
        self.calls: list[list[str]] = []

    def put_records(self, StreamName: str, Records: Sequence[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 - boto3's
        self.calls.append([each["PartitionKey"] for each in Records])
        trouble = next(self._script, "")
        if trouble == "away":
            raise EndpointConnectionError(endpoint_url="http://127.0.0.1")
        if trouble == "denied":
            raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "PutRecords")
        results: list[dict[str, str]] = []
        for at, each in enumerate(Records):
            # Kinesis refuses records of a call one by one, and takes those behind them.
            if trouble == "throttled" and at % 2 == 0:
                results.append({"ErrorCode": "ProvisionedThroughputExceededException"})
                continue
            self.taken[each["PartitionKey"]] += split_aggregate(each["Data"])
            results.append({"SequenceNumber": "1", "ShardId": "0"})
        if trouble == "no reply":  # It was taken, and nobody is told.
            raise ReadTimeoutError(endpoint_url="http://127.0.0.1")
        return {"Records": results}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pauses between attempts are for servers, of which these tests have none."""
    monkeypatch.setattr(producing, "RETRY_SECONDS_MIN", 0.0)


def numbered(key: str, numbers: Sequence[int], size: int = 0) -> list[Record]:
    return [Record(key, json.dumps({"n": n, "x": "x" * size}).encode()) for n in numbers]


def firsts(lines: Sequence[bytes]) -> list[int]:
    """The numbers in the order in which a reader that knows repeats sees them first."""
    return list(dict.fromkeys(json.loads(line)["n"] for line in lines))


@QUICK
@given(
    st.lists(st.tuples(st.sampled_from(KEYS), st.integers(1, 60)), min_size=1, max_size=6),
    st.lists(st.sampled_from(["", "throttled", "away", "no reply"]), max_size=12),
)
def test_whatever_the_stream_does_each_key_is_whole_and_in_order(
    puts: list[tuple[str, int]], script: list[str]
) -> None:
    kinesis = Troubled(iter(script))
    wanted: defaultdict[str, list[int]] = defaultdict(list)

    async def produce() -> None:
        producer = KinesisProducer(kinesis)  # type: ignore[arg-type]
        waiting = []
        for key, count in puts:
            numbers = range(len(wanted[key]), len(wanted[key]) + count)
            wanted[key] += numbers
            # Several callers at once; each aggregate holds some twenty of these events.
            waiting.append(producer.put("stream", numbered(key, numbers, size=6_000)))
        await asyncio.gather(*waiting)

    asyncio.run(produce())

    assert {key: firsts(lines) for key, lines in kinesis.taken.items()} == wanted
    assert all(len(keys) == len(set(keys)) for keys in kinesis.calls), "one aggregate of a key"


async def test_events_of_one_key_share_records() -> None:
    kinesis = Troubled(iter(()))

    await KinesisProducer(kinesis).put("stream", numbered("BTC-USDT", range(10_000)))  # type: ignore[arg-type]

    size = sum(len(line) + 1 for line in kinesis.taken["BTC-USDT"])
    assert firsts(kinesis.taken["BTC-USDT"]) == list(range(10_000))
    assert len(kinesis.calls) <= size // producing.AGGREGATE_BYTES + 1


async def test_an_event_larger_than_a_record_is_refused_before_anything_is_written() -> None:
    kinesis = Troubled(iter(()))
    large = Record("BTC-USDT", b"1" * producing.RECORD_BYTES_MAX)

    with pytest.raises(RecordTooLarge):
        await KinesisProducer(kinesis).put("stream", [*numbered("BTC-USDT", [1]), large])  # type: ignore[arg-type]

    assert kinesis.calls == []


async def test_what_no_retry_can_cure_is_raised() -> None:
    kinesis = Troubled(iter(["denied"]))

    with pytest.raises(ClientError):
        await KinesisProducer(kinesis).put("stream", numbered("BTC-USDT", [1]))  # type: ignore[arg-type]


class Kept:
    """Positions of the reader in the test below."""

    def __init__(self) -> None:
        self.by_shard: dict[str, Position] = {}

    def read(self) -> dict[str, Position]:
        return dict(self.by_shard)

    def write(self, position: Position) -> None:
        self.by_shard[position.shard] = position


PER_KEY = 300


@dataclass
class Reader:
    """Follows the stream, and remembers what came of each key and through which shards."""

    read: defaultdict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    shards: set[str] = field(default_factory=set)

    def take(self, received: Sequence[Received]) -> None:
        for each in received:
            self.read[each.key] += split_aggregate(each.data)
            self.shards.add(each.shard)

    def is_whole(self) -> bool:
        return all(len(firsts(self.read[key])) == PER_KEY for key in KEYS)

    async def until(self, is_so: Callable[[], object]) -> None:
        async with asyncio.timeout(90):
            while not is_so():  # noqa: ASYNC110 - threads read, and signal nothing
                await asyncio.sleep(0.02)


@pytest.fixture
def stream(aws: dict[str, str]) -> Iterator[str]:
    name = "split-events"
    client("kinesis").create_stream(StreamName=name, ShardCount=1)
    client("kinesis").get_waiter("stream_exists").wait(StreamName=name)
    yield name
    client("kinesis").delete_stream(StreamName=name)


@pytest.mark.stack
async def test_keys_stay_whole_and_in_order_while_shards_are_split_and_merged(
    stream: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Producer and reader run all the time; nobody tells them of the shards."""
    monkeypatch.setattr("streams.kinesis_consumer.LOOK_FOR_SHARDS_SECONDS", 0.2)
    reader, stop, producer = Reader(), asyncio.Event(), KinesisProducer()
    consumer = KinesisConsumer(
        client("kinesis"), stream, Kept(), lambda _: reader.take, idle_seconds=0.02
    )
    reading = asyncio.create_task(consumer.run(stop))

    async def produce(start: int) -> None:
        for first in range(start, start + PER_KEY // 3, 10):
            for key in KEYS:
                await producer.put(stream, numbered(key, range(first, first + 10)))

    await produce(0)
    await reader.until(lambda: reader.read)
    await asyncio.gather(produce(PER_KEY // 3), asyncio.to_thread(_split, stream))
    await asyncio.to_thread(_split, stream)
    await asyncio.gather(produce(2 * PER_KEY // 3), asyncio.to_thread(_merge, stream))
    await reader.until(reader.is_whole)
    stop.set()
    await reading

    assert {key: firsts(lines) for key, lines in reader.read.items()} == {
        key: list(range(PER_KEY)) for key in KEYS
    }
    assert len(reader.shards) > 1, "events were written before and after a split"


def _open(stream: str) -> list[Any]:
    """Shards that take records, by their hash keys."""
    shards = client("kinesis").list_shards(StreamName=stream)["Shards"]
    still = [each for each in shards if "EndingSequenceNumber" not in each["SequenceNumberRange"]]
    return sorted(still, key=lambda shard: int(shard["HashKeyRange"]["StartingHashKey"]))


def _split(stream: str) -> None:
    shard = _open(stream)[0]
    low, high = (int(bound) for bound in shard["HashKeyRange"].values())
    client("kinesis").split_shard(
        StreamName=stream,
        ShardToSplit=shard["ShardId"],
        NewStartingHashKey=str((low + high) // 2),
    )
    client("kinesis").get_waiter("stream_exists").wait(StreamName=stream)


def _merge(stream: str) -> None:
    first, second, *_ = _open(stream)
    client("kinesis").merge_shards(
        StreamName=stream,
        ShardToMerge=first["ShardId"],
        AdjacentShardToMerge=second["ShardId"],
    )
    client("kinesis").get_waiter("stream_exists").wait(StreamName=stream)
