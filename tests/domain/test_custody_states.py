"""What deposits and withdrawals may never do, whatever happens around them."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.deposit import (
    DEPOSIT_TRANSITIONS,
    DepositEvent,
    DepositFacts,
    DepositStatus,
    after_deposit_event,
    next_deposit_event,
)
from domain.errors import WrongState
from domain.withdrawal import (
    CANCELLABLE,
    FINISHED,
    WITHDRAWAL_TRANSITIONS,
    WithdrawalEvent,
    WithdrawalStatus,
    after_withdrawal_event,
)
from domain.withdrawal_risk import RiskFacts, assess

FACTS = st.builds(
    DepositFacts,
    status=st.sampled_from(DepositStatus),
    confirmations=st.integers(0, 40),
    credit_confirmations=st.integers(1, 12),
    withdrawable_confirmations=st.integers(12, 32),
    is_screened=st.booleans(),
    is_clear=st.booleans(),
    reaches_minimum=st.booleans(),
    may_credit=st.booleans(),
)
MAY_HAVE_LEFT = {WithdrawalStatus.RESERVED, WithdrawalStatus.BROADCAST, WithdrawalStatus.SEEN}
GIVEN_BACK = {WithdrawalStatus.CANCELLED, WithdrawalStatus.REJECTED}


@given(FACTS)
def test_nothing_is_credited_before_its_confirmations_and_its_screening(facts: DepositFacts):
    if next_deposit_event(facts) is DepositEvent.CREDITED:
        assert facts.may_credit
        assert facts.reaches_minimum
        if facts.status is DepositStatus.CONFIRMING:
            assert facts.is_screened
            assert facts.is_clear
            assert facts.confirmations >= facts.credit_confirmations


@given(FACTS)
def test_whatever_happens_by_itself_is_allowed_and_comes_to_rest(facts: DepositFacts):
    """Else an activity would repeat itself for ever."""
    seen = []
    status = facts.status
    while (event := next_deposit_event(_at(facts, status))) is not None:
        status = after_deposit_event(status, event)
        seen.append(status)
        assert len(seen) == len(set(seen)), seen


@given(FACTS)
def test_what_left_the_chain_is_in_no_balance(facts: DepositFacts):
    event = next_deposit_event(facts)
    credited = {DepositStatus.CREDITED, DepositStatus.WITHDRAWABLE}
    if facts.confirmations == 0 and facts.status in credited:
        assert event is DepositEvent.REVERSED
    if facts.confirmations == 0:
        assert event not in {DepositEvent.CREDITED, DepositEvent.RELEASED}


def test_a_credit_follows_only_confirmations():
    sources = {status for (status, event) in DEPOSIT_TRANSITIONS if event is DepositEvent.CREDITED}

    assert sources == {DepositStatus.CONFIRMING, DepositStatus.BELOW_MINIMUM}


def _at(facts: DepositFacts, status: DepositStatus) -> DepositFacts:
    return DepositFacts(
        status,
        facts.confirmations,
        facts.credit_confirmations,
        facts.withdrawable_confirmations,
        facts.is_screened,
        facts.is_clear,
        facts.reaches_minimum,
        facts.may_credit,
    )


def test_from_where_coins_may_have_left_only_proof_leads_back():
    """Rivals gave funds back on a time-out, and paid twice."""
    for (status, event), after in WITHDRAWAL_TRANSITIONS.items():
        if status in MAY_HAVE_LEFT and after in GIVEN_BACK:
            assert event is WithdrawalEvent.PROVEN_DEAD
        if status in MAY_HAVE_LEFT:
            assert after not in CANCELLABLE  # Never payable again.


def test_an_end_is_an_end():
    for status, event in itertools.product(FINISHED, WithdrawalEvent):
        with pytest.raises(WrongState):
            after_withdrawal_event(status, event)


def test_every_status_of_a_withdrawal_leads_to_an_end():
    ends = set(FINISHED)
    while True:
        before = {s for (s, _), after in WITHDRAWAL_TRANSITIONS.items() if after in ends}
        if before <= ends:
            break
        ends |= before
    assert ends == set(WithdrawalStatus)


def risk(**changes: object) -> RiskFacts:
    usual: dict[str, object] = {
        "units": 100,
        "review_units": 1_000,
        "four_eyes_units": 10_000,
        "hourly_units": 100,
        "hourly_units_max": 5_000,
        "customer_hourly_count": 1,
        "is_known_address": True,
        "is_clear": True,
        "screening_score": 0,
        "screening_reason": "",
    }
    return RiskFacts(**{**usual, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "approvals"),
    [
        ({}, 0),
        ({"units": 999}, 0),
        ({"units": 1_000}, 1),
        ({"units": 9_999}, 1),
        ({"units": 10_000}, 2),  # Four eyes.
        ({"hourly_units": 5_000}, 0),
        ({"hourly_units": 5_001}, 1),  # More than usual leaves: somebody looks.
        ({"customer_hourly_count": 10}, 0),
        ({"customer_hourly_count": 11}, 1),  # One customer asks again and again.
        ({"is_clear": False}, 1),
        ({"screening_score": 59}, 0),
        ({"screening_score": 60}, 1),
        ({"screening_score": 50, "is_known_address": False}, 1),
        ({"units": 10_000, "is_clear": False}, 2),
    ],
)
def test_risk_decides_how_many_officers_look(changes: dict[str, object], approvals: int):
    assert assess(risk(**changes)).approvals_needed == approvals
