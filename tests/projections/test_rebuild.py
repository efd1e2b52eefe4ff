"""Rebuilding beside what serves: it swaps when old, new and sources agree, and else it does not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from activities.projecting.refilling import reindex
from devstack.rented import Database
from domain.market import Side
from engine import commands as c
from ledger.settlement import SettlementBatch
from projections.document import Kind
from storage import dynamo_checkpoints as checkpoints
from storage import generations, search_index
from storage.dynamo_tables import CANDLES, ORDERS, TABLES, TRADES, create_table
from storage.search_client import connect
from streams.aws import client
from tests.projections.conftest import prepare_search, until
from tests.projections.engine import Engine
from tests.projections.histories import LISTINGS
from tests.projections.house import House
from tests.storage.world import BTC_USDT, opened
from workers import projection_rebuild
from workers.projection_parts import ProjectionSettings, build
from workers.projection_rebuild import Rebuild, RebuildRunning, Rebuilt
from workers.projection_repair import repair

pytestmark = pytest.mark.stack

PREFIX = "rebuilt-"


@dataclass
class Exchange:
    """A ledger, an engine with its journal, and projections of both."""

    house: House
    engine: Engine
    journal: Path
    commands: int = 0
    watched: dict[str, tuple[int, int | None]] = field(default_factory=dict)
    """What the last rebuild said last of each of its parts."""

    async def trade(self, *, is_told: bool = True) -> None:
        """One trade through the engine, settled and told."""
        world = self.house.world
        seller, buyer = await world.customer(BTC=10**9), await world.customer(USDT=10**12)
        maker = await world.resting(seller, Side.SELL, 500, 3)
        taker = await world.resting(buyer, Side.BUY, 500, 2)
        events = self.engine.do(
            BTC_USDT.id,
            self._place(seller, maker, c.SELL, 3),
            self._place(buyer, taker, c.BUY, 2),
        )
        first, last = events[0][0], events[-1][0]
        batch = SettlementBatch(BTC_USDT.id, 1, first, last, json.dumps(events))
        await world.settlements.settle(batch)
        if is_told:
            await self.house.tell(*events)

    def _place(self, owner: int, order_id: int, side: int, lots: int) -> c.Command:
        self.commands += 1
        return c.place(
            command_id=self.commands,
            owner=owner,
            order_id=order_id,
            terms=side,
            price=500,
            lots=lots,
        )

    def rebuild(self, journal: Path | None = None) -> Rebuild:
        house = self.house
        self.watched.clear()
        return Rebuild(
            house.parts,
            house.world.engine,
            LISTINGS,
            journal or self.journal,
            lambda _: None,
            wait_seconds=1.0,
            watch=lambda what, done, total=None: self.watched.update({what: (done, total)}),
        )

    async def rebuilt(self, *, replace_wrong: bool = False) -> Rebuilt:
        return await self.rebuild().run(replace_wrong=replace_wrong)

    def serving(self) -> checkpoints.Generations:
        return checkpoints.read_generations(self.house.parts.dynamo)


@pytest.fixture(scope="module")
async def exchange(
    aws: dict[str, str], database: Database, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Exchange]:
    settings = ProjectionSettings(opensearch_url=aws["RIALTO_OPENSEARCH_URL"], table_prefix=PREFIX)
    for table in TABLES:
        create_table(client("dynamodb"), table, PREFIX)
    parts = build(settings, LISTINGS)
    prepare_search(parts)
    parts.stores()[0].search.mark_filled()
    journal = tmp_path_factory.mktemp("journal")
    engine = Engine(journal, [BTC_USDT.id])
    async with opened(database) as world:
        made = Exchange(House(world, parts), engine, journal)
        for _ in range(3):
            await made.trade()
        await made.house.deposit(is_seen=False)
        yield made
        await world.assert_conserved()
    engine.close()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else follows these tables, so nobody must be waited for that long."""
    monkeypatch.setattr(projection_rebuild, "FRESH_SECONDS", 0.3)
    monkeypatch.setattr(generations, "FRESH_SECONDS", 0.1)


async def test_a_rebuild_agrees_and_serves_while_readers_and_writers_go_on(
    exchange: Exchange, aws: dict[str, str]
) -> None:
    before = exchange.serving()
    search = connect(aws["RIALTO_OPENSEARCH_URL"])
    query = {"query": {"term": {"kind": "trade"}}}
    counts = []

    running = asyncio.create_task(exchange.rebuilt())
    while not running.done():  # Zero downtime: every single search finds what was there before.
        found = await asyncio.to_thread(search.search, index=f"{PREFIX}search", body=query)
        counts.append(found["hits"]["total"]["value"])
        if len(counts) == 3:
            await exchange.trade()
    rebuilt = await running

    assert rebuilt.findings == ()
    assert rebuilt.is_same, rebuilt.differences
    assert rebuilt.is_serving
    assert rebuilt.events > 0
    assert {"events of the chains", "records of the engine"} <= exchange.watched.keys()
    for what, (done, total) in exchange.watched.items():
        assert done == (total or done), f"{what}: {done} of {total}"
    assert exchange.watched["records of the engine"][0] > 0
    assert exchange.serving().serving == before.newest + 1
    assert min(counts) >= 3
    assert counts == sorted(counts), "a trade that was findable was not for a moment"
    await exchange.trade()
    assert (await exchange.house.audit()).findings == []
    settled = await exchange.house.world.ledger.pool.fetchval("SELECT count(*) FROM trades")
    assert exchange.house.store.search.count(Kind.TRADE) == settled


async def test_a_new_mapping_takes_over_in_one_step(
    exchange: Exchange, aws: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    search = connect(aws["RIALTO_OPENSEARCH_URL"])
    query = {"query": {"terms": {"kind": ["trade", "order"]}}}

    def count() -> int:
        return int(search.search(index=f"{PREFIX}search", body=query)["hits"]["total"]["value"])

    before, store = count(), exchange.house.store
    old = search_index.MAPPING_VERSION
    for version in (old + 1, old):  # There and back: the tests after this one know the old one.
        monkeypatch.setattr(search_index, "MAPPING_VERSION", version)
        assert not store.search.is_filled()
        counts = []
        running = asyncio.create_task(asyncio.to_thread(lambda: list(reindex(store, LISTINGS))))
        while not running.done():
            counts.append(await asyncio.to_thread(count))
        await running

        assert {*counts, count()} == {before}, "every search found everything once"
        assert store.search.is_filled()
        serving = search.indices.get_alias(name=f"{PREFIX}search").keys()
        assert serving == search.indices.get_alias(index=f"{PREFIX}*-v{version}-*").keys()


async def test_an_old_generation_that_is_wrong_is_replaced_only_on_request(
    exchange: Exchange,
) -> None:
    before, dynamo = exchange.serving(), exchange.house.store.dynamo
    item = next(item for item in dynamo.scan(TRADES) if item["pk"].startswith("market#"))
    dynamo.put_many(TRADES, [item | {"lots": 999}])

    refused = await exchange.rebuilt()

    assert not refused.is_serving
    assert refused.findings == ()
    assert [each.table for each in refused.differences if not each.is_none] == ["trades"]
    assert exchange.serving().serving == before.serving
    assert (await exchange.house.audit()).findings != []

    accepted = await exchange.rebuilt(replace_wrong=True)

    assert accepted.is_serving
    assert accepted.generation == refused.generation + 1, "a number is never given twice"
    assert (await exchange.house.audit()).findings == []


async def test_a_new_generation_that_misses_something_never_serves(
    exchange: Exchange, tmp_path: Path
) -> None:
    """Its journal lacks what the ledger has settled."""
    before = exchange.serving()
    Engine(tmp_path, [BTC_USDT.id]).close()

    rebuilt = await exchange.rebuild(journal=tmp_path).run(replace_wrong=True)

    assert not rebuilt.is_serving
    assert "projections = sources: events" in {each.check for each in rebuilt.findings}
    assert exchange.serving().serving == before.serving
    assert (await exchange.house.audit()).findings == []


async def test_a_broken_off_rebuild_is_noticed_and_thrown_away(exchange: Exchange) -> None:
    before = exchange.serving()
    running = asyncio.create_task(exchange.rebuilt())
    await asyncio.to_thread(until, lambda: exchange.serving().building, "it has begun")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    with pytest.raises(RebuildRunning):
        await exchange.rebuilt()
    restarted = await exchange.rebuild().run(restart=True)

    assert restarted.is_serving
    assert restarted.generation == before.newest + 2
    assert exchange.serving().building is None


async def test_what_was_lost_since_a_moment_is_applied_again(exchange: Exchange) -> None:
    world, dynamo = exchange.house.world, exchange.house.store.dynamo
    await exchange.trade(is_told=False)
    for table in (TRADES, ORDERS, CANDLES):
        lost = [(item["pk"], item["sk"]) for item in dynamo.scan(table)]
        dynamo.delete_many(table, lost)
    since = datetime.now(UTC) - timedelta(hours=1)

    repaired = await repair(exchange.house.parts, world.engine, LISTINGS, exchange.journal, since)

    assert repaired.fills == 2 * exchange.house.store.search.count(Kind.TRADE)
    assert (await exchange.house.audit()).findings == []
