"""One market's book: commands in, events out.

Deterministic: the same commands and times give the same events, on any machine. It makes no id,
asks no clock, and knows nothing of money but prices and sizes.
"""

from __future__ import annotations

from heapq import heappop
from typing import Final

from engine.auction import Auction
from engine.commands import (
    ALLOW_FAILURE,
    AMEND,
    BUY,
    CANCEL,
    CANCEL_ALL,
    HALTED,
    IOC,
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
    ACCEPTED,
    BY_EXCHANGE,
    BY_OWNER,
    CANCEL_FAILED,
    CANCELED,
    IOC_REMAINDER,
    MALFORMED,
    NOT_PERMITTED,
    REPLACED,
    RESTED,
    STATE_CHANGED,
    TIME_PASSED,
    Event,
)
from engine.order import ASK, BID, Order

NOT_PLAIN: Final = ~(BUY | POST_ONLY | PREVENTION_MASK)
"""Terms bits that a plain good-till-canceled limit order has not."""
NOT_AT_ONCE: Final = ~(BUY | IOC | PREVENTION_MASK)
"""Terms bits that such an order has not, nor one that trades at once and then ends."""

EXPIRIES_MAX: Final = 1_000
"""Good-till-date orders that expire in one step; the rest follow at the next record."""


class Book(Auction):
    """`apply` one command after the other; `advance` the time; `take_events` out."""

    __slots__ = ()

    def apply(self, command: Command) -> None:
        """Do one command. Whatever happens is in `events`.

        A plain order that rests without trading is written out here.
        """
        kind = command[0]
        if kind != PLACE:
            if kind == CANCEL:
                self.cancel(command)
            else:
                self._apply_rare(command)
            return
        _, _, owner, order_id, terms, price, lots = command
        owned = self.owners.get(owner)
        if (
            owned is None
            or order_id in owned
            or len(owned) >= self.orders_max
            or lots > self.lots_max
            or price * lots < self.notional_min
        ):
            self.place_checked(command)
            return
        if terms & BUY:
            if price >= self.buy_below or terms & NOT_PLAIN:
                self._place_at_once(command)
                return
            is_buy = BID
            level = self.bids.get(price) or self.new_bid_level(price)
        else:
            if price <= self.sell_above or price > self.price_max or terms & NOT_PLAIN:
                self._place_at_once(command)
                return
            is_buy = ASK
            level = self.asks.get(price) or self.new_ask_level(price)
        order = self.pool.pop() if self.pool else Order()
        owned[order_id] = order
        order.id = order_id
        order.owner = owner
        order.lots = order.total = lots
        order.special = None
        order.prev = tail = level.prev
        order.level = order.next = level
        tail.next = level.prev = order
        level.lots += lots
        self.events.append((RESTED, order_id, owner, is_buy, price, lots))

    def _place_at_once(self, command: Command) -> None:
        """An order that does not simply rest: it trades or ends, or something is wrong with it."""
        _, _, owner, order_id, terms, price, lots = command
        if terms & BUY:
            passes, meets = price <= self.price_high, price >= self.best_ask.price
        else:
            passes, meets = price >= self.price_low, price <= self.best_bid.price
        if not passes or price > self.price_max or terms & NOT_AT_ONCE:
            self.place_checked(command)
        elif meets:
            self.cross(owner, order_id, terms, price, lots, None)
            if self.woken:
                self.run_woken()
        elif terms & IOC:
            self.events.append((ACCEPTED, order_id, owner, terms & BUY, price, lots))
            self.expire_taker(owner, order_id, terms, price, lots, IOC_REMAINDER)
        else:
            self.place_checked(command)

    def cancel(self, command: Command) -> None:
        """Cancel one order. The plain case is written out; orders with siblings go through
        `end`.
        """
        owned = self.owners.get(command[2])
        if owned is None or self.state == HALTED:
            self.cancel_checked(command)
            return
        order_id = command[3]
        order = owned.get(order_id)
        if order is None or order.special is not None:
            self.cancel_checked(command)
            return
        del owned[order_id]
        level = order.level
        lots = order.lots
        before = order.prev
        after = order.next
        before.next = after
        after.prev = before
        level.lots -= lots
        self.pool.append(order)
        self.events.append(
            (CANCELED, order_id, command[2], level.role, level.price, lots, lots, BY_OWNER)
        )
        if before is after:
            if level.role == BID:
                self.drop_bid(level)
            else:
                self.drop_ask(level)

    def replace(self, command: Command) -> None:
        """Cancel one order and place another in one step."""
        _, command_id, owner, old_id, mode, order_id, terms, price, lots = command
        order = self.find(owner, old_id)
        if order is not None and self.state != HALTED:
            if order.special is None:
                self._remove(order)
            else:
                self.end(order, CANCELED, REPLACED)
        elif mode != ALLOW_FAILURE:
            self.refuse(old_id, owner, command_id, self.change_flaw(owner, old_id))
            self.reject(order_id, owner, command_id, CANCEL_FAILED)
            return
        self.apply((PLACE, command_id, owner, order_id, terms, price, lots))

    def _remove(self, order: Order) -> None:
        """Take a plain order out to make room for the one that replaces it."""
        level = order.level
        lots = order.lots
        order_id = order.id
        owner = order.owner
        del self.owners[owner][order_id]
        before = order.prev
        after = order.next
        before.next = after
        after.prev = before
        level.lots -= lots
        self.pool.append(order)
        self.events.append(
            (CANCELED, order_id, owner, level.role, level.price, lots, lots, REPLACED)
        )
        if before is after:
            if level.role == BID:
                self.drop_bid(level)
            else:
                self.drop_ask(level)

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
            entry = heappop(expiries)
            order = self.find(entry[1], entry[2])
            if order is not None and self.is_live(entry):
                room -= 1
                self.expire(order, TIME_PASSED)
        self.run_woken()
        self.forget_owners()

    def take_events(self) -> list[Event]:
        """The events since the last call; their numbers end at `sequence`."""
        events = self.events
        self.events = []
        self.sequence += len(events)
        return events

    def _apply_rare(self, command: Command) -> None:
        kind = command[0]
        if kind == REPLACE:
            self.replace(command)
        elif kind == PLACE_SPECIAL:
            self.place_special(command)
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
