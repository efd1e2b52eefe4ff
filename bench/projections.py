"""Market events from Kinesis to DynamoDB and the search index: how many, how soon, and rebuilt.

`rialto bench projections` starts servers of its own. No money moves. A first small run says how
fast this machine is, and every phase is as large as some seconds allow: so it ends everywhere.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import psutil

from activities.projecting.projector import Projector
from activities.projecting.reading import Poison, StreamRecord
from activities.projecting.store import Store
from bench.report import BenchResult, percentile
from devstack.rented import RentedStack
from engine import events as e
from engine.events import NumberedEvent
from projections.document import Kind
from projections.listings import Listings
from storage.catalog import BTC, ETH, LISTED, USDT
from storage.dynamo import Dynamo
from storage.dynamo_tables import TABLES, Table, create_table
from storage.search_client import connect
from storage.search_index import DocumentRefused, SearchIndex, Source
from streams import collector
from streams.aws import client, pointed_at
from streams.kinesis import MARKET_EVENTS, KinesisProducer, Record
from streams.kinesis_consumer import KinesisConsumer, Position, Received, Take
from streams.market_events import EVENTS_MAX, MarketEvents, encode
from workers.projection_parts import now_ms

LISTINGS = Listings.of([BTC, ETH, USDT], LISTED)
MARKETS = ("BTC-USDT", "ETH-USDT")
"""One shard each."""

STREAM = "bench-market-events"
FIRST_EVENTS, EVENTS_LEAST, EVENTS_MOST = 1_200, 1_200, 24_000
PHASE_SECONDS = 20.0
HALF_LOAD_SECONDS = 15.0
PATIENCE_SECONDS = 120.0
"""Of one phase; who waits longer measures a machine that does something else."""
TICK_SECONDS = 0.1
IDLE_SECONDS = 0.05
MAKER = 7
"""One customer who has a part in every trade: the hardest case for partitions."""

PARTS = ("ministack", "roto", "osmem")


class Events:
    """A market's events: a maker rests, a taker comes, they trade; three events a trade."""

    def __init__(self, market: str) -> None:
        self.market = market
        self._trades = 0

    def next(self, count: int) -> list[NumberedEvent]:
        events: list[NumberedEvent] = []
        at_us = time.time_ns() // 1000
        while len(events) < count:
            self._trades += 1
            n, first = self._trades, 3 * self._trades - 2
            maker, taker, buyer = 2 * n, 2 * n + 1, 100 + n % 500
            price = 50_000 + n % 97
            fill = (n, price, 2, maker, MAKER, 0, taker, buyer, 0, e.BUY_AGGRESSOR)
            events += [
                (first, at_us, e.RESTED, maker, MAKER, 0, price, 2),
                (first + 1, at_us, e.ACCEPTED, taker, buyer, 1, price, 2),
                (first + 2, at_us, e.FILLED, *fill),
            ]
        return events

    def records(self, count: int) -> list[Record]:
        events = self.next(count)
        size = EVENTS_MAX // 3 * 3  # Whole trades, so that what is applied is known to the trade.
        runs = [events[start : start + size] for start in range(0, len(events), size)]
        return [Record(self.market, _encoded(self.market, run)) for run in runs]


class CountingDynamo(Dynamo):
    """Counts what each partition takes, of tables and of their indexes."""

    writes: ClassVar[Counter[str]] = Counter()

    def of_generation(self, generation: int) -> Dynamo:
        return CountingDynamo(self._dynamodb, self._prefix, generation)

    def put_many(self, table: Table, items: Iterable[Mapping[str, Any]]) -> None:
        kept = list(items)
        self._count(table, kept)
        super().put_many(table, kept)

    def put_if_unchanged(
        self, table: Table, puts: Iterable[tuple[Mapping[str, Any], str, int | None]]
    ) -> list[bool]:
        kept = list(puts)
        self._count(table, [item for item, _, _ in kept])
        return super().put_if_unchanged(table, kept)

    def _count(self, table: Table, items: Sequence[Mapping[str, Any]]) -> None:
        self.writes.update(f"{table.name} {item['pk']}" for item in items)
        for index in table.indexes:
            keys = [item[index.pk] for item in items if index.pk in item]
            self.writes.update(f"{table.name}/{index.name} {key}" for key in keys)


class NotedSearch(SearchIndex):
    """Notes when its turn came: then the tables of a batch are written."""

    _noted = threading.local()

    @classmethod
    def turn_us(cls) -> int:
        """Of this thread's last batch, in microseconds since 1970."""
        return int(cls._noted.at_us)

    def write(self, sources: Sequence[Source]) -> list[DocumentRefused]:
        self._noted.at_us = time.time_ns() // 1000
        return super().write(sources)


@dataclass
class CountedLetters:
    """None are expected."""

    count: int = 0

    def send(self, poisons: Sequence[Poison]) -> None:
        self.count += len(poisons)

    def send_documents(self, generation: int, refused: Sequence[DocumentRefused]) -> None:  # noqa: ARG002 - as the queue's
        self.count += len(refused)


class _Positions:
    """Kept in memory: the benchmark is not killed."""

    def __init__(self) -> None:
        self.kept: dict[str, Position] = {}

    def read(self) -> Mapping[str, Position]:
        return dict(self.kept)

    def write(self, position: Position) -> None:
        self.kept[position.shard] = position


@dataclass
class Bench:
    store: Store
    producer: KinesisProducer
    letters: CountedLetters = field(default_factory=CountedLetters)
    positions: _Positions = field(default_factory=_Positions)
    applied: int = 0
    lags_ms: list[float] = field(default_factory=list)
    """From an event's time to both stores having it."""
    tables_ms: list[float] = field(default_factory=list)
    """To DynamoDB having it."""
    _counting: threading.Lock = field(default_factory=threading.Lock)

    def taker(self) -> Take:
        projector = Projector(lambda: [self.store], lambda: LISTINGS, self.letters)

        def take(received: Sequence[Received]) -> None:
            records = [
                StreamRecord(MARKET_EVENTS, r.shard, r.sequence_number, r.key, r.data, 0)
                for r in received
            ]
            events = projector.apply(records).events
            at_us = time.time_ns() // 1000
            with self._counting:  # One thread a shard.
                self.applied += events
            for each in received:
                event = json.loads(each.data.partition(b"\n")[0])["events"][0]
                self.lags_ms.append((at_us - event[1]) / 1000)
                self.tables_ms.append((NotedSearch.turn_us() - event[1]) / 1000)

        return take

    async def follow(self, until: Callable[[], bool]) -> None:
        stop = asyncio.Event()
        consumer = KinesisConsumer(
            client("kinesis"),
            STREAM,
            self.positions,
            lambda _: self.taker(),
            idle_seconds=IDLE_SECONDS,
        )
        running = asyncio.create_task(consumer.run(stop))
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not until():
                    await asyncio.sleep(0.01)
                    if running.done():
                        running.result()
        finally:
            stop.set()
            await running


async def throughput(bench: Bench, markets: Sequence[Events], events: int) -> float:
    """Events a second with a backlog: put first, then followed."""
    per_market = _whole_trades(events / len(markets))
    for market in markets:
        await bench.producer.put(STREAM, market.records(per_market))
    put = per_market * len(markets)
    wanted = bench.applied + put
    began = time.perf_counter()
    await bench.follow(lambda: bench.applied >= wanted)
    return put / (time.perf_counter() - began)


def _whole_trades(events: float) -> int:
    return max(3, int(events) // 3 * 3)


async def half_load(bench: Bench, markets: Sequence[Events], rate: float) -> None:
    """Leaves lags in `bench`, while half of what is possible comes in small runs."""
    bench.lags_ms.clear()
    bench.tables_ms.clear()
    per_tick = _whole_trades(rate / 2 * TICK_SECONDS / len(markets))
    ticks = int(HALF_LOAD_SECONDS / TICK_SECONDS)
    wanted = bench.applied + per_tick * ticks * len(markets)

    async def produce() -> None:
        began = time.perf_counter()
        for tick in range(ticks):
            for market in markets:
                await bench.producer.put(STREAM, market.records(per_tick))
            await asyncio.sleep(max(0.0, began + (tick + 1) * TICK_SECONDS - time.perf_counter()))

    await asyncio.gather(produce(), bench.follow(lambda: bench.applied >= wanted))
    bench.lags_ms.sort()
    bench.tables_ms.sort()


def rebuild_rate(bench: Bench, events: int) -> float:
    """Events a second into a new generation, as a rebuild applies them."""
    new = Store(bench.store.dynamo.of_generation(2), bench.store.search.of_generation(2), now_ms)
    new.dynamo.create_tables()
    new.search.prepare(serves=False)
    projector = Projector(lambda: [new], lambda: LISTINGS, bench.letters)
    per_market = _whole_trades(events / len(MARKETS))
    count, began = 0, time.perf_counter()
    for market in MARKETS:
        records = [
            StreamRecord(MARKET_EVENTS, "rebuild", str(at), market, each.data, 0)
            for at, each in enumerate(Events(market).records(per_market))
        ]
        for start in range(0, len(records), 8):
            count += projector.apply(records[start : start + 8]).events
    return count / (time.perf_counter() - began)


async def run() -> BenchResult:
    stack = RentedStack()
    try:
        stack.require(*PARTS)
        with pointed_at(stack.env):
            return await _run(stack)
    finally:
        stack.close()


async def _run(stack: RentedStack) -> BenchResult:
    bench = _prepare(stack)
    markets = [Events(market) for market in MARKETS]
    first = await throughput(bench, markets, FIRST_EVENTS)
    events = int(min(EVENTS_MOST, max(EVENTS_LEAST, first * PHASE_SECONDS)))
    rate = await throughput(bench, markets, events)
    CountingDynamo.writes.clear()
    hot_rate = await throughput(bench, markets[:1], events // 2)
    hottest, writes = CountingDynamo.writes.most_common(1)[0]
    total = CountingDynamo.writes.total()
    used, began = _processor_seconds(stack), time.perf_counter()
    psutil.cpu_percent()  # Counts from here on.
    await half_load(bench, markets, rate)
    lags, tables = bench.lags_ms, bench.tables_ms
    busy = _busy(used, _processor_seconds(stack), time.perf_counter() - began)
    trades = await asyncio.to_thread(bench.store.search.count, Kind.TRADE)
    whole = bench.letters.count == 0 and trades == bench.applied // 3
    rebuilt = await asyncio.to_thread(rebuild_rate, bench, events)
    return BenchResult(
        "projections",
        rate,
        percentile(lags, 0.5),
        percentile(lags, 0.99),
        percentile(lags, 0.999),
        "an event counts when DynamoDB and the search index have acknowledged all it changes",
        "not applicable",
        {},
        [
            f"throughput: a backlog of {events} events of {len(MARKETS)} markets on 2 shards",
            (
                f"latencies: from the engine's time to both stores at half load, {rate / 2:.0f}/s, "
                f"{len(lags)} runs of events; cores busy meanwhile: {busy}"
            ),
            (
                f"to DynamoDB alone, before the search server's turn: p50 "
                f"{percentile(tables, 0.5):.0f}, p99 {percentile(tables, 0.99):.0f} ms"
            ),
            f"rebuild: {rebuilt:.0f} events a second into a new generation",
            f"all there: {whole} ({trades} trades findable, {bench.letters.count} dead letters)",
            (
                f"one market alone, one customer in its every trade: {hot_rate:.0f}/s; the hottest "
                f"partition, {hottest}, took {writes} of {total} writes"
            ),
            *_memory(stack),
        ],
    )


def _prepare(stack: RentedStack) -> Bench:
    collector.calm()  # As every process that serves does.
    for table in TABLES:
        create_table(client("dynamodb"), table, "bench-")
    kinesis = client("kinesis")
    kinesis.create_stream(StreamName=STREAM, ShardCount=2)
    kinesis.get_waiter("stream_exists").wait(StreamName=STREAM)
    search = NotedSearch(connect(stack.env["RIALTO_OPENSEARCH_URL"]), "bench-")
    search.prepare(serves=True)
    dynamo = CountingDynamo(client("dynamodb"), "bench-")
    return Bench(Store(dynamo, search, now_ms), KinesisProducer())


def _memory(stack: RentedStack) -> list[str]:
    sizes = {"processor": psutil.Process().memory_info().rss}
    for name in PARTS:
        pid = stack.pid(name)
        if pid is not None:
            sizes[name] = psutil.Process(pid).memory_info().rss
    return ["memory: " + ", ".join(f"{name} {size >> 20} MiB" for name, size in sizes.items())]


def _processor_seconds(stack: RentedStack) -> dict[str, float]:
    """Of this process, in which the processor and the load run, and of each server, so far."""
    processes = {"processor and load": psutil.Process()}
    processes |= {part: psutil.Process(pid) for part in PARTS if (pid := stack.pid(part))}
    return {name: sum(each.cpu_times()[:2]) for name, each in processes.items()}


def _busy(before: Mapping[str, float], after: Mapping[str, float], seconds: float) -> str:
    shares = {name: (after[name] - before[name]) / seconds for name in after}
    shares["the whole machine"] = (psutil.cpu_count() or 1) * psutil.cpu_percent() / 100
    return ", ".join(f"{name} {share:.2f}" for name, share in shares.items())


def _encoded(market: str, events: list[NumberedEvent]) -> bytes:
    return encode(MarketEvents(market, 1, events[0][0], events[-1][0], events))
