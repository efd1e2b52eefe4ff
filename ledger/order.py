"""What an order must hold, and what of it is still needed."""

from __future__ import annotations

from domain.market import Market
from domain.money import AssetCode


def hold_asset(market: Market, *, is_buy: bool) -> AssetCode:
    """The asset that an order gives: quote for a buy, base for a sell."""
    return market.quote.code if is_buy else market.base.code


def hold_units(
    market: Market, *, is_buy: bool, price_ticks: int, lots: int, budget_units: int = 0
) -> int:
    """Units an order holds while `lots` are open.

    A sell holds its size; a buy its worst price times its size, or its budget. Fees need no hold,
    as they are taken from what is received.
    """
    if not is_buy:
        return market.base_units(lots)
    return budget_units or market.notional_units(price_ticks, lots)
