"""What a book holds, and the moves that keep its parts consistent with each other."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

from engine.commands import BUY, TRADING
from engine.events import Event
from engine.ladder import NO_KEY, Ladder, PriceIndex
from engine.order import (
    ASK,
    BID,
    FALLING,
    NO_ASK,
    NO_BID,
    PRICE_ABOVE_ALL,
    PRICE_BELOW_ALL,
    RISING,
    Level,
    Order,
    Special,
    make_level,
)
from engine.rules import Rules

OWNERS_KEPT: Final = 1_024


class BookState:
    """Orders by price and time, by owner and id, by trigger.

    Every command names its owner, so each owner's orders are a dict of their own: an order of
    somebody else is never even found, the limit on open orders is a length, and no dict grows so
    large that its rebuild would stop the market for milliseconds.
    """

    __slots__ = (
        "ask_index",
        "asks",
        "band_center",
        "best_ask",
        "best_bid",
        "bid_index",
        "bids",
        "buy_below",
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
        "notional_min",
        "orders_max",
        "owners",
        "owners_max",
        "pool",
        "price_high",
        "price_low",
        "price_max",
        "rise_at",
        "rising",
        "rising_index",
        "rules",
        "sell_above",
        "sequence",
        "state",
        "time_us",
        "trade_id",
        "trailing",
        "woken",
    )

    def __init__(self, rules: Rules, index: Callable[[], PriceIndex] = Ladder) -> None:
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
        self.price_max: int = rules.price_max
        self.orders_max: int = rules.orders_max
        self.price_low: int = 1
        """Lowest price of a sell order; above all prices while the market is not trading."""
        self.price_high: int = rules.price_max
        """Highest price of a buy order; below all prices while the market is not trading."""
        self.buy_below: int = rules.price_max + 1
        """A buy order below this price rests: it reaches neither the best ask nor the band's
        end.
        """
        self.sell_above: int = 0

        self.bids: dict[int, Level] = {}
        self.asks: dict[int, Level] = {}
        self.bid_index: PriceIndex = index()
        self.ask_index: PriceIndex = index()
        self.best_bid: Level = NO_BID
        self.best_ask: Level = NO_ASK

        self._make_triggers(index)
        self.owners: dict[int, dict[int, Order]] = {}
        """Open orders by owner and id."""
        self.owners_max: int = OWNERS_KEPT
        self.pool: list[Order] = []
        self.level_pool: list[Level] = []

    def _make_triggers(self, index: Callable[[], PriceIndex]) -> None:
        """What waits outside the book: for a price, or for its time to end."""
        self.rising: dict[int, Level] = {}
        self.falling: dict[int, Level] = {}
        self.rising_index: PriceIndex = index()
        self.falling_index: PriceIndex = index()
        self.rise_at: int = PRICE_ABOVE_ALL
        """Lowest price at which an order waiting for a rise wakes."""
        self.fall_at: int = PRICE_BELOW_ALL
        self.trailing: dict[tuple[int, int], Order] = {}
        """Trailing stops by owner and id, in the order they were placed."""
        self.woken: deque[Level] = deque()
        self.expiries: list[tuple[int, int, int]] = []
        """Heap of (time, owner, order id); entries of orders that ended before are skipped."""
        self.expiries_max: int = 1_024

    def set_rules(self, rules: Rules) -> None:
        """Let new rules count from the next command on; open orders stay as they are."""
        self.rules = rules
        self.lots_max = rules.lots_max
        self.notional_min = rules.notional_min
        self.price_max = rules.price_max
        self.orders_max = rules.orders_max

    # Orders by owner and id.

    def find(self, owner: int, order_id: int) -> Order | None:
        """The owner's open order with this id."""
        owned = self.owners.get(owner)
        return None if owned is None else owned.get(order_id)

    def forget(self, order: Order) -> None:
        """Strike an ended order off its owner's list; its object is used again."""
        del self.owners[order.owner][order.id]
        order.special = None
        self.pool.append(order)

    def register(
        self, order_id: int, owner: int, lots: int, total: int, special: Special | None
    ) -> Order:
        """A new open order, known by owner and id, not yet in a queue."""
        order = self.pool.pop() if self.pool else Order()
        order.id = order_id
        order.owner = owner
        order.lots = lots
        order.total = total
        order.special = special
        self.owned_by(owner)[order_id] = order
        return order

    def owned_by(self, owner: int) -> dict[int, Order]:
        """The owner's open orders by id."""
        owned = self.owners.get(owner)
        if owned is None:
            owned = self.owners[owner] = {}
        return owned

    def forget_owners(self) -> None:
        """Drop owners without orders, once there are many."""
        if len(self.owners) > self.owners_max:
            self.owners = {owner: owned for owner, owned in self.owners.items() if owned}
            self.owners_max = max(OWNERS_KEPT, 2 * len(self.owners))

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

    def all_orders(self) -> list[Order]:
        """Every open order, level by level."""
        return [order for level in self.levels() for order in queue(level)]

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
        return self.new_bid_level(price) if level is None else level

    def ask_level(self, price: int) -> Level:
        level = self.asks.get(price)
        return self.new_ask_level(price) if level is None else level

    def new_bid_level(self, price: int) -> Level:
        """For a price that has none. Written out: this happens at every third order."""
        if self.level_pool:
            level = self.level_pool.pop()
            level.price = price
            level.role = BID
        else:
            level = make_level(price, BID)
        self.bids[price] = level
        if price > self.best_bid.price:
            self.bid_index.add_best(price)
            self.best_bid = level
            self.sell_above = price if price >= self.price_low else self.price_low - 1
        else:
            self.bid_index.add(price)
        return level

    def new_ask_level(self, price: int) -> Level:
        if self.level_pool:
            level = self.level_pool.pop()
            level.price = price
            level.role = ASK
        else:
            level = make_level(price, ASK)
        self.asks[price] = level
        if price < self.best_ask.price:
            self.ask_index.add_best(-price)
            self.best_ask = level
            self.buy_below = price if price <= self.price_high else self.price_high + 1
        else:
            self.ask_index.add(-price)
        return level

    def set_best_bid(self, level: Level) -> None:
        self.best_bid = level
        self.sell_above = max(level.price, self.price_low - 1)

    def set_best_ask(self, level: Level) -> None:
        self.best_ask = level
        self.buy_below = min(level.price, self.price_high + 1)

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
        """An empty level; those in the pool are empty as well."""
        if not self.level_pool:
            return make_level(price, role)
        level = self.level_pool.pop()
        level.price = price
        level.role = role
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
        price = level.price
        del self.bids[price]
        self.level_pool.append(level)
        if level is not self.best_bid:
            self.bid_index.remove(price)
            return
        key = self.bid_index.remove_best()
        self.best_bid = NO_BID if key == NO_KEY else self.bids[key]
        self.sell_above = key if key >= self.price_low else self.price_low - 1

    def drop_ask(self, level: Level) -> None:
        price = level.price
        del self.asks[price]
        self.level_pool.append(level)
        if level is not self.best_ask:
            self.ask_index.remove(-price)
            return
        price = -self.ask_index.remove_best()
        self.best_ask = NO_ASK if price == PRICE_ABOVE_ALL else self.asks[price]
        self.buy_below = price if price <= self.price_high else self.price_high + 1

    def drop_rising(self, level: Level) -> None:
        del self.rising[level.price]
        index = self.rising_index
        index.remove(-level.price)
        self.rise_at = -index.best()

    def drop_falling(self, level: Level) -> None:
        del self.falling[level.price]
        index = self.falling_index
        index.remove(level.price)
        self.fall_at = max(index.best(), PRICE_BELOW_ALL)


def queue(level: Level) -> Iterator[Order]:
    """The orders of a level, oldest first; the level must not change meanwhile."""
    order = level.next
    while order is not level:
        yield order
        order = order.next
