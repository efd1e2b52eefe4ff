"""Settlement as a workflow: once, repairable by staff, and the market halts when it lags."""

import asyncio
from dataclasses import replace

import asyncpg
import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowExecutionStatus, WorkflowUpdateFailedError

from activities.settlement import SettlementActivities
from domain.market import Side
from engine import commands
from ledger.settlement import SettlementBatch
from storage.settlement import Settled, Settlements
from tests.storage.world import BTC_USDT, MARKETS, USDT, World
from tests.workflows.conftest import Office
from workflows import search_attributes as attributes
from workflows.settlement import LAG_MAX, SettlementWorkflow, start_settlement

pytestmark = pytest.mark.stack


async def crossed(world: World) -> tuple[int, SettlementBatch]:
    """Alice buys from Bob: a run that takes 100,000 units of USDT from her."""
    alice, bob = await world.customer(USDT=10**6), await world.customer(BTC=10**8)
    maker = await world.resting(bob, Side.SELL, 1000, 100)
    taker = await world.resting(alice, Side.BUY, 1000, 100)
    return alice, await world.batch(await world.filled(maker, taker, 1000, 100))


def handle_of(office: Office, batch: SettlementBatch):
    return office.client.get_workflow_handle_for(
        SettlementWorkflow.run, f"settlement/{batch.market}/{batch.first_sequence}"
    )


async def last_state(world: World) -> int | None:
    """What the newest command of the exchange itself makes of the market."""
    command = await world.ledger.pool.fetchval(
        "SELECT command FROM order_commands WHERE market = $1 AND owner = 0"
        " ORDER BY id DESC LIMIT 1",
        BTC_USDT.id,
    )
    return command and next(
        state
        for state in (commands.HALTED, commands.TRADING)
        if tuple(command) == commands.set_state(command_id=command[1], state=state)
    )


async def test_a_run_settles_once_though_it_is_started_again_and_again(office: Office):
    alice, batch = await crossed(office.world)
    async with office.working(*SettlementActivities(office.world.settlements).all()):
        await asyncio.gather(*(start_settlement(office.client, batch) for _ in range(3)))
        result = await handle_of(office, batch).result()
        await start_settlement(office.client, batch)

        described = await handle_of(office, batch).describe()

    assert (result.trades, result.replayed) == (1, False)
    assert described.status is WorkflowExecutionStatus.COMPLETED
    assert await office.world.balance(alice, USDT) == (900_000, 0)


async def scheduled(handle) -> int:
    """How many activities the server was asked for."""
    kinds = [event.event_type async for event in handle.fetch_history_events()]
    return kinds.count(EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED)


async def test_a_run_settles_within_its_first_task(office: Office):
    """No activity, no timer: Temporal writes five events for it and not eleven."""
    alice, batch = await crossed(office.world)
    activities = SettlementActivities(office.world.settlements)
    async with office.working(*activities.all(), local=activities.settle_batch):
        await start_settlement(office.client, batch)
        result = await handle_of(office, batch).result()

    assert (result.trades, result.replayed) == (1, False)
    assert await scheduled(handle_of(office, batch)) == 0
    assert await office.world.balance(alice, USDT) == (900_000, 0)


@pytest.mark.parametrize("is_settled", [True, False])
async def test_what_fails_at_once_is_settled_as_an_activity(office: Office, is_settled: bool):
    """The database went away, before or after the commit: it is asked again, where staff see it."""
    alice, batch = await crossed(office.world)
    settlements = LosesItsAnswer(office.world.ledger, MARKETS)
    settlements.settles = is_settled
    activities = SettlementActivities(settlements)
    async with office.working(*activities.all(), local=activities.settle_batch):
        await start_settlement(office.client, batch)
        result = await handle_of(office, batch).result()

    assert result.replayed is is_settled
    assert await scheduled(handle_of(office, batch)) == 1
    assert await office.world.balance(alice, USDT) == (900_000, 0)


async def test_a_poisoned_run_halts_its_market_until_staff_have_it_settled(office: Office):
    world = office.world
    alice, batch = await crossed(world)
    async with world.as_owner() as owner:  # Somebody changed the order's row.
        await owner.execute("UPDATE orders SET customer_id = 1 WHERE customer_id = $1", alice)
    async with office.working(*SettlementActivities(world.settlements).all()):
        await start_settlement(office.client, batch)
        handle = handle_of(office, batch)
        problem = await office.until("it is poisoned", lambda: handle.query("problem"))
        described = await handle.describe()
        assert not await halted(world)

        await office.environment.fast_forward(handle, LAG_MAX * 1.1)
        await office.until("the market is halted", lambda: halted(world))

        with pytest.raises(WorkflowUpdateFailedError) as refusal:
            await office.staff(handle, "retry", reason="no")
        async with world.as_owner() as owner:
            await owner.execute("UPDATE orders SET customer_id = $1 WHERE customer_id = 1", alice)
        await office.staff(handle, "retry", reopen=True)
        result = await handle.result()

    assert "is not of customer" in problem
    assert described.status is WorkflowExecutionStatus.RUNNING
    shown = described.typed_search_attributes
    assert (shown[attributes.STATE], shown[attributes.NEEDS_HUMAN]) == ("POISONED", True)
    assert "reason" in str(refusal.value.cause)
    assert result.trades == 1
    assert await last_state(world) == commands.TRADING
    assert await world.balance(alice, USDT) == (900_000, 0)


async def test_a_market_halted_by_an_outage_trades_again_when_it_is_over(office: Office):
    world = office.world
    alice, batch = await crossed(world)
    activities = SettlementActivities(world.settlements)
    await start_settlement(office.client, batch)
    handle = handle_of(office, batch)
    async with office.working(activities.halt_market):  # Nobody settles.
        await office.until("it has begun", lambda: began(handle))
        await office.environment.fast_forward(handle, LAG_MAX * 1.1)
        await office.until("the market is halted", lambda: halted(world))
    async with office.working(*activities.all()):
        result = await handle.result()

    assert result.trades == 1
    assert await last_state(world) == commands.TRADING
    assert await world.balance(alice, USDT) == (900_000, 0)


async def began(handle) -> bool:
    return bool((await handle.describe()).raw_description.pending_activities)


async def halted(world: World) -> bool:
    return await last_state(world) == commands.HALTED


async def test_retry_is_refused_while_nothing_is_stuck(office: Office):
    _, batch = await crossed(office.world)
    async with office.working():
        late = replace(batch, first_sequence=batch.last_sequence + 100, last_sequence=10**9)
        await start_settlement(office.client, late)
        handle = handle_of(office, late)
        with pytest.raises(WorkflowUpdateFailedError) as refusal:
            await office.staff(handle, "retry")
        await handle.terminate("the test is over")
    await office.world.settlements.settle(batch)

    assert "not stuck" in str(refusal.value.cause)


async def test_a_run_that_somebody_terminated_can_be_started_again(office: Office):
    alice, batch = await crossed(office.world)
    await start_settlement(office.client, batch)
    await handle_of(office, batch).terminate("by mistake")

    async with office.working(*SettlementActivities(office.world.settlements).all()):
        await start_settlement(office.client, batch)
        result = await handle_of(office, batch).result()

    assert result.trades == 1
    assert await office.world.balance(alice, USDT) == (900_000, 0)


class LosesItsAnswer(Settlements):
    """Dies right after the commit, or before, the first time: nobody is told what happened."""

    died = False
    settles = True

    async def settle(self, batch: SettlementBatch) -> Settled:
        if self.died or self.settles:
            settled = await super().settle(batch)
        if not self.died:
            self.died = True
            raise asyncpg.ConnectionDoesNotExistError("nobody knows whether it settled")
        return settled


async def test_a_lost_answer_settles_nothing_twice(office: Office):
    alice, batch = await crossed(office.world)
    settlements = LosesItsAnswer(office.world.ledger, MARKETS)

    async with office.working(*SettlementActivities(settlements).all()):
        await start_settlement(office.client, batch)
        result = await handle_of(office, batch).result()

    assert settlements.died
    assert result.replayed
    assert await office.world.balance(alice, USDT) == (900_000, 0)


async def test_a_later_run_waits_for_the_one_that_is_stuck(office: Office):
    world = office.world
    alice, bob = await world.customer(USDT=10**6), await world.customer(BTC=10**8)
    maker = await world.resting(bob, Side.SELL, 1000, 100)
    taker = await world.resting(alice, Side.BUY, 1000, 100)
    whole = await world.batch(
        await world.filled(maker, taker, 1000, 60), (commands.PLACE, taker, alice, 0, 1000, 40)
    )
    first, second = await halves(world, maker, taker)
    async with office.working(*SettlementActivities(world.settlements).all()):
        await start_settlement(office.client, second)
        waiting = handle_of(office, second)
        await office.until("it was tried", lambda: tried(waiting))
        await start_settlement(office.client, first)
        results = [await handle_of(office, each).result() for each in (first, second)]

    assert whole.first_sequence == first.first_sequence
    assert [result.trades for result in results] == [1, 1]
    assert await world.balance(alice, USDT) == (900_000, 0)


async def halves(world: World, maker, taker) -> list[SettlementBatch]:
    """Two runs, one trade in each."""
    one = await world.filled(maker, taker, 1000, 60)
    two = (one[0], one[1] + 1, one[2], 40, *one[4:6], 0, *one[7:9], 0, one[10])
    batch = await world.batch(one, two)
    middle = batch.first_sequence
    texts = [f"[[{part}]]" for part in batch.events[2:-2].split("], [")]
    return [
        replace(batch, last_sequence=middle, events=texts[0]),
        replace(batch, first_sequence=middle + 1, events=texts[1]),
    ]


async def tried(handle) -> bool:
    description = await handle.describe()
    return any(each.attempt > 1 for each in description.raw_description.pending_activities)
