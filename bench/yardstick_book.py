"""The book that anybody would write: the yardstick for a machine, and what ours must beat.

A SortedDict of levels on each side, orders with slots in linked lists, one dict of orders by id:
what the design calls the reference book, and measured on its machine. It knows limit, market,
immediate-or-cancel and fill-or-kill orders, post-only, cancels and cancel-replaces; no self-trade
prevention, no limits or bands, no stops, icebergs, pairs or market states. Its events are laid out
as ours (engine/events.py).
"""

from __future__ import annotations

from typing import Final, TypeAlias

from sortedcontainers import SortedDict

from engine.commands import (
    ALLOW_FAILURE,
    BUY,
    CANCEL,
    FOK,
    MARKET,
    PLACE,
    POST_ONLY,
    TIF_MASK,
    Command,
)
from engine.events import (
    ACCEPTED,
    BY_OWNER,
    CANCEL_FAILED,
    CANCELED,
    DUPLICATE_ORDER,
    EXPIRED,
    FILLED,
    FOK_UNFILLED,
    IOC_REMAINDER,
    REFUSED,
    REJECTED,
    REPLACED,
    RESTED,
    UNKNOWN_ORDER,
    WOULD_TAKE,
    Event,
)


class YardstickOrder:
    __slots__ = ("id", "level", "lots", "newer", "older", "owner")

    level: YardstickLevel
    newer: YardstickOrder | None
    older: YardstickOrder | None

    def __init__(self, order_id: int, owner: int, lots: int) -> None:
        self.id = order_id
        self.owner = owner
        self.lots = lots


class YardstickLevel:
    __slots__ = ("is_buy", "lots", "newest", "oldest", "price")

    def __init__(self, price: int, is_buy: int) -> None:
        self.price = price
        self.is_buy = is_buy
        self.lots = 0
        self.oldest: YardstickOrder | None = None
        self.newest: YardstickOrder | None = None


Side: TypeAlias = "SortedDict[int, YardstickLevel]"

_ENDS_AT_ONCE: Final = TIF_MASK | MARKET


class YardstickBook:
    """`apply` one command after the other; what happened is in `events`."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.orders: dict[int, YardstickOrder] = {}
        self.bids: Side = SortedDict()
        self.asks: Side = SortedDict()
        """By negated price, so that the best is the last of either side."""
        self.best_bid: YardstickLevel | None = None
        self.best_ask: YardstickLevel | None = None
        self.trade_id = 0

    def apply(self, command: Command) -> None:
        kind = command[0]
        if kind == PLACE:
            self.place(command[2], command[3], command[4], command[5], command[6])
        elif kind == CANCEL:
            self.cancel(command[2], command[3], BY_OWNER)
        elif self.cancel(command[2], command[3], REPLACED) or command[4] == ALLOW_FAILURE:
            self.place(command[2], command[5], command[6], command[7], command[8])
        else:
            self.events.append((REJECTED, command[5], command[2], command[1], CANCEL_FAILED))

    def place(  # noqa: C901 - written out, as anybody would for speed
        self, owner: int, order_id: int, terms: int, price: int, lots: int
    ) -> None:
        emit = self.events.append
        buys = terms & BUY
        if order_id in self.orders:
            emit((REJECTED, order_id, owner, 0, DUPLICATE_ORDER))
            return
        best = self.best_ask if buys else self.best_bid
        if best is not None and (price >= best.price if buys else price <= best.price):
            if terms & POST_ONLY:
                emit((REJECTED, order_id, owner, 0, WOULD_TAKE))
                return
            emit((ACCEPTED, order_id, owner, buys, price, lots))
            if terms & TIF_MASK == FOK and not self.can_fill(buys, price, lots):
                emit((EXPIRED, order_id, owner, buys, price, lots, 0, FOK_UNFILLED))
                return
            lots = self.take(owner, order_id, buys, price, lots)
            if not lots:
                return
        elif terms & _ENDS_AT_ONCE:
            emit((ACCEPTED, order_id, owner, buys, price, lots))
        if terms & _ENDS_AT_ONCE:
            emit((EXPIRED, order_id, owner, buys, price, lots, 0, IOC_REMAINDER))
            return
        side, key = (self.bids, price) if buys else (self.asks, -price)
        level = side.get(key)
        if level is None:
            level = self.new_level(side, key, price, buys)
        order = self.orders[order_id] = YardstickOrder(order_id, owner, lots)
        order.level = level
        order.newer = None
        newest = order.older = level.newest
        if newest is None:
            level.oldest = order
        else:
            newest.newer = order
        level.newest = order
        level.lots += lots
        emit((RESTED, order_id, owner, buys, price, lots))

    def new_level(self, side: Side, key: int, price: int, buys: int) -> YardstickLevel:
        level = side[key] = YardstickLevel(price, buys)
        if buys:
            if self.best_bid is None or price > self.best_bid.price:
                self.best_bid = level
        elif self.best_ask is None or price < self.best_ask.price:
            self.best_ask = level
        return level

    def can_fill(self, buys: int, price: int, lots: int) -> bool:
        side = self.asks if buys else self.bids
        for key in reversed(side):
            if (-key > price) if buys else (key < price):
                return False
            lots -= side[key].lots
            if lots <= 0:
                return True
        return False

    def take(self, owner: int, order_id: int, buys: int, price: int, lots: int) -> int:
        """Trade best price first, oldest first. Returns the lots that did not trade."""
        emit = self.events.append
        level = self.best_ask if buys else self.best_bid
        while (
            level is not None and lots and (level.price <= price if buys else level.price >= price)
        ):
            at = level.price
            maker = level.oldest
            while maker is not None and lots:
                left = maker.lots
                traded = left if left < lots else lots  # noqa: FURB136 - `min` takes twice as long
                self.trade_id += 1
                lots -= traded
                left -= traded
                level.lots -= traded
                emit((FILLED, self.trade_id, at, traded, maker.id, maker.owner, left,
                      order_id, owner, lots, buys))  # fmt: skip
                if left:
                    maker.lots = left
                else:
                    del self.orders[maker.id]
                    maker = level.oldest = maker.newer
                    if maker is not None:
                        maker.older = None
            if maker is None:
                level.newest = None
                self.drop(level)
                level = self.best_ask if buys else self.best_bid
        return lots

    def drop(self, level: YardstickLevel) -> None:
        if level.is_buy:
            del self.bids[level.price]
            if level is self.best_bid:
                self.best_bid = self.bids.peekitem(-1)[1] if self.bids else None
        else:
            del self.asks[-level.price]
            if level is self.best_ask:
                self.best_ask = self.asks.peekitem(-1)[1] if self.asks else None

    def cancel(self, owner: int, order_id: int, reason: int) -> bool:
        order = self.orders.get(order_id)
        if order is None or order.owner != owner:
            self.events.append((REFUSED, order_id, owner, 0, UNKNOWN_ORDER))
            return False
        del self.orders[order_id]
        level = order.level
        older, newer = order.older, order.newer
        if older is None:
            level.oldest = newer
        else:
            older.newer = newer
        if newer is None:
            level.newest = older
        else:
            newer.older = older
        lots = order.lots
        level.lots -= lots
        self.events.append(
            (CANCELED, order_id, owner, level.is_buy, level.price, lots, lots, reason)
        )
        if level.oldest is None:
            self.drop(level)
        return True
