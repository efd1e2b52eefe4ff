"""Search and explorer on real servers: who may see what, and what every answer says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from api.search.build import StaffAudit
from api.search.lag import LAG_HEADER
from api.search.routes import SearchParts
from api.staff.searching import StaffSearch, staff_viewer_of
from compliance.staff import Role
from devstack.rented import Database
from projections import document
from storage.engine import create_engine
from storage.staff import StaffSession
from tests.api.answer_examples import like_example
from tests.api.search_site import (
    ADDRESS,
    LOOKER,
    MAKER,
    OFFICER,
    PUBLIC,
    STRANGER,
    TOKEN_TXID,
    TXID,
    Site,
    customer,
    kinds,
)

pytestmark = pytest.mark.stack


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
        {"q": "2f1c", "kind": ["trade", "withdrawal"]},
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


async def test_a_transaction_of_ours_shows_whom_it_pays_and_not_who_asked(site: Site) -> None:
    reading = site.as_(PUBLIC)
    path = f"/explorer/transactions/bitcoin/{'ef' * 32}"
    found = (await reading.get(f"/v1{path}")).json()
    page = await reading.get(path)

    on_chain = {"chain": "bitcoin", "txid": "ef" * 32, "asset": "BTC", "status": "mined"}
    assert found["outputs"] == []
    assert found["payees"] == [
        {**on_chain, "address": "bcrt1qother", "amount": "0.00002"},
        {**on_chain, "address": "bcrt1qpayee", "amount": "0.00000001"},
    ]
    assert page.status_code == 200
    assert all(each in page.text for each in ("bcrt1qother", "bcrt1qpayee", "0.00002"))
    assert not any(each in page.text for each in ("2f1c", "3a2d")), "ids of withdrawals are private"


@pytest.mark.parametrize("txid", ["11" * 32, "22" * 32], ids=["replaced", "not seen by a node"])
async def test_a_transaction_that_paid_nobody_is_not_there(site: Site, txid: str) -> None:
    for viewer in (PUBLIC, OFFICER):
        answer = await site.as_(viewer).get(f"/v1/explorer/transactions/bitcoin/{txid}")
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_record")


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


async def test_every_answer_says_how_old_it_may_be(site: Site) -> None:
    trades = await site.as_(PUBLIC).get("/v1/search", params={"kind": "trade"})
    like_example("search", trades)
    reading = site.as_(OFFICER)
    found = await reading.get("/v1/search")
    assert found.headers[LAG_HEADER] == "250"
    like_example("explore_trade", await reading.get("/v1/explorer/trades/BTC-USDT-1"))
    like_example("explore_order", await reading.get("/v1/explorer/orders/2"))
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


@pytest.mark.parametrize(
    "path",
    [
        "/explorer/blocks/bitcoin/bb",
        f"/explorer/transactions/bitcoin/{TXID}",
        f"/explorer/addresses/ethereum/{ADDRESS.lower()}",
    ],
)
async def test_a_page_says_that_its_outputs_are_those_that_pay_the_exchange(
    site: Site, path: str
) -> None:
    page = await site.as_(PUBLIC).get(path)

    assert "<h2>Outputs</h2>\n<p class='quiet'>Those that pay the exchange" in page.text


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
