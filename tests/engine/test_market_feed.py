"""What a customer rebuilds from the feeds is the book: by levels, by orders, and its checksum."""

from zlib import crc32

import pytest

from bench.engine_commands import EverythingAtOnce
from engine.exchange import Exchange
from engine.order import is_vacant, queue
from engine.rules import Rules
from streams.market_data import MarketUpdate, book_checksum
from streams.market_feed import MarketFeed

MARKET = "BTC-USDT"


class UniqueIds(EverythingAtOnce):
    """As the ledger gives them out: no order id twice."""

    def _id(self, owner: int) -> int:
        self.order_id += 1
        self.placed.append((owner, self.order_id))
        return self.order_id


class Follower:
    """A customer who only reads updates."""

    def __init__(self) -> None:
        self.levels: tuple[dict[int, tuple[int, int]], dict[int, tuple[int, int]]] = ({}, {})
        self.orders: dict[int, tuple[int, int, int]] = {}
        self.sequence = 0

    def read(self, update: MarketUpdate) -> None:
        assert update.previous_sequence == self.sequence
        assert update.first_sequence == self.sequence + 1
        self.sequence = update.last_sequence
        for is_buy, price, lots, orders in update.levels:
            if lots:
                self.levels[is_buy][price] = (lots, orders)
            else:
                self.levels[is_buy].pop(price, None)  # It may have come and gone in one update.
        for _, order_id, is_buy, price, lots in update.orders:
            if lots:
                self.orders[order_id] = (is_buy, price, lots)
            else:
                del self.orders[order_id]
        assert self.checksum() == update.checksum

    def checksum(self) -> int:
        asks, bids = (sorted(side.items()) for side in self.levels)
        return book_checksum(
            [(price, lots) for price, (lots, _) in reversed(bids)],
            [(price, lots) for price, (lots, _) in asks],
        )

    def queue(self, side: int) -> list[tuple[int, int, int]]:
        """By price, then in the order they came: `(order id, price, lots)`."""
        found = [(id_, o[1], o[2]) for id_, o in self.orders.items() if o[0] == side]
        return sorted(found, key=lambda order: -order[1] if side else order[1])


@pytest.mark.parametrize("seed", range(6))
def test_both_feeds_rebuild_the_book_with_its_checksums(seed: int):
    commands = UniqueIds(seed, spread=(12, 5)[seed % 2])
    exchange = Exchange()
    exchange.list_market(MARKET, Rules())
    feed, follower = MarketFeed(MARKET), Follower()
    book = exchange.books[MARKET]

    for number in range(60):
        some = [commands.calm()] if number % 3 == 0 else list(commands.take(10))
        for run in exchange.apply_frame(commands.tick(), [(MARKET, some)]):
            follower.read(feed.apply(run, epoch=1))

        snapshot = feed.orders_snapshot(1, book)
        assert follower.queue(1) == snapshot.bids
        assert follower.queue(0) == snapshot.asks
        assert follower.checksum() == feed.snapshot(1).checksum
        for side, levels in ((1, book.bids), (0, book.asks)):
            assert {
                price: sum(order.lots for order in queue(level))
                for price, level in levels.items()
                if not is_vacant(level)
            } == {price: lots for price, (lots, _) in follower.levels[side].items()}


def test_a_feed_that_begins_with_a_book_goes_on_as_one_from_the_first_event():
    commands = UniqueIds(3)
    exchange = Exchange()
    exchange.list_market(MARKET, Rules())
    whole = MarketFeed(MARKET)
    for _ in range(20):
        for run in exchange.apply_frame(commands.tick(), [(MARKET, list(commands.take(10)))]):
            whole.apply(run, 1)

    late = MarketFeed(MARKET, exchange.books[MARKET])

    assert late.snapshot(1) == whole.snapshot(1)


def test_the_checksum_is_of_ten_levels_asks_first():
    asks = [(100 + n, 1) for n in range(12)]
    bids = [(99 - n, 2) for n in range(12)]

    assert book_checksum(bids, asks) == book_checksum(bids[:10], asks[:10])
    assert book_checksum([(99, 2)], [(100, 1)]) == crc32(b"100:1,99:2,")
