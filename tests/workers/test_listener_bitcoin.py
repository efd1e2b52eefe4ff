"""The walk along a real bitcoind: what it finds, what reorgs take back, what makes it stop."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.listening.bitcoin import BitcoinReader
from activities.listening.walk import Step
from api.wallet_service.desk import derivation
from chains.bitcoin.network import network
from chains.bitcoin.node import BitcoinNode
from domain.ids import CustomerId
from storage.addresses import issue
from tests.chains.house import Followed, Miner, addresses_for, follow, plant

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
async def miner(aws: None, bitcoin: BitcoinNode, owner: AsyncEngine) -> Miner:
    found = Miner(bitcoin)
    await found.prepare()
    await plant(owner)
    return found


@pytest.fixture
async def listener(worker: AsyncEngine, miner: Miner) -> Followed:
    return await follow(worker, BitcoinReader(miner.node))


async def test_a_payment_to_several_customers_is_a_deposit_for_each(
    listener: Followed, miner: Miner, worker: AsyncEngine
):
    first, second = await addresses_for(worker, "bitcoin", 2, first=100)
    txid = await miner.pay_many({first: "0.5", second: "0.25"})
    [block_hash] = await miner.mine()

    await listener.to_tip()

    found = {
        row.customer_id: (int(row.units), row.block_hash, row.status)
        for row in (await listener.deposits()).values()
        if row.txid == txid
    }
    assert found == {
        100: (50_000_000, block_hash, "confirming"),
        101: (25_000_000, block_hash, "confirming"),
    }


async def test_an_address_is_watched_from_the_moment_it_is_shown(
    listener: Followed, miner: Miner, worker: AsyncEngine
):
    [address] = await addresses_for(worker, "bitcoin", 1, first=110)
    txid = await miner.pay(address, "0.1")
    await miner.mine()

    await listener.to_tip()

    assert any(row.txid == txid for row in (await listener.deposits()).values())


async def test_an_older_address_of_a_customer_keeps_working(
    listener: Followed, miner: Miner, worker: AsyncEngine
):
    derive = derivation("bitcoin", network("regtest"))
    async with worker.begin() as connection:
        first, newer = await issue(connection, "bitcoin", [CustomerId(115)] * 2, derive)
    txid = await miner.pay(first.address, "0.2")
    await miner.mine()

    await listener.to_tip()

    [row] = [row for row in (await listener.deposits()).values() if row.txid == txid]
    assert (row.address, row.customer_id) == (first.address, 115)
    assert first.address != newer.address


async def test_scanning_again_changes_nothing(listener: Followed, miner: Miner):
    await miner.mine(3)
    await listener.to_tip()
    before = await listener.deposits()

    assert await listener.to_tip() == [Step.WAITING]

    assert await listener.deposits() == before


async def test_a_reorg_takes_the_deposit_back_and_the_same_id_returns(
    listener: Followed, miner: Miner, worker: AsyncEngine
):
    [address] = await addresses_for(worker, "bitcoin", 1, first=120)
    txid = await miner.pay(address, "0.7")
    [orphan] = await miner.mine()
    await listener.to_tip()

    await miner.node.call("invalidateblock", orphan)
    await miner.mine_empty()
    await miner.mine_empty()
    steps = await listener.to_tip()
    [orphaned] = [row for row in (await listener.deposits()).values() if row.txid == txid]
    [home] = await miner.mine()
    await listener.to_tip()

    [again] = [row for row in (await listener.deposits()).values() if row.txid == txid]
    assert Step.WENT_BACK in steps
    assert (orphaned.height, orphaned.block_hash) == (None, None)
    assert again.id == orphaned.id
    assert again.block_hash == home


@pytest.mark.parametrize("depth", [1, 7, 30])
async def test_a_reorg_of_any_depth_ends_on_the_nodes_chain(
    listener: Followed, miner: Miner, depth: int
):
    hashes = await miner.mine(depth)
    await listener.to_tip()

    await miner.node.call("invalidateblock", hashes[0])
    for _ in range(depth + 1):
        await miner.mine_empty()
    steps = await listener.to_tip()

    height, tip = await miner.node.tip()
    assert steps.count(Step.WENT_BACK) == depth
    assert [await listener.hash_at(h) for h in range(height - depth, height + 1)] == [
        await miner.node.block_hash(h) for h in range(height - depth, height + 1)
    ]
    assert listener.walk.height == height
    assert await listener.hash_at(height) == tip


async def test_a_node_that_lost_its_newest_blocks_is_waited_for(
    listener: Followed, miner: Miner, worker: AsyncEngine
):
    [address] = await addresses_for(worker, "bitcoin", 1, first=130)
    txid = await miner.pay(address, "0.3")
    hashes = await miner.mine(3)
    await listener.to_tip()

    await miner.node.call("invalidateblock", hashes[1])
    behind = await listener.to_tip()
    reason = await listener.halted_reason()
    await miner.node.call("reconsiderblock", hashes[1])
    back = await listener.to_tip()

    assert behind == [Step.HALTED]
    assert "behind us" in (reason or "")
    assert back == [Step.WAITING]
    assert await listener.halted_reason() is None
    [row] = [row for row in (await listener.deposits()).values() if row.txid == txid]
    assert row.block_hash == hashes[0]


async def test_the_stream_tells_deposits_before_their_block(
    listener: Followed, miner: Miner, worker: AsyncEngine
):
    [address] = await addresses_for(worker, "bitcoin", 1, first=140)
    txid = await miner.pay(address, "0.2")
    [block_hash] = await miner.mine()
    await listener.to_tip()

    events = await listener.events()

    mined = next(i for i, event in enumerate(events) if event.get("txid") == txid)
    block = next(
        i
        for i, event in enumerate(events)
        if event["kind"] == "block" and event["block_hash"] == block_hash
    )
    assert mined < block
    assert events[mined]["units"] == "20000000"
    assert events[mined]["customer_id"] == 140
