"""Market streams, the stream of an account, and the WebSocket API."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.dialect.conftest import Customer, House, Key, now_ms

Json = dict[str, Any]


class Socket:
    """Waits for what it expects, never for a time; what it saw on the way is in `seen`."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.seen: list[Any] = []

    async def until(self, **fields: object) -> Json:
        async with asyncio.timeout(60):
            while True:
                message = json.loads(await self.connection.recv())
                self.seen.append(message)
                if isinstance(message, dict) and fields.items() <= message.items():
                    return message

    async def ask(self, method: str, params: Any, number: int = 1) -> Json:
        request = {"method": method, "params": params, "id": number}
        await self.connection.send(json.dumps(request))
        return await self.until(id=number)

    async def event(self, **fields: object) -> Json:
        """The next event of a subscribed account with these fields."""
        async with asyncio.timeout(60):
            while True:
                message = await self.until()
                event: Json = message.get("event", message)
                if fields.items() <= event.items():
                    return event


@asynccontextmanager
async def socket(house: House, path: str) -> AsyncIterator[Socket]:
    async with connect(f"{house.ws_url}{path}", compression=None) as connection:
        yield Socket(connection)


def signed(key: Key, **parameters: Any) -> Json:
    values = {"apiKey": key.id, "timestamp": now_ms(), **parameters}
    payload = "&".join(f"{name}={values[name]}" for name in sorted(values))
    return {**values, "signature": key.sign(payload)}


async def buy(house: House, quantity: str = "0.001") -> Customer:
    customer = await house.customer(USDT="1000")
    await customer.ask(
        "POST", "/api/v3/order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity=quantity
    )
    return customer


async def test_raw_and_combined_streams_carry_the_same(house: House) -> None:
    async with (
        socket(house, "/ws/btcusdt@trade") as raw,
        socket(house, "/stream?streams=btcusdt@trade/btcusdt@aggTrade") as combined,
    ):
        await combined.ask("LIST_SUBSCRIPTIONS", [])
        await raw.ask("LIST_SUBSCRIPTIONS", [])
        await buy(house)
        trade = await raw.until(e="trade")
        wrapped = await combined.until(stream="btcusdt@trade")

    assert wrapped["data"] == trade
    assert trade["s"] == "BTCUSDT"
    assert trade["q"] == "0.00100000"
    assert trade["m"] is False


async def test_commands_of_streams(house: House) -> None:
    async with socket(house, "/ws/0") as streams:
        added = await streams.ask("SUBSCRIBE", ["btcusdt@bookTicker", "ethusdt@depth"], 7)
        listed = await streams.ask("LIST_SUBSCRIPTIONS", [], 8)
        await streams.ask("UNSUBSCRIBE", ["ethusdt@depth"], 9)
        fewer = await streams.ask("LIST_SUBSCRIPTIONS", [], 10)
        await streams.ask("SET_PROPERTY", ["combined", True], 11)
        is_combined = await streams.ask("GET_PROPERTY", ["combined"], 12)
        wrong = await streams.ask("DANCE", [], 13)

    assert added == {"result": None, "id": 7}
    assert listed["result"] == ["0", "btcusdt@bookTicker", "ethusdt@depth"]
    assert fewer["result"] == ["0", "btcusdt@bookTicker"]
    assert is_combined["result"] is True
    assert wrong["code"] == wrong["error"]["code"] == 2


async def test_diffs_and_a_snapshot_give_the_book(house: House) -> None:
    maker = await house.customer(USDT="100000")
    async with socket(house, "/ws/btcusdt@depth@100ms") as streams:
        await streams.ask("LIST_SUBSCRIPTIONS", [])
        await maker.order(price="48000", quantity="0.01")
        first = await streams.until(e="depthUpdate")
        snapshot = (await house.http.get("/api/v3/depth?symbol=BTCUSDT&limit=5000")).json()
        events = [first]
        for price in ("48001", "48002"):
            await maker.order(price=price, quantity="0.01")
            events.append(await streams.until(e="depthUpdate"))
        await maker.ask("DELETE", "/api/v3/openOrders", symbol="BTCUSDT")
        while events[-1]["b"] == [] or float(events[-1]["b"][-1][1]):
            events.append(await streams.until(e="depthUpdate"))
        end = (await house.http.get("/api/v3/depth?symbol=BTCUSDT&limit=5000")).json()

    for before, after in pairwise(events):
        assert after["U"] == before["u"] + 1
    bids = dict(snapshot["bids"])
    for event in events:
        if event["u"] > snapshot["lastUpdateId"]:
            bids.update(event["b"])
    if events[-1]["u"] == end["lastUpdateId"]:
        assert {price: size for price, size in bids.items() if size != "0.00000000"} == dict(
            end["bids"]
        )
    assert all(bids.get(price) == "0.00000000" for price in ("48001.00000000", "48002.00000000"))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("btcusdt@kline_1m", "kline"),
        ("btcusdt@miniTicker", "24hrMiniTicker"),
        ("btcusdt@ticker", "24hrTicker"),
        ("btcusdt@avgPrice", "avgPrice"),
    ],
)
async def test_streams_with_a_beat(house: House, name: str, kind: str) -> None:
    async with socket(house, f"/ws/{name}") as streams:
        event = await streams.until(e=kind)

    assert event["s"] == "BTCUSDT"


async def test_partial_books_and_all_tickers(house: House) -> None:
    async with socket(house, "/stream?streams=btcusdt@depth5@100ms/!miniTicker@arr") as streams:
        book = await streams.until(stream="btcusdt@depth5@100ms")
        await buy(house)
        tickers = await streams.until(stream="!miniTicker@arr")

    assert len(book["data"]["bids"]) == 5
    assert [each["s"] for each in tickers["data"]] == ["BTCUSDT"]


async def test_an_account_is_told_of_orders_fills_and_balances(house: House) -> None:
    customer = await house.customer(USDT="1000")
    async with socket(house, "/ws-api/v3") as api:
        answer = await api.ask("userDataStream.subscribe.signature", signed(customer.key))
        again = await api.ask("userDataStream.subscribe.signature", signed(customer.key), 2)
        resting = await customer.order(price="40000", quantity="0.01", newClientOrderId="mine")
        rested = await api.event(e="executionReport", x="NEW")
        held = await api.event(e="outboundAccountPosition")
        await customer.ask(
            "DELETE", "/api/v3/order", symbol="BTCUSDT", orderId=resting["orderId"],
            newClientOrderId="the-end",
        )  # fmt: skip
        canceled = await api.event(e="executionReport", x="CANCELED")
        await customer.ask(
            "POST", "/api/v3/order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.001"
        )
        filled = await api.event(e="executionReport", x="TRADE")
        ended = await api.ask("userDataStream.unsubscribe", {}, 3)

    assert answer["status"] == 200
    assert answer["result"] == {"subscriptionId": 0}
    assert again["error"]["code"] == -2035
    assert (rested["c"], rested["X"], rested["q"]) == ("mine", "NEW", "0.01000000")
    assert held["B"] == [{"a": "USDT", "f": "600.00000000", "l": "400.00000000"}]
    assert (canceled["c"], canceled["C"]) == ("the-end", "mine")
    assert (filled["X"], filled["N"], filled["m"]) == ("FILLED", "BTC", False)
    assert filled["n"] == "0.00000200"
    assert ended["result"] == {}


async def test_listen_keys_of_older_clients(house: House) -> None:
    customer = await house.customer(USDT="1000")
    headers = {"X-MBX-APIKEY": customer.key.id}
    key = (await house.http.post("/api/v3/userDataStream", headers=headers)).json()["listenKey"]
    async with (
        socket(house, f"/ws/{key}") as raw,
        socket(house, f"/stream?streams={key}") as combined,
        socket(house, "/ws") as asked,
    ):
        for each in (raw, combined):
            await each.ask("LIST_SUBSCRIPTIONS", [])
        await asked.ask("SUBSCRIBE", [key])
        await asked.ask("LIST_SUBSCRIPTIONS", [], 2)
        await customer.order(price="40000", quantity="0.01")
        reports = [
            await raw.until(e="executionReport"),
            (await combined.until(stream=key))["data"],
            await asked.until(e="executionReport"),
        ]
    kept = await house.http.put(f"/api/v3/userDataStream?listenKey={key}", headers=headers)
    closed = await house.http.delete(f"/api/v3/userDataStream?listenKey={key}", headers=headers)
    gone = await house.http.put(f"/api/v3/userDataStream?listenKey={key}", headers=headers)

    assert len({each["i"] for each in reports}) == 1
    assert kept.json() == closed.json() == {}
    assert gone.json() == {"code": -1125, "msg": "This listenKey does not exist."}


@pytest.mark.parametrize("kind", ["hmac", "ed25519", "rsa"])
async def test_the_websocket_api_takes_orders(house: House, kind: str) -> None:
    customer = await house.customer(kind, USDT="1000")
    order = {
        "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC",
        "price": "40000", "quantity": "0.01",
    }  # fmt: skip
    async with socket(house, "/ws-api/v3") as api:
        placed = await api.ask("order.place", signed(customer.key, **order))
        wrong = await api.ask("order.place", {**signed(customer.key, **order), "signature": "x"}, 2)
        on = await api.ask("session.logon", signed(customer.key), 3)
        found = await api.ask(
            "order.status",
            {"symbol": "BTCUSDT", "orderId": placed["result"]["orderId"], "timestamp": now_ms()},
            4,
        )
        canceled = await api.ask(
            "openOrders.cancelAll", {"symbol": "BTCUSDT", "timestamp": now_ms()}, 5
        )
        off = await api.ask("session.logout", {}, 6)
        refused = await api.ask("account.status", {"timestamp": now_ms()}, 7)

    assert placed["status"] == 200
    assert placed["rateLimits"][0]["limit"] == 6000
    assert wrong["error"] == {"code": -1022, "msg": "Signature for this request is not valid."}
    assert on["result"]["apiKey"] == customer.key.id
    assert found["result"]["status"] == "NEW"
    assert canceled["result"][0]["status"] == "CANCELED"
    assert off["result"]["apiKey"] is None
    assert refused["error"]["code"] == -2014


async def test_public_methods_answer_as_rest_does(house: House) -> None:
    async with socket(house, "/ws-api/v3?returnRateLimits=false") as api:
        depth = await api.ask("depth", {"symbol": "ETHUSDT", "limit": 5})
        candles = await api.ask("klines", {"symbol": "BTCUSDT", "interval": "1m"}, 2)
        unknown = await api.ask("sor.order.place", {}, 3)
        await api.connection.send("{")
        broken = await api.until(id=None)
    rest = (await house.http.get("/api/v3/depth?symbol=ETHUSDT&limit=5")).json()

    assert depth == {"id": 1, "status": 200, "result": rest}
    assert len(candles["result"][0]) == 12
    assert unknown["error"]["code"] == -1020
    assert broken["error"]["code"] == -1135
