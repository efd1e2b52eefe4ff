"""A site to search: a small history in the projections, and the routes asked as whom one likes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from api import problems
from api.search.build import build_search
from api.search.routes import SearchParts, router
from api.search.viewer import Viewer
from compliance.staff import Role
from devstack.rented import RentedStack
from domain.money import Asset
from projections import chain
from projections.chain import Block, Deposit, Output, OutputStatus, Withdrawal
from projections.document import Document
from storage import dynamo_chain
from storage.catalog import BTC, ETH, LISTED, Catalog
from storage.dynamo_checkpoints import ShardPosition, write_position
from storage.dynamo_tables import TABLES, create_table
from streams.aws import client, pointed_at
from streams.kinesis import CHAIN_EVENTS
from tests.projections.conftest import prepare_search
from tests.projections.histories import LISTINGS, START_US, market_record
from tests.projections.test_processor import traded
from workers.projection_parts import Parts, ProjectionSettings, build, now_ms

PREFIX = "found-"
MAKER, TAKER, STRANGER = 7, 8, 9
START_MS = START_US // 1000
TXID = "ab" * 32
TOKEN_TXID = "0x" + "cd" * 32
ADDRESS = "0xAbCdEf0000000000000000000000000000000001"


def deposits() -> list[Deposit]:
    paid = "bcrt1q<script>alert(1)</script>"
    return [
        Deposit(f"bitcoin:{TXID}:0", MAKER, "bitcoin", TXID, 0, "BTC", 150_000_000, paid,
                "credited", START_MS, START_MS, 1, 5, "bb"),
        Deposit(f"ethereum:{TOKEN_TXID}:0", STRANGER, "ethereum", TOKEN_TXID, 0, "ETH",
                10**30 + 1, ADDRESS, "confirming", START_MS + 1000, START_MS + 1000, 2, 6, "cc"),
    ]  # fmt: skip


def withdrawal() -> Withdrawal:
    return Withdrawal(
        "2f1c", STRANGER, "bitcoin", "BTC", 1, 10, "bcrt1qpayee", "done", START_MS + 2000,
        START_MS + 2000, 3, "ef" * 32,
    )  # fmt: skip


RAISED = Withdrawal(
    "3a2d", STRANGER, "bitcoin", "BTC", 2_000, 10, "bcrt1qother", "seen", START_MS + 3000,
    START_MS + 3000, 4, "11" * 32,
)  # fmt: skip
"""Its fee was raised: another transaction paid it, together with the withdrawal above."""
PAYMENTS = [
    RAISED,
    replace(RAISED, version=5, status="done", txid="ef" * 32),
    replace(RAISED, id="4b3e", version=6, status="broadcast", txid="22" * 32),
]
"""Not in the index: who looks by transaction needs no search."""


def fill(parts: Parts) -> None:
    """Ten trades of customers 7 and 8, two deposits with their outputs, a withdrawal, a block."""
    parts.projector().apply([market_record(0, traded(10))])
    store = parts.stores()[0]
    assets: dict[str, Asset] = {"BTC": BTC, "ETH": ETH}
    outputs = [
        Output(each.chain, each.txid, 0, OutputStatus.MINED, 1, each.at_ms, each.height,
               each.block_hash, each.asset, each.units, each.address)
        for each in deposits()
    ]  # fmt: skip
    block = Block(
        "bitcoin", "bb", 5, is_canonical=True, version=1, at_ms=START_MS, parent_hash="aa"
    )
    dynamo_chain.put_deposits(store.dynamo, deposits())
    dynamo_chain.put_withdrawals(store.dynamo, [withdrawal(), *PAYMENTS])
    dynamo_chain.merge_outputs(store.dynamo, outputs)
    dynamo_chain.merge_blocks(store.dynamo, [block])
    found: list[Document] = [chain.of_deposit(each, assets[each.asset]) for each in deposits()]
    found += [chain.of_output(each, assets[each.asset]) for each in outputs]
    found += [chain.of_withdrawal(withdrawal(), BTC), chain.of_block(block)]
    assert store.index(found) == []
    store.search.refresh()
    write_position(
        parts.dynamo,
        ShardPosition(CHAIN_EVENTS, "shardId-0", "1", is_finished=False, behind_ms=250,
                      looked_at_ms=now_ms() + 3_600_000),
    )  # fmt: skip


@dataclass
class Audited:
    """Who looked at what; can be away."""

    looks: list[tuple[str, str, str]] = field(default_factory=list)
    is_away: bool = False

    async def looked(self, viewer: Viewer, path: str, query: str) -> None:
        if self.is_away:
            raise ConnectionError
        self.looks.append((viewer.staff, path, query))


@dataclass
class Site:
    """The routes, asked as whom one likes."""

    parts: SearchParts
    audit: Audited
    viewer: Viewer = field(default_factory=Viewer)

    def as_(self, viewer: Viewer) -> httpx.AsyncClient:
        self.viewer = viewer
        app = FastAPI()
        problems.install(app)
        app.include_router(router)
        app.state.search = self.parts
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://test")

    async def search(self, viewer: Viewer, **query: Any) -> dict[str, Any]:
        answer = await self.as_(viewer).get("/v1/search", params=query)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


PUBLIC = Viewer()
OFFICER = Viewer(staff="olga", role=Role.COMPLIANCE)
LOOKER = Viewer(staff="vera", role=Role.VIEWER)


def customer(number: int) -> Viewer:
    return Viewer(customer_id=number)


@pytest.fixture(scope="module")
async def site(stack: RentedStack) -> AsyncIterator[Site]:
    stack.require("ministack", "roto", "osmem")
    with pointed_at(stack.env):
        made = _site(stack.env["RIALTO_OPENSEARCH_URL"])
        yield made
        await made.parts.desk.close()


def _site(opensearch_url: str) -> Site:
    for table in TABLES:
        create_table(client("dynamodb"), table, PREFIX)
    settings = ProjectionSettings(opensearch_url=opensearch_url, table_prefix=PREFIX)
    parts = build(settings, LISTINGS)
    prepare_search(parts)
    fill(parts)
    audit = Audited()

    async def viewer_of(_: object) -> Viewer:
        return made.viewer

    catalog = Catalog(
        {asset.code: asset for asset in LISTINGS.assets.values()},
        {market.id: market for market in LISTED},
        {},
    )
    built = build_search(
        opensearch_url=opensearch_url,
        table_prefix=PREFIX,
        dynamodb=client("dynamodb"),
        catalog=catalog,
        viewer_of=viewer_of,
        audit=audit,
    )
    made = Site(built, audit)
    return made


def kinds(result: dict[str, Any]) -> set[str]:
    return {each["kind"] for each in result["data"]}
