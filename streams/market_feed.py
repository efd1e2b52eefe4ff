"""A market's visible book and its feed, derived from events alone."""

from __future__ import annotations

from dataclasses import dataclass, field

from sortedcontainers import SortedDict

from engine import events as e
from engine.commands import STATE_NAMES, TRADING
from engine.events import NumberedEvent
from engine.exchange import Run
from engine.order import ASK, BID, queue
from engine.state import BookState
from streams.market_data import (
    BookSnapshot,
    LevelChange,
    MarketUpdate,
    OrderChange,
    OrdersSnapshot,
    Trade,
    book_checksum,
)

LEVELS_MAX = 1_000
"""Levels of each side in a snapshot."""


@dataclass(slots=True)
class _Changes:
    """What a run of events changed."""

    levels: dict[tuple[int, int], None] = field(default_factory=dict)
    orders: list[OrderChange] = field(default_factory=list)
    trades: list[Trade] = field(default_factory=list)


class MarketFeed:
    """Follows one market. Sides are addressed by `is_buy`: 0 asks, 1 bids."""

    def __init__(self, market: str, book: BookState | None = None) -> None:
        """Begin with what stands in `book`; without one, before the market's first event."""
        self._market = market
        self._orders: dict[int, tuple[int, int, int]] = {}
        """`(is_buy, price, displayed lots)` of every visible order, in the order they came."""
        self._sides: tuple[SortedDict[int, list[int]], SortedDict[int, list[int]]] = (
            SortedDict(),
            SortedDict(),
        )
        """By price, for bids negated: displayed lots and number of orders; best first."""
        self._state: int = TRADING
        self._last_price = self._time_us = self.sequence = 0
        if book is not None:
            self._begin_with(book)

    @property
    def orders_count(self) -> int:
        return len(self._orders)

    def _begin_with(self, book: BookState) -> None:
        self._state, self.sequence = book.state, book.sequence
        self._last_price, self._time_us = book.last_price, book.time_us
        for is_buy, levels in ((1, book.bids), (0, book.asks)):
            for price, level in levels.items():
                for order in queue(level):
                    self._orders[order.id] = (is_buy, price, order.lots)
                    self._add(is_buy, price, order.lots, 1)

    def apply(self, run: Run, epoch: int) -> MarketUpdate:
        """Follow a run, and tell what changed."""
        changes = _Changes()
        previous = self.sequence
        for event in run.numbered():
            self._apply(event, changes)
        self.sequence, self._time_us = run.last_sequence, run.time_us
        return MarketUpdate(
            self._market, epoch, previous, run.first_sequence, run.last_sequence, run.time_us,
            STATE_NAMES[self._state], [self._level(*key) for key in changes.levels],
            changes.orders, changes.trades, self.checksum(),
        )  # fmt: skip

    def checksum(self) -> int:
        return book_checksum(self._best(1), self._best(0))

    def snapshot(self, epoch: int) -> BookSnapshot:
        return BookSnapshot(
            self._market, epoch, self.sequence, self._time_us, STATE_NAMES[self._state],
            self._last_price, self._depth(1), self._depth(0), self.checksum(),
        )  # fmt: skip

    def orders_snapshot(self, epoch: int, book: BookState) -> OrdersSnapshot:
        """Every visible order by price and time, from the book that this feed follows."""
        return OrdersSnapshot(
            self._market,
            epoch,
            self.sequence,
            [
                (order.id, level.price, order.lots)
                for level in book.side(BID)
                for order in queue(level)
            ],
            [
                (order.id, level.price, order.lots)
                for level in book.side(ASK)
                for order in queue(level)
            ],
        )

    def _apply(self, event: NumberedEvent, changes: _Changes) -> None:
        kind = event[2]
        if kind == e.RESTED:
            _, _, _, order_id, _, is_buy, price, lots = event
            self._orders[order_id] = (is_buy, price, lots)
            self._add(is_buy, price, lots, 1)
            changes.levels[is_buy, price] = None
            changes.orders.append((event[0], order_id, is_buy, price, lots))
        elif kind == e.FILLED:
            self._filled(event, changes)
        elif kind in (e.CANCELED, e.EXPIRED):
            self._shrink(event[0], event[3], event[8], changes)
        elif kind == e.REDUCED:
            self._shrink(event[0], event[3], event[9], changes)
        elif kind == e.STATE_CHANGED:
            self._state = event[4]

    def _filled(self, event: NumberedEvent, changes: _Changes) -> None:
        sequence, time_us, _, trade_id, price, lots, maker, _, _, taker, _, _, aggressor = event
        self._last_price = price
        changes.trades.append(
            Trade(trade_id, sequence, time_us, price, lots, aggressor, maker, taker)
        )
        self._shrink(sequence, maker, lots, changes)
        if aggressor == e.NO_AGGRESSOR:
            self._shrink(sequence, taker, lots, changes)

    def _shrink(self, sequence: int, order_id: int, removed: int, changes: _Changes) -> None:
        """Take lots off a visible order; the last ones take it out of the book."""
        if not removed:
            return
        is_buy, price, lots = self._orders[order_id]
        left = lots - removed
        assert left >= 0, (order_id, lots, removed)
        if left:
            self._orders[order_id] = (is_buy, price, left)
        else:
            del self._orders[order_id]
        self._add(is_buy, price, -removed, 0 if left else -1)
        changes.levels[is_buy, price] = None
        changes.orders.append((sequence, order_id, is_buy, price, left))

    def _add(self, is_buy: int, price: int, lots: int, orders: int) -> None:
        side = self._sides[is_buy]
        key = -price if is_buy else price
        level = side.setdefault(key, [0, 0])
        level[0] += lots
        level[1] += orders
        if not level[1]:
            assert level[0] == 0
            del side[key]

    def _level(self, is_buy: int, price: int) -> LevelChange:
        lots, orders = self._sides[is_buy].get(-price if is_buy else price, (0, 0))
        return is_buy, price, lots, orders

    def _best(self, is_buy: int) -> list[tuple[int, int]]:
        side = self._sides[is_buy]
        return [(abs(key), side[key][0]) for key in side.islice(0, 10)]

    def _depth(self, is_buy: int) -> list[tuple[int, int, int]]:
        side = self._sides[is_buy]
        return [(abs(key), *side[key]) for key in side.islice(0, LEVELS_MAX)]  # type: ignore[misc]  # Two numbers.


def _queues(book: BookState, side: int) -> list[tuple[int, int, int]]:
    """Order id, price and displayed lots of each order, best price first, oldest first."""
    return [
        (order.id, order.price, order.lots) for level in book.side(side) for order in queue(level)
    ]
