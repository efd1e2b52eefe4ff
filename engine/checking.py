"""The engine's own checks of every order: state, terms, steps, limits. It trusts nobody's word."""

from __future__ import annotations

from engine.commands import (
    AUCTION,
    BUY,
    CANCEL_ONLY,
    FOK,
    GTD,
    HALTED,
    IOC,
    MARKET,
    NO_TRIGGER,
    POST_ONLY,
    TERMS_MAX,
    TIF_MASK,
    TRADING,
    TRAIL_BPS,
    TRAIL_TICKS,
)
from engine.events import (
    ALREADY_EXPIRED,
    DUPLICATE_ORDER,
    LOTS_OUT_OF_RANGE,
    MARKET_CANCEL_ONLY,
    MARKET_HALTED,
    NO_LAST_PRICE,
    NOT_IN_AUCTION,
    NOTIONAL_TOO_SMALL,
    PRICE_OUT_OF_BAND,
    TERMS_CONTRADICT,
    TOO_MANY_ORDERS,
    WOULD_TRIGGER,
)
from engine.order import PRICE_ABOVE_ALL, PRICE_BELOW_ALL, Special
from engine.placing import Placing

BPS: int = 10_000


class Checking(Placing):
    """Each check answers with a reason, or 0 when there is nothing to object to."""

    __slots__ = ()

    def set_bounds(self) -> None:
        """Renew the prices that `place` lets pass without a closer look."""
        low, high = self.band()
        if self.state != TRADING:
            low, high = PRICE_ABOVE_ALL, PRICE_BELOW_ALL
        self.price_low = low
        self.price_high = high
        self.set_best_bid(self.best_bid)
        self.set_best_ask(self.best_ask)

    def band(self) -> tuple[int, int]:
        """Lowest and highest price of a limit order now, around the last price of the record
        before.
        """
        rules = self.rules
        low, high = 1, rules.price_max
        if rules.band_bps and self.band_center:
            reach = self.band_center * rules.band_bps // BPS
            low = max(low, self.band_center - reach)
            high = min(high, self.band_center + reach)
        return low, high

    def flaw(self, owner: int, order_id: int, terms: int, price: int, lots: int) -> int:
        """Why an order that arrives to trade or rest may not."""
        return (
            self._standing_flaw(owner, order_id)
            or (TERMS_CONTRADICT if terms & TIF_MASK == GTD else 0)
            or self._terms_flaw(terms)
            or self._steps_flaw(terms, price, lots)
        )

    def special_flaw(
        self, owner: int, order_id: int, lots: int, special: Special, display_lots: int
    ) -> int:
        """Why an order with something special may not be."""
        terms = special.terms
        waits = special.trigger_kind != NO_TRIGGER
        return (
            self._standing_flaw(owner, order_id)
            or self._shape_flaw(special, display_lots)
            or (self._trigger_flaw(special) if waits else self._terms_flaw(terms))
            or self._expiry_flaw(special)
            or self._steps_flaw(terms, special.price, lots, waits=waits)
        )

    def _standing_flaw(self, owner: int, order_id: int) -> int:
        if self.state == HALTED:
            return MARKET_HALTED
        if self.state == CANCEL_ONLY:
            return MARKET_CANCEL_ONLY
        owned = self.owned_by(owner)
        if order_id in owned:
            return DUPLICATE_ORDER
        return TOO_MANY_ORDERS if len(owned) >= self.orders_max else 0

    def _terms_flaw(self, terms: int) -> int:
        tif = terms & TIF_MASK
        ends_at_once = bool(terms & MARKET) or tif in (IOC, FOK)
        if terms > TERMS_MAX or (terms & POST_ONLY and ends_at_once):
            return TERMS_CONTRADICT
        if self.state == AUCTION and ends_at_once:
            return NOT_IN_AUCTION
        return 0

    def _shape_flaw(self, special: Special, display_lots: int) -> int:
        """Whether the parts of a special order fit each other."""
        terms = special.terms
        tif = terms & TIF_MASK
        rests = not terms & MARKET and tif not in (IOC, FOK)
        contradicts = (
            terms > TERMS_MAX
            or special.trigger_kind > TRAIL_BPS
            or (special.trigger_kind != NO_TRIGGER) != (special.trigger != 0)
            or (tif == GTD) != (special.expires_us != 0)
            or (tif == GTD and not rests)
            or (display_lots != 0 and not rests)
            or (special.budget != 0 and (not terms & MARKET or tif == FOK))
            or (terms & POST_ONLY and not rests)
        )
        return TERMS_CONTRADICT if contradicts else 0

    def _trigger_flaw(self, special: Special) -> int:
        if special.trigger_kind in (TRAIL_TICKS, TRAIL_BPS):
            if special.trigger_kind == TRAIL_BPS and special.trigger >= BPS:
                return TERMS_CONTRADICT
            if not self.last_price:
                return NO_LAST_PRICE
            if len(self.trailing) >= self.rules.trailing_max:
                return TOO_MANY_ORDERS
        if special.trigger > self.rules.price_max:
            return PRICE_OUT_OF_BAND
        return WOULD_TRIGGER if self.is_met(special) else 0

    def _expiry_flaw(self, special: Special) -> int:
        return ALREADY_EXPIRED if 0 < special.expires_us <= self.time_us else 0

    def _steps_flaw(self, terms: int, price: int, lots: int, *, waits: bool = False) -> int:
        """Price, size and their product. The price of a market or waiting order only bounds its
        cost.

        The band keeps buyers from paying far too much and sellers from getting far too little;
        an order far away on its own side of the book only waits.
        """
        if not 0 < lots <= self.lots_max:
            return LOTS_OUT_OF_RANGE
        low, high = (0, self.rules.price_max) if waits or terms & MARKET else self.band()
        in_band = price <= high if terms & BUY else price >= low
        if not in_band or not 0 < price <= self.rules.price_max:
            return PRICE_OUT_OF_BAND
        worth = self.last_price if terms & MARKET else price
        return NOTIONAL_TOO_SMALL if 0 < worth * lots < self.notional_min else 0
