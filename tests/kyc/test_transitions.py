"""Every way a case can go, in skipped time."""

import asyncio
from datetime import timedelta

import pytest

from activities.kyc_messages import CheckAnswer
from compliance.kyc import VendorOutcome
from compliance.staff import Role
from compliance.tiers import Tier
from domain.errors import WrongState
from tests.kyc.conftest import refused
from tests.kyc.fakes import MATCH
from workflows.kyc import RETENTION

DAY = timedelta(days=1)


async def test_an_officer_approves_and_the_tier_is_in_force(in_review):
    answer = await in_review.staff("approve")

    assert answer == "Approved: tier 1."
    assert in_review.world.last.tier is Tier.BASIC
    assert in_review.world.last.officers == ["alice"]
    assert in_review.world.states == [
        "started",
        "submitted",
        "vendor_pending",
        "manual_review",
        "approved",
    ]
    assert ("staff:alice", "kyc.approve") in in_review.world.actions


async def test_a_lower_tier_may_be_approved_than_was_asked_for(customer):
    await customer.submit(Tier.FULL)
    await customer.reach("manual_review")

    await customer.staff("approve", tier=1)

    assert customer.world.last.tier is Tier.BASIC


async def test_clean_cases_go_straight_through_where_policy_says_so(customer, world):
    world.straight_through = True

    await customer.submit()
    status = await customer.reach("approved")

    assert status.tier is Tier.BASIC
    assert world.last.officers == ["policy"]


async def test_a_question_goes_to_the_customer_and_the_answer_back_to_review(in_review):
    await in_review.staff("request_info", question="Please send the back of your card.")
    asked = await in_review.status()

    await in_review.submit()
    await in_review.reach("manual_review")

    assert (asked.state, asked.question) == ("needs_info", "Please send the back of your card.")
    assert [check.key[-7:] for check in in_review.world.checks] == ["check:1", "check:2"]
    assert (await in_review.status()).question == ""


async def test_the_vendor_may_ask_as_well(customer, world):
    world.answer = CheckAnswer(outcome=VendorOutcome.NEEDS_INFO, question="The whole page, please.")

    await customer.submit()

    assert (await customer.reach("needs_info")).question == "The whole page, please."


async def test_a_rejection_for_now_lets_the_customer_try_again(in_review):
    await in_review.staff("reject", reason_code="document_unreadable")
    rejected = await in_review.status()

    await in_review.submit()
    await in_review.reach("manual_review")

    assert (rejected.state, rejected.reasons) == ("rejected_retryable", ["document_unreadable"])


async def test_a_final_rejection_ends_the_case(in_review):
    await in_review.staff("reject", final=True, reason_code="document_forged")

    await in_review.reach("rejected")
    await in_review.wait(RETENTION - DAY)
    assert in_review.world.erased == []
    await in_review.wait(2 * DAY)

    assert (await in_review.handle.result())["state"] == "rejected"
    assert in_review.world.erased == ["personal_data"]
    assert in_review.world.last.tier is Tier.NONE


async def test_what_is_never_handed_in_lapses_after_a_month_and_is_erased(customer, world):
    world.answer = CheckAnswer(outcome=VendorOutcome.NEEDS_INFO)
    await customer.submit()
    await customer.reach("needs_info")

    await customer.wait(31 * DAY)

    assert (await customer.handle.result())["state"] == "not_started"
    assert len(world.reminders) == 3
    assert world.erased == ["application"]


async def test_a_year_later_it_expires_and_the_tier_is_gone(in_review):
    await in_review.staff("approve")

    await in_review.wait(336 * DAY)
    expiring = await in_review.reach("expiring")
    await in_review.wait(30 * DAY)
    expired = await in_review.reach("expired")

    assert (expiring.tier, expired.tier) == (Tier.BASIC, Tier.NONE)
    assert in_review.world.last.tier is Tier.NONE
    assert [reminder.about for reminder in in_review.world.reminders] == ["expiry"]


async def test_renewed_in_time_the_tier_never_stops(in_review):
    await in_review.staff("approve")
    await in_review.wait(340 * DAY)
    await in_review.reach("expiring")

    await in_review.submit()
    await in_review.reach("manual_review")
    await in_review.staff("approve", "amir")
    await in_review.wait(60 * DAY)

    assert (await in_review.status()).state == "approved"
    assert all(record.tier is Tier.BASIC for record in in_review.world.records[4:])


async def test_a_renewal_that_nobody_decides_does_not_prolong_the_tier(in_review):
    await in_review.staff("approve")
    await in_review.wait(340 * DAY)
    await in_review.reach("expiring")
    await in_review.submit()
    await in_review.reach("manual_review")

    await in_review.wait(30 * DAY)

    assert (await in_review.status()).tier is Tier.NONE
    assert ("system", "kyc.tier_ended") in in_review.world.actions


async def test_a_higher_tier_is_asked_for_while_the_lower_stays(in_review):
    await in_review.staff("approve")

    await in_review.submit(Tier.FULL)
    reviewing = await in_review.reach("manual_review")
    await in_review.staff("approve", "amir")

    assert reviewing.tier is Tier.BASIC
    assert (await in_review.status()).tier is Tier.FULL


async def test_the_same_tier_cannot_be_asked_for_again(in_review):
    await in_review.staff("approve")

    with pytest.raises(WrongState, match="approved"):
        await in_review.submit()


async def test_a_case_overdue_goes_to_the_seniors(in_review):
    await in_review.wait(timedelta(hours=25))

    sentence = await refused(in_review.staff("approve"))
    await in_review.staff("approve", "sofia", Role.SENIOR_COMPLIANCE)

    assert "a senior officer must approve" in sentence
    assert (await in_review.status()).state == "approved"


async def test_leaving_erases_what_names_the_customer(in_review):
    await in_review.handle.execute_update("close_account", {"reason": "moving on"})

    assert (await in_review.handle.result())["state"] == "closed"
    assert in_review.world.erased == ["personal_data"]


async def test_the_file_of_a_customer_who_left_is_kept_for_five_years_and_then_erased(in_review):
    await in_review.staff("approve")
    await in_review.handle.execute_update("close_account", {"reason": "moving on"})
    closed = await in_review.reach("closed")

    await in_review.wait(RETENTION - DAY)
    kept = list(in_review.world.erased)
    await in_review.wait(2 * DAY)
    await in_review.handle.result()

    assert (closed.tier, kept) == (Tier.NONE, [])
    assert in_review.world.erased == ["personal_data"]


async def test_an_account_that_ended_is_neither_frozen_nor_closed_again(in_review):
    await in_review.staff("approve")
    await in_review.handle.execute_update("close_account", {"reason": "moving on"})

    again = in_review.handle.execute_update("close_account", {"reason": "moving on"})

    assert "closed already" in await refused(again)
    assert "closed already" in await refused(in_review.staff("freeze"))


async def test_cleared_matches_are_remembered_with_the_officer(customer, world):
    world.matches, world.score = [MATCH], 75
    await customer.submit()
    await customer.reach("manual_review")

    first = await customer.staff("approve")
    await customer.staff("approve", "amir", reason="another person, born elsewhere")

    assert first == "Your approval counts. Another officer must approve, too."
    assert [(one.officer, one.matches) for one in world.cleared] == [("amir", [MATCH])]


async def lapsed(customer, state):
    """The tier was approved; then more was asked for, and the customer never came back."""
    await customer.staff("approve")
    await customer.submit(Tier.FULL)
    await customer.reach("manual_review")
    if state == "needs_info":
        await customer.staff("request_info", "amir", question="Please send a proof of address.")
    else:
        await customer.staff("reject", "amir", reason_code="document_unreadable")
    await customer.reach(state)
    await customer.wait(31 * DAY)


@pytest.mark.parametrize("state", ["needs_info", "rejected_retryable"])
async def test_a_higher_tier_that_lapses_leaves_the_lower_one_and_the_file(in_review, state):
    await lapsed(in_review, state)

    stands = await in_review.reach("approved")
    await in_review.wait(400 * DAY)
    await in_review.reach("expired")

    assert stands.tier is Tier.BASIC
    assert in_review.world.erased == []


@pytest.mark.parametrize("state", ["needs_info", "rejected_retryable"])
async def test_a_renewal_that_lapses_expires_and_the_file_is_kept(in_review, state):
    await in_review.staff("approve")
    await in_review.wait(340 * DAY)
    await in_review.reach("expiring")
    await in_review.submit()
    await in_review.reach("manual_review")
    if state == "needs_info":
        await in_review.staff("request_info", "amir", question="Please send the new passport.")
    else:
        await in_review.staff("reject", "amir", reason_code="document_unreadable")
    await in_review.reach(state)

    await in_review.wait(31 * DAY)

    assert (await in_review.reach("expired")).tier is Tier.NONE
    assert in_review.world.erased == []
    await in_review.submit()
    await in_review.reach("manual_review")


async def test_a_submission_sent_twice_is_one(customer):
    first, again = await asyncio.gather(customer.submit(name="k1"), customer.submit(name="k1"))
    await customer.reach("manual_review")
    late = await customer.submit(name="k1")

    assert first == again == late
    assert len(customer.world.checks) == 1
    with pytest.raises(WrongState, match="nothing to send"):
        await customer.submit(name="k2")
