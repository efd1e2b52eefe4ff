"""Sweeps move what is final and nothing else; a broken tie stops withdrawals until cleared."""

import pytest

from storage.custody_policy import read_asset
from tests.custody.house import BTC, COIN, ETHER, House
from workflows.reconciliation import (
    BreakWorkflow,
    ReconciliationInput,
    ReconciliationWorkflow,
)
from workflows.staff import StaffAction
from workflows.sweep import SweepInput, SweepWorkflow

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]


async def swept(house: House, chain: str, asset: str, name: str) -> str:
    """Run a sweep, mining all the while."""
    assert house.client is not None
    handle = await house.client.start_workflow(
        SweepWorkflow.run,
        SweepInput(chain=chain, asset=asset),
        id=f"sweep/{chain}/{asset}/{name}",
        task_queue="workflows",
    )

    async def is_done() -> str | None:
        await house.mine(chain)
        described = await handle.describe()
        return described.status.name if described.close_time else None

    assert await house.until("the sweep is done", is_done) == "COMPLETED"
    return await handle.result()


async def test_final_bitcoin_deposits_are_swept_into_the_hot_wallet(house: House):
    customer = await house.customer()
    txid = await house.miner.pay(await house.address(customer, "bitcoin"), "2")
    await house.mine("bitcoin", 6)
    await house.until_deposit(txid, "withdrawable")

    await swept(house, "bitcoin", "BTC", "one")

    row = await house.deposit_of(txid)
    assert row.swept_at is not None
    assert await house.balance(customer, BTC) == (2 * COIN, 0)
    await house.assert_tied()


async def test_final_ether_is_swept_and_the_books_follow_to_the_last_wei(house: House):
    customer = await house.customer()
    txid = await house.outside.pay(await house.address(customer, "ethereum"), 3 * ETHER)
    await house.mine("ethereum", 7)
    await house.until_deposit(txid, "withdrawable")

    await swept(house, "ethereum", "ETH", "one")

    assert (await house.deposit_of(txid)).swept_at is not None
    await house.assert_tied()


async def test_coins_that_no_book_knows_stop_withdrawals_until_staff_clear_it(house: House):
    assert house.client is not None
    run = ReconciliationInput(chains=["bitcoin"])
    clean = await house.client.execute_workflow(
        ReconciliationWorkflow.run, run, id="reconciliation/clean", task_queue="workflows"
    )
    await house.miner.pay(await house.hot_address("bitcoin"), "0.25")
    await house.mine("bitcoin")

    found = await house.client.execute_workflow(
        ReconciliationWorkflow.run, run, id="reconciliation/broken", task_queue="workflows"
    )

    async def is_enabled() -> bool:
        async with house.engine.connect() as connection:
            return (await read_asset(connection, "BTC")).withdraw_enabled

    async def is_stopped() -> bool:
        return not await is_enabled()

    await house.until("withdrawals are stopped", is_stopped)
    action = StaffAction(officer="oscar", reason="a gift of the house, booked by hand")
    handle = house.client.get_workflow_handle("break/BTC")
    await handle.execute_update(BreakWorkflow.clear, action)
    await house.until("withdrawals go on", is_enabled)
    assert "broken" not in clean
    assert "difference 0.25" in found
