"""What a book holds, and the moves that keep its parts consistent with each other."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

from engine.commands import BUY, TRADING
from engine.events import Event
from engine.ladder import Ladder, PriceIndex, from_best, insert, refill, remove
from engine.numbers import Boxed
from engine.order import (
    ASK,
    BID,
    FALLING,
    NO_ASK,
    NO_BID,
    NO_ORDER,
    PRICE_ABOVE_ALL,
    PRICE_BELOW_ALL,
    RISING,
    Level,
    Order,
    Special,
    is_vacant,
    make_level,
    queue,
)
from engine.ownership import Ownership
from engine.rules import Rules

VACANT_KEPT: Final = 1024
"""So many levels without orders stay, and as many again as there are with orders."""


class BookState(Ownership):
    """Orders by price and time, and by what they wait for."""

    __slots__ = (
        "ask_index",
        "ask_keys",
        "asks",
        "band_center",
        "best_ask",
        "best_bid",
        "bid_index",
        "bid_keys",
        "bids",
        "buy_below",
        "decremented",
        "events",
        "expiries",
        "expiries_max",
        "fall_at",
        "falling",
        "falling_index",
        "fills_max",
        "last_price",
        "level_pool",
        "lots_max",
        "notional_min",
        "orders_max",
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
        "vacant",
        "woken",
    )

    def __init__(self, rules: Rules, index: Callable[[], PriceIndex] = Ladder) -> None:
        super().__init__()
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
        self.fills_max: int = rules.fills_max
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
        self.bid_keys: list[Boxed] = []
        """The best prices, the best of all last; of asks negated. All others are in the index."""
        self.ask_keys: list[Boxed] = []
        self.bid_index: PriceIndex = index()
        self.ask_index: PriceIndex = index()
        self.best_bid: Level = NO_BID
        self.best_ask: Level = NO_ASK

        self._make_triggers(index)
        self.level_pool: list[Level] = []
        self.vacant: deque[Level] = deque()
        """Levels that lost their last order behind the best of their side, in that order. Many are
        wanted again, so they stay until the best falls below them or many others are vacant.
        """

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
        self.fills_max = rules.fills_max

    def stand(
        self,
        level: Level,
        order_id: Boxed,
        owner: Boxed,
        lots: int,
        total: int,
        special: Special | None,
    ) -> Order:
        """A new open order at the end of the level's queue."""
        order = self.free
        if order is NO_ORDER:
            order = Order()
        else:
            self.free = order.after
        order.id = order_id
        order.owner = owner
        order.lots = lots
        order.total = total
        order.special = special
        self.append(order, level)
        self.owned_by(owner)[order_id] = order
        return order

    def levels(self) -> Iterator[Level]:
        """All levels: bids and asks from the best on, then those that wait."""
        yield from self.side(BID)
        yield from self.side(ASK)
        for key in self.rising_index.descending():
            yield self.rising[-key]
        for key in self.falling_index.descending():
            yield self.falling[key]
        yield from self.woken

    def side(self, role: int) -> Iterator[Level]:
        """The bids or the asks: levels that hold orders, from the best on."""
        levels, near, index = (
            (self.bids, self.bid_keys, self.bid_index)
            if role == BID
            else (self.asks, self.ask_keys, self.ask_index)
        )
        for key in from_best(near, index):
            level = levels[abs(key)]
            if not is_vacant(level):
                yield level

    def all_orders(self) -> list[Order]:
        """Every open order, level by level."""
        return [order for level in self.levels() for order in queue(level)]

    def is_buy(self, order: Order) -> bool:
        if order.role <= BID:
            return order.role == BID
        assert order.special is not None
        return bool(order.special.terms & BUY)

    # Queues.

    def append(self, order: Order, level: Level) -> None:
        """Join the end of the level's queue."""
        order.price = level.price
        order.role = level.role
        order.after = level
        order.before = tail = level.before
        tail.after = level.before = order

    def unlink(self, order: Order) -> None:
        """Leave the queue."""
        before = order.before
        after = order.after
        before.after = after
        after.before = before
        if before is after:
            self.emptied(after)

    def bid_level(self, price: Boxed) -> Level:
        """The bids at `price`, where an order is about to join."""
        return self.bids.get(price) or self.new_bid_level(price)

    def ask_level(self, price: Boxed) -> Level:
        return self.asks.get(price) or self.new_ask_level(price)

    def new_bid_level(self, price: Boxed) -> Level:
        """For a price that has none, where an order is about to join. In a thin book every other
        order comes here.
        """
        level = self.level_pool.pop() if self.level_pool else make_level(price, BID)
        level.price = price
        level.role = BID
        self.bids[price] = level
        if price > self.best_bid.price:
            self.bid_keys.append(price)
            self.best_bid = level
            self.sell_above = price if price >= self.price_low else self.price_low - 1
        else:
            insert(self.bid_keys, self.bid_index, price)
        return level

    def new_ask_level(self, price: Boxed) -> Level:
        level = self.level_pool.pop() if self.level_pool else make_level(price, ASK)
        level.price = price
        level.role = ASK
        self.asks[price] = level
        if price < self.best_ask.price:
            self.ask_keys.append(-price)
            self.best_ask = level
            self.buy_below = price if price <= self.price_high else self.price_high + 1
        else:
            insert(self.ask_keys, self.ask_index, -price)
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

    def emptied(self, level: Level) -> None:
        """Follow up a level's last order. Woken levels go when their turn comes."""
        role = level.role
        if level is self.best_bid:
            self.next_bid()
        elif level is self.best_ask:
            self.next_ask()
        elif role <= BID:
            if not level.lots:
                level.lots = 1
                self.vacant.append(level)
                levels = len(self.bids) + len(self.asks)
                if len(self.vacant) > VACANT_KEPT + levels // 2:
                    self.drop_vacant()
        elif role == RISING:
            self.drop_rising(level)
            self.level_pool.append(level)
        elif role == FALLING:
            self.drop_falling(level)
            self.level_pool.append(level)

    def drop_vacant(self) -> None:
        """Let the level go that was vacant longest, unless it found orders meanwhile."""
        level = self.vacant.popleft()
        level.lots = 0
        if level.after is not level:
            return
        if not level.total:
            level.total = 1  # It went from the book before.
        elif level.role == BID:
            del self.bids[level.price]
            remove(self.bid_keys, self.bid_index, level.price)
        else:
            del self.asks[level.price]
            remove(self.ask_keys, self.ask_index, -level.price)
        self.level_pool.append(level)

    def next_bid(self) -> Level:
        """Move on from a best bid without orders to the next level that has some."""
        level = self.best_bid
        keys = self.bid_keys
        while True:
            del self.bids[level.price]
            if level.lots:
                level.total = 0
            else:
                self.level_pool.append(level)
            keys.pop()
            if not keys and not refill(keys, self.bid_index):
                level = NO_BID
                break
            level = self.bids[keys[-1]]
            if level.after is not level:
                break
        self.best_bid = level
        price: int = level.price
        self.sell_above = price if price >= self.price_low else self.price_low - 1
        return level

    def next_ask(self) -> Level:
        level = self.best_ask
        keys = self.ask_keys
        while True:
            del self.asks[level.price]
            if level.lots:
                level.total = 0
            else:
                self.level_pool.append(level)
            keys.pop()
            if not keys and not refill(keys, self.ask_index):
                level = NO_ASK
                break
            level = self.asks[-keys[-1]]
            if level.after is not level:
                break
        self.best_ask = level
        price: int = level.price
        self.buy_below = price if price <= self.price_high else self.price_high + 1
        return level

    def drop_rising(self, level: Level) -> None:
        del self.rising[level.price]
        index = self.rising_index
        index.remove(-level.price)
        self.rise_at = -index.best() or PRICE_ABOVE_ALL

    def drop_falling(self, level: Level) -> None:
        del self.falling[level.price]
        index = self.falling_index
        index.remove(level.price)
        self.fall_at = index.best() or PRICE_BELOW_ALL
