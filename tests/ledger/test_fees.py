from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ids import CustomerId
from domain.market import MarketId
from ledger.fees import DEFAULT_RATES, PPM, FeeRates, FeeRule, fee_units, rates_for

NOW = datetime(2026, 6, 1, tzinfo=UTC)
BTC_USDT, ETH_USDT = MarketId("BTC-USDT"), MarketId("ETH-USDT")
ALICE, BOB = CustomerId(1), CustomerId(2)


@pytest.mark.parametrize(
    ("received", "rate_ppm", "fee"),
    [
        (0, 1_000, 0),
        (1, 0, 0),
        (1, 1, 1),  # Rounded up for the house,
        (1, PPM, 1),  # never more than received.
        (1_000, 1_000, 1),
        (1_001, 1_000, 2),
        (10**30, 1_000, 10**27),
    ],
)
def test_fees_are_rounded_up_and_never_more_than_received(received, rate_ppm, fee):
    assert fee_units(received, rate_ppm) == fee


@given(st.integers(0, 10**40), st.integers(0, PPM))
def test_a_fee_is_at_least_its_share_and_at_most_one_unit_more(received, rate_ppm):
    fee = fee_units(received, rate_ppm)

    assert 0 <= fee <= received
    assert received * rate_ppm <= fee * PPM < received * rate_ppm + PPM


@pytest.mark.parametrize("rates", [(-1, 0), (0, -1), (PPM + 1, 0), (0, PPM + 1)])
def test_rates_out_of_range_cannot_be_made(rates):
    with pytest.raises(AssertionError):
        FeeRates(*rates)


def rates(*rules: FeeRule, customer: CustomerId = ALICE, volume: int = 0) -> FeeRates:
    return rates_for(rules, market=BTC_USDT, customer_id=customer, volume_units=volume, at=NOW)


TIER_0, TIER_1, TIER_2 = FeeRates(1000, 2000), FeeRates(800, 1600), FeeRates(500, 1000)
TIERS = (
    FeeRule(TIER_0),
    FeeRule(TIER_1, volume_min_units=100),
    FeeRule(TIER_2, volume_min_units=500),
)


@pytest.mark.parametrize(
    ("volume", "expected"),
    [(0, TIER_0), (99, TIER_0), (100, TIER_1), (499, TIER_1), (500, TIER_2), (10**9, TIER_2)],
)
def test_volume_lowers_the_rates(volume, expected):
    assert rates(*TIERS, volume=volume) == expected


def test_without_rules_the_default_holds():
    assert rates() == DEFAULT_RATES
    assert rates(FeeRule(TIER_2, market=ETH_USDT)) == DEFAULT_RATES


def test_a_markets_rule_goes_before_the_general_one():
    assert rates(*TIERS, FeeRule(FeeRates(1, 2), market=BTC_USDT), volume=500) == FeeRates(1, 2)


def test_a_customers_promotion_goes_before_all():
    promotion = FeeRule(FeeRates(0, 0), customer_id=ALICE)

    assert rates(promotion, FeeRule(FeeRates(1, 2), market=BTC_USDT)) == FeeRates(0, 0)
    assert rates(promotion, *TIERS, customer=BOB) == TIER_0


def test_rules_hold_from_their_start_until_before_their_end():
    day = timedelta(days=1)

    assert rates(FeeRule(TIER_2, valid_from=NOW)) == TIER_2
    assert rates(FeeRule(TIER_2, valid_from=NOW + day)) == DEFAULT_RATES
    assert rates(FeeRule(TIER_2, valid_until=NOW)) == DEFAULT_RATES
    assert rates(FeeRule(TIER_2, valid_until=NOW + day)) == TIER_2


def test_of_two_equal_rules_the_newer_one_holds():
    older = FeeRule(TIER_1, valid_from=NOW - timedelta(days=2))
    newer = FeeRule(TIER_2, valid_from=NOW - timedelta(days=1))

    assert rates(newer, older) == rates(older, newer) == TIER_2
