"""One market as the API sees it: levels, recent trades, last price, kept current from updates."""

from __future__ import annotations

from collections import deque

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
        self.trades: deque[Trade] = deque(maxlen=RECENT_TRADES)
        self._bids: dict[int, tuple[int, int]] = {}
        self._asks: dict[int, tuple[int, int]] = {}
        self._sorted_bids: list[Level] | None = None
        self._sorted_asks: list[Level] | None = None

    def load(self, snapshot: BookSnapshot) -> None:
        self.epoch = snapshot.epoch
        self.sequence = snapshot.sequence
        self.time_us = snapshot.time_us
        self.state = snapshot.state
        self.last_price = snapshot.last_price
        self._bids = {price: (lots, orders) for price, lots, orders in snapshot.bids}
        self._asks = {price: (lots, orders) for price, lots, orders in snapshot.asks}
        self._sorted_bids = self._sorted_asks = None

    def apply(self, update: MarketUpdate) -> bool:
        """Whether it was news. Raises Gap when something before it is missing."""
        if update.last_sequence <= self.sequence:
            return False
        if update.previous_sequence != self.sequence:
            raise Gap
        for is_buy, price, lots, orders in update.levels:
            self._set_level(price, lots, orders, is_buy=bool(is_buy))
        self.epoch = update.epoch
        self.sequence = update.last_sequence
        self.time_us = update.time_us
        self.state = update.state
        if update.trades:
            self.trades.extend(update.trades)
            self.last_price = update.trades[-1].price
        return True

    def bids(self, depth: int) -> list[Level]:
        """Best first."""
        if self._sorted_bids is None:
            levels = [(price, *level) for price, level in self._bids.items()]
            self._sorted_bids = sorted(levels, reverse=True)
        return self._sorted_bids[:depth]

    def asks(self, depth: int) -> list[Level]:
        """Best first."""
        if self._sorted_asks is None:
            self._sorted_asks = sorted((price, *level) for price, level in self._asks.items())
        return self._sorted_asks[:depth]

    def _set_level(self, price: int, lots: int, orders: int, *, is_buy: bool) -> None:
        side = self._bids if is_buy else self._asks
        if lots:
            side[price] = (lots, orders)
        else:
            side.pop(price, None)
        if is_buy:
            self._sorted_bids = None
        else:
            self._sorted_asks = None
