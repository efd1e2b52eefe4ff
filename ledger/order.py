"""What an order must hold, and what of it is still needed."""

from __future__ import annotations

from domain.market import Market, Side
from domain.money import AssetCode


def hold_asset(market: Market, side: Side) -> AssetCode:
    """The asset that an order gives: quote for a buy, base for a sell."""
    return market.quote.code if side is Side.BUY else market.base.code


def hold_units(
    market: Market,
    side: Side,
    *,
    price_ticks: int | None,
    lots: int | None,
    budget_units: int | None,
) -> int:
    """Units an order holds while `lots` are open.

    A sell holds its size; a buy its worst price times its size, or its budget. Fees need no hold,
    as they are taken from what is received.
    """
    if side is Side.SELL:
        assert lots is not None, "a sell needs a size"
        return market.base_units(lots)
    if budget_units is not None:
        return budget_units
    assert price_ticks is not None, "a buy needs a worst price or a budget"
    assert lots is not None, "a buy needs a size or a budget"
    return market.notional_units(price_ticks, lots)
