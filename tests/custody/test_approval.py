"""An approval that comes before the workflow knows what the row says already."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from temporalio.client import WorkflowUpdateFailedError, WorkflowUpdateStage

from activities.withdrawals import WithdrawalActivities
from streams.notices import NoNotices, Notice
from tests.custody.house import BTC, COIN, House, queues
from workers.temporal_worker import Queue, build_worker
from workflows.staff import StaffAction, StaffAnswer
from workflows.withdrawal import WithdrawalWorkflow

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]

PAYEE = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
ALICE = StaffAction(officer="alice", reason="a customer of old")


class Slow(NoNotices):
    """Customers hear when a test says so. Until then the step that committed has not answered."""

    def __init__(self) -> None:
        self.may_tell = asyncio.Event()

    async def send(self, customer_id: int, *notices: Notice) -> None:
        await self.may_tell.wait()


@pytest.fixture
def notices() -> Slow:
    return Slow()


@pytest.fixture
async def house(idle_house: House, notices: Slow) -> AsyncIterator[House]:
    """Its ledger's steps commit, and answer late; no chain's queue is served: nothing is paid."""
    parts: Any = (idle_house.engine, idle_house.ledger, idle_house.catalog, notices)
    served = [each for each in queues(idle_house) if each.name in {"workflows", "compliance"}]
    assert idle_house.client is not None
    async with AsyncExitStack() as workers:
        for queue in (*served, Queue("ledger", WithdrawalActivities(*parts).all())):
            await workers.enter_async_context(build_worker(idle_house.client, queue))
        yield idle_house


async def test_an_approval_waits_until_the_workflow_has_heard_of_its_review(
    house: House, notices: Slow
):
    row, handle = await asked(house)
    await row_says(house, row.id, "review")

    approval = await handle.start_update(
        WithdrawalWorkflow.approve, ALICE, wait_for_stage=WorkflowUpdateStage.ACCEPTED
    )
    before = await handle.query(WithdrawalWorkflow.view)
    notices.may_tell.set()
    answer: StaffAnswer = await approval.result()

    assert before is None or before.status == "held"
    assert answer.state == "approved"
    approved = await house.withdrawal(row.id)
    assert [each["officer"] for each in approved.approvals] == ["alice"]
    await handle.terminate("the test is over")


async def test_what_is_still_weighed_is_not_approved_and_the_officer_reads_what_to_do(
    house: House, notices: Slow, monkeypatch: pytest.MonkeyPatch
):
    """Nobody approves what screening may yet find: the word must be given again, knowing it."""
    notices.may_tell.set()
    monkeypatch.setattr(house.desk, "verdicts", Unanswered())
    row, handle = await asked(house)

    with pytest.raises(WorkflowUpdateFailedError) as refusal:
        await handle.execute_update(WithdrawalWorkflow.approve, ALICE)

    assert "send it again when it is in review" in str(refusal.value.cause)
    assert getattr(refusal.value.cause, "type", "") == "NotInReviewYet"
    assert (await house.withdrawal(row.id)).approvals == []
    await handle.terminate("the test is over")


class Unanswered(dict[str, Any]):
    """A screening that fails: the workflow asks again, and knows nothing meanwhile."""

    def __contains__(self, _: object) -> bool:
        raise ConnectionError("nobody answers")


async def asked(house: House) -> tuple[Any, Any]:
    """As much as officers must look at."""
    customer = await house.customer()
    await house.give(customer, BTC, 2 * COIN)
    row = await house.request(customer, BTC, COIN, PAYEE)
    return row, await house.start(row)


async def row_says(house: House, withdrawal_id: str, status: str) -> None:
    async def says() -> bool:
        return bool((await house.withdrawal(withdrawal_id)).status == status)

    await house.until(f"the row says {status}", says, tell=False)
