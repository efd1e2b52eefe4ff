"""One market's book: commands in, events out.

Deterministic: the same commands and times give the same events, on any machine. It makes no id,
asks no clock, and knows nothing of money but prices and sizes.
"""

from __future__ import annotations

from heapq import heappop
from typing import Final

from engine.auction import Auction
from engine.commands import (
    AMEND,
    BUY,
    CANCEL,
    CANCEL_ALL,
    HALTED,
    OCO,
    PLACE,
    PLACE_SPECIAL,
    POST_ONLY,
    PREVENTION_MASK,
    REPLACE,
    SET_STATE,
    STATE_NAMES,
    TRADING,
    Command,
)
from engine.events import (
    BY_EXCHANGE,
    BY_OWNER,
    CANCELED,
    MALFORMED,
    NOT_PERMITTED,
    RESTED,
    STATE_CHANGED,
    TIME_PASSED,
    WOULD_TAKE,
    Event,
)
from engine.order import NOBODY, Order

NOT_PLAIN: Final = ~(BUY | POST_ONLY | PREVENTION_MASK)
"""Terms bits that a plain good-till-canceled limit order has not."""

EXPIRIES_MAX: Final = 1_000
"""Good-till-date orders that expire in one step; the rest follow at the next record."""


class Book(Auction):
    """`apply` one command after the other; `advance` the time; `take_events` out."""

    __slots__ = ()

    def apply(self, command: Command) -> None:
        """Do one command. Whatever happens is in `events`."""
        kind = command[0]
        if kind == PLACE:
            self.place(command)
        elif kind == CANCEL:
            self.cancel(command)
        else:
            self._apply_rare(command)

    def place(self, command: Command) -> None:
        """A plain order. Resting without trading, the commonest case, is written out here."""
        _, _, owner, order_id, terms, price, lots = command
        table = self.table
        slot = order_id & self.mask
        if (
            price < self.price_low
            or price > self.price_high
            or lots > self.lots_max
            or price * lots < self.notional_min
            or table[slot] is not NOBODY
            or (self.overflow and order_id in self.overflow)
            or terms & NOT_PLAIN
        ):
            self.place_checked(command)
            return
        owned = self.owners.get(owner)
        if owned is None or len(owned.ids) >= owned.ids_max:
            self.place_checked(command)
            return
        if terms & BUY:
            if price >= self.best_ask.price:
                self._meet_book(command)
                return
            level = self.bids.get(price)
            if level is None:
                level = self.bid_level(price)
        else:
            if price <= self.best_bid.price:
                self._meet_book(command)
                return
            level = self.asks.get(price)
            if level is None:
                level = self.ask_level(price)
        order = self.pool.pop() if self.pool else Order()
        order.id = order_id
        order.owner = owner
        order.lots = lots
        order.total = lots
        order.special = None
        tail = level.prev
        order.level = level
        order.prev = tail
        order.next = level
        tail.next = order
        level.prev = order
        level.lots += lots
        table[slot] = order
        owned.ids.append(order_id)
        self.events.append((RESTED, order_id, owner, terms & BUY, price, lots))

    def cancel(self, command: Command) -> None:
        """Cancel one order. The plain case is written out; orders with siblings go through
        `end`.
        """
        order_id = command[3]
        table = self.table
        slot = order_id & self.mask
        order = table[slot]
        if (
            order.id != order_id
            or order.owner != command[2]
            or order.special is not None
            or self.state == HALTED
        ):
            self.cancel_checked(command)
            return
        level = order.level
        lots = order.lots
        before = order.prev
        after = order.next
        before.next = after
        after.prev = before
        level.lots -= lots
        table[slot] = NOBODY
        self.pool.append(order)
        self.events.append(
            (CANCELED, order_id, order.owner, level.role, level.price, lots, lots, BY_OWNER)
        )
        if before is after:
            self.drop(level)

    def advance(self, time_us: int) -> None:
        """Move the clock: expire what is due, let woken orders in, renew the price band.

        Called once before the commands of each journal record. Time never goes back.
        """
        self.time_us = max(self.time_us, time_us)
        self.band_center = self.last_price
        self.set_bounds()
        expiries = self.expiries
        room = EXPIRIES_MAX
        while expiries and expiries[0][0] <= self.time_us and room and self.state != HALTED:
            due, order_id = heappop(expiries)
            order = self.find(order_id)
            if order.special is not None and order.special.expires_us == due:
                room -= 1
                self.expire(order, TIME_PASSED)
        self.run_woken()

    def take_events(self) -> list[Event]:
        """The events since the last call; their numbers end at `sequence`."""
        events = self.events
        self.events = []
        self.sequence += len(events)
        return events

    def _meet_book(self, command: Command) -> None:
        """Trade a plain order that crosses, after all checks but this one."""
        _, command_id, owner, order_id, terms, price, lots = command
        if terms & POST_ONLY:
            self.reject(order_id, owner, command_id, WOULD_TAKE)
            return
        self.cross(owner, order_id, terms, price, lots, None)
        if self.woken:
            self.run_woken()

    def _apply_rare(self, command: Command) -> None:
        kind = command[0]
        if kind == PLACE_SPECIAL:
            self.place_special(command)
        elif kind == REPLACE:
            self.replace(command)
        elif kind == AMEND:
            self.amend(command)
        elif kind == CANCEL_ALL:
            self.cancel_all(command)
        elif kind == OCO:
            self.place_pair(command)
        elif kind == SET_STATE:
            self.set_state(command)
        else:
            self.refuse(0, command[2], command[1], MALFORMED)

    def set_state(self, command: Command) -> None:
        """Change the market's state. Entering TRADING trades whatever is crossed, at one price."""
        _, command_id, owner, state = command
        if owner or state not in STATE_NAMES:
            self.refuse(0, owner, command_id, NOT_PERMITTED)
            return
        self.events.append((STATE_CHANGED, self.state, state, BY_EXCHANGE))
        self.state = state
        self.set_bounds()
        if state == TRADING:
            self.uncross()
            self.run_woken()
