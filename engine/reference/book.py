"""The reference book: the same rules in the most obvious way, without a thought for speed."""

from __future__ import annotations

from engine import commands as c
from engine import events as e
from engine.commands import Command
from engine.events import Event
from engine.reference.auction import ReferenceAuction
from engine.reference.order import ReferenceOrder


class ReferenceBook(ReferenceAuction):
    """Same commands, same events as engine.book.Book."""

    def apply(self, command: Command) -> None:
        kind = command[0]
        handlers = {
            c.PLACE: self.place,
            c.PLACE_SPECIAL: self.place_special,
            c.CANCEL: self.cancel,
            c.AMEND: self.amend,
            c.CANCEL_ALL: self.cancel_all,
            c.REPLACE: self.replace,
            c.OCO: self.pair,
            c.SET_STATE: self.set_state,
        }
        handlers[kind](command)

    def place(self, command: Command) -> None:
        _, command_id, owner, order_id, terms, price, lots = command
        self.arrive(ReferenceOrder(order_id, owner, terms, price, lots), command_id)

    def place_special(self, command: Command) -> None:
        (
            _,
            command_id,
            owner,
            order_id,
            terms,
            price,
            lots,
            kind,
            trigger,
            display,
            budget,
            expires,
        ) = command
        order = ReferenceOrder(order_id, owner, terms, price, lots)
        order.trigger_kind, order.distance, order.trigger = kind, trigger, trigger
        order.display, order.budget, order.expires_us = display, budget, expires
        self.arrive(order, command_id)

    def arrive(self, order: ReferenceOrder, command_id: int) -> None:
        reason = self.objection(order)
        if not reason and not order.trigger_kind and order.post_only and self.against_now(order):
            reason = e.WOULD_TAKE
        if reason:
            self.events.append((e.REJECTED, order.id, order.owner, command_id, reason))
        elif order.trigger_kind:
            self.wait(order)
        elif self.enter(order):
            self.run_woken()

    def cancel(self, command: Command) -> None:
        _, command_id, owner, order_id = command
        order = self.changeable(command_id, owner, order_id)
        if order:
            self.end(order, e.CANCELED, e.BY_OWNER)

    def changeable(self, command_id: int, owner: int, order_id: int) -> ReferenceOrder | None:
        order = self.find(owner, order_id)
        if self.state == c.HALTED:
            self.events.append((e.REFUSED, order_id, owner, command_id, e.MARKET_HALTED))
            return None
        if order is None:
            self.events.append((e.REFUSED, order_id, owner, command_id, e.UNKNOWN_ORDER))
            return None
        return order

    def amend(self, command: Command) -> None:
        _, command_id, owner, order_id, total = command
        order = self.find(owner, order_id)
        if order is not None and self.state != c.HALTED and total >= order.total:
            self.events.append((e.REFUSED, order_id, owner, command_id, e.NOT_SMALLER))
            return
        order = self.changeable(command_id, owner, order_id)
        if order is None:
            return
        if total <= order.total - order.open:
            self.end(order, e.CANCELED, e.BY_OWNER)
            return
        self.reduce(order, order.total - total, e.BY_OWNER)
        sibling = self.find(owner, order.sibling) if order.sibling else None
        if sibling:
            self.reduce(sibling, sibling.total - total, e.OTHER_LEG)

    def cancel_all(self, command: Command) -> None:
        _, command_id, owner, sides = command
        if owner and self.state == c.HALTED:
            self.events.append((e.REFUSED, 0, owner, command_id, e.MARKET_HALTED))
            return
        mine = sorted((o for o in self.orders if o.owner == owner), key=lambda o: o.id)
        chosen = mine if owner else self.everything()
        count = 0
        for order in chosen:
            wanted = sides == c.BOTH_SIDES or (sides == c.ONLY_BUYS) == order.is_buy
            if wanted and order in self.orders:
                self.end(order, e.CANCELED, e.BY_OWNER if owner else e.BY_EXCHANGE)
                count += 1
        self.events.append((e.CANCELED_ALL, owner, command_id, count))

    def everything(self) -> list[ReferenceOrder]:
        """All open orders in the order an exchange-wide cancel takes them."""
        waiting = [o for o in self.orders if o.stage == "waiting"]
        rising = sorted(
            (o for o in waiting if o.waits_for_rise), key=lambda o: (o.trigger, o.stamp)
        )
        falling = [o for o in waiting if not o.waits_for_rise]
        falling.sort(key=lambda o: (-o.trigger, o.stamp))
        woken = sorted((o for o in self.orders if o.stage == "woken"), key=lambda o: o.stamp)
        return [
            *self.resting(is_buy=True),
            *self.resting(is_buy=False),
            *rising,
            *falling,
            *woken,
        ]

    def replace(self, command: Command) -> None:
        _, command_id, owner, old_id, mode, order_id, terms, price, lots = command
        order = self.find(owner, old_id)
        if order and self.state != c.HALTED:
            self.end(order, e.CANCELED, e.REPLACED)
        elif mode != c.ALLOW_FAILURE:
            self.changeable(command_id, owner, old_id)
            self.events.append((e.REJECTED, order_id, owner, command_id, e.CANCEL_FAILED))
            return
        self.arrive(ReferenceOrder(order_id, owner, terms, price, lots), command_id)

    def pair(self, command: Command) -> None:
        _, command_id, owner, limit_id, stop_id, limit_terms, limit_price, lots = command[:8]
        stop_terms, trigger, stop_price = command[8:]
        limit = ReferenceOrder(limit_id, owner, limit_terms | c.POST_ONLY, limit_price, lots)
        stop = ReferenceOrder(stop_id, owner, stop_terms, stop_price, lots)
        stop.trigger_kind, stop.trigger, stop.distance = c.STOP, trigger, trigger
        reason = 0
        if limit.is_buy != stop.is_buy or limit_id == stop_id:
            reason = e.TERMS_CONTRADICT
        reason = reason or self.objection(limit) or self.objection(stop)
        if not reason and self.against_now(limit):
            reason = e.WOULD_TAKE
        if reason:
            self.events.append((e.REJECTED, limit_id, owner, command_id, reason))
            self.events.append((e.REJECTED, stop_id, owner, command_id, reason))
            return
        limit.sibling, stop.sibling = stop_id, limit_id
        self.enter(limit)
        self.wait(stop)

    def set_state(self, command: Command) -> None:
        _, command_id, owner, state = command
        if owner or state not in c.STATE_NAMES:
            self.events.append((e.REFUSED, 0, owner, command_id, e.NOT_PERMITTED))
            return
        self.events.append((e.STATE_CHANGED, self.state, state, e.BY_EXCHANGE))
        self.state = state
        if state == c.TRADING:
            self.uncross()
            self.run_woken()

    def advance(self, time_us: int) -> None:
        self.time_us = max(self.time_us, time_us)
        self.band_center = self.last_price
        due = [o for o in self.orders if 0 < o.expires_us <= self.time_us]
        if self.state != c.HALTED:
            for order in sorted(due, key=lambda o: (o.expires_us, o.owner, o.id))[:1_000]:
                if order in self.orders:
                    self.end(order, e.EXPIRED, e.TIME_PASSED)
        self.run_woken()

    def take_events(self) -> list[Event]:
        events, self.events = self.events, []
        return events
