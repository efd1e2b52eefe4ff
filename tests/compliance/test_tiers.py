import pytest

from compliance.tiers import (
    LIMITS,
    Flow,
    Requirement,
    Tier,
    Usage,
    check_limit,
    missing_requirements,
    reference_value,
)
from domain.errors import LimitExceeded, TierTooLow

NOTHING = Usage(0, 0)
USDT = 10**6


@pytest.mark.parametrize("flow", [Flow.TRADE, Flow.WITHDRAW])
def test_without_a_tier_nothing_may_leave_or_trade(flow):
    with pytest.raises(TierTooLow) as refusal:
        check_limit(Tier.NONE, flow, NOTHING, 1)

    assert refusal.value.fields == {"needed_tier": "1", "tier": "0"}


def test_deposits_of_the_unverified_arrive():
    check_limit(Tier.NONE, Flow.DEPOSIT, NOTHING, 10**15)


@pytest.mark.parametrize("tier", [Tier.BASIC, Tier.FULL])
@pytest.mark.parametrize("flow", list(Flow))
def test_limits_hold_to_the_last_unit(tier, flow):
    limit = LIMITS[tier][flow]
    assert limit.day_units is not None
    assert limit.month_units is not None

    check_limit(tier, flow, NOTHING, limit.day_units)
    check_limit(tier, flow, Usage(0, limit.month_units - 1), 1)
    with pytest.raises(LimitExceeded, match="24-hour"):
        check_limit(tier, flow, Usage(1, 1), limit.day_units)
    with pytest.raises(LimitExceeded, match="30-day"):
        check_limit(tier, flow, Usage(0, limit.month_units), 1)


def test_the_refusal_says_how_much_is_left():
    with pytest.raises(LimitExceeded) as refusal:
        check_limit(Tier.BASIC, Flow.WITHDRAW, Usage(9_000 * USDT, 9_000 * USDT), 1_001 * USDT)

    assert refusal.value.message == (
        "the 24-hour withdraw limit leaves 1000 USDT, this needs 1001 USDT"
    )


def test_the_highest_tier_has_no_limit_of_ours():
    check_limit(Tier.ENHANCED, Flow.WITHDRAW, Usage(10**20, 10**20), 10**20)


def test_a_higher_tier_never_allows_less():
    for lower, higher in zip(Tier, list(Tier)[1:], strict=False):
        for flow in (Flow.TRADE, Flow.WITHDRAW):
            below, above = LIMITS[lower][flow].month_units, LIMITS[higher][flow].month_units
            assert above is None or (below is not None and below < above)


def test_what_is_missing_is_named():
    provided = frozenset({Requirement.PROFILE, Requirement.IDENTITY_DOCUMENT})

    assert missing_requirements(Tier.BASIC, provided) == ()
    assert missing_requirements(Tier.FULL, provided) == (Requirement.SELFIE,)


def test_values_are_rounded_up():
    assert reference_value(1, 8, 60_000 * USDT) == 600
    assert reference_value(1, 18, 3_000 * USDT) == 1
    assert reference_value(10**8, 8, 60_000 * USDT) == 60_000 * USDT
