"""The reference book's state, look-ups and checks."""

from __future__ import annotations

from engine import commands as c
from engine import events as e
from engine.events import Event
from engine.reference.order import ReferenceOrder
from engine.rules import Rules


class ReferenceChecks:
    """What is there, and why an order may not join it."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.state = c.TRADING
        self.orders: list[ReferenceOrder] = []
        """All open orders, oldest first."""
        self.events: list[Event] = []
        self.stamp = 0
        self.trade_id = 0
        self.last_price = 0
        self.band_center = 0
        self.time_us = 0

    def find(self, owner: int, order_id: int) -> ReferenceOrder | None:
        mine = (order for order in self.orders if order.owner == owner)
        return next((order for order in mine if order.id == order_id), None)

    def resting(self, *, is_buy: bool) -> list[ReferenceOrder]:
        """The book of one side, first to trade first."""
        side = [o for o in self.orders if o.stage == "book" and o.is_buy == is_buy]
        return sorted(side, key=lambda o: (-o.price if is_buy else o.price, o.stamp))

    def against(self, taker: ReferenceOrder, limit: int) -> list[ReferenceOrder]:
        """Resting orders the taker could trade with, first to trade first."""
        side = self.resting(is_buy=not taker.is_buy)
        return [o for o in side if (o.price <= limit if taker.is_buy else o.price >= limit)]

    def next_stamp(self) -> int:
        self.stamp += 1
        return self.stamp

    def against_now(self, order: ReferenceOrder) -> bool:
        """Whether the order would trade at once."""
        return self.state != c.AUCTION and bool(self.against(order, order.price))

    def objection(self, order: ReferenceOrder) -> int:
        """Why an order may not be placed, or 0."""
        if self.state == c.HALTED:
            return e.MARKET_HALTED
        if self.state == c.CANCEL_ONLY:
            return e.MARKET_CANCEL_ONLY
        if self.find(order.owner, order.id):
            return e.DUPLICATE_ORDER
        if sum(o.owner == order.owner for o in self.orders) >= self.rules.orders_max:
            return e.TOO_MANY_ORDERS
        if self.contradicts(order):
            return e.TERMS_CONTRADICT
        return self.timing_objection(order) or self.steps_objection(order)

    def contradicts(self, order: ReferenceOrder) -> bool:
        """Whether the parts of an order do not fit each other."""
        if order.terms > c.TERMS_MAX or order.trigger_kind > c.TRAIL_BPS:
            return True
        if not order.may_rest and (order.post_only or order.display or order.tif == c.GTD):
            return True
        if (order.tif == c.GTD) != bool(order.expires_us):
            return True
        if bool(order.trigger_kind) != bool(order.trigger):
            return True
        if order.trigger_kind == c.TRAIL_BPS and order.distance >= 10_000:
            return True
        return bool(order.budget) and (not order.is_market or order.tif == c.FOK)

    def timing_objection(self, order: ReferenceOrder) -> int:  # noqa: C901, PLR0911 - one rule a line
        """Why the order may not be placed now, or 0."""
        if not order.trigger_kind:
            if self.state == c.AUCTION and not order.may_rest:
                return e.NOT_IN_AUCTION
        elif order.trails:
            if not self.last_price:
                return e.NO_LAST_PRICE
            if (
                sum(o.trails and o.stage == "waiting" for o in self.orders)
                >= self.rules.trailing_max
            ):
                return e.TOO_MANY_ORDERS
        if order.trigger > self.rules.price_max:
            return e.PRICE_OUT_OF_BAND
        if order.trigger_kind and not order.trails and self.last_price:
            hit = self.last_price - order.trigger
            if hit >= 0 if order.waits_for_rise else hit <= 0:
                return e.WOULD_TRIGGER
        if 0 < order.expires_us <= self.time_us:
            return e.ALREADY_EXPIRED
        return 0

    def steps_objection(self, order: ReferenceOrder) -> int:
        """Why this price and size may not be, or 0."""
        if order.total < 1 or order.total > self.rules.lots_max:
            return e.LOTS_OUT_OF_RANGE
        if order.price < 1 or order.price > self.rules.price_max:
            return e.PRICE_OUT_OF_BAND
        banded = self.rules.band_bps and self.band_center and not order.is_market
        if banded and not order.trigger_kind:
            reach = self.band_center * self.rules.band_bps // 10_000
            too_far = (
                order.price - self.band_center if order.is_buy else self.band_center - order.price
            )
            if too_far > reach:
                return e.PRICE_OUT_OF_BAND
        worth = self.last_price if order.is_market else order.price
        if worth and worth * order.total < self.rules.notional_min:
            return e.NOTIONAL_TOO_SMALL
        return 0
