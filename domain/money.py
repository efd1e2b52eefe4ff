"""Assets and amounts. Inside: whole smallest units. Outside: exact decimal strings."""

from __future__ import annotations

import decimal
from dataclasses import dataclass
from typing import NewType

from domain.errors import InvalidAmount

AssetCode = NewType("AssetCode", str)
"""Ticker in capitals: BTC, ETH, USDT."""

UNITS_MAX = 10**38
"""No amount is this large: 10^20 whole coins of an 18-decimals asset; NUMERIC(78,0) holds more."""

_TEXT_LENGTH_MAX = 80
_EXACT = decimal.Context(
    prec=120, traps=[decimal.Inexact, decimal.InvalidOperation, decimal.Overflow]
)


@dataclass(frozen=True, slots=True)
class Asset:
    """What is owned, and how many decimals its smallest unit has on its chain."""

    code: AssetCode
    scale: int

    def parse(self, text: str) -> Amount:
        """Read a decimal string. Raises InvalidAmount unless it is positive, exact and in range."""
        units = parse_units(text, self.scale)
        if units <= 0:
            raise InvalidAmount(f"amount must be above zero, got {text!r}", asset=self.code)
        return Amount(self, units)


@dataclass(frozen=True, slots=True)
class Amount:
    """A non-negative number of an asset's smallest units; direction is in the accounts."""

    asset: Asset
    units: int

    def __post_init__(self) -> None:
        assert self.units >= 0, self
        assert self.units < UNITS_MAX, self

    def __str__(self) -> str:
        return f"{format_units(self.units, self.asset.scale)} {self.asset.code}"

    def format(self) -> str:
        """The decimal string without trailing zeros: `0.5`, `20`."""
        return format_units(self.units, self.asset.scale)


def parse_units(text: str, scale: int) -> int:
    """Units of the decimal string `text`; may be zero or negative.

    Raises InvalidAmount for anything but a plain finite decimal with at most `scale` decimals: NaN,
    infinities, exponents out of range, digits that would be rounded away, non-ASCII digits.
    """
    if not isinstance(text, str):
        raise InvalidAmount('amounts are decimal strings, such as "0.5"')
    if len(text) > _TEXT_LENGTH_MAX or not text.isascii() or text != text.strip() or "_" in text:
        raise InvalidAmount(f"not a decimal number: {text[:_TEXT_LENGTH_MAX]!r}")
    try:
        value = _EXACT.create_decimal(text)
    except decimal.DecimalException:
        raise InvalidAmount(f"not a decimal number: {text!r}") from None
    if not value.is_finite() or abs(value.adjusted()) > _TEXT_LENGTH_MAX:
        raise InvalidAmount(f"not a finite decimal number in range: {text!r}")
    try:
        units = int(_EXACT.to_integral_exact(_EXACT.scaleb(value, scale)))
    except decimal.DecimalException:
        raise InvalidAmount(f"more than {scale} decimals: {text!r}", decimals=str(scale)) from None
    if abs(units) >= UNITS_MAX:
        raise InvalidAmount(f"amount out of range: {text!r}")
    return units


def format_units(units: int, scale: int) -> str:
    """`units` as a decimal string without trailing zeros; exact at any size."""
    sign, digits = ("-" if units < 0 else ""), str(abs(units)).rjust(scale + 1, "0")
    whole, fraction = (digits[:-scale], digits[-scale:].rstrip("0")) if scale else (digits, "")
    return sign + whole + ("." + fraction if fraction else "")
