"""From every state a case can be in: a freeze, a farewell, and what silence leads to."""

from __future__ import annotations

from datetime import timedelta

import pytest

from activities.kyc_messages import CheckAnswer
from compliance.kyc import LIVING, VendorOutcome
from compliance.staff import Role
from compliance.tiers import Tier
from tests.kyc.conftest import Customer
from tests.kyc.fakes import MATCH, FakeWorld
from workflows.kyc_messages import ScreeningHit
from workflows.kyc_start import close_kyc, start_kyc

DAY = timedelta(days=1)
STATES = sorted(LIVING)


async def lead(customer: Customer, world: FakeWorld, state: str) -> None:
    """Bring the case into that state, by the way customers come there."""
    if state == "started":
        await start_kyc(customer.client, customer.id)
    elif state in {"submitted", "vendor_pending"}:
        world.vendor_is_down = state == "submitted"
        world.answer = CheckAnswer()
        await customer.submit()
    elif state == "needs_info":
        world.answer = CheckAnswer(outcome=VendorOutcome.NEEDS_INFO, question="The back, please.")
        await customer.submit()
    else:
        await customer.submit()
        await customer.reach("manual_review")
        await _decided(customer, state)
    await customer.reach(state)


async def _decided(customer: Customer, state: str) -> None:
    if state == "rejected_retryable":
        await customer.staff("reject", reason_code="document_unreadable")
    elif state in {"approved", "expiring", "expired"}:
        await customer.staff("approve")
        if state != "approved":
            await customer.wait((340 if state == "expiring" else 370) * DAY)


@pytest.mark.parametrize("state", STATES)
async def test_every_living_case_is_frozen_at_once_and_goes_on_where_it_was(customer, world, state):
    await lead(customer, world, state)

    await customer.staff("freeze", "amir")
    frozen = world.last
    await customer.staff("unfreeze", "sofia", Role.SENIOR_COMPLIANCE)

    assert (frozen.state, frozen.tier) == ("frozen", Tier.NONE)
    assert (await customer.status()).state == state == world.states[-1]


@pytest.mark.parametrize("state", STATES)
async def test_every_living_customer_may_leave(customer, world, state):
    await lead(customer, world, state)

    closed = await close_kyc(customer.client, customer.id)

    assert (closed.state, closed.tier) == ("closed", Tier.NONE)
    was_customer = state in {"approved", "expiring", "expired"}
    assert world.erased == ([] if was_customer else ["personal_data"])


@pytest.mark.parametrize("state", ["started", "needs_info", "rejected_retryable"])
async def test_an_application_that_is_left_lying_lapses(customer, world, state):
    await lead(customer, world, state)

    await customer.wait(31 * DAY)

    assert (await customer.handle.result())["state"] == "not_started"
    assert world.erased == ["application"]


async def test_a_hit_shortly_before_the_end_goes_to_an_officer(customer, world):
    await lead(customer, world, "expiring")
    world.matches, world.score = [MATCH], 40

    await customer.signal("screening_hit", ScreeningHit(list_name="un", score=90))

    await customer.reach("manual_review")
    await customer.staff("approve", "amir")
    assert (await customer.status()).state == "approved"
