"""Markets: a tradable pair with its steps. Inside, prices are ticks and sizes are lots."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

from domain.errors import InvalidAmount, MarketRuleBroken
from domain.money import Asset, format_units, parse_units

MarketId = NewType("MarketId", str)
"""Base and quote joined by a dash: BTC-USDT."""


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"


class MarketState(StrEnum):
    TRADING = "trading"
    CANCEL_ONLY = "cancel_only"
    HALTED = "halted"
    AUCTION = "auction"


@dataclass(frozen=True, slots=True)
class Market:
    """A pair and its steps. One tick x one lot is whole quote units, so no trade ever rounds."""

    id: MarketId
    base: Asset
    quote: Asset
    tick_units: int
    """Price step: quote units for one whole base coin."""
    lot_units: int
    """Size step: base units."""
    notional_min_units: int
    """Smallest price x size, in quote units."""
    lots_max: int = 10**12
    """Largest size of one order."""
    price_ticks_max: int = 10**12

    def __post_init__(self) -> None:
        assert self.tick_units > 0
        assert self.lot_units > 0
        assert self.tick_units * self.lot_units % 10**self.base.scale == 0, (
            "tick x lot must be whole quote units"
        )

    @property
    def quote_units_per_tick_lot(self) -> int:
        """Quote units that one lot costs at a price of one tick."""
        one_base: int = 10**self.base.scale
        return self.tick_units * self.lot_units // one_base

    def notional_units(self, price_ticks: int, lots: int) -> int:
        """Price x size in quote units; exact."""
        return price_ticks * lots * self.quote_units_per_tick_lot

    def base_units(self, lots: int) -> int:
        return lots * self.lot_units

    def parse_price(self, text: str) -> int:
        """Ticks of a decimal price. Raises InvalidAmount, or MarketRuleBroken off the tick."""
        return self._steps(
            text, self.quote.scale, self.tick_units, self.price_ticks_max, "price", "tick"
        )

    def parse_size(self, text: str) -> int:
        """Lots of a decimal base size. Raises InvalidAmount, or MarketRuleBroken off the lot."""
        return self._steps(text, self.base.scale, self.lot_units, self.lots_max, "size", "lot")

    def format_price(self, price_ticks: int) -> str:
        return format_units(price_ticks * self.tick_units, self.quote.scale)

    def format_size(self, lots: int) -> str:
        return format_units(lots * self.lot_units, self.base.scale)

    def _steps(self, text: str, scale: int, step: int, steps_max: int, what: str, unit: str) -> int:
        units = parse_units(text, scale)
        if units <= 0:
            raise InvalidAmount(f"{what} must be above zero, got {text!r}")
        if units % step:
            raise MarketRuleBroken(
                f"{what} {text} is not a multiple of the {unit} size {format_units(step, scale)}",
                rule=f"{unit}_size",
            )
        if units // step > steps_max:
            raise MarketRuleBroken(
                f"{what} {text} is above the largest, {format_units(steps_max * step, scale)}",
                rule=f"{what}_max",
            )
        return units // step
