"""Orders and the queues they stand in.

An order is a node of a doubly linked ring whose head is its level, so it can leave from anywhere
without a search and without leaving a dead entry behind. Both are reused through free lists: the
hot path allocates nothing but events, and leaves no cycle to the garbage collector.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeAlias

from engine.numbers import Boxed

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


HEAD: Final = Special(0, 0)
"""What makes a level unlike a plain order, so that one look tells both ends of a run of those."""


class Order:
    """An open order, or a level: the head of the ring of all orders at one price.

    Both are of one class since Python is twice as quick where every object is, and they know their
    price and side themselves since a look at another object costs more than all the rest once the
    book is larger than the processor's cache. For the same reason the neighbours come first: slots
    are laid out by name.
    """

    __slots__ = ("after", "before", "id", "lots", "owner", "price", "role", "special", "total")

    after: Order
    """The next in the queue; of an object that waits to be used again, the next such one."""
    before: Order
    id: Boxed
    owner: Boxed
    price: Boxed
    """Limit price in ticks; of an order that waits outside the book, the price that wakes it."""
    role: int
    """BID or ASK in the book, else RISING or FALLING; a woken level's orders keep theirs."""
    lots: int
    """Open lots in the queue: all of them, or an iceberg's shown part. Of a level: 1 while it is
    listed as vacant, where it may have found orders again meanwhile.
    """
    total: int
    """Size when placed, less what was taken off since: `total - lots - hidden` was filled. Of a
    level: 0 if it went from the book while it was listed as vacant, else 1.
    """
    special: Special | None


Level: TypeAlias = Order


def new_order() -> Order:
    """A plain order; one with something special says so when it is placed."""
    order = Order()
    order.special = None
    return order


def make_level(price: int, role: int) -> Level:
    level = Order()
    level.id = level.owner = -1
    level.lots = 0
    level.total = 1
    level.special = HEAD
    level.before = level.after = level
    level.price = price
    level.role = role
    return level


def queue(level: Level) -> Iterator[Order]:
    """The orders of a level, oldest first; the level must not change meanwhile."""
    order = level.after
    while order is not level:
        yield order
        order = order.after


def is_vacant(level: Level) -> bool:
    return level.after is level


PRICE_BELOW_ALL: Final = -1
PRICE_ABOVE_ALL: Final = 2**62

NO_BID: Final = make_level(PRICE_BELOW_ALL, BID)
NO_ASK: Final = make_level(PRICE_ABOVE_ALL, ASK)
"""Stand for the best level of an empty side, so that comparing with it needs no special case."""

NO_ORDER: Final[Level] = make_level(PRICE_BELOW_ALL, BID)
"""Ends the list of objects that wait to be used again."""
