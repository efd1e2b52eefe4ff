"""Scanning again: what was missed is found, and nothing is credited twice."""

import pytest
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.listening.bitcoin import BitcoinReader
from activities.listening.rescan import Rescan, RescanRefused
from chains.bitcoin.node import BitcoinNode
from storage.tables_custody import deposit_events, deposits
from tests.chains.house import Followed, Miner, addresses_for, follow, plant

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
async def miner(aws: None, bitcoin: BitcoinNode, owner: AsyncEngine) -> Miner:
    found = Miner(bitcoin)
    await found.prepare()
    await plant(owner)
    await found.mine(5)
    return found


@pytest.fixture
async def listener(worker: AsyncEngine, miner: Miner) -> Followed:
    return await follow(worker, BitcoinReader(miner.node))


async def test_a_deposit_that_was_lost_is_found_again(
    listener: Followed, miner: Miner, worker: AsyncEngine, owner: AsyncEngine
):
    first, second = await addresses_for(worker, "bitcoin", 2, first=600)
    lost, kept = await miner.pay(first, "0.4"), await miner.pay(second, "0.3")
    await miner.mine(2)
    await listener.to_tip()
    before = await listener.deposits()
    async with owner.begin() as connection:
        missing = next(each for each, row in before.items() if row.txid == lost)
        await connection.execute(delete(deposit_events))
        await connection.execute(delete(deposits).where(deposits.c.id == missing))

    height = listener.walk.height
    answer = await Rescan(worker, BitcoinReader(miner.node)).run(height - 3, height)
    again = await Rescan(worker, BitcoinReader(miner.node)).run(height - 3, height)

    after = await listener.deposits()
    assert answer.blocks == 4
    assert answer.found == [missing]
    assert again.found == []
    assert {row.txid for row in after.values()} == {lost, kept}
    assert after[missing].block_hash == before[missing].block_hash


async def test_blocks_below_our_first_are_tied_to_it_by_their_hashes(
    listener: Followed, miner: Miner, worker: AsyncEngine
):
    lowest = listener.walk.height
    while await listener.hash_at(lowest - 1) is not None:
        lowest -= 1

    answer = await Rescan(worker, BitcoinReader(miner.node)).run(lowest - 4, lowest - 2)

    assert answer.blocks == 3
    assert await listener.hash_at(lowest - 3) == await miner.node.block_hash(lowest - 3)


async def test_a_node_on_another_chain_is_refused(
    listener: Followed, miner: Miner, worker: AsyncEngine
):
    hashes = await miner.mine(2)
    await listener.to_tip()
    height = listener.walk.height
    await miner.node.call("invalidateblock", hashes[0])
    for _ in range(3):
        await miner.mine_empty()

    with pytest.raises(RescanRefused, match="another block than we followed"):
        await Rescan(worker, BitcoinReader(miner.node)).run(height - 1, height)

    await listener.to_tip()


@pytest.mark.parametrize(("first", "last"), [(-1, 3), (5, 4), (0, 10**9)])
async def test_ranges_outside_what_was_scanned_are_refused(
    listener: Followed, miner: Miner, worker: AsyncEngine, first: int, last: int
):
    with pytest.raises(RescanRefused):
        await Rescan(worker, BitcoinReader(miner.node)).run(first, last)
