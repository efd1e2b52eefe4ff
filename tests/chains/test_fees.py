from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.bitcoin import fees as bitcoin
from chains.bitcoin.size import fee_satoshi, transaction_vsize
from chains.ethereum.fees import GWEI, FeeCeilingReached, GasFees, GasPolicy, assert_bumped


@pytest.mark.parametrize(
    ("estimate", "bounded"),
    [(None, 10_000), (1, 1_000), (1_000, 1_000), (77_777, 77_777), (10**9, 500_000)],
)
def test_bitcoin_estimates_stay_between_floor_and_ceiling(estimate: int | None, bounded: int):
    assert bitcoin.FeePolicy().bounded(estimate) == bounded


@given(old=st.integers(100, 10**7), vsize=st.integers(100, 10_000))
def test_a_bitcoin_bump_pays_an_eighth_more_and_its_own_relay(old: int, vsize: int):
    policy = bitcoin.FeePolicy(ceiling_satoshi_per_kvbyte=10**9)

    new = bitcoin.bumped_fee(old_fee_satoshi=old, vsize=vsize, policy=policy)

    assert new * 8 >= old * 9
    assert new - old >= vsize
    assert min(new - old * 9 // 8, new - old - vsize) <= 1  # Not a satoshi more than needed.


def test_a_bitcoin_bump_stops_at_the_ceiling():
    with pytest.raises(bitcoin.FeeCeilingReached):
        bitcoin.bumped_fee(old_fee_satoshi=100_000, vsize=200, policy=bitcoin.FeePolicy())


@pytest.mark.parametrize("amount", [Decimal("0.1"), Decimal("20999999.97690000"), 3])
def test_amounts_in_json_become_exact_satoshi(amount: Decimal | int):
    assert bitcoin.satoshi(amount) == int(Decimal(amount) * 10**8)


@pytest.mark.parametrize("amount", [0.1, Decimal("0.000000001")])
def test_a_float_or_a_fraction_of_a_satoshi_stops_us(amount: object):
    with pytest.raises(AssertionError):
        bitcoin.satoshi(amount)


def test_fees_are_rounded_up():
    assert fee_satoshi(141, 1_001) == 142


def test_the_published_sizes_of_p2wpkh_transactions():
    assert transaction_vsize(1, [22]) == 110
    assert transaction_vsize(1, [22, 22]) == 141
    assert transaction_vsize(2, [22, 22]) == 209


@given(
    max_fee=st.integers(GWEI, 100 * GWEI),
    tip_share=st.integers(1, 100),
    market=st.integers(GWEI, 900 * GWEI),
)
def test_an_ethereum_bump_raises_both_fields_by_an_eighth(
    max_fee: int, tip_share: int, market: int
):
    old = GasFees(max_fee, max(1, max_fee * tip_share // 100))

    new = GasPolicy(tip_ceiling_wei=10**12).bumped(old, GasFees(market, 1))

    assert_bumped(old, new)
    assert new.max_fee_wei <= 500 * GWEI


def test_an_ethereum_bump_stops_at_the_ceiling():
    with pytest.raises(FeeCeilingReached):
        GasPolicy().bumped(GasFees(450 * GWEI, GWEI))


def test_a_fee_spike_is_not_followed():
    with pytest.raises(FeeCeilingReached):
        GasPolicy().fees(base_fee_wei=500 * GWEI, tip_wei=GWEI)


@pytest.mark.parametrize("tip", [None, 0, 1, 10**30])
def test_tips_of_strangers_are_bounded(tip: int | None):
    policy = GasPolicy()

    fees = policy.fees(base_fee_wei=20 * GWEI, tip_wei=tip)

    assert policy.tip_floor_wei <= fees.tip_wei <= policy.tip_ceiling_wei
    assert fees.max_fee_wei >= 40 * GWEI
