"""Fees as rates, in the fields that several answers share."""

from __future__ import annotations

from api.dialect.numbers import fraction
from ledger.fees import FeeRates

NO_DISCOUNT = {
    "enabledForAccount": False,
    "enabledForSymbol": False,
    "discountAsset": "",
    "discount": "0.00000000",
}


def rate_fields(rates: FeeRates | None) -> dict[str, str]:
    """None: a kind of commission that we do not take."""
    maker, taker = (rates.maker_ppm, rates.taker_ppm) if rates is not None else (0, 0)
    return {
        "maker": fraction(maker),
        "taker": fraction(taker),
        "buyer": fraction(0),
        "seller": fraction(0),
    }
