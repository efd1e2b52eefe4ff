"""An estimate says what a withdrawal waits for; a stop has no end that anybody knows."""

from dataclasses import replace

import pytest

from domain.withdrawal import FINISHED, WithdrawalKind, WithdrawalStatus
from domain.withdrawal_estimate import (
    REFILL_SECONDS,
    REVIEW_SECONDS,
    SWEEP_SECONDS,
    AssetFacts,
    Estimate,
    WaitsFor,
    estimate,
)

FACTS = AssetFacts(
    is_open=True,
    batch_window_seconds=2,
    block_seconds=600,
    hot_units=1_000,
    promised_units=100,
    sweepable_units=50,
)
CHAIN = WithdrawalKind.CHAIN


def queued(units_until_paid: int, facts: AssetFacts = FACTS) -> Estimate | None:
    return estimate(facts, WithdrawalStatus.APPROVED, CHAIN, units_until_paid)


@pytest.mark.parametrize(
    ("units", "waits_for", "seconds"),
    [
        (900, WaitsFor.BATCH, 602),  # The last unit that is free,
        (901, WaitsFor.HOT_FUNDS, SWEEP_SECONDS + 1_202),  # and one more: a sweep brings it,
        (950, WaitsFor.HOT_FUNDS, SWEEP_SECONDS + 1_202),
        (951, WaitsFor.HOT_FUNDS, REFILL_SECONDS + 1_202),  # until only the cold wallet can.
    ],
)
def test_what_the_hot_wallet_cannot_pay_waits_for_the_next_coins(
    units: int, waits_for: WaitsFor, seconds: int
):
    assert queued(units) == Estimate(waits_for, seconds)


def test_a_stop_has_no_time():
    assert queued(1, replace(FACTS, is_open=False)) == Estimate(WaitsFor.STOP, None)


def test_officers_come_first():
    assert estimate(FACTS, WithdrawalStatus.REVIEW, CHAIN, 1) == Estimate(
        WaitsFor.REVIEW, REVIEW_SECONDS + 602
    )


@pytest.mark.parametrize("status", sorted(FINISHED))
def test_what_is_finished_waits_for_nothing(status: WithdrawalStatus):
    assert estimate(FACTS, status, CHAIN, 1) is None


@pytest.mark.parametrize("status", sorted(set(WithdrawalStatus) - FINISHED))
def test_whatever_is_open_says_what_it_waits_for(status: WithdrawalStatus):
    assert estimate(FACTS, status, CHAIN, 1) is not None


def test_inside_the_house_no_block_is_waited_for():
    within = estimate(FACTS, WithdrawalStatus.HELD, WithdrawalKind.INTERNAL, 1)

    assert within == Estimate(WaitsFor.CHECKS, 1)
