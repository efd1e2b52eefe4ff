"""Orders and the queues they stand in.

An order is a node of a doubly linked ring whose head is its level, so it can leave from anywhere
without a search and without leaving a dead entry behind. Both are reused through free lists: the
hot path allocates nothing but events, and leaves no cycle to the garbage collector.
"""

from __future__ import annotations

from typing import Final

ASK: Final = 0
BID: Final = 1
RISING: Final = 2
"""Outside the book: orders that wake when the last price rises to the level's."""
FALLING: Final = 3
WOKEN: Final = 4
"""Triggered, and waiting for their turn to enter the book."""


class Special:
    """What few orders have: a hidden part, a trigger, an expiry, a sibling, a budget."""

    __slots__ = (
        "budget",
        "display_lots",
        "expires_us",
        "hidden_lots",
        "peak",
        "price",
        "sibling",
        "terms",
        "trigger",
        "trigger_kind",
    )

    def __init__(self, terms: int, price: int) -> None:
        self.terms = terms
        self.price = price
        self.hidden_lots = 0
        """An iceberg's open lots that are not shown."""
        self.display_lots = 0
        """An iceberg's size of each shown part; 0: the order is shown whole."""
        self.expires_us = 0
        """When a good-till-date order expires; 0: never."""
        self.sibling = 0
        """Order id of the other leg of an OCO pair; 0: none."""
        self.trigger_kind = 0
        """Why it waits outside the book; 0 once it entered."""
        self.trigger = 0
        """The price it waits for; of a trailing stop the distance."""
        self.peak = 0
        """Of a trailing stop: the best last price since it was placed."""
        self.budget = 0
        """Tick-lots a market order may still trade; 0: no budget."""


class Order:
    """An open order. Its side and price are its level's."""

    __slots__ = ("id", "level", "lots", "next", "owner", "prev", "special", "total")

    id: int
    owner: int
    lots: int
    """Open lots in the queue: all of them, or an iceberg's shown part. Of a level: their sum."""
    total: int
    """Size when placed, less what was taken off since: `total - lots - hidden` was filled."""
    level: Level
    prev: Order
    next: Order
    special: Special | None


class Level(Order):
    """All orders at one price, oldest first: the head of their ring."""

    __slots__ = ("hidden", "price", "role")

    price: int
    hidden: int
    """Open lots of icebergs at this price that are not shown."""
    role: int


def make_level(price: int, role: int) -> Level:
    level = Level()
    level.id = -1
    level.owner = -1
    level.lots = 0
    level.total = 0
    level.special = None
    level.level = level
    level.prev = level
    level.next = level
    level.price = price
    level.hidden = 0
    level.role = role
    return level


PRICE_BELOW_ALL: Final = -1
PRICE_ABOVE_ALL: Final = 2**62

NO_BID: Final = make_level(PRICE_BELOW_ALL, BID)
NO_ASK: Final = make_level(PRICE_ABOVE_ALL, ASK)
"""Stand for the best level of an empty side, so that comparing with it needs no special case."""
