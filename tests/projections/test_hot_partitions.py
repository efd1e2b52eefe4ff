"""A load test of the keys: one market takes everything, and one customer is in every trade.

DynamoDB takes a thousand writes a second from each partition of a table and of an index, and
throttles a table for the hottest partition of any of its indexes. So what counts is how many writes
one partition key gets of a second's events, whatever the machine that counts them manages.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from activities.projecting.projector import Projector
from activities.projecting.store import Store
from domain.ids import CustomerId
from domain.market import Side
from engine import events as e
from engine.events import NumberedEvent
from projections.trade import Fill
from storage.dynamo_tables import PROJECTIONS, TABLES, TRADES, Table
from storage.dynamo_trades import put_fills, trades_before
from tests.projections.fakes import KeptLetters, MemoryDynamo, MemorySearch
from tests.projections.histories import LISTINGS, MARKET, START_US, market_record

WRITES_PER_SECOND = 1_000
"""What DynamoDB takes from one partition, of items up to 1 KiB. Ours have some 300 bytes."""

TRADES_PER_SECOND = 4_000
"""On one market: three times what the whole engine settles today."""

EVENTS_PER_BATCH = 600
MAKER = 7


class CountedDynamo(MemoryDynamo):
    """Counts the writes that each partition gets, of tables and of their indexes."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: Counter[str] = Counter()

    def put_many(self, table: Table, items: Iterable[Mapping[str, Any]]) -> None:
        kept = list(items)
        for item in kept:
            self.writes[f"{table.name} {item['pk']}"] += 1
            for index in table.indexes:
                if index.pk in item:
                    self.writes[f"{table.name}/{index.name} {item[index.pk]}"] += 1
        super().put_many(table, kept)


def second(number: int) -> list[NumberedEvent]:
    """Everything that happens on the market in its second of that number."""
    events: list[NumberedEvent] = []
    for at in range(TRADES_PER_SECOND):
        n = number * TRADES_PER_SECOND + at + 1
        at_us, first = START_US + number * 1_000_000 + at * 250, 3 * n - 2
        maker, taker, buyer = 2 * n, 2 * n + 1, 100 + n % 3_000
        fill = (n, 500, 2, maker, MAKER, 0, taker, buyer, 0, e.BUY_AGGRESSOR)
        events += [
            (first, at_us, e.RESTED, maker, MAKER, 0, 500, 2),
            (first + 1, at_us, e.ACCEPTED, taker, buyer, 1, 500, 2),
            (first + 2, at_us, e.FILLED, *fill),
        ]
    return events


def fills_of(dynamo: MemoryDynamo, last: int) -> list[Fill]:
    """As the relay copies them from the ledger, one for each side of each trade."""
    market = LISTINGS.market(MARKET)
    return [
        Fill(market.id, trade.id, CustomerId(customer), order, side, is_maker,
             trade.price_ticks, trade.lots, 1, trade.traded_at_ms)
        for trade in trades_before(dynamo, market.id, last + 1, limit=TRADES_PER_SECOND)  # type: ignore[arg-type]
        for customer, order, side, is_maker in (
            (trade.maker_id, trade.maker_order_id, Side.BUY, True),
            (trade.taker_id, trade.taker_order_id, Side.SELL, False),
        )
    ]  # fmt: skip


@pytest.fixture(scope="module")
def hottest() -> dict[str, int]:
    """The most writes that one partition of each table and index got, in the hottest second."""
    dynamo = CountedDynamo()
    store = Store(dynamo, MemorySearch(), lambda: 0)
    projector = Projector(lambda: [store], lambda: LISTINGS, KeptLetters())
    found: dict[str, int] = {}
    for number in range(2):
        dynamo.writes.clear()
        events = second(number)
        for start in range(0, len(events), EVENTS_PER_BATCH):
            projector.apply([market_record(start, events[start : start + EVENTS_PER_BATCH])])
        put_fills(dynamo, fills_of(dynamo, (number + 1) * TRADES_PER_SECOND))
        for partition, writes in dynamo.writes.items():
            place = partition.partition(" ")[0]
            found[place] = max(found.get(place, 0), writes)
    assert len(dynamo.contents(TRADES)) == 2 * TRADES_PER_SECOND * 3, "all were written"
    return found


def test_no_partition_gets_more_than_dynamodb_takes(hottest: dict[str, int]) -> None:
    assert hottest.keys() >= {"trades", "orders", "orders/by_customer", "candles", "checkpoints"}
    assert max(hottest.values()) <= WRITES_PER_SECOND, hottest


def test_the_busiest_customer_is_spread(hottest: dict[str, int]) -> None:
    """Without a spread the maker's orders and fills would each be one partition."""
    assert TRADES_PER_SECOND > 3 * WRITES_PER_SECOND
    assert hottest["orders/by_customer"] <= TRADES_PER_SECOND // 8 * 1.1


def test_a_candle_is_written_per_batch_and_not_per_trade(hottest: dict[str, int]) -> None:
    batches = 3 * TRADES_PER_SECOND // EVENTS_PER_BATCH
    assert hottest["candles"] <= batches
    assert hottest["checkpoints"] <= batches, "the note of what is applied likewise"


def test_every_table_that_events_write_to_was_loaded(hottest: dict[str, int]) -> None:
    """Blocks and deposits come a few a second at most, whatever the markets do."""
    loaded = {place.partition("/")[0] for place in hottest}
    assert {table.name for table in PROJECTIONS} - loaded == {"chain"}
    assert loaded <= {table.name for table in TABLES}
