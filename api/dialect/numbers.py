"""Numbers and times as the dialect writes them: eight decimals or more, milliseconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from domain.market import Market
from domain.money import Asset, format_units

_DECIMALS = 8
_EPOCH = datetime.fromtimestamp(0, UTC)
_MILLISECOND = timedelta(milliseconds=1)
ZERO = "0.00000000"


def fixed(units: int, scale: int) -> str:
    """Eight decimals; more only where the exact amount has more, for nothing is rounded away."""
    text = format_units(units, scale)
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction.ljust(_DECIMALS, '0')}"


def amount(asset: Asset, units: int) -> str:
    return fixed(units, asset.scale)


def price(market: Market, ticks: int) -> str:
    return fixed(ticks * market.tick_units, market.quote.scale)


def size(market: Market, lots: int) -> str:
    return fixed(lots * market.lot_units, market.base.scale)


def notional(market: Market, tick_lots: int) -> str:
    """Price times size, in the quote asset."""
    return fixed(tick_lots * market.quote_units_per_tick_lot, market.quote.scale)


def fraction(ppm: int) -> str:
    """Parts per million as a fraction: 1000 is `0.00100000`."""
    return fixed(ppm, 6)


def milliseconds(moment: datetime) -> int:
    """Cut off, never rounded: so what comes live and what was stored tell the same time."""
    return (moment - _EPOCH) // _MILLISECOND
