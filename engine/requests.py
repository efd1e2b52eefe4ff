"""The rarer commands: special orders, amendments, cancel-replace, pairs, sweeping cancels."""

from __future__ import annotations

from heapq import heapify, heappush

from engine.checking import Checking
from engine.commands import (
    BOTH_SIDES,
    HALTED,
    NO_TRIGGER,
    ONLY_BUYS,
    POST_ONLY,
    STOP,
    TRADING,
    Command,
)
from engine.events import (
    BY_EXCHANGE,
    BY_OWNER,
    CANCELED,
    CANCELED_ALL,
    EXPIRED,
    MARKET_HALTED,
    NOT_SMALLER,
    OTHER_LEG,
    REFUSED,
    REJECTED,
    TERMS_CONTRADICT,
    TRIGGERED,
    UNKNOWN_ORDER,
    WOULD_TAKE,
)
from engine.order import Order, Special

EXPIRIES_KEPT = 1_024


class Requests(Checking):
    """Commands that are worth a function call each; the hot ones are in engine/book.py."""

    __slots__ = ()

    def reject(self, order_id: int, owner: int, command_id: int, reason: int) -> None:
        self.events.append((REJECTED, order_id, owner, command_id, reason))

    def refuse(self, order_id: int, owner: int, command_id: int, reason: int) -> None:
        self.events.append((REFUSED, order_id, owner, command_id, reason))

    def change_flaw(self, owner: int, order_id: int) -> int:
        """Why this owner may not change this order now, or 0."""
        if self.state == HALTED:
            return MARKET_HALTED
        return UNKNOWN_ORDER if self.find(owner, order_id) is None else 0

    def no_order(self) -> int:
        """Why an order that is not there cannot be changed."""
        return MARKET_HALTED if self.state == HALTED else UNKNOWN_ORDER

    def place_checked(self, command: Command) -> None:
        """Place a plain order with every check, and say what is wrong with it."""
        _, command_id, owner, order_id, terms, price, lots = command
        flaw = self.flaw(owner, order_id, terms, price, lots)
        if not flaw and terms & POST_ONLY and self.crosses(terms, price):
            flaw = WOULD_TAKE
        if flaw:
            self.reject(order_id, owner, command_id, flaw)
        elif self.enter(owner, order_id, terms, price, lots, None):
            self.run_woken()

    def place_special(self, command: Command) -> None:
        """An order with a trigger, a hidden part, a budget or an expiry."""
        _, command_id, owner, order_id, terms, price, lots = command[:7]
        special = Special(terms, price)
        special.trigger_kind, special.trigger, display_lots = command[7:10]
        special.budget, special.expires_us = command[10:]
        flaw = self.special_flaw(owner, order_id, lots, special, display_lots)
        waits = special.trigger_kind != NO_TRIGGER
        if not flaw and not waits and terms & POST_ONLY and self.crosses(terms, price):
            flaw = WOULD_TAKE
        if flaw:
            self.reject(order_id, owner, command_id, flaw)
            return
        special.display_lots = display_lots
        if special.expires_us:
            self._expire_later(special.expires_us, owner, order_id)
        if waits:
            self.wait(owner, order_id, lots, special)
        elif self.enter(owner, order_id, terms, price, lots, special):
            self.run_woken()

    def _expire_later(self, expires_us: int, owner: int, order_id: int) -> None:
        if len(self.expiries) >= self.expiries_max:
            self.expiries = [entry for entry in self.expiries if self.is_live(entry)]
            heapify(self.expiries)
            self.expiries_max = max(EXPIRIES_KEPT, 2 * len(self.expiries))
        heappush(self.expiries, (expires_us, owner, order_id))

    def is_live(self, entry: tuple[int, int, int]) -> bool:
        """Whether an expiry's order is still open."""
        order = self.find(entry[1], entry[2])
        special = None if order is None else order.special
        return special is not None and special.expires_us == entry[0]

    def place_pair(self, command: Command) -> None:
        """One cancels the other: both legs are placed, or neither."""
        _, command_id, owner, limit_id, stop_id, limit_terms, limit_price, lots = command[:8]
        stop_terms, trigger, stop_price = command[8:]
        limit = Special(limit_terms | POST_ONLY, limit_price)
        stop = Special(stop_terms, stop_price)
        stop.trigger_kind, stop.trigger = STOP, trigger
        flaw = (
            (TERMS_CONTRADICT if (limit_terms ^ stop_terms) & 1 or limit_id == stop_id else 0)
            or self.special_flaw(owner, limit_id, lots, limit, 0)
            or self.special_flaw(owner, stop_id, lots, stop, 0)
            or (WOULD_TAKE if self.crosses(limit_terms, limit_price) else 0)
        )
        if flaw:
            self.reject(limit_id, owner, command_id, flaw)
            self.reject(stop_id, owner, command_id, flaw)
            return
        limit.sibling, stop.sibling = stop_id, limit_id
        self.enter(owner, limit_id, limit.terms, limit_price, lots, limit)
        self.wait(owner, stop_id, lots, stop)

    def cancel_checked(self, command: Command) -> None:
        _, command_id, owner, order_id = command
        order = self.find(owner, order_id)
        if order is None or self.state == HALTED:
            self.refuse(order_id, owner, command_id, self.change_flaw(owner, order_id))
        else:
            self.end(order, CANCELED, BY_OWNER)

    def amend(self, command: Command) -> None:
        """Shrink an order in place. Below what is filled already, the rest is canceled."""
        _, command_id, owner, order_id, total = command
        order = self.find(owner, order_id)
        flaw = self.change_flaw(owner, order_id)
        if order is None or flaw:
            self.refuse(order_id, owner, command_id, flaw)
        elif total >= order.total:
            self.refuse(order_id, owner, command_id, NOT_SMALLER)
        elif order.total - total >= self.open_lots(order):
            self.end(order, CANCELED, BY_OWNER)
        else:
            self.reduce(order, order.total - total, BY_OWNER)
            if order.special is not None and order.special.sibling:
                self._shrink_sibling(owner, order.special.sibling, total)

    def _shrink_sibling(self, owner: int, order_id: int, total: int) -> None:
        """Keep the two legs of a pair the same size."""
        sibling = self.find(owner, order_id)
        assert sibling is not None
        self.reduce(sibling, sibling.total - total, OTHER_LEG)

    def cancel_all(self, command: Command) -> None:
        """Cancel an owner's orders by id; of owner 0, the exchange: everybody's."""
        _, command_id, owner, sides = command
        if self.state == HALTED and owner:
            self.refuse(0, owner, command_id, MARKET_HALTED)
            return
        chosen = [(owner, order_id) for order_id in sorted(self.owned_by(owner))]
        if not owner:
            chosen = [(order.owner, order.id) for order in self.all_orders()]
        count = 0
        for whose, order_id in chosen:
            order = self.find(whose, order_id)
            if order is None:  # It went with its sibling.
                continue
            if sides == BOTH_SIDES or (sides == ONLY_BUYS) == self.is_buy(order):
                self.end(order, CANCELED, BY_OWNER if owner else BY_EXCHANGE)
                count += 1
        self.events.append((CANCELED_ALL, owner, command_id, count))

    def run_woken(self) -> None:
        """Let woken orders into the book, at most `cascade_max` of them."""
        room = self.rules.cascade_max
        while self.woken and room and self.state == TRADING:
            level = self.woken[0]
            order = level.after
            if order is level:
                self.woken.popleft()
                self.level_pool.append(level)
                continue
            room -= 1
            self._trigger(order)

    def _trigger(self, order: Order) -> None:
        """Turn a woken order into an arriving one."""
        special = order.special
        assert special is not None
        owner, order_id, lots, trigger = order.owner, order.id, order.lots, order.price
        sibling, special.sibling = special.sibling, 0
        self.unlink(order)
        self.forget(order)
        terms, price = special.terms, special.price
        self.events.append((TRIGGERED, order_id, owner, terms & 1, trigger, self.last_price))
        self.end_sibling(owner, sibling, EXPIRED)
        if terms & POST_ONLY and self.crosses(terms, price):
            self.expire_taker(owner, order_id, terms, price, lots, WOULD_TAKE)
        else:
            self.enter(owner, order_id, terms, price, lots, special)
