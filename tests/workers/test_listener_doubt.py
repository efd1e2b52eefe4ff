"""When the walk must not trust what it is told, and what it shows before a block confirms it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.listening.bitcoin import BitcoinReader
from activities.listening.mempool import BitcoinMempool
from activities.listening.walk import Step
from chains.bitcoin.block import parse_transaction
from chains.bitcoin.node import BitcoinNode
from chains.block import BlockRef
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


def one_less(raw: bytes) -> bytes:
    """A block of two transactions without its second one."""
    _, end = parse_transaction(raw, 81)
    return raw[:80] + bytes([1]) + raw[81:end]


def more_satoshi(raw: bytes) -> bytes:
    """The coinbase pays one satoshi more."""
    place = raw.index(parse_transaction(raw, 81)[0].outputs[0][0].to_bytes(8, "little"), 81)
    return raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]


def cut_short(raw: bytes) -> bytes:
    return raw[:-7]


def another_header(raw: bytes) -> bytes:
    return raw[:79] + bytes([raw[79] ^ 1]) + raw[80:]


LIES = [one_less, more_satoshi, cut_short, another_header]


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


@pytest.mark.parametrize("lie", LIES)
async def test_a_block_that_is_not_its_hash_is_never_scanned(
    lie: Callable[[bytes], bytes],
    listener: Followed,
    worker: AsyncEngine,
    miner: Miner,
    monkeypatch: pytest.MonkeyPatch,
):
    [address] = await addresses_for(worker, "bitcoin", 1, first=6_000 + LIES.index(lie))
    txid = await miner.pay(address, "0.3")
    await miner.mine()
    before, honest = listener.walk.height, miner.node.call

    async def lying(method: str, *params: Any) -> Any:
        answer = await honest(method, *params)
        return lie(bytes.fromhex(answer)).hex() if method == "getblock" else answer

    with monkeypatch.context() as lies:
        lies.setattr(miner.node, "call", lying)
        steps = await listener.to_tip()
        reason = await listener.halted_reason()

    assert steps == [Step.HALTED]
    assert reason
    assert listener.walk.height == before
    assert (await listener.to_tip())[-1] is Step.WAITING
    assert [row.txid for row in (await listener.deposits()).values()].count(txid) == 1


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
