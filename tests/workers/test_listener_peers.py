"""A reorg as it really happens: two nodes mine apart, meet, and the shorter chain gives way."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.listening.bitcoin import BitcoinReader
from activities.listening.walk import Step
from chains.bitcoin.network import network
from chains.bitcoin.node import BitcoinNode
from chains.node import NodeFault
from devstack.rented import RentedStack
from devstack.servers import bitcoind_binary
from tests.chains.house import Miner, addresses_for, follow, plant

pytestmark = [pytest.mark.stack, pytest.mark.slow]

_WITHIN_SECONDS = 60.0


@pytest.fixture(scope="module")
async def miner(aws: None, bitcoin: BitcoinNode, owner: AsyncEngine) -> Miner:
    found = Miner(bitcoin)
    await found.prepare()
    await plant(owner)
    return found


@pytest.fixture
async def peer(stack: RentedStack, tmp_path: Path) -> AsyncIterator[tuple[BitcoinNode, str]]:
    """Another bitcoind, and the address at which it takes peers."""
    rpc_port, peer_port = stack.port("bitcoind") + 90, stack.port("bitcoind") + 91
    password = secrets.token_hex(8)
    process = await asyncio.create_subprocess_exec(
        str(bitcoind_binary()),
        f"-datadir={tmp_path}",
        "-regtest",
        "-printtoconsole=0",
        "-server",
        "-corepolicy=1",
        f"-rpcport={rpc_port}",
        "-rpcuser=peer",
        f"-rpcpassword={password}",
        f"-bind=127.0.0.1:{peer_port}",
        "-dnsseed=0",
    )
    node = BitcoinNode.connect(f"http://peer:{password}@127.0.0.1:{rpc_port}", network("regtest"))
    await answers(node)
    yield node, f"127.0.0.1:{peer_port}"
    await node.close()
    process.terminate()
    await process.wait()


async def answers(node: BitcoinNode) -> None:
    async with asyncio.timeout(_WITHIN_SECONDS):
        while True:
            try:
                await node.tip()
            except NodeFault:
                await asyncio.sleep(0.1)
            else:
                return


async def same_tip(first: BitcoinNode, second: BitcoinNode) -> None:
    async with asyncio.timeout(_WITHIN_SECONDS):
        while await first.tip() != await second.tip():  # noqa: ASYNC110 - peers signal nothing
            await asyncio.sleep(0.1)


async def test_the_longer_chain_of_a_peer_takes_our_deposit_back_until_it_is_mined_again(
    miner: Miner, peer: tuple[BitcoinNode, str], worker: AsyncEngine
):
    other, where = peer
    await miner.node.call("addnode", where, "onetry")
    await same_tip(miner.node, other)
    listener = await follow(worker, BitcoinReader(miner.node))
    await miner.node.call("disconnectnode", where)
    [address] = await addresses_for(worker, "bitcoin", 1, first=800)
    txid = await miner.pay(address, "0.6")
    [ours] = await miner.mine()
    await listener.to_tip()
    elsewhere = await miner.wallet.call("getnewaddress")
    await other.call("generatetoaddress", 3, elsewhere)

    await miner.node.call("addnode", where, "onetry")
    await same_tip(miner.node, other)
    steps = await listener.to_tip()
    [orphaned] = [row for row in (await listener.deposits()).values() if row.txid == txid]
    [home] = await miner.mine()
    await listener.to_tip()

    [again] = [row for row in (await listener.deposits()).values() if row.txid == txid]
    assert steps.count(Step.WENT_BACK) == 1
    assert orphaned.block_hash is None
    assert (again.id, again.block_hash) == (orphaned.id, home)
    assert home != ours
