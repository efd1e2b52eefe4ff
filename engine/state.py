"""What a book holds, and the moves that keep its parts consistent with each other."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

from engine.commands import BUY, TRADING
from engine.events import Event
from engine.ladder import Ladder, PriceIndex
from engine.order import (
    ASK,
    BID,
    FALLING,
    NO_ASK,
    NO_BID,
    NOBODY,
    PRICE_ABOVE_ALL,
    PRICE_BELOW_ALL,
    RISING,
    Level,
    Order,
    Special,
    make_level,
)
from engine.rules import Rules

SLOTS: Final = 1 << 18
"""Size of the order table: several times the open orders of a busy market, 2 MiB of pointers."""

OWNED_MIN: Final = 64


class Owner:
    """The ids of an owner's orders, oldest first; ended ones are forgotten now and then."""

    __slots__ = ("ids", "ids_max")

    def __init__(self, ids_max: int) -> None:
        self.ids: list[int] = []
        self.ids_max = ids_max
        """When the list is this long, it is looked through for ended orders."""


class BookState:
    """Orders by price and time, by id, by owner, by trigger.

    Orders are found by id through a table addressed by the id's low bits: no hashing, and never a
    rebuild that would stop the market for milliseconds, as a growing dict does. Two open orders
    that share low bits are rare; the second stands in `overflow`.
    """

    __slots__ = (
        "ask_index",
        "asks",
        "band_center",
        "best_ask",
        "best_bid",
        "bid_index",
        "bids",
        "decremented",
        "events",
        "expiries",
        "expiries_max",
        "fall_at",
        "falling",
        "falling_index",
        "last_price",
        "level_pool",
        "lots_max",
        "mask",
        "notional_min",
        "overflow",
        "owners",
        "pool",
        "price_high",
        "price_low",
        "rise_at",
        "rising",
        "rising_index",
        "rules",
        "sequence",
        "state",
        "table",
        "time_us",
        "trade_id",
        "trailing",
        "woken",
    )

    def __init__(
        self, rules: Rules, index: Callable[[], PriceIndex] = Ladder, slots: int = SLOTS
    ) -> None:
        assert slots & (slots - 1) == 0, "the table's size is a power of two"
        self.rules = rules
        self.state: int = TRADING
        self.band_center: int = 0
        """The last price when the current journal record began; price bands lie around it."""
        self.sequence: int = 0
        """Number of the last event that was taken out of `events`."""
        self.events: list[Event] = []
        self.trade_id: int = 0
        self.last_price: int = 0
        """Price of the last trade; 0 before the first."""
        self.time_us: int = 0
        self.decremented: int = 0
        """Lots that self-trade prevention took off the arriving order."""

        self.lots_max: int = rules.lots_max
        self.notional_min: int = rules.notional_min
        self.price_low: int = 1
        """Lowest price that needs no closer look; above every price while the market is not
        trading.
        """
        self.price_high: int = rules.price_max

        self.bids: dict[int, Level] = {}
        self.asks: dict[int, Level] = {}
        self.bid_index: PriceIndex = index()
        self.ask_index: PriceIndex = index()
        self.best_bid: Level = NO_BID
        self.best_ask: Level = NO_ASK

        self.rising: dict[int, Level] = {}
        self.falling: dict[int, Level] = {}
        self.rising_index: PriceIndex = index()
        self.falling_index: PriceIndex = index()
        self.rise_at: int = PRICE_ABOVE_ALL
        """Lowest price at which an order waiting for a rise wakes."""
        self.fall_at: int = PRICE_BELOW_ALL
        self.trailing: dict[int, Order] = {}
        self.woken: deque[Level] = deque()
        self.expiries: list[tuple[int, int]] = []
        """Heap of (time, order id); entries of orders that ended before are skipped."""
        self.expiries_max: int = 1_024

        self.mask: int = slots - 1
        self.table: list[Order] = [NOBODY] * slots
        self.overflow: dict[int, Order] = {}
        self.owners: dict[int, Owner] = {}
        self.pool: list[Order] = []
        self.level_pool: list[Level] = []

    def set_rules(self, rules: Rules) -> None:
        """Let new rules count from the next command on; open orders stay as they are."""
        self.rules = rules
        self.lots_max = rules.lots_max
        self.notional_min = rules.notional_min

    # Orders by id and by owner.

    def find(self, order_id: int) -> Order:
        """The open order with this id, or NOBODY."""
        order = self.table[order_id & self.mask]
        if order.id == order_id:
            return order
        return self.overflow.get(order_id, NOBODY)

    def forget(self, order: Order) -> None:
        """Take an ended order out of the table; its object is used again."""
        slot = order.id & self.mask
        if self.table[slot] is order:
            self.table[slot] = NOBODY
        else:
            del self.overflow[order.id]
        order.special = None
        self.pool.append(order)

    def register(
        self, order_id: int, owner: int, lots: int, total: int, special: Special | None
    ) -> Order:
        """A new open order, known by id and owner, not yet in a queue."""
        order = self.pool.pop() if self.pool else Order()
        order.id = order_id
        order.owner = owner
        order.lots = lots
        order.total = total
        order.special = special
        slot = order_id & self.mask
        if self.table[slot] is NOBODY:
            self.table[slot] = order
        else:
            self.overflow[order_id] = order
        self.owned_by(owner).ids.append(order_id)
        return order

    def owned_by(self, owner: int) -> Owner:
        """The owner's list of ids, with room for one more unless it is at the limit."""
        owned = self.owners.get(owner)
        if owned is None:
            owned = self.owners[owner] = Owner(min(OWNED_MIN, self.rules.orders_max))
        elif len(owned.ids) >= owned.ids_max:
            owned.ids = self.ids_of(owner)
            room = max(OWNED_MIN, 2 * len(owned.ids))
            owned.ids_max = min(room, self.rules.orders_max)
        return owned

    def ids_of(self, owner: int) -> list[int]:
        """The owner's open orders by id: an order that does not depend on what was forgotten
        when.
        """
        owned = self.owners.get(owner)
        if owned is None:
            return []
        return [
            order_id for order_id in sorted(set(owned.ids)) if self.find(order_id).owner == owner
        ]

    def levels(self) -> Iterator[Level]:
        """All levels: bids and asks from the best on, then rising, falling and woken ones."""
        for levels, index, sign in (
            (self.bids, self.bid_index, 1),
            (self.asks, self.ask_index, -1),
            (self.rising, self.rising_index, -1),
            (self.falling, self.falling_index, 1),
        ):
            for key in index.descending():
                yield levels[sign * key]
        yield from self.woken

    def all_ids(self) -> list[int]:
        """Every open order, level by level."""
        return [order.id for level in self.levels() for order in queue(level)]

    def is_buy(self, order: Order) -> bool:
        if order.level.role <= BID:
            return order.level.role == BID
        assert order.special is not None
        return bool(order.special.terms & BUY)

    # Queues.

    def append(self, order: Order, level: Level) -> None:
        """Join the end of the level's queue."""
        tail = level.prev
        order.level = level
        order.prev = tail
        order.next = level
        tail.next = order
        level.prev = order
        level.lots += order.lots
        if order.special is not None:
            level.hidden += order.special.hidden_lots

    def unlink(self, order: Order) -> None:
        """Leave the queue; an emptied level dies."""
        level = order.level
        before = order.prev
        after = order.next
        before.next = after
        after.prev = before
        level.lots -= order.lots
        if order.special is not None:
            level.hidden -= order.special.hidden_lots
        if before is after:
            self.drop(level)

    def bid_level(self, price: int) -> Level:
        """The bids at `price`, born empty if there were none."""
        level = self.bids.get(price)
        if level is None:
            level = self.bids[price] = self.new_level(price, BID)
            self.bid_index.add(price)
            if price > self.best_bid.price:
                self.best_bid = level
        return level

    def ask_level(self, price: int) -> Level:
        level = self.asks.get(price)
        if level is None:
            level = self.asks[price] = self.new_level(price, ASK)
            self.ask_index.add(-price)
            if price < self.best_ask.price:
                self.best_ask = level
        return level

    def rising_level(self, price: int) -> Level:
        level = self.rising.get(price)
        if level is None:
            level = self.rising[price] = self.new_level(price, RISING)
            self.rising_index.add(-price)
            self.rise_at = min(self.rise_at, price)
        return level

    def falling_level(self, price: int) -> Level:
        level = self.falling.get(price)
        if level is None:
            level = self.falling[price] = self.new_level(price, FALLING)
            self.falling_index.add(price)
            self.fall_at = max(self.fall_at, price)
        return level

    def new_level(self, price: int, role: int) -> Level:
        if not self.level_pool:
            return make_level(price, role)
        level = self.level_pool.pop()
        level.price = price
        level.role = role
        level.lots = 0
        level.hidden = 0
        return level

    def drop(self, level: Level) -> None:
        """Forget an emptied level. Woken levels stay in their queue and go when their turn
        comes.
        """
        role = level.role
        if role == BID:
            self.drop_bid(level)
        elif role == ASK:
            self.drop_ask(level)
        elif role == RISING:
            self.drop_rising(level)
            self.level_pool.append(level)
        elif role == FALLING:
            self.drop_falling(level)
            self.level_pool.append(level)

    def drop_bid(self, level: Level) -> None:
        del self.bids[level.price]
        index = self.bid_index
        index.remove(level.price)
        if level is self.best_bid:
            self.best_bid = NO_BID if index.is_empty() else self.bids[index.best()]
        self.level_pool.append(level)

    def drop_ask(self, level: Level) -> None:
        del self.asks[level.price]
        index = self.ask_index
        index.remove(-level.price)
        if level is self.best_ask:
            self.best_ask = NO_ASK if index.is_empty() else self.asks[-index.best()]
        self.level_pool.append(level)

    def drop_rising(self, level: Level) -> None:
        del self.rising[level.price]
        index = self.rising_index
        index.remove(-level.price)
        self.rise_at = PRICE_ABOVE_ALL if index.is_empty() else -index.best()

    def drop_falling(self, level: Level) -> None:
        del self.falling[level.price]
        index = self.falling_index
        index.remove(level.price)
        self.fall_at = PRICE_BELOW_ALL if index.is_empty() else index.best()


def queue(level: Level) -> Iterator[Order]:
    """The orders of a level, oldest first; the level must not change meanwhile."""
    order = level.next
    while order is not level:
        yield order
        order = order.next
