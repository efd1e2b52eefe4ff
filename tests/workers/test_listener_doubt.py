"""When the walk must not trust what it is told, and what it shows before a block confirms it."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.listening.bitcoin import BitcoinReader
from activities.listening.mempool import BitcoinMempool
from activities.listening.walk import Step
from chains.bitcoin.node import BitcoinNode
from chains.block import BlockRef, BrokenBlock
from storage.deposits import drop_unmined
from tests.chains.house import Followed, Miner, addresses_for, follow, plant

pytestmark = pytest.mark.stack


class Second:
    """Another node that may lag or follow another chain."""

    def __init__(self, reader: BitcoinReader) -> None:
        self._reader = reader
        self.lags = False
        self.disagrees = False

    async def ref_at(self, height: int) -> BlockRef | None:
        ref = None if self.lags else await self._reader.ref_at(height)
        return replace(ref, hash="ff" * 32) if ref is not None and self.disagrees else ref


class Lying(BitcoinReader):
    """A node that leaves the last transaction out of its blocks."""

    async def fetch(self, ref: BlockRef):
        raise BrokenBlock(f"{ref.hash}: the transactions are not the header's")


@pytest.fixture(scope="module")
async def miner(aws: None, bitcoin: BitcoinNode, owner: AsyncEngine) -> Miner:
    found = Miner(bitcoin)
    await found.prepare()
    await plant(owner)
    return found


@pytest.fixture
async def listener(worker: AsyncEngine, miner: Miner) -> Followed:
    return await follow(worker, BitcoinReader(miner.node))


async def test_two_nodes_must_agree_before_a_block_counts(worker: AsyncEngine, miner: Miner):
    second = Second(BitcoinReader(miner.node))
    listener = await follow(worker, BitcoinReader(miner.node), second)
    before = listener.walk.height
    await miner.mine()

    second.disagrees = True
    disagreeing = await listener.to_tip(), await listener.halted_reason()
    second.disagrees, second.lags = False, True
    lagging = await listener.to_tip(), await listener.halted_reason()
    second.lags = False
    agreeing = await listener.to_tip()

    assert disagreeing[0] == lagging[0] == [Step.HALTED]
    assert "two nodes disagree" in (disagreeing[1] or "")
    assert "second node does not have" in (lagging[1] or "")
    assert agreeing == [Step.SCANNED, Step.WAITING]
    assert listener.walk.height == before + 1
    assert await listener.halted_reason() is None


async def test_a_block_that_is_not_its_hash_is_never_scanned(worker: AsyncEngine, miner: Miner):
    listener = await follow(worker, BitcoinReader(miner.node))
    before = listener.walk.height
    await miner.mine()
    liar = await follow(worker, Lying(miner.node))

    assert liar.walk.height == before
    assert "not the header's" in (await liar.halted_reason() or "")
    assert (await listener.to_tip())[-1] is Step.WAITING


async def test_a_deep_reorg_stops_withdrawals_of_the_chain(
    worker: AsyncEngine, owner: AsyncEngine, miner: Miner
):
    listener = await follow(worker, BitcoinReader(miner.node), reorg_alarm_depth=3)
    hashes = await miner.mine(3)
    await listener.to_tip()
    await miner.node.call("invalidateblock", hashes[0])
    for _ in range(4):
        await miner.mine_empty()

    await listener.to_tip()

    async with owner.begin() as connection:
        rows = await connection.execute(
            text("SELECT asset, withdraw_enabled, pause_reason FROM custody_assets")
        )
        found = {row.asset: (row.withdraw_enabled, row.pause_reason) for row in rows}
        await connection.execute(text("UPDATE custody_assets SET withdraw_enabled = TRUE"))
    assert found["BTC"] == (False, "reorg of 3 blocks on bitcoin")
    assert found["ETH"][0]


async def test_a_deposit_is_shown_before_its_first_confirmation(
    listener: Followed, worker: AsyncEngine, miner: Miner
):
    mempool = BitcoinMempool(worker, miner.node, listener.walk.watchlist)
    [address] = await addresses_for(worker, "bitcoin", 1, first=700)
    txid = await miner.pay(address, "0.15")

    new, again = await mempool.look(), await mempool.look()
    [seen] = [row for row in (await listener.deposits()).values() if row.txid == txid]
    await miner.mine()
    await listener.to_tip()
    [mined] = [row for row in (await listener.deposits()).values() if row.txid == txid]

    assert (new, again) == (1, 0)
    assert (seen.status, seen.height) == ("detected", None)
    assert (mined.status, mined.id) == ("confirming", seen.id)


async def test_a_deposit_that_its_payer_replaced_is_not_coming_any_more(
    listener: Followed, worker: AsyncEngine, miner: Miner
):
    mempool = BitcoinMempool(worker, miner.node, listener.walk.watchlist, forget_after_seconds=0)
    [address] = await addresses_for(worker, "bitcoin", 1, first=710)
    txid = await miner.pay(address, "0.15")
    await mempool.look()
    seen = await deposit_of(listener, txid)

    to_self = {await miner.wallet.call("getnewaddress"): "0.14"}
    await miner.wallet.call("bumpfee", txid, {"outputs": [to_self], "fee_rate": 50})
    await mempool.look()
    gone = await deposit_of(listener, txid)
    await miner.mine()
    await listener.to_tip()

    assert (seen.status, gone.status) == ("detected", "orphaned")
    assert gone.has_news  # Its workflow hears of it.
    assert (await deposit_of(listener, txid)).status == "orphaned"


async def test_a_dropped_deposit_comes_back_under_its_id_when_it_is_mined_after_all(
    listener: Followed, worker: AsyncEngine, miner: Miner
):
    mempool = BitcoinMempool(worker, miner.node, listener.walk.watchlist, forget_after_seconds=0)
    [address] = await addresses_for(worker, "bitcoin", 1, first=720)
    txid = await miner.pay(address, "0.15")
    await mempool.look()
    seen = await deposit_of(listener, txid)
    async with worker.begin() as connection:
        await drop_unmined(connection, "bitcoin", txid)

    await mempool.look()
    await miner.mine()
    await mempool.look()
    await listener.to_tip()

    mined = await deposit_of(listener, txid)
    assert (mined.id, mined.status) == (seen.id, "confirming")


async def deposit_of(listener: Followed, txid: str) -> Any:
    [row] = [each for each in (await listener.deposits()).values() if each.txid == txid]
    return row


async def test_a_thousand_deposits_in_one_block(
    listener: Followed, worker: AsyncEngine, miner: Miner
):
    addresses = await addresses_for(worker, "bitcoin", 1_000, first=10_000)
    for start in range(0, 1_000, 250):
        await miner.pay_many(dict.fromkeys(addresses[start : start + 250], "0.001"))
    [block_hash] = await miner.mine()

    await listener.to_tip()

    found = [row for row in (await listener.deposits()).values() if row.block_hash == block_hash]
    assert {row.address for row in found} == set(addresses)
    assert {int(row.units) for row in found} == {100_000}
