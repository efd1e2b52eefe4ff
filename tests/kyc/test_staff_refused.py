"""Wrong staff actions are refused with a sentence, and the case stays as it was."""

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from temporalio.client import WorkflowUpdateFailedError

from activities.kyc_messages import CheckAnswer
from compliance.staff import Role
from compliance.tiers import Tier
from tests.kyc.conftest import refused
from tests.kyc.fakes import MATCH, Signature

STAFF_UPDATES = ("approve", "reject", "request_info", "escalate", "freeze", "unfreeze", "add_note")


@pytest.mark.parametrize("update", STAFF_UPDATES)
async def test_going_round_the_portal_is_refused(in_review, update):
    sentence = await refused(in_review.bare(update, officer="alice", role="senior_compliance"))

    assert "sign in through the staff portal" in sentence
    assert (await in_review.status()).state == "manual_review"


async def test_a_signature_of_another_key_is_refused(in_review):
    moment = await in_review.environment.get_current_time(in_review.handle)
    stranger = Signature("alice", Role.COMPLIANCE, moment, ec.generate_private_key(ec.SECP256R1()))
    in_review.sign_with(stranger)

    with pytest.raises(WorkflowUpdateFailedError) as failure:
        await in_review.handle.execute_update("approve", {"reason": "let me through"}, id="x")

    assert "not signed by the staff portal" in str(failure.value.cause)


async def test_an_old_signature_is_refused(in_review):
    moment = await in_review.environment.get_current_time(in_review.handle)
    in_review.sign_with(Signature("alice", Role.COMPLIANCE, moment - timedelta(minutes=5)))

    with pytest.raises(WorkflowUpdateFailedError) as failure:
        await in_review.handle.execute_update("approve", {"reason": "let me through"}, id="x")

    assert "expired" in str(failure.value.cause)


async def test_the_officer_is_who_signed_not_who_the_body_names(in_review):
    await in_review.staff("approve", officer="alice", note="officer: eve")

    assert in_review.world.last.officers == ["alice"]


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATIONS, Role.ENGINEER])
async def test_other_roles_do_not_decide(in_review, role):
    assert "approve is for compliance" in await refused(in_review.staff("approve", role=role))


@pytest.mark.parametrize(
    ("update", "fields", "sentence"),
    [
        ("approve", {"reason": "ok"}, "at least 10 characters"),
        ("approve", {"reason": " " * 20}, "at least 10 characters"),
        ("approve", {"tier": 3}, "the customer asked for tier 1"),
        ("approve", {"tier": 0}, "the customer asked for tier 1"),
        ("approve", {"tier": -1}, "the customer asked for tier 1"),
        ("request_info", {"question": "?"}, "write what the customer should send"),
        ("unfreeze", {"role": Role.SENIOR_COMPLIANCE}, "is not frozen"),
        ("unfreeze", {}, "unfreeze is for senior compliance"),
    ],
)
async def test_a_wrong_field_is_answered_with_what_is_right(in_review, update, fields, sentence):
    assert sentence in await refused(in_review.staff(update, **fields))


async def test_nothing_is_decided_before_the_case_waits_for_it(customer, world):
    world.answer = CheckAnswer()
    await customer.submit()
    await customer.reach("vendor_pending")

    for update in ("approve", "reject", "request_info", "escalate"):
        assert "not waiting for a decision" in await refused(customer.staff(update))


async def test_nothing_is_done_without_a_reason(in_review):
    for update in STAFF_UPDATES:
        wordless = in_review.staff(update, "sofia", Role.SENIOR_COMPLIANCE, reason=" too short ")
        assert "at least 10 characters" in await refused(wordless), update

    assert (await in_review.status()).state == "manual_review"


async def test_a_frozen_case_is_not_approved_asked_about_or_handed_up(in_review):
    await in_review.staff("freeze")

    for update in ("approve", "request_info", "escalate"):
        assert "it is frozen" in await refused(in_review.staff(update, "amir"))


async def test_escalated_twice_is_escalated_once(in_review):
    await in_review.staff("escalate")

    assert "escalated already" in await refused(in_review.staff("escalate", "amir"))


async def test_notes_end_where_a_case_is_full_of_them(in_review):
    for number in range(50):
        await in_review.staff("add_note", reason=f"called again, number {number}")

    assert "full of notes" in await refused(in_review.staff("add_note"))


async def test_one_officer_does_not_count_twice(customer, world):
    world.matches, world.score = [MATCH], 75
    await customer.submit()
    await customer.reach("manual_review")
    await customer.staff("approve")

    assert "a second officer is needed" in await refused(customer.staff("approve"))
    assert (await customer.status()).tier is Tier.NONE


async def test_whoever_froze_does_not_unfreeze(in_review):
    await in_review.staff("freeze", "sofia", Role.SENIOR_COMPLIANCE)

    sentence = await refused(in_review.staff("unfreeze", "sofia", Role.SENIOR_COMPLIANCE))

    assert "another senior officer" in sentence


async def test_frozen_twice_is_frozen_once(in_review):
    await in_review.staff("freeze")

    assert "frozen already" in await refused(in_review.staff("freeze", "amir"))


async def test_a_frozen_customer_cannot_leave(in_review):
    await in_review.staff("freeze")

    leaving = in_review.handle.execute_update("close_account", {"reason": "quickly"})

    assert "under review" in await refused(leaving)
