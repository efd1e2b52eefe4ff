"""Freezes, silent vendors, lists that change while officers look, and histories replayed."""

from datetime import timedelta

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from activities.kyc_messages import CheckAnswer
from compliance.kyc import VendorOutcome
from compliance.staff import Role
from compliance.tiers import Tier
from streams.temporal import data_converter
from tests.kyc.fakes import MATCH
from workers.staff_interceptor import StaffInterceptor
from workflows.kyc import KycWorkflow
from workflows.kyc_messages import FreezeRequest, ScreeningHit

DAY = timedelta(days=1)


async def test_a_freeze_takes_the_tier_and_an_unfreeze_gives_it_back(in_review):
    await in_review.staff("approve")
    await in_review.staff("freeze", "amir")
    frozen = in_review.world.last

    await in_review.staff("unfreeze", "sofia", Role.SENIOR_COMPLIANCE)

    assert (frozen.state, frozen.tier) == ("frozen", Tier.NONE)
    assert (in_review.world.last.state, in_review.world.last.tier) == ("approved", Tier.BASIC)


async def test_a_frozen_case_may_be_rejected_for_good(in_review):
    await in_review.staff("freeze")

    await in_review.staff("reject", reason_code="list_match")

    await in_review.reach("rejected")


async def test_another_workflow_freezes_a_customer_at_once(in_review):
    await in_review.signal("freeze_now", FreezeRequest(source="case/7", reason="mixer"))

    await in_review.reach("frozen")

    assert ("case/7", "kyc.freeze") in in_review.world.actions


async def test_a_certain_hit_freezes_the_approved(in_review):
    await in_review.staff("approve")

    await in_review.signal(
        "screening_hit", ScreeningHit(list_name="un", score=100, is_certain=True)
    )

    await in_review.reach("frozen")


async def test_an_uncertain_hit_goes_to_an_officer_and_the_tier_stays(in_review):
    await in_review.staff("approve")
    in_review.world.matches, in_review.world.score = [MATCH], 70

    await in_review.signal("screening_hit", ScreeningHit(list_name="ofac-sdn", score=91))
    status = await in_review.reach("manual_review")

    assert (status.tier, status.risk_score) == (Tier.BASIC, 70)


async def test_a_list_update_in_the_middle_of_a_review_voids_earlier_approvals(customer, world):
    world.matches, world.score = [MATCH], 75
    await customer.submit()
    await customer.reach("manual_review")
    await customer.staff("approve")

    await customer.signal("screening_hit", ScreeningHit(list_name="un", score=90))
    await customer.reach("manual_review")
    while (await customer.status()).approvals:
        await customer.reach("manual_review")
    answer = await customer.staff("approve", "amir")

    assert "Another officer must approve" in answer


@pytest.mark.slow
@pytest.mark.timeout(900)  # Two days of attempts, each a real one.
async def test_a_vendor_away_for_days_only_delays(customer, world):
    world.vendor_is_down = True
    await customer.submit()
    await customer.wait(2 * DAY)
    waiting = await customer.status()

    world.vendor_is_down = False
    await customer.wait(timedelta(minutes=16))
    await customer.reach("manual_review")

    assert waiting.state == "submitted"
    assert len(world.checks) == 1


async def test_a_freeze_does_not_wait_for_a_vendor_that_is_away(customer, world):
    world.vendor_is_down = True
    await customer.submit()

    await customer.staff("freeze")

    assert world.last.state == "frozen"


async def test_a_silent_vendor_is_asked_again(customer, world):
    world.answer = CheckAnswer()
    await customer.submit()
    await customer.reach("vendor_pending")

    world.answer = CheckAnswer(outcome=VendorOutcome.CLEAR)
    await customer.wait(timedelta(minutes=2))

    await customer.reach("manual_review")


async def test_webhooks_hurry_and_duplicates_change_nothing(customer, world):
    world.answer = CheckAnswer()
    await customer.submit()
    await customer.reach("vendor_pending")

    world.answer = CheckAnswer(outcome=VendorOutcome.CLEAR)
    for _ in range(3):
        await customer.signal("vendor_result", "chk-1")
    await customer.reach("manual_review")

    assert world.states.count("manual_review") == 1


async def test_a_webhook_brings_no_verdict_and_a_strange_check_no_news(customer, world):
    world.answer = CheckAnswer()
    await customer.submit()
    await customer.await_vendor()
    asked = world.asked

    await customer.signal("vendor_result", "chk-of-somebody-else")
    await customer.signal("vendor_result", "chk-1")
    while world.asked == asked:
        await customer.reach("vendor_pending")

    assert (await customer.status()).state == "vendor_pending"


async def test_every_kind_of_history_replays(customer, world, codec):
    world.matches, world.score = [MATCH], 75
    await customer.submit()
    await customer.reach("manual_review")
    await customer.staff("request_info", question="Where do you live now?")
    await customer.submit()
    await customer.reach("manual_review")
    await customer.staff("approve")
    await customer.staff("approve", "amir")
    await customer.wait(400 * DAY)
    await customer.reach("expired")
    await customer.staff("freeze", reason="before the history is read")

    history = await customer.handle.fetch_history()

    await _replay(history, codec)


async def _replay(history: WorkflowHistory, codec) -> None:
    """With no key at all: what was let in once is let in again when a worker reads it back."""
    replayer = Replayer(
        workflows=[KycWorkflow],
        data_converter=data_converter(codec),
        interceptors=[StaffInterceptor([])],
    )
    await replayer.replay_workflow(history)
