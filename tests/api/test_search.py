"""Search and explorer on real servers: what is found, how it is shown, and who may see it."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from api import problems
from api.search.build import StaffAudit, build_search
from api.search.routes import LAG_HEADER, SearchParts, router
from api.search.viewer import Viewer
from api.staff.searching import StaffSearch, staff_viewer_of
from compliance.staff import Role
from devstack.rented import Database, RentedStack
from domain.money import Asset
from projections import chain, document
from projections.chain import Block, Deposit, Output, OutputStatus, Withdrawal
from projections.document import Document
from storage import dynamo_chain
from storage.catalog import BTC, ETH, LISTED, Catalog
from storage.dynamo_checkpoints import ShardPosition, write_position
from storage.dynamo_tables import TABLES, create_table
from storage.engine import create_engine
from storage.staff import StaffSession
from streams.aws import _build, client
from streams.kinesis import CHAIN_EVENTS
from tests.projections.conftest import prepare_search
from tests.projections.histories import LISTINGS, START_US, market_record
from tests.projections.test_processor import traded
from workers.projection_parts import Parts, ProjectionSettings, build, now_ms

pytestmark = pytest.mark.stack

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
    dynamo_chain.put_withdrawals(store.dynamo, [withdrawal()])
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
    before = dict(os.environ)
    os.environ.update({name: value for name, value in stack.env.items() if "AWS" in name})
    _build.cache_clear()
    url = stack.env["RIALTO_OPENSEARCH_URL"]
    for table in TABLES:
        create_table(client("dynamodb"), table, PREFIX)
    parts = build(ProjectionSettings(opensearch_url=url, table_prefix=PREFIX), LISTINGS)
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
        opensearch_url=url,
        table_prefix=PREFIX,
        dynamodb=client("dynamodb"),
        catalog=catalog,
        viewer_of=viewer_of,
        audit=audit,
    )
    made = Site(built, audit)
    yield made
    await built.desk.close()
    os.environ.clear()
    os.environ.update(before)
    _build.cache_clear()


def kinds(result: dict[str, Any]) -> set[str]:
    return {each["kind"] for each in result["data"]}


async def test_everybody_sees_public_records_and_only_their_own_private_ones(site: Site) -> None:
    public = await site.search(PUBLIC, limit=100)
    maker = await site.search(customer(MAKER), limit=100)
    stranger = await site.search(customer(STRANGER), limit=100)
    officer = await site.search(OFFICER, limit=100)
    looker = await site.search(LOOKER, limit=100)

    assert kinds(public) == {"trade", "transaction", "block"}
    assert kinds(looker) == kinds(public), "a role that handles no cases sees no customers"
    assert kinds(maker) == kinds(public) | {"order", "deposit"}
    assert kinds(stranger) == kinds(public) | {"deposit", "withdrawal"}
    assert kinds(officer) == kinds(public) | {"order", "deposit", "withdrawal"}
    assert all(each["owners"] is None for each in public["data"] + maker["data"])
    assert all(each["is_mine"] for each in maker["data"] if each["kind"] in ("order", "deposit"))
    assert any(each["owners"] == ["7", "8"] for each in officer["data"])
    assert len(public["data"]) < len(maker["data"]) < len(officer["data"])


@pytest.mark.parametrize(
    "query",
    [
        {"kind": "withdrawal"},
        {"q": "2f1c"},
        {"q": "withdrawal done"},
        {"address": "bcrt1qpayee"},
        {"txid": "ef" * 32},
        {"amount_max": "0.00000001", "kind": "withdrawal"},
        {"status": "done", "facets": True},
    ],
)
async def test_no_way_of_asking_finds_another_customers_record(
    site: Site, query: dict[str, Any]
) -> None:
    theirs = await site.search(customer(MAKER), **query)
    mine = await site.search(customer(STRANGER), **query)

    assert theirs["data"] == []
    assert theirs["total"] == {"value": 0, "is_exact": True}
    assert not any(theirs["facets"].values() if theirs["facets"] else [])
    assert [each["id"] for each in mine["data"]] == ["2f1c"]


async def test_records_by_customer_are_for_staff_and_oneself(site: Site) -> None:
    mine = await site.search(customer(MAKER), customer="me", limit=100)
    asked = await site.search(OFFICER, customer=str(MAKER), limit=100)
    refused = await site.as_(customer(MAKER)).get("/v1/search", params={"customer": "8"})
    public = await site.as_(PUBLIC).get("/v1/search", params={"customer": "me"})

    assert [each["id"] for each in mine["data"]] == [each["id"] for each in asked["data"]]
    assert refused.status_code == public.status_code == 403
    assert refused.json()["code"] == "permission_missing"


async def test_pages_of_others_records_do_not_exist(site: Site) -> None:
    paths = [f"/v1/explorer/deposits/ethereum:{TOKEN_TXID}:0", "/v1/explorer/withdrawals/2f1c"]
    paths.append("/v1/explorer/orders/2")
    for path in paths:
        owner = MAKER if "orders" in path else STRANGER
        assert (await site.as_(customer(owner)).get(path)).status_code == 200
        assert (await site.as_(OFFICER).get(path)).status_code == 200
        for viewer in (PUBLIC, LOOKER, customer(12345)):
            hidden = await site.as_(viewer).get(path)
            missing = await site.as_(viewer).get(path.rpartition("/")[0] + "/31337")
            assert hidden.status_code == missing.status_code == 404
            assert hidden.json()["code"] == missing.json()["code"]


async def test_staff_see_nothing_that_is_not_written_down(site: Site) -> None:
    site.audit.looks.clear()
    await site.search(OFFICER, customer="7")
    await site.as_(OFFICER).get("/explorer/orders/2")
    await site.search(PUBLIC, q="trade")

    assert site.audit.looks == [("olga", "/v1/search", "customer=7"),
                                ("olga", "/explorer/orders/2", "")]  # fmt: skip
    site.audit.is_away = True
    refused = await site.as_(OFFICER).get("/v1/search")
    site.audit.is_away = False
    assert refused.status_code >= 500
    assert "data" not in refused.text


async def test_the_portal_asks_as_its_staff_and_leaves_a_line(
    site: Site, database: Database
) -> None:
    engine = create_engine(database.worker)
    parts = SearchParts(site.parts.desk, site.parts.explorer, staff_viewer_of, StaffAudit(engine))
    portal = StaffSearch(parts)

    class Asked:
        raw_path = "/v1/search?kind=withdrawal"

    answer = await portal.answer(Asked(), StaffSession("olga", Role.COMPLIANCE))  # type: ignore[arg-type]
    hidden = await portal.answer(Asked(), StaffSession("vera", Role.VIEWER))  # type: ignore[arg-type]

    assert answer.body is not None
    assert [each["owners"] for each in json.loads(answer.body)["data"]] == [["9"]]
    assert json.loads(hidden.body)["data"] == []
    async with engine.connect() as connection:
        rows = await connection.exec_driver_sql(
            "SELECT actor, action, subject, details FROM audit_log ORDER BY id"
        )
        assert [tuple(row)[:3] for row in rows] == [
            ("staff:olga", "staff.search", "/v1/search"),
            ("staff:vera", "staff.search", "/v1/search"),
        ]
    await engine.dispose()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"txid": TXID.upper()}, {"transaction", "deposit"}),
        ({"q": TXID[:12]}, {"transaction", "deposit"}),
        ({"q": "ethereum confirming", "kind": "deposit"}, {"deposit"}),
        ({"address": ADDRESS.lower()}, {"transaction", "deposit"}),
        ({"asset": "ETH", "amount_min": "1000000000000.000000000000000001"},
         {"transaction", "deposit"}),
        ({"asset": "ETH", "amount_min": "1000000000000.000000000000000002"}, set()),
        ({"order_id": "2"}, {"order"}),
        ({"height": 5, "kind": "block"}, {"block"}),
        ({"market": "BTC-USDT", "side": "sell", "kind": "trade"}, {"trade"}),
        ({"since": "2030-01-01T00:00:00Z"}, set()),
    ],
)  # fmt: skip
async def test_filters_find_exactly_what_they_say(
    site: Site, query: dict[str, Any], found: set[str]
) -> None:
    assert kinds(await site.search(OFFICER, **query)) == found


async def test_pages_hold_every_record_once_in_the_asked_order(site: Site) -> None:
    whole = await site.search(OFFICER, limit=100, sort="largest")
    paged: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = await site.search(OFFICER, limit=3, sort="largest", **cursor)
        paged += [each["kind"] + each["id"] for each in page["data"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}

    assert paged == [each["kind"] + each["id"] for each in whole["data"]]
    assert len(paged) == len(set(paged))
    assert whole["data"][0]["amount"] == "1000000000000.000000000000000001", "compared exactly"
    newest = await site.search(OFFICER, limit=100)
    times = [each["time"] for each in newest["data"]]
    assert times == sorted(times, reverse=True)
    refused = await site.as_(OFFICER).get("/v1/search", params={"cursor": "eyJhIjoxfQ"})
    assert refused.json()["code"] == "invalid_input"


async def test_facets_count_what_one_may_see(site: Site) -> None:
    facets = (await site.search(customer(STRANGER), facets=True))["facets"]
    counted = {each["value"]: each["count"] for each in facets["kind"]}

    assert counted == {"trade": 10, "transaction": 2, "block": 1, "deposit": 1, "withdrawal": 1}


async def test_what_matched_is_marked_and_everything_is_escaped(site: Site) -> None:
    result = await site.search(OFFICER, q="credited", kind="deposit")
    page = await site.as_(OFFICER).get("/search", params={"q": "credited", "kind": "deposit"})

    assert "<mark>credited</mark>" in result["data"][0]["highlight"]["text"]
    assert "&lt;script&gt;" in result["data"][0]["highlight"]["text"]
    assert "<script>" not in page.text
    assert "script-src" not in page.headers["content-security-policy"]


async def test_every_answer_says_how_old_it_may_be(site: Site) -> None:
    reading = site.as_(OFFICER)
    found = await reading.get("/v1/search")
    assert found.headers[LAG_HEADER] == "250"
    for path in (
        "/v1/search",
        "/v1/explorer/blocks/bitcoin",
        "/v1/explorer/blocks/bitcoin/bb",
        f"/v1/explorer/transactions/bitcoin/{TXID}",
        f"/v1/explorer/addresses/ethereum/{ADDRESS.lower()}",
        "/v1/explorer/trades/BTC-USDT-1",
        "/v1/explorer/orders/2",
        f"/v1/explorer/deposits/bitcoin:{TXID}:0",
        "/v1/explorer/withdrawals/2f1c",
    ):
        answer = await reading.get(path)
        assert answer.status_code == 200, (path, answer.text)
        assert answer.json()["lag_ms"] == 250, path
        assert answer.json().get("outputs") != [], path
        assert (await reading.get(path.removeprefix("/v1"))).status_code == 200


async def test_an_index_that_is_away_is_said_so(site: Site) -> None:
    away = SearchParts(
        type(site.parts.desk)(site.parts.desk._opensearch, "no-such-alias", site.parts.desk._lag),
        site.parts.explorer,
        site.parts.viewer_of,
        site.audit,
    )
    answer = await Site(away, site.audit).as_(PUBLIC).get("/v1/search")

    assert answer.status_code == 503
    assert {"trade", "transaction", "block"} == document.PUBLIC
