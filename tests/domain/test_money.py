from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidAmount
from domain.money import UNITS_MAX, Amount, Asset, AssetCode, format_units, parse_units

BTC = Asset(AssetCode("BTC"), 8)


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("0.00000001", 1),
        ("1", 100_000_000),
        ("20999999.9769", 2_099_999_997_690_000),
        ("1e-3", 100_000),
    ],
)
def test_exact_decimals_become_units(text: str, units: int) -> None:
    assert BTC.parse(text) == Amount(BTC, units)


@pytest.mark.parametrize(
    "text",
    [
        "", " 1", "1 ", "1_000", "1,5", "0x10", "--1", "1..2", "NaN", "sNaN", "Infinity", "-inf",
        "1e999", "1e-999", "9" * 100, "٣", "1\n", "0", "0.0", "-0", "-1", "0.000000001",
    ],
)  # fmt: skip
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidAmount):
        BTC.parse(text)


def test_a_json_number_is_no_amount() -> None:
    with pytest.raises(InvalidAmount, match="decimal strings"):
        parse_units(0.1, 8)  # type: ignore[arg-type]


def test_the_last_amount_in_range_and_the_first_out_of_it() -> None:
    assert parse_units(str(UNITS_MAX - 1), 0) == UNITS_MAX - 1

    with pytest.raises(InvalidAmount, match="range"):
        parse_units(str(UNITS_MAX), 0)


@given(units=st.integers(-(10**37), 10**37), scale=st.integers(0, 18))
def test_format_and_parse_are_inverse(units: int, scale: int) -> None:
    assert parse_units(format_units(units, scale), scale) == units


@given(text=st.text(max_size=30), scale=st.integers(0, 18))
def test_parsing_never_raises_anything_but_a_refusal(text: str, scale: int) -> None:
    try:
        units = parse_units(text, scale)
    except InvalidAmount:
        return
    assert parse_units(format_units(units, scale), scale) == units
