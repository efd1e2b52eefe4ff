"""What a market allows, as the engine checks it again on every order."""

from __future__ import annotations

from dataclasses import dataclass

STEPS_MAX = 2**31 - 1
"""Largest price and largest size: so that price x lots, and any sum the engine makes, fits 63
bits.
"""


@dataclass(frozen=True, slots=True)
class Rules:
    """Limits of one market, in ticks and lots. All of them are part of the engine's state."""

    lots_max: int = STEPS_MAX
    """Largest size of one order."""
    price_max: int = STEPS_MAX
    notional_min: int = 1
    """Smallest price x lots of an order, in tick-lots."""
    band_bps: int = 0
    """An order's price may be so far from the last trade's, in basis points; 0: no band."""
    protection_bps: int = 0
    """A market order trades no further from the best price it met than this; 0: no protection."""
    orders_max: int = 10_000
    """Open orders of one owner."""
    fills_max: int = 1_000
    """Trades one order may make on arrival; what is left expires. Bounds the work of one
    command.
    """
    cascade_max: int = 100
    """Triggered orders that enter the book in one step; the rest follow at the next record."""
    trailing_max: int = 1_000
    """Trailing stops of one market: each is looked at when the price moves."""

    def __post_init__(self) -> None:
        assert 0 < self.lots_max <= STEPS_MAX
        assert 0 < self.price_max <= STEPS_MAX
        assert self.notional_min > 0
        assert self.fills_max > 0
        assert self.cascade_max > 0
