"""The audit finds what is off between projections and sources, by name, and nothing else."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from devstack.rented import Database
from domain.market import Side
from engine import events as e
from projections.chain import Block, of_block
from projections.document import Kind
from storage.dynamo import Dynamo
from storage.dynamo_chain import merge_blocks
from storage.dynamo_tables import CANDLES, CHAIN, ORDERS, TABLES, TRADES, Table, create_table
from storage.search_client import connect
from streams.aws import client
from tests.projections.conftest import prepare_search
from tests.projections.histories import LISTINGS
from tests.projections.house import DEPOSIT, House
from tests.storage.world import opened
from workers.projection_parts import ProjectionSettings, build

pytestmark = pytest.mark.stack

PREFIX = "audited-"
"""Tables of this module's own: behind the trades of other modules is no ledger."""


@pytest.fixture(scope="module")
async def house(aws: dict[str, str], database: Database) -> AsyncIterator[House]:
    settings = ProjectionSettings(opensearch_url=aws["RIALTO_OPENSEARCH_URL"], table_prefix=PREFIX)
    for table in TABLES:
        create_table(client("dynamodb"), table, PREFIX)
    parts = build(settings, LISTINGS)
    prepare_search(parts)
    async with opened(database) as world:
        made = House(world, parts)
        await made.trades(3)
        await made.deposit()
        yield made
        await world.assert_conserved()


async def test_what_was_told_rightly_is_whole(house: House) -> None:
    outcome = await house.audit()

    assert outcome.findings == []
    assert len(outcome.checked) == 8
    assert house.store.search.count(Kind.TRADE) >= 3
    assert house.store.search.count(Kind.DEPOSIT) == 1


def changed(name: str, value: Any) -> Callable[[Dynamo, Table, dict[str, Any]], None]:
    def change(dynamo: Dynamo, table: Table, item: dict[str, Any]) -> None:
        dynamo.put_many(table, [item | {name: value}])

    return change


def removed(dynamo: Dynamo, table: Table, item: dict[str, Any]) -> None:
    dynamo.delete_many(table, [(item["pk"], item["sk"])])


def added(**changes: Any) -> Callable[[Dynamo, Table, dict[str, Any]], None]:
    """One more item, where such an item belongs."""

    def add(dynamo: Dynamo, table: Table, item: dict[str, Any]) -> None:
        dynamo.put_many(table, [item | changes])

    return add


MISCHIEF = [
    (TRADES, "market#", removed, "trades"),
    (TRADES, "market#", changed("lots", 3), "trades"),
    (TRADES, "market#", added(id=99, sk=f"{99:020}"), "trades"),
    (TRADES, "customer#", removed, "fills"),
    (TRADES, "customer#", changed("fee_units", "777"), "fills"),
    (TRADES, "customer#", added(sk="001#BTC-USDT#1#buy#maker"), "fills"),
    (ORDERS, "order#", removed, "orders"),
    (ORDERS, "order#", added(order_id=99, pk="order#99"), "orders"),
    (CANDLES, "BTC-USDT#1M#", changed("lots", 1), "candles"),
    (CHAIN, "deposit#", changed("units", "150001"), "deposits"),
    (CHAIN, "deposit#", changed("status", "credited"), "deposits"),
    (CHAIN, "deposit#", removed, "deposits"),
    (CHAIN, "deposit#", added(id=DEPOSIT + "9", pk=f"deposit#{DEPOSIT}9"), "deposits"),
]


async def test_every_wrong_item_is_found_by_the_check_of_its_kind(house: House) -> None:
    """One wrong item at a time, judged by the check of its kind; then all is as it was."""
    dynamo = house.store.dynamo
    for table, start, mischief, name in MISCHIEF:
        before = list(dynamo.scan(table))
        item = next(
            i for i in before if i["pk"].startswith(start) and not i["sk"].startswith("line#")
        )
        mischief(dynamo, table, item)

        [check] = [each for each in house.checks() if each.name.endswith(f": {name}")]
        suspects = [each async for each in check.first()]
        again = await check.again([each.key for each in suspects])

        made = {(each["pk"], each["sk"]) for each in dynamo.scan(table)}
        dynamo.delete_many(table, made - {(each["pk"], each["sk"]) for each in before})
        dynamo.put_many(table, [item])
        assert suspects, (table.name, start, name)
        assert {each.subject for each in again} == {each.subject for each in suspects}
        assert await check.again([each.key for each in suspects]) == []
    assert (await house.audit()).findings == []


async def test_a_document_that_is_missing_wrong_or_surplus_is_found(house: House) -> None:
    search, dynamo = house.store.search, house.store.dynamo
    [deposit] = search.scan(Kind.DEPOSIT)
    [trade, *_] = search.scan(Kind.TRADE)
    block = Block("bitcoin", "cc", 6, is_canonical=True, version=9, at_ms=1, parent_hash="bb")
    merge_blocks(dynamo, [block])
    search.write([deposit | {"status": "credited"}, trade | {"id": "BTC-USDT-99"}])

    outcome = await house.audit()

    assert {each.subject: each.detail for each in outcome.findings} == {
        f"deposit {DEPOSIT}": "status is 'credited', not 'confirming'",
        "trade BTC-USDT-99": "is findable, but in no table",
        "block bitcoin-cc": "is not findable",
    }
    search.write([deposit, of_block(block).source()])
    connect(os.environ["RIALTO_OPENSEARCH_URL"]).delete_by_query(
        index=f"{PREFIX}search", body={"query": {"term": {"id": "BTC-USDT-99"}}}
    )
    assert (await house.audit()).findings == []


async def test_projections_that_are_behind_are_waited_for_and_then_off(house: House) -> None:
    events = await house.trade()
    behind = await house.audit()
    assert {each.check for each in behind.findings} >= {
        "projections = sources: events",
        "projections = sources: trades",
        "projections = sources: orders",
    }

    waiting = asyncio.create_task(house.audit(wait_seconds=60))
    await asyncio.sleep(0)
    await house.tell(*events)

    assert (await waiting).findings == []


async def test_what_the_engine_did_and_the_ledger_has_not_settled_is_no_fault(
    house: House,
) -> None:
    world = house.world
    seller, buyer = await world.customer(BTC=10**9), await world.customer(USDT=10**12)
    maker = await world.resting(seller, Side.SELL, 500, 2)
    taker = await world.resting(buyer, Side.BUY, 500, 2)
    batch = await world.batch(
        (e.RESTED, maker, seller, 0, 500, 2),
        (e.ACCEPTED, taker, buyer, 1, 500, 2),
        await world.filled(maker, taker, 500, 2),
    )
    await house.tell(*(tuple(event) for event in json.loads(batch.events)))

    assert (await house.audit()).findings == []
    await world.settlements.settle(batch)
    await house.tell()
    assert (await house.audit()).findings == []


async def test_a_row_that_was_changed_behind_the_outbox_is_found(house: House) -> None:
    async with house.world.as_owner() as connection:
        await connection.execute("ALTER TABLE deposits DISABLE TRIGGER tell_deposit_change")
        await connection.execute("UPDATE deposits SET status = 'credited'")
    outcome = await house.audit()
    async with house.world.as_owner() as connection:
        await connection.execute("UPDATE deposits SET status = 'confirming'")
        await connection.execute("ALTER TABLE deposits ENABLE TRIGGER tell_deposit_change")

    assert [(each.check, each.subject) for each in outcome.findings] == [
        ("projections = sources: deposits", f"deposit {DEPOSIT}")
    ]
