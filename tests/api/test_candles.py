"""Candles from the store: whichever generation of tables serves, and with how late they may be."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from api.search import lag as lag_module
from api.search.lag import LAG_HEADER, ProjectionLag
from domain.ids import CustomerId, OrderId, TradeId
from domain.market import MarketId, Side
from projections.trade import Trade
from storage import generations
from storage.dynamo import Dynamo
from storage.dynamo_candles import add_to_candles
from storage.dynamo_checkpoints import (
    Generations,
    ShardPosition,
    write_generations,
    write_position,
)
from storage.dynamo_tables import TABLES, create_table
from streams.aws import client
from streams.kinesis import MARKET_EVENTS
from tests.api.conftest import Exchange
from tests.projections.fakes import MemoryDynamo

PREFIX = "swapped-"
MARKET = MarketId("BTC-USDT")
START_MS = 1_764_000_000_000


@pytest.fixture(scope="module")
def more_settings() -> dict[str, Any]:
    """Tables of this module's own, as it takes away those that served."""
    return {"table_prefix": PREFIX}


@pytest.fixture(scope="module")
def dynamo(exchange: Exchange) -> Dynamo:
    for table in TABLES:
        create_table(client("dynamodb"), table, PREFIX)
    made = Dynamo(client("dynamodb"), PREFIX)
    position = ShardPosition(MARKET_EVENTS, "0", "1", is_finished=False, behind_ms=70,
                             looked_at_ms=2**45)  # fmt: skip
    write_position(made, position)
    return made


def trade(number: int, price_ticks: int) -> Trade:
    return Trade(
        MARKET, TradeId(number), 1, number, price_ticks, 3, Side.BUY, START_MS + number * 1000,
        OrderId(1), OrderId(2), CustomerId(7), CustomerId(8),
    )  # fmt: skip


@pytest.mark.stack
async def test_candles_are_read_from_the_tables_that_serve(
    exchange: Exchange, dynamo: Dynamo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generations, "FRESH_SECONDS", 0.0)
    rebuilt = dynamo.of_generation(2)
    rebuilt.create_tables()
    add_to_candles(dynamo, [trade(1, 500)])
    add_to_candles(rebuilt, [trade(1, 500), trade(2, 600)])

    async def high(start: str) -> str:
        query = {"interval": "1m", "start": start, "limit": 1}
        answer = await exchange.http.get("/v1/markets/BTC-USDT/candles", params=query)
        assert answer.status_code == 200, answer.text
        assert answer.headers[LAG_HEADER] == "70"
        return str(answer.json()["data"][0]["high"])

    before = await high("2025-11-24T16:00:00Z")
    await asyncio.to_thread(write_generations, dynamo, Generations(2, newest=2))
    await asyncio.to_thread(dynamo.drop_tables)
    after = await high("2025-11-24T15:59:59.999Z")  # Not what was just read, and is remembered.

    assert (before, after) == ("5", "6")


@pytest.mark.stack
@pytest.mark.parametrize(
    "path",
    [
        "/v1/tickers",
        "/v1/markets/BTC-USDT/ticker",
        "/v1/markets/BTC-USDT/trades",
        "/api/v3/klines?symbol=BTCUSDT&interval=1m",
        "/api/v3/ticker/24hr",
        "/api/v3/ticker?symbol=BTCUSDT",
        "/api/v3/ticker/tradingDay?symbol=BTCUSDT",
        "/api/v3/uiKlines?symbol=BTCUSDT&interval=1m",
        "/api/v3/avgPrice?symbol=BTCUSDT",
    ],
)
async def test_everything_made_of_candles_says_how_late_it_may_be(
    exchange: Exchange, dynamo: Dynamo, path: str
) -> None:
    answer = await exchange.http.get(path)

    assert answer.status_code == 200, answer.text
    assert answer.headers[LAG_HEADER] == "70"


async def test_nobody_waits_long_for_the_lag_while_the_tables_hang(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lag_module, "PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(lag_module, "FRESH_SECONDS", 0.0)
    answering = threading.Event()

    class Hanging(MemoryDynamo):
        def query_all(self, *_: object) -> Any:
            assert answering.wait(60)
            return []

    lag = ProjectionLag(Hanging(), (MARKET_EVENTS,))
    async with asyncio.timeout(30):
        assert [await lag.headers() for _ in range(20)] == [{}] * 20
    answering.set()
