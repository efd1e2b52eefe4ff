"""Whatever is sent, nobody gets a 5xx, every refusal has the dialect's shape, money stays put."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import connect

from api.dialect.endpoints import REST, WEBSOCKET
from tests.dialect.conftest import Customer, House

NAMES = (
    "symbol", "symbols", "side", "type", "timeInForce", "quantity", "price", "stopPrice",
    "quoteOrderQty", "icebergQty", "newClientOrderId", "orderId", "origClientOrderId", "limit",
    "startTime", "endTime", "fromId", "interval", "windowSize", "newOrderRespType", "recvWindow",
    "selfTradePreventionMode", "cancelReplaceMode", "cancelOrderId", "newQty", "coin", "network",
    "address", "amount", "status", "offset", "timeZone", "listenKey", "orderListId", "aboveType",
    "belowType", "abovePrice", "belowPrice", "belowStopPrice", "permissions", "preventedMatchId",
)  # fmt: skip
USUAL = st.sampled_from(
    [
        "BTCUSDT", "BUY", "SELL", "LIMIT", "MARKET", "STOP_LOSS", "LIMIT_MAKER", "GTC", "IOC",
        "0.01", "40000", "1", "0", "-1", "1e5", "NaN", "Infinity", "99999999999999999999", "true",
        '["BTCUSDT"]', "[", '[["a"]]', "1m", "1d", "FULL", "STOP_ON_FAILURE", "BTC", "ETH",
        "EXPIRE_TAKER", "1795353600000", "1795353600000000", "", "\x00", "'; --", "0" * 100,
    ]
)  # fmt: skip
VALUES = USUAL | st.text(max_size=12)
PARAMETERS = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=9)
TYPICAL = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "quantity": "0.01"}
RELAXED = settings(
    max_examples=400 if os.environ.get("RIALTO_TEST_ALL") else 100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    derandomize=True,
)


@pytest.fixture(scope="module")
async def stranger(shared_house: House) -> Customer:
    return await shared_house.customer(scopes=("read", "trade", "withdraw"))


@RELAXED
@given(
    endpoint=st.sampled_from(sorted(REST)),
    parameters=PARAMETERS,
    typical=st.booleans(),
    address=st.integers(1, 250),
)
async def test_fuzzed_requests(
    house: House,
    stranger: Customer,
    endpoint: tuple[str, str],
    parameters: dict[str, str],
    typical: bool,
    address: int,
) -> None:
    method, path = endpoint
    sent = {**(TYPICAL if typical else {}), **parameters}
    stranger.http.headers["x-forwarded-for"] = f"198.51.100.{address}"
    answer = await stranger.send(method, path, **sent)
    del stranger.http.headers["x-forwarded-for"]

    assert answer.status_code < 500, (endpoint, sent, answer.text)
    body = answer.json()
    if answer.status_code != 200:
        assert isinstance(body["code"], int), (endpoint, sent, body)
        assert body["code"] < 0, (endpoint, sent, body)
        assert body["msg"], (endpoint, sent, body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | VALUES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner,
                                                               max_size=3),
    max_leaves=5,
)  # fmt: skip


@settings(RELAXED, max_examples=40)
@given(
    method=st.sampled_from([*sorted(WEBSOCKET), "session.logon", "userDataStream.subscribe"]),
    parameters=st.dictionaries(st.sampled_from(NAMES), VALUES | JSON, max_size=6) | JSON,
)
async def test_fuzzed_messages(house: House, method: str, parameters: Any) -> None:
    async with connect(f"{house.ws_url}/ws-api/v3", compression=None) as connection:
        await connection.send(json.dumps({"id": 1, "method": method, "params": parameters}))
        answer = json.loads(await connection.recv())

    assert answer["status"] < 500, (method, parameters, answer)
    assert ("result" in answer) != ("error" in answer)


@settings(RELAXED, max_examples=40)
@given(raw=st.binary(max_size=200))
async def test_fuzzed_bytes(house: House, raw: bytes) -> None:
    answer = await house.http.post("/api/v3/order", content=raw, headers={"X-MBX-APIKEY": "a" * 64})

    assert 400 <= answer.status_code < 500, (raw, answer.text)
    assert answer.json()["code"] < 0
