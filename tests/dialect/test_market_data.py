"""Public market data in the dialect."""

from __future__ import annotations

import pytest

from tests.dialect.conftest import House, now_ms


async def test_everything_listed_is_described_with_its_filters(house: House) -> None:
    info = (await house.http.get("/api/v3/exchangeInfo")).json()
    symbols = {each["symbol"]: each for each in info["symbols"]}

    assert set(symbols) == {"BTCUSDT", "ETHUSDT", "ETHBTC"}
    assert symbols["BTCUSDT"]["status"] == "TRADING"
    assert symbols["BTCUSDT"]["permissionSets"] == [["SPOT"]]
    filters = {each["filterType"]: each for each in symbols["BTCUSDT"]["filters"]}
    assert filters["PRICE_FILTER"]["tickSize"] == "0.01000000"
    assert filters["LOT_SIZE"]["stepSize"] == "0.00010000"
    assert filters["NOTIONAL"]["minNotional"] == "5.00000000"
    assert [each["rateLimitType"] for each in info["rateLimits"]] == [
        "REQUEST_WEIGHT", "ORDERS", "ORDERS", "RAW_REQUESTS",
    ]  # fmt: skip


async def test_depth_is_the_book(house: House) -> None:
    depth = (await house.http.get("/api/v3/depth?symbol=BTCUSDT&limit=2")).json()
    native = (await house.http.get("/v1/markets/BTC-USDT/book?depth=2")).json()

    assert depth["lastUpdateId"] == native["sequence"]
    assert [float(price) for price, _ in depth["bids"]] == [
        float(each["price"]) for each in native["bids"]
    ]
    assert len(depth["asks"]) == 2
    assert depth["asks"][0][0].endswith(".00000000")


async def test_trades_by_every_road_are_the_same(house: House) -> None:
    trades = (await house.http.get("/api/v3/trades?symbol=BTCUSDT")).json()
    history = (await house.http.get("/api/v3/historicalTrades?symbol=BTCUSDT&fromId=1")).json()
    aggregate = (await house.http.get("/api/v3/aggTrades?symbol=BTCUSDT&startTime=0")).json()

    assert trades[0]["id"] == 1
    assert history[: len(trades)] == trades[: len(history)]
    assert [each["a"] for each in aggregate[:1]] == [1]
    assert trades[0]["isBuyerMaker"] is False
    assert trades[0]["qty"] == "0.01000000"


async def test_candles_begin_with_the_first_trade(house: House) -> None:
    found = (
        await house.http.get("/api/v3/klines?symbol=BTCUSDT&interval=1m&startTime=0&limit=5")
    ).json()
    newest = (await house.http.get("/api/v3/uiKlines?symbol=BTCUSDT&interval=1h")).json()

    assert len(found[0]) == 12
    assert found[0][8] >= 1
    assert found[0][6] == found[0][0] + 59_999
    assert newest[-1][0] <= now_ms() <= newest[-1][6]


async def test_tickers(house: House) -> None:
    one = (await house.http.get("/api/v3/ticker/24hr?symbol=BTCUSDT")).json()
    every = (await house.http.get("/api/v3/ticker/24hr")).json()
    two = (await house.http.get('/api/v3/ticker/price?symbols=["BTCUSDT","ETHUSDT"]')).json()
    window = (await house.http.get("/api/v3/ticker?symbol=BTCUSDT&windowSize=2h")).json()
    today = (await house.http.get("/api/v3/ticker/tradingDay?symbol=BTCUSDT&type=MINI")).json()
    best = (await house.http.get("/api/v3/ticker/bookTicker?symbol=BTCUSDT")).json()
    average = (await house.http.get("/api/v3/avgPrice?symbol=BTCUSDT")).json()

    assert one["count"] >= 1
    assert one["bidQty"] != "0.00000000"
    assert [each["symbol"] for each in every] == ["BTCUSDT", "ETHBTC", "ETHUSDT"]
    assert [each["symbol"] for each in two] == ["BTCUSDT", "ETHUSDT"]
    assert window["count"] == one["count"]
    assert "priceChange" not in today
    assert best["askPrice"] == one["askPrice"]
    assert average["mins"] == 5


@pytest.mark.parametrize(
    ("target", "status", "code", "sentence"),
    [
        ("/api/v3/depth", 400, -1102, ("Mandatory parameter 'symbol' was not sent, was empty/null, "
         "or malformed.")),
        ("/api/v3/depth?symbol=NOPE", 400, -1121, "Invalid symbol."),
        ("/api/v3/klines?symbol=BTCUSDT&interval=7m", 400, -1120, "Invalid interval."),
        ("/api/v3/depth?symbol=BTCUSDT&limit=x", 400, -1100, ("Illegal characters found in "
         "parameter 'limit'; legal range is '^[0-9]{1,20}$'.")),
        ("/api/v3/account", 401, -2014, "API-key format invalid."),
        ("/api/v3/nothing", 404, -1020, "This operation is not supported."),
    ],
)  # fmt: skip
async def test_wrong_requests_get_the_sentences_that_clients_know(
    house: House, target: str, status: int, code: int, sentence: str
) -> None:
    answer = await house.http.get(target)

    assert answer.status_code == status
    assert answer.json() == {"code": code, "msg": sentence}


async def test_weight_is_told(house: House) -> None:
    before = await house.http.get("/api/v3/ping", headers={"x-forwarded-for": "203.0.113.7"})
    after = await house.http.get("/api/v3/exchangeInfo", headers={"x-forwarded-for": "203.0.113.7"})

    used = [int(each.headers["x-mbx-used-weight-1m"]) for each in (before, after)]
    assert used in ([1, 21], [1, 20])  # The minute may end between the two.
