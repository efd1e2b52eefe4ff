"""One market's book: commands in, events out.

Deterministic: the same commands and times give the same events, on any machine. It makes no id,
asks no clock, and knows nothing of money but prices and sizes.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop
from typing import Final, TypeAlias

from engine.auction import Auction
from engine.commands import (
    ALLOW_FAILURE,
    BUY,
    HALTED,
    MARKET,
    PLACE,
    POST_ONLY,
    PREVENTION_MASK,
    SET_STATE,
    STATE_NAMES,
    TERMS_MAX,
    TRADING,
    Command,
)
from engine.events import (
    ACCEPTED,
    BY_EXCHANGE,
    BY_OWNER,
    CANCEL_FAILED,
    CANCELED,
    EXPIRED,
    MALFORMED,
    NOT_PERMITTED,
    REPLACED,
    RESTED,
    STATE_CHANGED,
    TIME_PASSED,
    Event,
)
from engine.ladder import Ladder, PriceIndex
from engine.numbers import Boxed
from engine.order import ASK, BID, NO_ORDER, new_order
from engine.placing import NEVER_MEETS, REMAINDERS
from engine.rules import Rules

_PLAIN: Final = BUY | POST_ONLY | PREVENTION_MASK
SELDOM: Final = 2
"""Neither a plain sell (ASK) nor a plain buy (BID): an order that never rests, or nonsense."""
SHAPES: Final = tuple(SELDOM if terms & ~_PLAIN else terms & BUY for terms in range(TERMS_MAX + 1))
"""By terms: looking up is quicker than asking for one bit after the other."""

EXPIRIES_MAX: Final = 1_000
"""Good-till-date orders that expire in one step; the rest follow at the next record."""


BoxedCommand: TypeAlias = tuple[Boxed, ...]


class Book(Auction):
    """`apply` one command after the other; `advance` the time; `take_events` out."""

    __slots__ = ("handlers",)

    def __init__(self, rules: Rules, index: Callable[[], PriceIndex] = Ladder) -> None:
        super().__init__(rules, index)
        self.handlers: tuple[Callable[[Command], None], ...] = (
            self.refuse_malformed,
            self.place,
            self.place_special,
            self.cancel,
            self.amend,
            self.cancel_all,
            self.replace,
            self.place_pair,
            self.set_state,
        )
        """By a command's kind. Whoever has many commands calls them without `apply` between."""

    def apply(self, command: Command) -> None:
        """Do one command. Whatever happens is in `events`."""
        kind = command[0]
        self.handlers[kind if kind <= SET_STATE else 0](command)

    def place(self, command: BoxedCommand) -> None:
        """Place a plain order: it rests, trades, or ends.

        One that rests without trading is written out, the most usual of all commands: a call costs
        as much as ten of these steps.
        """
        lots: int
        _, _, owner, order_id, terms, price, lots = command
        ticks: int = price
        try:
            owned = self.owners[owner]
            shape = SHAPES[terms]
        except LookupError:  # A new owner, or no terms at all.
            if terms > TERMS_MAX:
                self.place_checked(command)
                return
            owned, shape = self.owned_by(owner), SHAPES[terms]
        if (
            order_id in owned
            or len(owned) >= self.orders_max
            or lots > self.lots_max
            or ticks * lots < self.notional_min
        ):
            self.place_checked(command)
            return
        if shape == BID and ticks < self.buy_below:
            level = self.bids.get(price) or self.new_bid_level(price)
        elif shape == ASK and self.sell_above < ticks <= self.price_max:
            level = self.asks.get(price) or self.new_ask_level(price)
        else:
            self._meet_book(command)
            return
        order = self.free
        if order is NO_ORDER:
            order = new_order()
        else:
            self.free = order.after
        owned[order_id] = order
        order.id = order_id
        order.owner = owner
        order.lots = order.total = lots
        order.price = price
        order.role = shape
        order.after = level
        order.before = tail = level.before
        tail.after = level.before = order
        self.events.append((RESTED, order_id, owner, shape, price, lots))

    def _meet_book(self, command: BoxedCommand) -> None:
        """An order that does not simply rest: it trades or ends, or something is wrong with it."""
        terms: int
        price: int
        lots: int
        _, _, owner, order_id, terms, price, lots = command
        if terms & BUY:
            passes, meets = price <= self.price_high, price >= self.best_ask.price
        else:
            passes, meets = price >= self.price_low, price <= self.best_bid.price
        if terms & MARKET:  # Its price only bounds its cost.
            passes = self.state == TRADING and (
                not self.last_price or self.last_price * lots >= self.notional_min
            )
        reason = REMAINDERS[terms]
        if not passes or price > self.price_max or reason == NEVER_MEETS:
            self.place_checked(command)
        elif meets:
            self.cross(owner, order_id, terms, price, lots, None)
            if self.woken:
                self.run_woken()
        else:  # It ends at once: one that may rest comes here only if it meets or does not pass.
            self.events.append((ACCEPTED, order_id, owner, terms & BUY, price, lots))
            self.events.append((EXPIRED, order_id, owner, terms & BUY, price, lots, 0, reason))

    def cancel(self, command: BoxedCommand) -> None:
        """Cancel one order. The plain case is written out; orders with siblings go through
        `end`.
        """
        _, command_id, owner, order_id = command
        try:
            owned = self.owners[owner]
            order = owned[order_id]
        except KeyError:
            self.refuse(order_id, owner, command_id, self.no_order())
            return
        if order.special is not None or self.state == HALTED:
            self.cancel_checked(command)
            return
        del owned[order_id]
        before = order.before
        after = order.after
        before.after = after
        after.before = before
        order.after = self.free
        self.free = order
        lots = order.lots
        self.events.append(
            (CANCELED, order_id, owner, order.role, order.price, lots, lots, BY_OWNER)
        )
        if before is after:
            if after is self.best_bid:
                self.next_bid()
            elif after is self.best_ask:
                self.next_ask()
            else:
                self.emptied(after)

    def replace(self, command: BoxedCommand) -> None:
        """Cancel one order and place another in one step. A plain order is taken out as `cancel`
        does, written out again: in the thinnest published scenario this is each eleventh command.
        """
        _, command_id, owner, old_id, mode, order_id, terms, price, lots = command
        owned = self.owners.get(owner)
        order = None if owned is None else owned.get(old_id)
        if owned is None or order is None or self.state == HALTED:
            if mode != ALLOW_FAILURE:
                self.refuse(old_id, owner, command_id, self.change_flaw(owner, old_id))
                self.reject(order_id, owner, command_id, CANCEL_FAILED)
                return
        elif order.special is not None:
            self.end(order, CANCELED, REPLACED)
        else:
            del owned[old_id]
            before = order.before
            after = order.after
            before.after = after
            after.before = before
            order.after = self.free
            self.free = order
            left = order.lots
            self.events.append(
                (CANCELED, old_id, owner, order.role, order.price, left, left, REPLACED)
            )
            if before is after:
                if after is self.best_bid:
                    self.next_bid()
                elif after is self.best_ask:
                    self.next_ask()
                else:
                    self.emptied(after)
        self.place((PLACE, command_id, owner, order_id, terms, price, lots))

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

    def refuse_malformed(self, command: Command) -> None:
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
