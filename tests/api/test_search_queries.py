"""What may be asked of search, and how it is answered."""

from __future__ import annotations

from typing import Any

import pytest

from api.search.desk import moment
from tests.api.search_site import (
    ADDRESS,
    OFFICER,
    PUBLIC,
    START_MS,
    STRANGER,
    TXID,
    Site,
    customer,
    kinds,
)

pytestmark = pytest.mark.stack


def at(milliseconds: int) -> str:
    """So long after the history began."""
    return moment(START_MS + milliseconds)


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
        ({"since": at(1000), "until": at(1001), "chain": "ethereum"}, {"transaction", "deposit"}),
        ({"since": at(1001), "until": at(2000)}, set()),
        ({"until": at(0)}, set()),
        ({"chain": "ethereum"}, {"transaction", "deposit"}),
        ({"chain": ["ethereum", "bitcoin"], "kind": ["block", "withdrawal"]},
         {"block", "withdrawal"}),
        ({"status": "credited"}, {"deposit"}),
        ({"status": ["credited", "confirming"], "asset": "ETH"}, {"deposit"}),
        ({"customer": str(STRANGER)}, {"deposit", "withdrawal"}),
        ({"customer": str(STRANGER), "asset": "BTC"}, {"withdrawal"}),
        ({"amount_min": "1.5", "amount_max": "1.5"}, {"transaction", "deposit"}),
        ({"amount_min": "1.50000001", "amount_max": "2"}, set()),
        ({"price_min": "5", "price_max": "5", "kind": "trade"}, {"trade"}),
        ({"price_min": "5.01"}, set()),
        ({"q": "2f1c"}, {"withdrawal"}),
        ({"q": "5", "kind": "block"}, {"block"}),
        ({"q": "no such words"}, set()),
    ],
)  # fmt: skip
async def test_filters_find_exactly_what_they_say(
    site: Site, query: dict[str, Any], found: set[str]
) -> None:
    assert kinds(await site.search(OFFICER, **query)) == found


@pytest.mark.parametrize(
    "query",
    [
        {"amount_min": "2", "amount_max": "1"},
        {"amount_min": "-1"},
        {"amount_min": "one"},
        {"amount_min": "0.0000000000000000001"},
        {"amount_max": "9" * 200},
        {"price_min": "1e400"},
        {"since": "2026-01-01T00:00:00"},
        {"since": "yesterday"},
        {"height": -1},
        {"height": "9" * 30},
        {"kind": "secret"},
        {"sort": "cheapest"},
        {"limit": 0},
        {"limit": 101},
        {"cursor": "!"},
        {"cursor": "W10"},
        {"q": "x" * 201},
        {"market": ["BTC-USDT"] * 21},
        {"unknown": "field"},
    ],
)
async def test_what_makes_no_sense_is_a_refusal_with_a_code(
    site: Site, query: dict[str, Any]
) -> None:
    answer = await site.as_(OFFICER).get("/v1/search", params=query)

    assert answer.status_code in (400, 422), answer.text
    assert answer.json()["code"] in ("invalid_input", "invalid_amount")
    assert (await site.as_(OFFICER).get("/search", params=query)).status_code < 500


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


async def test_the_host_of_search_begins_at_its_page(site: Site) -> None:
    reading = site.as_(PUBLIC)
    led = await reading.get("/", headers={"host": "search.example.com"})
    page = await reading.get(led.headers["location"], headers={"host": "search.example.com"})

    assert led.status_code == 307
    assert page.status_code == 200
    assert "text/html" in page.headers["content-type"]
    assert (await reading.get("/", headers={"host": "api.example.com"})).status_code == 404


async def test_what_matched_is_marked_and_everything_is_escaped(site: Site) -> None:
    result = await site.search(OFFICER, q="credited", kind="deposit")
    page = await site.as_(OFFICER).get("/search", params={"q": "credited", "kind": "deposit"})

    assert "<mark>credited</mark>" in result["data"][0]["highlight"]["text"]
    assert "&lt;script&gt;" in result["data"][0]["highlight"]["text"]
    assert "<script>" not in page.text
    assert "script-src" not in page.headers["content-security-policy"]
