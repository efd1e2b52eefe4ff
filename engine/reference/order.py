"""An order of the reference book: everything about it in one place."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine import commands as c


@dataclass(eq=False)
class ReferenceOrder:
    id: int
    owner: int
    terms: int
    price: int
    total: int
    """Size when placed, less what was taken off since."""
    trigger_kind: int = 0
    distance: int = 0
    trigger: int = 0
    display: int = 0
    budget: int = 0
    expires_us: int = 0
    sibling: int = 0
    peak: int = 0
    stage: str = "new"
    """`new`, `waiting`, `woken` or `book`."""
    stamp: int = 0
    """When it joined its queue; smaller is earlier."""
    open: int = field(init=False)
    shown: int = 0
    """Lots in the visible book."""

    def __post_init__(self) -> None:
        self.open = self.total

    @property
    def is_buy(self) -> bool:
        return bool(self.terms & c.BUY)

    @property
    def tif(self) -> int:
        return self.terms & c.TIF_MASK

    @property
    def is_market(self) -> bool:
        return bool(self.terms & c.MARKET)

    @property
    def post_only(self) -> bool:
        return bool(self.terms & c.POST_ONLY)

    @property
    def may_rest(self) -> bool:
        return not self.is_market and self.tif in (c.GTC, c.GTD)

    @property
    def trails(self) -> bool:
        return self.trigger_kind in (c.TRAIL_TICKS, c.TRAIL_BPS)

    @property
    def waits_for_rise(self) -> bool:
        return self.is_buy != (self.trigger_kind == c.TAKE_PROFIT)

    def follow(self, price: int) -> None:
        """Set a trailing stop's trigger from its best price."""
        self.peak = price
        distance = self.distance
        if self.trigger_kind == c.TRAIL_BPS:
            distance = (price * self.distance + 9_999) // 10_000
        self.trigger = price + distance if self.is_buy else max(1, price - distance)
