"""A deposit whose sender's exchange is silent or away: held, asked about, never forgotten."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from temporalio import activity
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError, WorkflowUpdateStage
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from activities.deposits import AdvanceDeposit, DepositDecision, DepositView
from activities.screening_messages import OriginatorCheck, ScreenAddress, Screening
from cli.demo.customer import eventually
from domain.deposit import DepositEvent, DepositStatus
from streams.travel_rule import NetworkUnavailable
from tests.kyc.conftest import REACH_SECONDS
from workers.temporal_worker import Queue, build_worker
from workflows.deposit import CHAIN_QUEUES, COMPLIANCE_QUEUE, DepositInput, DepositWorkflow
from workflows.staff import StaffAnswer

_numbers = itertools.count(1)
_AFTER = {
    DepositEvent.CLEARED: DepositStatus.CREDITED,
    DepositEvent.SUSPENDED: DepositStatus.SUSPENDED,
}


@dataclass
class Row:
    """One deposit as the database would have it, and the network that is asked about it."""

    network_is_away: bool = True
    check: OriginatorCheck = field(default_factory=lambda: OriginatorCheck(has_arrived=False))
    is_hit: bool = False
    asked: int = 0
    advanced: int = 0
    status: DepositStatus = DepositStatus.CONFIRMING
    screening: Screening | None = None
    words: list[tuple[str, str]] = field(default_factory=list)
    answers_at: asyncio.Event = field(default_factory=asyncio.Event)
    """Until then, what a step has read is on its way."""
    screens_at: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.answers_at.set()
        self.screens_at.set()

    @activity.defn(name="advance_deposit")
    async def advance(self, request: AdvanceDeposit) -> DepositView:
        view = self._step(request)
        await self.answers_at.wait()
        return view

    def _step(self, request: AdvanceDeposit) -> DepositView:
        self.advanced += 1
        if request.screening is not None and self.screening is None:
            self.screening = request.screening
            self.status = DepositStatus.HELD
        if request.originator is not None and request.originator.reason:
            self.is_hit = True
        return self._view(request.deposit_id)

    @activity.defn(name="decide_deposit")
    async def decide(self, decision: DepositDecision) -> DepositView:
        self.words.append((decision.event, decision.officer))
        self.status = _AFTER[decision.event]
        return self._view(decision.deposit_id)

    @activity.defn(name="screen_address")
    async def screen(self, asked: ScreenAddress) -> Screening:
        await self.screens_at.wait()
        return Screening(is_clear=False, awaits_originator=True, reason="travel rule")

    @activity.defn(name="screen_originator")
    async def screen_originator(self, asked: ScreenAddress) -> OriginatorCheck:
        self.asked += 1
        if self.network_is_away:
            raise NetworkUnavailable("nobody answers")
        return self.check

    def _view(self, deposit_id: str) -> DepositView:
        return DepositView(
            deposit_id=deposit_id,
            status=self.status,
            asset="BTC",
            amount="1",
            customer_id=1,
            chain="bitcoin",
            txid="t",
            address="a",
            height=1,
            confirmations=6,
            credit_confirmations=1,
            withdrawable_confirmations=3,
            reason="",
            is_screened=self.screening is not None,
            risk_score=0,
            awaits_originator=(self.screening is not None and not self.words and not self.is_hit),
            sources=["s"],
        )


Deposit = WorkflowHandle[DepositWorkflow, str]


@pytest.fixture
def row() -> Row:
    return Row()


@pytest.fixture
async def deposit(environment: WorkflowEnvironment, row: Row) -> AsyncIterator[Deposit]:
    chain = Queue(CHAIN_QUEUES["bitcoin"], [row.advance, row.decide], [DepositWorkflow])
    compliance = Queue(COMPLIANCE_QUEUE, [row.screen, row.screen_originator], [])
    number = next(_numbers)
    async with (
        build_worker(environment.client, chain),
        build_worker(environment.client, compliance),
    ):
        handle = await environment.client.start_workflow(
            DepositWorkflow.run,
            DepositInput(deposit_id=f"quarantine-{number}", chain="bitcoin"),
            id=f"deposit/quarantine-{number}",
            task_queue=CHAIN_QUEUES["bitcoin"],
        )
        yield handle
        with contextlib.suppress(RPCError):
            await handle.terminate("the test is over")


async def reach(what: str, condition: Callable[[], bool]) -> None:
    async def reached() -> bool | None:
        return True if condition() else None

    await eventually(what, reached, REACH_SECONDS)


async def held(environment: WorkflowEnvironment, deposit: Deposit, row: Row) -> None:
    """In quarantine, and the network has been asked for the first time."""
    await reach("it is held", lambda: row.status is DepositStatus.HELD)
    await environment.fast_forward(deposit, timedelta(seconds=15))
    await reach("the network is asked", lambda: row.asked > 0)


async def test_a_network_that_is_away_is_asked_until_it_answers(environment, deposit, row):
    await held(environment, deposit, row)
    await reach("it is asked again", lambda: row.asked > 1)
    assert row.status is DepositStatus.HELD

    row.network_is_away, row.check = False, OriginatorCheck(has_arrived=True)

    await reach("it is cleared", lambda: row.status is DepositStatus.CREDITED)
    assert row.words == [(DepositEvent.CLEARED, "policy")]


async def test_a_listed_sender_leaves_it_to_officers(environment, deposit, row):
    await held(environment, deposit, row)
    line = "91: Listed Person (pep 41): name 91 (persen ~ person 0.91)"
    row.check = OriginatorCheck(
        has_arrived=True, score=91, reason="entry 41 of pep", for_officers=[line]
    )
    row.network_is_away = False

    await reach("the row has the hit", lambda: row.is_hit)
    asked, advanced = row.asked, row.advanced
    await deposit.signal("chain_moved")
    await reach("it looked again", lambda: row.advanced > advanced)

    assert (row.status, row.words, row.asked) == (DepositStatus.HELD, [], asked)
    shown = await deposit.query("__temporal_workflow_metadata")
    assert "Listed Person" in str(shown)
    await deposit.execute_update(
        "clear", {"officer": "alice", "reason": "another person of that name"}
    )
    assert row.words == [(DepositEvent.CLEARED, "alice")]


async def test_an_officer_does_not_wait_for_the_network(environment, deposit, row):
    await held(environment, deposit, row)

    action = {"officer": "alice", "reason": "the sender proved it otherwise"}
    await deposit.execute_update("clear", action)
    row.status = DepositStatus.WITHDRAWABLE
    await deposit.signal("chain_moved")

    assert row.network_is_away
    assert await deposit.result() == "withdrawable"
    assert row.words == [(DepositEvent.CLEARED, "alice")]


async def test_an_officer_may_be_faster_than_the_news_that_it_is_held(deposit, row):
    """Staff look at rows, and the row says so before the workflow heard of it."""
    row.answers_at.clear()
    row.screens_at.clear()
    await reach("its first step is on its way", lambda: row.advanced == 1)
    action = {"officer": "alice", "reason": "the sender proved it otherwise"}
    early = await deposit.start_update(
        "clear", action, wait_for_stage=WorkflowUpdateStage.ACCEPTED, result_type=StaffAnswer
    )
    row.answers_at.set()

    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await early.result()
    assert "confirming: there is nothing to decide" in str(refused.value.cause)

    row.answers_at.clear()
    row.screens_at.set()
    await reach("it is held", lambda: row.status is DepositStatus.HELD)
    in_time = await deposit.start_update(
        "clear", action, wait_for_stage=WorkflowUpdateStage.ACCEPTED, result_type=StaffAnswer
    )
    row.answers_at.set()

    assert (await in_time.result()).state == DepositStatus.CREDITED
    assert row.words == [(DepositEvent.CLEARED, "alice")]


async def test_the_chain_does_not_wait_either(environment, deposit, row):
    await held(environment, deposit, row)

    row.status = DepositStatus.ORPHANED
    await deposit.signal("chain_moved")

    assert await deposit.result() == "orphaned"


async def test_what_the_chain_does_during_the_last_step_is_seen(environment, deposit, row):
    await held(environment, deposit, row)
    row.answers_at.clear()
    row.status, advanced = DepositStatus.ORPHANED, row.advanced
    await deposit.signal("chain_moved")
    await reach("the step has read that it is orphaned", lambda: row.advanced > advanced)

    row.status = DepositStatus.WITHDRAWABLE  # Mined again.
    await deposit.signal("chain_moved")
    row.answers_at.set()

    assert await deposit.result() == "withdrawable"
