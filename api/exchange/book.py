"""One market as the API sees it: levels, recent trades, last price, kept current from updates."""

from __future__ import annotations

from collections import deque
from itertools import islice

from sortedcontainers import SortedDict

from streams.market_data import BookSnapshot, MarketUpdate, Trade

RECENT_TRADES = 1000
Level = tuple[int, int, int]
"""`(price ticks, lots, orders)`."""


class Gap(Exception):
    """An update does not continue what we have."""


class Book:
    """Levels of a market. `sequence` is 0 until a snapshot or a first update came."""

    def __init__(self, market: str) -> None:
        self.market = market
        self.epoch = 0
        self.sequence = 0
        self.time_us = 0
        self.state = "trading"
        self.last_price = 0
        self.checksum = 0
        """Of the ten best levels of each side; see streams.market_data.book_checksum."""
        self.trades: deque[Trade] = deque(maxlen=RECENT_TRADES)
        self._bids: SortedDict[int, tuple[int, int]] = SortedDict()
        self._asks: SortedDict[int, tuple[int, int]] = SortedDict()

    def load(self, snapshot: BookSnapshot) -> None:
        self.epoch = snapshot.epoch
        self.sequence = snapshot.sequence
        self.time_us = snapshot.time_us
        self.state = snapshot.state
        self.last_price = snapshot.last_price
        self.checksum = snapshot.checksum
        self._bids = SortedDict({price: (lots, orders) for price, lots, orders in snapshot.bids})
        self._asks = SortedDict({price: (lots, orders) for price, lots, orders in snapshot.asks})

    def apply(self, update: MarketUpdate) -> bool:
        """Whether it was news. Raises Gap when something before it is missing."""
        if update.last_sequence <= self.sequence:
            return False
        if update.previous_sequence != self.sequence:
            raise Gap
        for is_buy, price, lots, orders in update.levels:
            side = self._bids if is_buy else self._asks
            if lots:
                side[price] = (lots, orders)
            else:
                side.pop(price, None)
        self.epoch = update.epoch
        self.sequence = update.last_sequence
        self.time_us = update.time_us
        self.state = update.state
        self.checksum = update.checksum
        if update.trades:
            self.trades.extend(update.trades)
            self.last_price = update.trades[-1].price
        return True

    @property
    def best_bid(self) -> Level | None:
        return _level(self._bids.peekitem(-1)) if self._bids else None

    @property
    def best_ask(self) -> Level | None:
        return _level(self._asks.peekitem(0)) if self._asks else None

    def lots_at(self, *, is_buy: bool, price: int) -> int:
        """What is in the book at a price; 0 when nothing is."""
        lots, _ = (self._bids if is_buy else self._asks).get(price, (0, 0))
        return int(lots)

    def bids(self, depth: int | None = None) -> list[Level]:
        """Best first; all of them without `depth`."""
        return [(price, *self._bids[price]) for price in islice(reversed(self._bids), depth)]

    def asks(self, depth: int | None = None) -> list[Level]:
        """Best first; all of them without `depth`."""
        return [(price, *level) for price, level in islice(self._asks.items(), depth)]


def _level(item: tuple[int, tuple[int, int]]) -> Level:
    price, (lots, orders) = item
    return price, lots, orders
