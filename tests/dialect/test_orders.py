"""Orders in the dialect: every type, every end, every refusal; keys and clocks."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.dialect.conftest import Customer, House, eventually, now_ms

FAR = {"price": "40000", "quantity": "0.01"}
INSUFFICIENT = "Account has insufficient balance for requested action."


async def trades_of(customer: Customer, order_id: int, count: int) -> list[dict[str, Any]]:
    """Once they are settled."""
    found: list[dict[str, Any]] = []

    async def are_there() -> bool:
        found[:] = await customer.ask("GET", "/api/v3/myTrades", symbol="BTCUSDT", orderId=order_id)
        return len(found) >= count

    await eventually(are_there)
    return found


async def test_an_order_from_rest_to_cancel(house: House) -> None:
    customer = await house.customer(USDT="1000")
    placed = await customer.order(**FAR, newClientOrderId="my-1")
    found = await customer.ask("GET", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="my-1")
    is_open = await customer.ask("GET", "/api/v3/openOrders", symbol="BTCUSDT")
    account = await customer.ask("GET", "/api/v3/account", omitZeroBalances="true")
    canceled = await customer.ask(
        "DELETE", "/api/v3/order", symbol="BTCUSDT", orderId=placed["orderId"],
        newClientOrderId="end-1",
    )  # fmt: skip

    assert placed["status"] == "NEW"
    assert placed["fills"] == []
    assert placed["price"] == "40000.00000000"
    assert found["status"] == "NEW"
    assert found["time"] <= now_ms()
    assert [each["orderId"] for each in is_open] == [placed["orderId"]]
    assert account["balances"] == [
        {"asset": "USDT", "free": "600.00000000", "locked": "400.00000000"}
    ]
    assert canceled["status"] == "CANCELED"
    assert (canceled["clientOrderId"], canceled["origClientOrderId"]) == ("end-1", "my-1")
    assert await customer.refused(
        "DELETE", "/api/v3/order", symbol="BTCUSDT", orderId=placed["orderId"]
    ) == (400, -2011, "Unknown order sent.")


async def test_a_market_order_answers_with_its_fills(house: House) -> None:
    customer = await house.customer(USDT="1000")
    bought = await customer.ask(
        "POST", "/api/v3/order", symbol="BTCUSDT", side="BUY", type="MARKET",
        quoteOrderQty="100.01",
    )  # fmt: skip
    trades = await trades_of(customer, bought["orderId"], 1)

    assert bought["status"] == "FILLED"
    assert bought["executedQty"] == bought["origQty"] == "0.00200000"
    assert bought["origQuoteOrderQty"] == "100.01000000"
    [fill] = bought["fills"]
    assert fill["commissionAsset"] == "BTC"
    assert fill["commission"] == "0.00000400"
    assert trades[0]["commission"] == fill["commission"]
    assert trades[0]["id"] == fill["tradeId"]
    assert trades[0]["isBuyer"]
    assert not trades[0]["isMaker"]


async def test_orders_that_end_at_once(house: House) -> None:
    customer = await house.customer(USDT="1000")
    ioc = await customer.order(**{**FAR, "timeInForce": "IOC"})
    fok = await customer.order(**{**FAR, "timeInForce": "FOK"})

    assert ioc["status"] == fok["status"] == "EXPIRED"
    all_of_them = await customer.ask("GET", "/api/v3/allOrders", symbol="BTCUSDT")
    assert [each["status"] for each in all_of_them] == ["EXPIRED", "EXPIRED"]


async def test_stops_wait_and_say_so(house: House) -> None:
    customer = await house.customer(BTC="1", USDT="1000")
    stop = await customer.ask(
        "POST", "/api/v3/order", symbol="BTCUSDT", side="SELL", type="STOP_LOSS_LIMIT",
        timeInForce="GTC", quantity="0.01", price="44000", stopPrice="45000",
    )  # fmt: skip
    profit = await customer.ask(
        "POST", "/api/v3/order", symbol="BTCUSDT", side="SELL", type="TAKE_PROFIT",
        quantity="0.01", stopPrice="60000",
    )  # fmt: skip
    found = await customer.ask("GET", "/api/v3/order", symbol="BTCUSDT", orderId=stop["orderId"])
    ended = await customer.ask("DELETE", "/api/v3/openOrders", symbol="BTCUSDT")

    assert set(stop) == {"symbol", "orderId", "orderListId", "clientOrderId", "transactTime"}
    assert found["stopPrice"] == "45000.00000000"
    assert found["isWorking"] is False
    assert "workingTime" not in found
    assert {each["orderId"] for each in ended} == {stop["orderId"], profit["orderId"]}
    assert await customer.refused("DELETE", "/api/v3/openOrders", symbol="BTCUSDT") == (
        400, -2011, "Unknown order sent.",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "code", "sentence"),
    [
        ({"price": "40000", "quantity": "1"}, -2010, INSUFFICIENT),
        ({"price": "40000.001", "quantity": "0.01"}, -1013, "Filter failure: PRICE_FILTER"),
        ({"price": "40000", "quantity": "0.00015"}, -1013, "Filter failure: LOT_SIZE"),
        ({"price": "400", "quantity": "0.01"}, -1013, "Filter failure: NOTIONAL"),
        ({"price": "40000.0000001", "quantity": "0.01"}, -1111,
         "Parameter 'price' has too much precision."),
        ({"price": "-1", "quantity": "0.01"}, -1100, ("Illegal characters found in parameter "
         "'price'; legal range is '^([0-9]{1,20})(\\.[0-9]{1,20})?$'.")),
        ({"price": "0", "quantity": "0.01"}, -1013, "Invalid price."),
        ({"quantity": "0.01"}, -1102,
         "Mandatory parameter 'price' was not sent, was empty/null, or malformed."),
        ({**FAR, "stopPrice": "1"}, -1106, "Parameter 'stopPrice' sent when not required."),
        ({**FAR, "side": "HOLD"}, -1117, "Invalid side."),
        ({**FAR, "type": "DREAM"}, -1116, "Invalid orderType."),
        ({**FAR, "timeInForce": "XXX"}, -1115, "Invalid timeInForce."),
        ({**FAR, "symbol": "NOPE"}, -1121, "Invalid symbol."),
        ({**FAR, "newClientOrderId": "not allowed"}, -1100, ("Illegal characters found in "
         "parameter 'newClientOrderId'; legal range is '^[a-zA-Z0-9-_:./]{1,36}$'.")),
        ({**FAR, "type": "LIMIT_MAKER", "timeInForce": "", "price": "50001"}, -2010,
         "Order would immediately match and take."),
        ({"type": "STOP_LOSS", "timeInForce": "", "quantity": "0.001", "stopPrice": "49000"},
         -2010, "Order would trigger immediately."),
    ],
)  # fmt: skip
async def test_refused_orders_change_nothing(
    house: House, poor: Customer, fields: dict[str, str], code: int, sentence: str
) -> None:
    body = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", **fields}
    sent = {name: value for name, value in body.items() if value}

    assert await poor.refused("POST", "/api/v3/order", **sent) == (400, code, sentence)
    assert await poor.ask("GET", "/api/v3/openOrders") == []


@pytest.fixture(scope="module")
async def poor(shared_house: House) -> Customer:
    return await shared_house.customer(USDT="600")


async def test_a_client_id_is_used_once(house: House) -> None:
    customer = await house.customer(USDT="1000")
    await customer.order(**FAR, newClientOrderId="once")

    again = await customer.refused(
        "POST", "/api/v3/order", symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC",
        **FAR, newClientOrderId="once",
    )  # fmt: skip

    assert again == (400, -2010, "Duplicate order sent.")


async def test_testing_an_order_places_none(house: House) -> None:
    customer = await house.customer(USDT="1000")
    before = await house.entries()
    body = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", **FAR}

    assert await customer.ask("POST", "/api/v3/order/test", **body) == {}
    rates = await customer.ask("POST", "/api/v3/order/test", **body, computeCommissionRates="true")
    assert rates["standardCommissionForOrder"]["taker"] == "0.00200000"
    assert await house.entries() == before


async def test_replacing_ends_one_and_places_the_other(house: House) -> None:
    customer = await house.customer(USDT="3000")
    old = await customer.order(**FAR)
    replaced = await customer.ask(
        "POST", "/api/v3/order/cancelReplace", symbol="BTCUSDT", side="BUY", type="LIMIT",
        timeInForce="GTC", price="41000", quantity="0.01", cancelReplaceMode="STOP_ON_FAILURE",
        cancelOrderId=old["orderId"],
    )  # fmt: skip

    assert replaced["cancelResult"] == replaced["newOrderResult"] == "SUCCESS"
    assert replaced["cancelResponse"]["status"] == "CANCELED"
    assert replaced["newOrderResponse"]["price"] == "41000.00000000"
    status, code, sentence = await customer.refused(
        "POST", "/api/v3/order/cancelReplace", symbol="BTCUSDT", side="BUY", type="LIMIT",
        timeInForce="GTC", price="41000", quantity="0.01", cancelReplaceMode="STOP_ON_FAILURE",
        cancelOrderId=old["orderId"],
    )  # fmt: skip
    assert (status, code, sentence) == (400, -2022, "Order cancel-replace failed.")
    status, code, _ = await customer.refused(
        "POST", "/api/v3/order/cancelReplace", symbol="BTCUSDT", side="BUY", type="LIMIT",
        timeInForce="GTC", price="39000", quantity="0.01", cancelReplaceMode="ALLOW_FAILURE",
        cancelOrderId=old["orderId"],
    )  # fmt: skip
    assert (status, code) == (409, -2021)
    assert len(await customer.ask("GET", "/api/v3/openOrders")) == 2


async def test_amending_keeps_the_order(house: House) -> None:
    customer = await house.customer(USDT="1000")
    placed = await customer.order(**FAR)
    amended = await customer.ask(
        "PUT", "/api/v3/order/amend/keepPriority", symbol="BTCUSDT", orderId=placed["orderId"],
        newQty="0.005",
    )  # fmt: skip

    assert amended["amendedOrder"]["qty"] == "0.00500000"
    assert (
        await customer.refused(
            "PUT", "/api/v3/order/amend/keepPriority", symbol="BTCUSDT",
            orderId=placed["orderId"], newQty="0.02",
        )
    )[:2] == (400, -2038)  # fmt: skip


async def test_of_two_that_cancel_each_other_one_is_left(house: House) -> None:
    customer = await house.customer(BTC="1", USDT="1000")
    placed = await customer.ask(
        "POST", "/api/v3/orderList/oco", symbol="BTCUSDT", side="SELL", quantity="0.01",
        aboveType="LIMIT_MAKER", abovePrice="60000", belowType="STOP_LOSS_LIMIT",
        belowStopPrice="45000", belowPrice="44900", belowTimeInForce="GTC",
        listClientOrderId="pair-1",
    )  # fmt: skip
    list_id = placed["orderListId"]
    found = await customer.ask("GET", "/api/v3/orderList", origClientOrderId="pair-1")
    is_open = await customer.ask("GET", "/api/v3/openOrderList")
    every = await customer.ask("GET", "/api/v3/allOrderList")
    ended = await customer.ask("DELETE", "/api/v3/orderList", symbol="BTCUSDT", orderListId=list_id)

    assert len(placed["orders"]) == len(placed["orderReports"]) == 2
    assert found["orderListId"] == is_open[0]["orderListId"] == every[0]["orderListId"] == list_id
    assert {each["orderListId"] for each in placed["orderReports"]} == {list_id}
    assert ended["listOrderStatus"] == "ALL_DONE"
    assert await customer.ask("GET", "/api/v3/openOrders") == []


async def test_what_two_own_orders_prevented_is_told(house: House) -> None:
    customer = await house.customer(BTC="1", USDT="100000")
    maker = await customer.order(side="SELL", price="50000.5", quantity="0.01")
    taker = await customer.order(
        price="50000.5", quantity="0.01", selfTradePreventionMode="EXPIRE_TAKER"
    )
    prevented = await customer.ask(
        "GET", "/api/v3/myPreventedMatches", symbol="BTCUSDT", orderId=taker["orderId"]
    )
    await customer.ask("DELETE", "/api/v3/openOrders", symbol="BTCUSDT")

    assert taker["status"] == "EXPIRED_IN_MATCH"
    assert prevented[0]["makerOrderId"] == maker["orderId"]
    assert prevented[0]["makerPreventedQuantity"] == "0.01000000"


@pytest.mark.parametrize("kind", ["hmac", "ed25519", "rsa"])
async def test_every_kind_of_key_signs(house: House, kind: str) -> None:
    customer = await house.customer(kind, USDT="1000")

    assert (await customer.order(**FAR))["status"] == "NEW"
    assert (await customer.ask("GET", "/api/v3/account"))["uid"] == customer.id


async def test_clocks_and_signatures(house: House) -> None:
    customer = await house.customer()
    late = await customer.refused("GET", "/api/v3/account", timestamp=now_ms() - 6000)
    early = await customer.refused("GET", "/api/v3/account", timestamp=now_ms() + 9000)
    wide = await customer.refused("GET", "/api/v3/account", recvWindow=60001)
    fine = await customer.send(
        "GET", "/api/v3/account", timestamp=now_ms() - 6000, recvWindow="7000.5"
    )
    micro = await customer.send("GET", "/api/v3/account", timestamp=now_ms() * 1000)
    wrong = await house.http.get(
        f"/api/v3/account?timestamp={now_ms()}&signature={'0' * 64}",
        headers={"X-MBX-APIKEY": customer.key.id},
    )

    assert late == (400, -1021, "Timestamp for this request is outside of the recvWindow.")
    assert early == (
        400, -1021, "Timestamp for this request was 1000ms ahead of the server's time.",
    )  # fmt: skip
    assert wide == (400, -1131, "recvWindow must be less than 60000.")
    assert fine.status_code == micro.status_code == 200
    assert wrong.json() == {"code": -1022, "msg": "Signature for this request is not valid."}


async def test_a_signed_order_counts_once(house: House) -> None:
    customer = await house.customer(USDT="1000")
    payload = urlencode(
        {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", **FAR,
         "timestamp": now_ms()}
    )  # fmt: skip
    body = f"{payload}&signature={customer.key.sign(payload)}"
    headers = {"X-MBX-APIKEY": customer.key.id, "content-type": "application/json"}
    first, second = await asyncio.gather(
        *(house.http.post("/api/v3/order", content=body, headers=headers) for _ in range(2))
    )

    assert sorted([first.status_code, second.status_code]) == [200, 400]
    assert len(await customer.ask("GET", "/api/v3/openOrders")) == 1
    placed = first if first.status_code == 200 else second
    assert int(placed.headers["x-mbx-order-count-10s"]) >= 1


async def test_scopes_hold_here_too(house: House) -> None:
    reader = await house.customer(scopes=("read",), USDT="1000")

    assert (
        await reader.refused(
            "POST", "/api/v3/order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.001"
        )
    )[:2] == (401, -2015)
    assert (
        await reader.refused(
            "POST", "/sapi/v1/capital/withdraw/apply", coin="BTC", address="x", amount="1"
        )
    )[:2] == (401, -2015)


async def test_other_peoples_orders_are_unknown(house: House) -> None:
    one, two = await house.customer(USDT="1000"), await house.customer()
    placed = await one.order(**FAR)
    order = {"symbol": "BTCUSDT", "orderId": placed["orderId"]}

    assert await two.refused("GET", "/api/v3/order", **order) == (
        400, -2013, "Order does not exist.",
    )  # fmt: skip
    assert await two.refused("DELETE", "/api/v3/order", **order) == (
        400, -2011, "Unknown order sent.",
    )  # fmt: skip
    assert await two.ask("GET", "/api/v3/allOrders", symbol="BTCUSDT", orderId=1) == []


async def test_too_many_orders_are_refused(house: House) -> None:
    customer = await house.customer()
    refusals = await asyncio.gather(
        *(
            customer.refused(
                "POST", "/api/v3/order", symbol="BTCUSDT", side="SELL", type="MARKET",
                quantity="1", newClientOrderId=f"n{number}",
            )
            for number in range(101)
        )
    )  # fmt: skip

    within_ten_seconds = {code for _, code, _ in refusals}
    assert within_ten_seconds <= {-2010, -1015}
    counts = await customer.ask("GET", "/api/v3/rateLimit/order")
    assert counts[1]["count"] == 101
