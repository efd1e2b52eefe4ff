"""Every list comes in pages: walked to their end, they hold each thing once, newest first."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from api.exchange.caller import Origin
from api.fields import format_time_us
from cli.clients.command import openapi
from devstack import seed_aws
from devstack.rented import RentedStack, elsewhere
from domain.ids import CustomerId, OrderId, TradeId
from domain.market import MarketId, Side
from projections.trade import Trade
from storage.dynamo import Dynamo
from storage.dynamo_candles import add_to_candles
from storage.dynamo_trades import put_trades
from streams import aws
from tests.api.answer_examples import like_example
from tests.api.conftest import Exchange, Person, eventually, problem
from tests.api.shipper import MARKET, Shipper

pytestmark = pytest.mark.stack

CATALOGUE = {"list_assets", "list_markets", "list_tickers", "list_balances", "read_invariants"}
"""As long as what is listed, so they come whole."""
OTHER = {"place_batch", "explore_blocks"}
"""The answer to what was sent, and blocks by height: `top` is where a page begins."""
MINUTE_MS = 60_000


@pytest.fixture(scope="module")
def more_settings(servers: RentedStack) -> dict[str, Any]:
    """Tables of its own: trades of other tests would be on the same tape."""
    elsewhere(lambda: seed_aws.seed(table_prefix="rialto-paging-"))
    return {"table_prefix": "rialto-paging-"}


def listings() -> dict[str, tuple[set[str], dict[str, Any]]]:
    """Of each operation that answers with `data`: its query parameters and its answer."""
    document, found = openapi(), {}
    for item in document["paths"].values():
        for operation in item.values():
            content = operation["responses"].get("200", {}).get("content", {})
            schema = content.get("application/json", {}).get("schema", {})
            name = schema.get("$ref", "").rsplit("/", 1)[-1]
            answer = document["components"]["schemas"].get(name, {}).get("properties", {})
            if answer.get("data", {}).get("type") == "array":
                names = {each["name"] for each in operation.get("parameters", ())}
                found[operation["operationId"]] = (names, answer)
    return found


def test_every_list_that_grows_has_pages():
    without = {
        name
        for name, (parameters, answer) in listings().items()
        if not {"limit", "cursor"} <= parameters or "next_cursor" not in answer
    }

    assert without == CATALOGUE | OTHER


async def walked(person: Person, path: str, **query: str) -> list[dict[str, Any]]:
    """All things, a page of two at a time."""
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = {"limit": "2"} if cursor is None else {"limit": "2", "cursor": cursor}
        answer = await person.http.get(path, params={**query, **page})
        assert answer.status_code == 200, answer.text
        assert len(answer.json()["data"]) <= 2
        found += answer.json()["data"]
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            return found


async def test_sessions_keys_and_addresses_are_paged(exchange: Exchange) -> None:
    person = await exchange.person()
    identity = exchange.services.people.identity
    customer = await exchange.services.people.customers.find(person.id)
    origin = Origin("127.0.0.1", "a test")
    opened = [await identity.open_session(customer, origin) for _ in range(4)]
    keys, saved = [], []
    for number in range(5):
        body = {"label": f"key {number}", "scopes": ["read"]}
        keys.append((await person.http.post("/v1/api-keys", json=body)).json()["id"])
        address = {"asset": "ETH", "address": f"0x{number + 1}" + "1" * 39, "label": f"a{number}"}
        answer = await person.http.post("/v1/withdrawal-addresses", json=address)
        saved.append(answer.json()["id"])

    sessions = [each["id"] for each in await walked(person, "/v1/sessions")]

    assert sessions[:4] == [str(login.session.id) for login in reversed(opened)]
    assert len(set(sessions)) == len(sessions) == 5
    assert [each["id"] for each in await walked(person, "/v1/api-keys")] == keys[::-1]
    assert [each["id"] for each in await walked(person, "/v1/withdrawal-addresses")] == saved[::-1]


async def test_open_orders_are_paged(exchange: Exchange) -> None:
    person = await exchange.person(USDT="1000")
    order = {"market": MARKET, "side": "buy", "price": "20000", "size": "0.001"}
    placed = [(await person.http.post("/v1/orders", json=order)).json()["id"] for _ in range(5)]

    found = await walked(person, "/v1/orders", status="open")

    assert [each["id"] for each in found] == placed[::-1]


def trade(number: int, at_ms: int) -> Trade:
    return Trade(
        market=MarketId(MARKET),
        id=TradeId(number),
        epoch=1,
        sequence=number,
        price_ticks=5_000_000 + number,
        lots=5,
        taker_side=Side.BUY,
        traded_at_ms=at_ms,
        maker_order_id=OrderId(1),
        taker_order_id=OrderId(2),
        maker_id=CustomerId(1),
        taker_id=CustomerId(2),
    )


async def test_trades_go_on_from_memory_into_the_store(exchange: Exchange) -> None:
    person, shipper = await exchange.person(), Shipper(exchange)
    dynamo = Dynamo(aws.client("dynamodb"), exchange.services.settings.table_prefix)
    stored = [trade(number, 1_795_353_000_000 + number) for number in range(1, 5)]
    await asyncio.to_thread(put_trades, dynamo, stored)
    shipper._trades = 4
    await shipper.levels((1, 4_999_900, 10), trades=3)
    book = exchange.services.trading.market_data.book(MarketId(MARKET))
    await eventually(lambda: len(book.trades) == 3)

    found = await walked(person, f"/v1/markets/{MARKET}/trades")

    assert [each["id"] for each in found] == ["7", "6", "5", "4", "3", "2", "1"]
    assert found[-1]["price"] == "50000.01"
    problem(
        await person.http.get(f"/v1/markets/{MARKET}/trades", params={"cursor": "x"}),
        400,
        "invalid_input",
    )


async def test_candles_are_paged_into_the_past_and_towards_now(exchange: Exchange) -> None:
    person, first_ms = await exchange.person(), 1_795_000_000_000 // MINUTE_MS * MINUTE_MS
    dynamo = Dynamo(aws.client("dynamodb"), exchange.services.settings.table_prefix)
    traded = [trade(100 + number, first_ms + number * MINUTE_MS) for number in range(5)]
    await asyncio.to_thread(add_to_candles, dynamo, traded)
    path = f"/v1/markets/{MARKET}/candles"
    until = {"end": format_time_us((first_ms + 5 * MINUTE_MS - 1) * 1000)}

    back = await walked(person, path, interval="1m", **until)
    forth = await walked(
        person, path, interval="1m", start=format_time_us(first_ms * 1000), **until
    )

    like_example("list_candles", await person.http.get(path, params={"interval": "1m", **until}))
    closes = ["50001", "50001.01", "50001.02", "50001.03", "50001.04"]
    assert [each["close"] for each in forth] == closes
    pages = [back[at : at + 2] for at in range(0, len(back), 2)]
    assert [each["close"] for page in reversed(pages) for each in page][-5:] == closes
