"""The ledger's schedules: holds expire, the past is sealed, and whoever rewrites it is noticed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from activities.engine_tie import EngineDifference, EngineTieActivities
from activities.ledger_care import LedgerCareActivities
from activities.reconciliation import ReconciliationActivities
from domain.ids import EntryId, HoldId
from ledger.entry import EntryReason, JournalEntry, PlaceHold
from storage.catalog import read_catalog
from storage.seals import newest_seal
from tests.storage.world import BTC, World, new_customer, pay, unique
from tests.workflows.conftest import Office
from workers.schedules import Intervals, ensure_schedules
from workflows.reconciliation import ReconciliationInput, ReconciliationWorkflow

pytestmark = pytest.mark.stack

RARELY = timedelta(days=300)


async def run_schedule(office: Office, name: str) -> Any:
    """Have the schedule run now; the result of that run."""
    handle = office.client.get_schedule_handle(name)

    async def runs() -> list[Any]:
        return [each.action for each in (await handle.describe()).info.recent_actions]

    before = len(await runs())
    await handle.trigger()

    async def newest() -> Any:
        found = await runs()
        return found[-1] if len(found) > before else None

    action = await office.until("the schedule ran", newest)
    run = office.client.get_workflow_handle(
        action.workflow_id, run_id=action.first_execution_run_id
    )
    return await run.result()


async def scheduled(office: Office) -> None:
    async with office.world.engine.connect() as connection:
        catalog = await read_catalog(connection)
    await ensure_schedules(office.client, catalog, Intervals(*[RARELY] * 5))


async def custody(world: World) -> ReconciliationActivities:
    async with world.engine.connect() as connection:
        catalog = await read_catalog(connection)
    return ReconciliationActivities(world.engine, catalog, None)  # type: ignore[arg-type]


async def is_on(world: World, query: str) -> bool:
    async with world.engine.connect() as connection:
        return bool((await connection.execute(text(query))).scalar_one())


ALL_WITHDRAWALS = "SELECT is_on FROM switches WHERE name = 'withdrawals'"
USDT_WITHDRAWALS = "SELECT withdraw_enabled FROM custody_assets WHERE asset = 'USDT'"


async def test_holds_expire_on_schedule(office: Office):
    world = office.world
    alice = await world.customer(BTC=100)
    lent = PlaceHold(HoldId(unique("h")), alice, BTC, 40, datetime(2020, 1, 1, tzinfo=UTC))
    await world.ledger.post(
        JournalEntry(EntryId(unique("e")), EntryReason.HOLD, "test", (), (lent,))
    )
    await scheduled(office)

    async with office.working(*LedgerCareActivities(world.ledger).all()):
        released = await run_schedule(office, "ledger-expire-holds")
        again = await run_schedule(office, "ledger-expire-holds")

    assert (released, again) == (1, 0)
    assert await world.balance(alice, BTC) == (100, 0)


async def test_the_past_is_sealed_and_a_rewritten_one_stops_withdrawals(office: Office):
    world = office.world
    alice = await world.customer(BTC=100)
    await scheduled(office)
    bitcoin = (await custody(world)).all()
    async with office.working(*LedgerCareActivities(world.ledger).all(), bitcoin=bitcoin):
        first = await run_schedule(office, "ledger-seal")
        await world.ledger.post(pay(alice, new_customer(), 1))
        second = await run_schedule(office, "ledger-seal")
        newest = await newest_seal(world.engine)
        assert newest
        assert second == {"number": newest.number, "hash": newest.hash}
        assert second["number"] == first["number"] + 1
        assert await is_on(world, ALL_WITHDRAWALS)

        await overwrite(world, b"\x00" * 32, second["number"])
        await run_schedule(office, "ledger-seal")

        async def is_off() -> bool:
            return not await is_on(world, ALL_WITHDRAWALS)

        await office.until("withdrawals stand still", is_off)
        await overwrite(world, bytes.fromhex(second["hash"]), second["number"])
        desk = office.client.get_workflow_handle("break/*")
        await office.staff(desk, "clear")
        await desk.result()
        assert await run_schedule(office, "ledger-seal") == second
    assert await is_on(world, ALL_WITHDRAWALS)


async def overwrite(world: World, sealed: bytes, number: int) -> None:
    async with world.as_owner() as owner:
        await owner.execute("ALTER TABLE ledger_seals DISABLE TRIGGER USER")
        await owner.execute("UPDATE ledger_seals SET hash = $1 WHERE number = $2", sealed, number)
        await owner.execute("ALTER TABLE ledger_seals ENABLE TRIGGER USER")


async def test_an_engine_that_disagrees_stops_its_assets_withdrawals(office: Office):
    world = office.world
    found = [EngineDifference(asset="USDT", chain="ethereum", what="order 7: 5 lots, not 6")]

    async def compare() -> list[EngineDifference]:
        return found

    engine = EngineTieActivities(compare).all()
    asked = ReconciliationInput(chains=[], engine=True)
    async with office.working(engine=engine, ethereum=(await custody(world)).all()):
        handle = await office.client.start_workflow(
            ReconciliationWorkflow.run, asked, id=unique("reconciliation"), task_queue="workflows"
        )
        await office.environment.fast_forward(handle, timedelta(seconds=30))
        told = await handle.result()

        async def is_off() -> bool:
            return not await is_on(world, USDT_WITHDRAWALS)

        await office.until("withdrawals of USDT stand still", is_off)
        assert await is_on(world, ALL_WITHDRAWALS)
        await office.staff(office.client.get_workflow_handle("break/USDT"), "clear")
        await office.client.get_workflow_handle("break/USDT").result()
        found.clear()
        clean = await office.client.execute_workflow(
            ReconciliationWorkflow.run, asked, id=unique("reconciliation"), task_queue="workflows"
        )

    assert "broken:** order 7" in told
    assert "the same open orders" in clean
    assert await is_on(world, USDT_WITHDRAWALS)
