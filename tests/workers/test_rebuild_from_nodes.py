"""A rebuild reads the chains' blocks from the nodes again; the outbox numbers what they say."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.listening.bitcoin import BitcoinReader
from activities.listening.ethereum import EthereumReader
from activities.listening.reader import ChainReader
from activities.listening.rereading import CHECK
from activities.projecting.projector import Projector
from activities.projecting.store import Store
from chains.bitcoin.node import BitcoinNode
from chains.block import BlockRef
from chains.ethereum.node import EthereumNode
from devstack.rented import RentedStack
from projections.chain import Block, Output, OutputStatus
from storage import dynamo_chain, generations
from storage.dynamo import Dynamo
from storage.dynamo_tables import TABLES, create_table
from streams.aws import client
from tests.chains.house import Followed, Miner, Outside, addresses_for, follow, plant
from tests.projections.conftest import prepare_search
from tests.projections.engine import Engine
from tests.projections.fakes import KeptLetters, MemoryDynamo, MemorySearch
from tests.projections.histories import LISTINGS, MARKET
from workers import projection_rebuild
from workers.projection_parts import Parts, ProjectionSettings, build
from workers.projection_rebuild import Rebuild
from workers.projection_sources import Sources

pytestmark = pytest.mark.stack

PREFIX = "reread-"


@dataclass
class Chains:
    """Both chains as the listener followed them, and who pays on them."""

    bitcoin: Followed
    ethereum: Followed
    miner: Miner
    outside: Outside
    readers: dict[str, ChainReader]
    engine: AsyncEngine
    journal: Path

    async def seen(self, readers: dict[str, ChainReader]) -> tuple[Dynamo, Sources]:
        """Projections of what the sources say, made with these readers."""
        letters = KeptLetters()
        store = Store(MemoryDynamo(), MemorySearch(), lambda: 0)
        projector = Projector(lambda: [store], lambda: LISTINGS, letters)
        sources = Sources(self.engine, self.journal, readers=readers)
        async for records in sources.chain():
            projector.apply(records)
        assert letters.poisons == []
        return store.dynamo, sources

    async def pay(self, count: int, first: int) -> list[str]:
        addresses = await addresses_for(self.engine, "bitcoin", count, first=first)
        return [await self.miner.pay(address, "0.0123") for address in addresses]


@pytest.fixture(scope="module")
async def chains(
    aws: None,
    bitcoin: BitcoinNode,
    ethereum: EthereumNode,
    owner: AsyncEngine,
    tmp_path_factory: pytest.TempPathFactory,
) -> Chains:
    miner = Miner(bitcoin)
    await miner.prepare()
    await plant(owner)
    journal = tmp_path_factory.mktemp("journal")
    Engine(journal, [MARKET]).close()
    readers: dict[str, ChainReader] = {
        "bitcoin": BitcoinReader(bitcoin),
        "ethereum": EthereumReader(ethereum),
    }
    on_bitcoin, on_ethereum = [await follow(owner, reader) for reader in readers.values()]
    made = Chains(on_bitcoin, on_ethereum, miner, Outside(ethereum), readers, owner, journal)
    await _history(made)
    return made


async def _history(chains: Chains) -> None:
    """Payments on both chains; on Bitcoin one in a block that leaves the chain and comes again."""
    await chains.pay(2, first=700)
    await chains.miner.mine()
    await chains.bitcoin.to_tip()
    await chains.pay(1, first=710)
    [hash_] = await chains.miner.mine()
    await chains.bitcoin.to_tip()
    await chains.miner.node.call("invalidateblock", hash_)
    for _ in range(2):
        await chains.miner.mine_empty()
    await chains.bitcoin.to_tip()
    await chains.miner.mine(2)
    await chains.bitcoin.to_tip()
    for address in await addresses_for(chains.engine, "ethereum", 2, first=720):
        await chains.outside.pay(address, 10**18 + 1)
    await chains.ethereum.to_tip()


@pytest.fixture(scope="module")
async def parts(aws: None, stack: RentedStack, chains: Chains) -> Parts:
    stack.require("osmem")
    for table in TABLES:
        create_table(client("dynamodb"), table, PREFIX)
    url = stack.env["RIALTO_OPENSEARCH_URL"]
    made = build(ProjectionSettings(opensearch_url=url, table_prefix=PREFIX), LISTINGS)
    prepare_search(made)
    made.stores()[0].search.mark_filled()
    told = Sources(chains.engine, chains.journal)
    for batches in (told.chain(), told.custody()):
        async for records in batches:
            made.projector().apply(records)
    return made


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else follows these tables, so nobody must be waited for that long."""
    monkeypatch.setattr(projection_rebuild, "FRESH_SECONDS", 0.3)
    monkeypatch.setattr(generations, "FRESH_SECONDS", 0.1)


def states(dynamo: Dynamo) -> dict[str, Block | Output]:
    return {
        f"{each.txid}:{each.index}" if isinstance(each, Output) else each.hash: each
        for each in dynamo_chain.scan(dynamo)
        if isinstance(each, Block | Output)
    }


async def test_the_nodes_say_again_what_was_told(chains: Chains, parts: Parts) -> None:
    rebuild = Rebuild(
        parts, chains.engine, LISTINGS, chains.journal, lambda _: None,
        readers=chains.readers, wait_seconds=1.0,
    )  # fmt: skip
    rebuilt = await rebuild.run()

    assert rebuilt.findings == ()
    assert rebuilt.is_same, rebuilt.differences
    assert rebuilt.is_serving
    found = states(parts.stores()[0].dynamo)
    outputs = [each for each in found.values() if isinstance(each, Output)]
    assert {each.status for each in outputs} == {OutputStatus.MINED}
    assert len(outputs) == 5
    assert any(isinstance(each, Block) and not each.is_canonical for each in found.values())
    _, sources = await chains.seen(chains.readers)
    for reread in sources.rereads.values():
        assert reread.blocks > 0
        assert (reread.added, reread.left_out) == (0, 0)


async def test_the_nodes_are_believed_against_the_outbox(chains: Chains) -> None:
    before = states((await chains.seen({}))[0])
    # By height: the one that was mined twice is the last.
    changed, lost, later = sorted(
        (each for each in before.values() if isinstance(each, Output) and each.chain == "bitcoin"),
        key=lambda each: each.height or 0,
    )
    async with chains.engine.begin() as connection:
        await connection.execute(
            text("""UPDATE chain_events SET body = body || '{"units": "7"}'
                    WHERE body->>'txid' = :txid AND body->>'kind' = 'deposit_mined'"""),
            {"txid": changed.txid},
        )
        body = await connection.scalar(
            text("""DELETE FROM chain_events
                    WHERE body->>'txid' = :txid AND body->>'kind' = 'deposit_mined'
                    RETURNING body"""),
            {"txid": lost.txid},
        )
        never = {**body, "txid": "ee" * 32}
        for each in (never, {**body, "txid": later.txid, "index": later.index,
                             "height": later.height, "block_hash": later.block_hash}):  # fmt: skip
            await connection.execute(
                text("""INSERT INTO chain_events (chain, body, published_at)
                        VALUES ('bitcoin', CAST(:body AS jsonb), now())"""),
                {"body": json.dumps(each)},
            )

    dynamo, sources = await chains.seen(chains.readers)
    found = states(dynamo)

    assert found.keys() == before.keys(), "what is in no block is left out, what is lost is back"
    for was in (changed, lost, later):
        now = found[f"{was.txid}:{was.index}"]
        assert isinstance(now, Output)
        assert (now.units, now.address, now.status) == (was.units, was.address, was.status)
        assert (now.height, now.block_hash) == (was.height, was.block_hash)
    assert (sources.rereads["bitcoin"].added, sources.rereads["bitcoin"].left_out) == (1, 1)
    told, _ = await chains.seen({})
    assert states(told).keys() != before.keys(), "without nodes it is as it was told"


async def test_a_node_without_our_blocks_lets_no_new_generation_serve(
    chains: Chains, parts: Parts
) -> None:
    class Forgetful(BitcoinReader):
        """Lacks its newest block, as a node does that was put back from a backup."""

        async def ref_at(self, height: int) -> BlockRef | None:
            return None if height == chains.bitcoin.walk.height else await super().ref_at(height)

    readers: dict[str, ChainReader] = {"bitcoin": Forgetful(chains.miner.node)}
    rebuild = Rebuild(
        parts, chains.engine, LISTINGS, chains.journal, lambda _: None,
        readers=readers, wait_seconds=0.0,
    )  # fmt: skip
    rebuilt = await rebuild.run(replace_wrong=True)

    assert not rebuilt.is_serving
    [finding] = [each for each in rebuilt.findings if each.check == CHECK]
    assert f"at {chains.bitcoin.walk.height}" in finding.detail
