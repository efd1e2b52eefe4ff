from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidAmount, MarketRuleBroken
from domain.market import Market, MarketId
from domain.money import Asset, AssetCode

BTC = Asset(AssetCode("BTC"), 8)
USDT = Asset(AssetCode("USDT"), 6)
MARKET = Market(MarketId("BTC-USDT"), BTC, USDT, 10_000, 10_000, 1_000_000, lots_max=10**8)


def test_a_tick_times_a_lot_is_whole_quote_units() -> None:
    with pytest.raises(AssertionError, match="whole quote units"):
        Market(MarketId("BTC-USDT"), BTC, USDT, tick_units=1, lot_units=1, notional_min_units=1)


def test_notional_is_exact() -> None:
    ticks, lots = MARKET.parse_price("65000.01"), MARKET.parse_size("0.5")

    assert MARKET.notional_units(ticks, lots) == 32_500_005_000  # 32500.005 USDT.
    assert MARKET.base_units(lots) == 50_000_000


@pytest.mark.parametrize(
    ("price", "rule"), [("65000.001", "tick_size"), ("10000000001", "price_max")]
)
def test_prices_off_the_rules_name_the_rule(price: str, rule: str) -> None:
    with pytest.raises(MarketRuleBroken) as refusal:
        MARKET.parse_price(price)

    assert refusal.value.fields["rule"] == rule


def test_the_largest_size_and_one_lot_more() -> None:
    assert MARKET.parse_size("10000") == 10**8

    with pytest.raises(MarketRuleBroken):
        MARKET.parse_size("10000.0001")


@pytest.mark.parametrize("text", ["0", "-1", "abc", "NaN"])
def test_prices_are_positive_numbers(text: str) -> None:
    with pytest.raises(InvalidAmount):
        MARKET.parse_price(text)


@given(ticks=st.integers(1, 10**9), lots=st.integers(1, 10**8))
def test_format_and_parse_are_inverse(ticks: int, lots: int) -> None:
    assert MARKET.parse_price(MARKET.format_price(ticks)) == ticks
    assert MARKET.parse_size(MARKET.format_size(lots)) == lots
