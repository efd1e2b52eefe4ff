"""The data processor on real servers: killed, resharded, without its index, given rubbish."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import osmem_server
import pytest
from sqlalchemy import text

from activities.projecting.projector import Projector
from devstack.rented import Database
from domain.ids import TradeId
from domain.market import MarketId
from engine import events as e
from engine.events import NumberedEvent
from projections.candle import Interval
from projections.document import Kind
from storage.dynamo_candles import candles_between
from storage.dynamo_chain import find_deposit, history
from storage.dynamo_checkpoints import read_waiting
from storage.dynamo_tables import PROJECTIONS
from storage.dynamo_trades import find_trade, trades_before
from storage.engine import create_engine
from storage.search_client import connect
from storage.search_index import SearchIndex
from streams.aws import client
from streams.kinesis import MARKET_EVENTS, KinesisProducer, Record
from tests.projections.conftest import Processor, applied, until
from tests.projections.histories import LISTINGS, START_US, market_record, run_of
from workers.projection_parts import Parts
from workers.projection_replay import replay

pytestmark = pytest.mark.stack


def traded(count: int, start: int = 0) -> list[NumberedEvent]:
    """`count` trades, three events each: a maker rests, a taker comes, they trade."""
    events: list[NumberedEvent] = []
    for number in range(start + 1, start + count + 1):
        at_us, first, maker, taker = (
            START_US + number * 1000,
            3 * number - 2,
            2 * number,
            2 * number + 1,
        )
        events += [
            (first, at_us, e.RESTED, maker, 7, 1, 500, 2),
            (first + 1, at_us, e.ACCEPTED, taker, 8, 0, 500, 2),
            (
                first + 2,
                at_us,
                e.FILLED,
                number,
                500,
                2,
                maker,
                7,
                0,
                taker,
                8,
                0,
                e.SELL_AGGRESSOR,
            ),
        ]
    return events


async def put(market: str, events: list[NumberedEvent], *, size: int = 60) -> None:
    runs = [events[start : start + size] for start in range(0, len(events), size)]
    records = [Record(market, run_of(run, market)) for run in runs]
    await KinesisProducer().put(MARKET_EVENTS, records)


def assert_all_there(parts: Parts, market: MarketId, trades: int) -> None:
    """Every trade once: on the tape, in the candles, in the index."""
    dynamo = parts.stores()[0].dynamo
    tape = trades_before(dynamo, market, TradeId(trades + 1), limit=trades + 10)
    assert [trade.id for trade in tape] == list(range(trades, 0, -1))
    day = START_US // 1000 // 86_400_000 * 86_400_000
    candles = candles_between(dynamo, market, Interval.DAY, day, day + 86_400_000)
    assert [candle.trade_count for candle in candles] == [trades]
    assert candles[0].lots == 2 * trades


async def test_a_killed_processor_goes_on_where_it_was(processor: Processor, parts: Parts) -> None:
    market = MarketId("BTC-USDT")
    await put(market, traded(400))
    dynamo = parts.stores()[0].dynamo

    processor.start()
    until(lambda: applied(dynamo, market) >= 60, "some events are applied")
    processor.kill()
    processor.start()
    until(lambda: applied(dynamo, market) >= 1200, "all events are applied")

    assert_all_there(parts, market, 400)
    search = parts.stores()[0].search
    search.refresh()
    assert search.count(Kind.TRADE) == 400
    assert search.count(Kind.ORDER) == 800


async def test_resharding_loses_nothing_and_keeps_the_order(
    processor: Processor, parts: Parts
) -> None:
    market = MarketId("ETH-USDT")
    kinesis, dynamo = client("kinesis"), parts.stores()[0].dynamo
    processor.start()
    await put(market, traded(30))
    until(lambda: applied(dynamo, market) >= 1, "the market's shard is read")

    for shard in kinesis.list_shards(StreamName=MARKET_EVENTS)["Shards"]:
        if "EndingSequenceNumber" in shard["SequenceNumberRange"]:
            continue
        low, high = (int(bound) for bound in shard["HashKeyRange"].values())
        kinesis.split_shard(
            StreamName=MARKET_EVENTS,
            ShardToSplit=shard["ShardId"],
            NewStartingHashKey=str((low + high) // 2),
        )
    await put(market, traded(30, start=30))
    until(lambda: applied(dynamo, market) >= 180, "events of both generations of shards are there")

    assert_all_there(parts, market, 60)


async def test_rubbish_is_set_aside_and_applied_after_a_fix(
    processor: Processor, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    market = MarketId("ETH-BTC")
    dynamo = parts.stores()[0].dynamo
    good = traded(10)
    future = [
        (31, START_US + 999_999, 77, 5, 5),
        (32, START_US + 999_999, e.RESTED, 90, 7, 1, 500, 2),
    ]
    rubbish = Record(market, b'{"market": "ETH-BTC", "events": 7}')
    processor.start()
    await put(market, good)
    await KinesisProducer().put(MARKET_EVENTS, [rubbish, Record(market, run_of(future, market))])
    until(lambda: parts.dead_letters.count() == 2, "both are dead letters")
    assert applied(dynamo, market) == 30, "what followed the rubbish is applied"

    # The fix: a version that knows kind 77.
    monkeypatch.setitem(e.FIELDS, 77, ("order_id", "owner"))
    monkeypatch.setitem(e.KIND_NAMES, 77, "renewed")
    result = replay(parts, client("kinesis"), lambda reason: "77" in reason, dry_run=False)

    assert (result.applied, result.still_poison) == (1, ())
    assert applied(dynamo, market) == 32


async def test_a_deposit_is_found_by_its_txid_moments_after_it_is_written(
    processor: Processor, parts: Parts, database: Database
) -> None:
    txid = "ab" * 32
    engine = create_engine(database.worker)
    processor.start()
    async with engine.begin() as connection:
        await connection.execute(text(_DEPOSIT), {"txid": txid, "id": f"bitcoin:{txid}:1"})
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE deposits SET status = 'credited'"))
    await engine.dispose()

    search = connect(os.environ["RIALTO_OPENSEARCH_URL"])
    query = {
        "query": {"bool": {"filter": [{"term": {"txid": txid}}, {"term": {"status": "credited"}}]}}
    }
    until(
        lambda: search.search(index="rialto-search", body=query)["hits"]["hits"],
        "the deposit is found by its txid",
    )

    dynamo = parts.stores()[0].dynamo
    found = find_deposit(dynamo, f"bitcoin:{txid}:1")
    assert found is not None
    assert (found.units, found.customer_id) == (150_000, 7)
    assert [status for _, status in history(dynamo, "deposit", found.id)] == [
        "confirming",
        "credited",
    ]


_DEPOSIT = """
    INSERT INTO deposits (id, chain, txid, index, asset, units, address, customer_id, height,
        block_hash, status, credit_confirmations, withdrawable_confirmations)
    VALUES (:id, 'bitcoin', :txid, 1, 'BTC', 150000, 'bcrt1qexample', 7, 5, 'bb', 'confirming',
        1, 3)
"""


class OwnIndex:
    """A search server of this test's own, to take away and bring back empty."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        binary = Path(osmem_server.__file__).parent / "bin" / "osmem-server"
        self._process = subprocess.Popen(
            [binary, "-addr", f"127.0.0.1:{self.port}", "-no-stdin-watch"]
        )
        index = connect(self.url)
        until(index.ping, "the search server answers")

    def freeze(self) -> None:
        """It takes connections and answers nothing, as a node that swaps or collects garbage."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@pytest.fixture
def own_index() -> Iterator[OwnIndex]:
    index = OwnIndex()
    yield index
    index.kill()


async def test_a_search_index_that_was_away_and_lost_everything_is_whole_again(
    processor: Processor, parts: Parts, own_index: OwnIndex
) -> None:
    market = MarketId("BTC-USDT")
    before = applied(parts.stores()[0].dynamo, market) // 3
    own_index.start()
    processor.start(RIALTO_OPENSEARCH_URL=own_index.url)
    index = SearchIndex(connect(own_index.url))
    until(index.is_filled, "the index is filled")

    own_index.kill()
    await put(market, traded(50, start=before))
    dynamo = parts.stores()[0].dynamo
    until(lambda: applied(dynamo, market) == 3 * (before + 50), "tables go on without the index")
    assert find_trade(dynamo, market, TradeId(before + 50)) is not None
    own_index.start()

    until(index.is_filled, "the index is filled again")
    until(
        lambda: index.count(Kind.ORDER) >= 2 * (before + 50), "what came meanwhile is in it as well"
    )


async def test_an_index_that_hangs_holds_up_no_table_and_misses_nothing(
    processor: Processor, parts: Parts, own_index: OwnIndex
) -> None:
    """However long: all that comes meanwhile waits in DynamoDB, and is indexed afterwards."""
    market = MarketId("BTC-USDT")
    dynamo = parts.stores()[0].dynamo
    before = applied(dynamo, market) // 3
    after = before + 900
    own_index.start()
    processor.start(RIALTO_OPENSEARCH_URL=own_index.url)
    index = SearchIndex(connect(own_index.url))
    until(index.is_filled, "the index is filled")

    own_index.freeze()
    for start in range(before, after, 100):
        await put(market, traded(100, start=start))
    until(lambda: applied(dynamo, market) == 3 * after, "every event is applied")
    assert len(read_waiting(dynamo, limit=500)) == 500, "documents wait, by the hundred"
    own_index.thaw()

    until(lambda: not read_waiting(dynamo), "what waited is indexed")
    until(lambda: index.count(Kind.ORDER) >= 2 * after, "every order is found")
    last = f"{market}-{after}"
    assert index.find(Kind.TRADE, [last]).keys() == {last}
    assert_all_there(parts, market, after)


async def test_two_processors_and_repeats_change_nothing(parts: Parts) -> None:
    """After all of the above: everything once more, by another processor, and no item differs."""
    store = parts.stores()[0]
    before = {table.name: sorted(map(str, store.dynamo.scan(table))) for table in PROJECTIONS}

    projector = Projector(lambda: [store], lambda: LISTINGS, parts.dead_letters)
    await asyncio.to_thread(projector.apply, [market_record(1, traded(30))])

    after = {table.name: sorted(map(str, store.dynamo.scan(table))) for table in PROJECTIONS}
    assert after == before
