import pytest

from compliance.kyc import (
    ENDED,
    LIVING,
    PLAIN_WORDS,
    TRANSITIONS,
    Findings,
    KycEvent,
    KycState,
    VendorOutcome,
    approvals_needed,
    goes_straight_through,
    next_state,
    risk_reasons,
    risk_score,
)
from compliance.tiers import Tier
from domain.errors import WrongState

CLEAN = Findings(
    vendor=VendorOutcome.CLEAR,
    screening_score=0,
    screening_hit=False,
    mrz_valid=True,
    mrz_agrees=True,
    is_expired=False,
    high_risk_country=False,
)


def findings(**changes: object) -> Findings:
    return Findings(**{**{name: getattr(CLEAN, name) for name in CLEAN.__slots__}, **changes})


@pytest.mark.parametrize(("state", "event"), sorted(TRANSITIONS))
def test_every_transition_of_the_table_leads_where_it_says(state, event):
    assert next_state(state, event) is TRANSITIONS[state, event]


@pytest.mark.parametrize("state", sorted(ENDED))
@pytest.mark.parametrize("event", sorted(set(KycEvent) - {KycEvent.START}))
def test_nothing_happens_to_an_ended_case(state, event):
    with pytest.raises(WrongState):
        next_state(state, event)


@pytest.mark.parametrize("state", sorted(LIVING))
def test_every_living_case_can_be_frozen(state):
    assert next_state(state, KycEvent.FREEZE) is KycState.FROZEN


def test_nobody_is_approved_without_a_check():
    leading = {state for (state, event) in TRANSITIONS if event is KycEvent.APPROVE}

    assert leading == {KycState.VENDOR_PENDING, KycState.MANUAL_REVIEW}


def test_a_frozen_case_cannot_be_approved_closed_or_resubmitted():
    for event in (KycEvent.APPROVE, KycEvent.CLOSE, KycEvent.SUBMIT):
        with pytest.raises(WrongState):
            next_state(KycState.FROZEN, event)


def test_every_state_has_words_for_the_customer_and_none_speaks_of_lists():
    assert set(PLAIN_WORDS) == set(KycState)
    assert not any("sanction" in words or "list" in words for words in PLAIN_WORDS.values())


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"screening_hit": True}, "list_match"),
        ({"vendor": VendorOutcome.REJECTED}, "vendor_rejected"),
        ({"vendor": VendorOutcome.CONSIDER}, "vendor_unsure"),
        ({"mrz_valid": False}, "document_check_digits_wrong"),
        ({"mrz_agrees": False}, "document_differs_from_profile"),
        ({"is_expired": True}, "document_expired"),
        ({"mrz_valid": None}, "no_machine_readable_zone"),
        ({"high_risk_country": True}, "high_risk_country"),
    ],
)
def test_each_finding_adds_risk_and_names_itself(change, code):
    assert risk_score(findings(**change)) > risk_score(CLEAN) == 0
    assert risk_reasons(findings(**change)) == [code]


def test_risk_never_passes_a_hundred():
    worst = findings(
        vendor=VendorOutcome.REJECTED,
        screening_hit=True,
        mrz_valid=False,
        mrz_agrees=False,
        high_risk_country=True,
    )

    assert risk_score(worst) == 100


@pytest.mark.parametrize("tier", list(Tier)[1:])
def test_by_default_a_person_sees_every_case(tier):
    assert not goes_straight_through(CLEAN, tier, Tier.NONE)


def test_policy_may_let_clean_cases_of_low_tiers_through():
    assert goes_straight_through(CLEAN, Tier.BASIC, Tier.BASIC)
    assert not goes_straight_through(CLEAN, Tier.FULL, Tier.BASIC)
    assert not goes_straight_through(findings(screening_hit=True), Tier.BASIC, Tier.BASIC)
    assert not goes_straight_through(findings(mrz_agrees=False), Tier.BASIC, Tier.BASIC)


@pytest.mark.parametrize(
    ("tier", "score", "needed"),
    [
        (Tier.BASIC, 0, 1),
        (Tier.BASIC, 59, 1),
        (Tier.BASIC, 60, 2),
        (Tier.FULL, 0, 1),
        (Tier.ENHANCED, 0, 2),
    ],
)
def test_four_eyes_for_the_highest_tier_and_for_serious_findings(tier, score, needed):
    assert approvals_needed(tier, score) == needed
