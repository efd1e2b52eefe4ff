"""Proof of reserves as a workflow: on its schedule, at one block, and only what is covered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import text
from temporalio import activity
from temporalio.client import WorkflowFailureError

from activities.reserves import CountedBlock, CountReserves, ReserveActivities
from storage import reserves
from storage.reserves import Block, Holding, MadeProof
from tests.histories.recording import record_when_asked
from tests.storage.world import unique
from tests.workflows.conftest import Office
from tests.workflows.test_ledger_care import run_schedule, scheduled
from workflows.reserves import ReservesInput, ReservesWorkflow

pytestmark = pytest.mark.stack

TIPS = {"bitcoin": Block(7, "aa" * 32), "ethereum": Block(9, "0x" + "bb" * 32)}
ADDRESS = {"bitcoin": "bcrt1qours", "ethereum": "0x00000000000000000000000000000000000000aa"}


class Chains:
    """The work of chain workers and signer, on the test's database; no node and no key."""

    def __init__(self, office: Office) -> None:
        self._engine = office.world.engine
        self.units = {"bitcoin": {"BTC": 10**15}, "ethereum": {"ETH": 10**30, "USDT": 10**15}}
        self.blocks_in_between = 0
        self.counted: list[tuple[str, bool]] = []

    @activity.defn
    async def count_reserves(self, asked: CountReserves) -> CountedBlock:
        self.counted.append((asked.chain, asked.at is not None))
        tip = TIPS[asked.chain]
        if self.blocks_in_between and asked.at is None:
            self.blocks_in_between -= 1
            tip = Block(tip.height - 1, "cc" * 32)
        found = [
            Holding(asked.chain, ADDRESS[asked.chain], asset, units)
            for asset, units in self.units[asked.chain].items()
        ]
        async with self._engine.begin() as connection:
            await reserves.open_bundle(connection, asked.bundle)
            await reserves.write_holdings(connection, asked.bundle, asked.chain, found)
        return CountedBlock(chain=asked.chain, height=tip.height, hash=tip.hash)

    @activity.defn
    async def sign_challenges(self, bundle: str) -> int:
        async with self._engine.begin() as connection:
            waiting = await reserves.unsigned(connection, bundle, 10)
            made = [MadeProof(e.chain, e.address, "stand-in", "", None) for e in waiting]
            await reserves.write_signatures(connection, bundle, made)
        return len(made)


@pytest.fixture
async def chains(office: Office) -> AsyncIterator[Chains]:
    async with office.world.as_owner() as owner:
        # The worker's role may not sign; here the test's own engine plays the signer.
        await owner.execute("GRANT INSERT ON reserve_signatures TO rialto_worker")
        for chain, block in TIPS.items():
            await owner.execute(
                "INSERT INTO chain_cursors (chain, height, hash) VALUES ($1, $2, $3)"
                " ON CONFLICT (chain) DO UPDATE SET height = $2, hash = $3",
                chain,
                block.height,
                block.hash,
            )
    yield Chains(office)
    async with office.world.as_owner() as owner:
        await owner.execute("REVOKE INSERT ON reserve_signatures FROM rialto_worker")


def at_work(office: Office, chains: Chains) -> Any:
    counting = [chains.count_reserves]
    return office.working(
        *ReserveActivities(office.world.engine).all(),
        bitcoin=counting,
        ethereum=counting,
        signer=[chains.sign_challenges],
    )


async def test_every_day_what_is_owed_is_published_with_what_is_held(
    office: Office, chains: Chains
):
    await office.world.customer(BTC=100, USDT=5)
    await scheduled(office)

    async with at_work(office, chains):
        bundle = await run_schedule(office, "proof-of-reserves")
    await record_when_asked(office.client)

    async with office.world.engine.connect() as connection:
        found = await reserves.read_bundle(connection)
        owed = await connection.execute(
            text(
                "SELECT asset, sum(balance) AS units FROM accounts"
                " WHERE kind IN ('customer_available', 'customer_held') GROUP BY asset"
            )
        )
    assert found.id == bundle
    assert found.blocks == TIPS
    assert {asset: units for asset, units in found.root.sums.items() if units} == {
        row.asset: int(row.units) for row in owed if row.units
    }
    assert chains.counted == [("bitcoin", False), ("ethereum", True)]


async def test_a_block_in_between_has_it_counted_again(office: Office, chains: Chains):
    await office.world.customer(BTC=100)
    chains.blocks_in_between = 2

    async with at_work(office, chains):
        await run_now(office)

    assert chains.counted == [*[("bitcoin", False)] * 3, ("ethereum", True)]


async def test_two_begun_in_one_second_have_a_bundle_each(office: Office, chains: Chains):
    await office.world.customer(BTC=100)

    async with at_work(office, chains):
        made = await asyncio.gather(*(run_now(office) for _ in range(3)))

    assert len(set(made)) == 3
    assert chains.counted.count(("bitcoin", False)) == 3


async def test_what_is_not_covered_asks_for_a_human(office: Office, chains: Chains):
    await office.world.customer(BTC=100)
    chains.units["bitcoin"] = {"BTC": 1}
    async with office.world.engine.connect() as connection:
        published = await connection.scalar(
            text("SELECT count(*) FROM reserve_bundles WHERE published_at IS NOT NULL")
        )

    async with at_work(office, chains):
        with pytest.raises(WorkflowFailureError) as failed:
            await run_now(office)

    assert "BTC not covered" in str(failed.value.cause)
    async with office.world.engine.connect() as connection:
        still = await connection.scalar(
            text("SELECT count(*) FROM reserve_bundles WHERE published_at IS NOT NULL")
        )
    assert still == published


async def run_now(office: Office) -> str:
    return await office.client.execute_workflow(
        ReservesWorkflow.run,
        ReservesInput(tip_chains=["bitcoin"], other_chains=["ethereum"]),
        id=unique("reserves"),
        task_queue="workflows",
    )
