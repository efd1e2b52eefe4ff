"""Tickers and candles."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, Field

from api.dependencies import SHOWN_LAG, ServicesOf
from api.exchange.market_history import CANDLES_MAX
from api.fields import DecimalText
from api.pages import CursorQuery, cursor_at, read_cursor
from api.services import Services
from api.v1.documented import refusals
from api.v1.market_words import candle_fields, ticker_of
from domain.market import Market
from projections.candle import Candle, Interval, next_open_at_ms

router = APIRouter(prefix="/v1", tags=["Market data"])

CandleLimit = Annotated[int, Query(ge=1, le=CANDLES_MAX)]


class TickerAnswer(BaseModel):
    market: str
    last: DecimalText | None
    open: DecimalText | None = Field(description="The first price of the last 24 hours.")
    high: DecimalText | None
    low: DecimalText | None
    volume: DecimalText = Field(description="Base asset traded in the last 24 hours.")
    quote_volume: DecimalText
    trades: int
    bid: DecimalText | None
    bid_size: DecimalText | None
    ask: DecimalText | None
    ask_size: DecimalText | None
    time: str


class TickerList(BaseModel):
    data: list[TickerAnswer]


class CandleAnswer(BaseModel):
    time: str = Field(description="Start of the interval.")
    open: DecimalText
    high: DecimalText
    low: DecimalText
    close: DecimalText
    volume: DecimalText
    quote_volume: DecimalText
    trades: int


class CandleList(BaseModel):
    market: str
    interval: Interval
    data: list[CandleAnswer] = Field(description="Oldest first; the last one is still running.")
    next_cursor: str | None


@router.get(
    "/tickers",
    summary="The last 24 hours of every market",
    responses=refusals(),
    dependencies=[SHOWN_LAG],
)
async def list_tickers(services: ServicesOf) -> TickerList:
    return TickerList(
        data=[
            TickerAnswer(**ticker_fields(services, market))
            for market in services.catalog.markets.values()
        ]
    )


@router.get(
    "/markets/{market}/ticker",
    summary="The last 24 hours of a market",
    responses=refusals("unknown_market"),
    dependencies=[SHOWN_LAG],
)
async def read_ticker(market: str, services: ServicesOf) -> TickerAnswer:
    return TickerAnswer(**ticker_fields(services, services.catalog.market(market)))


@router.get(
    "/markets/{market}/candles",
    summary="Candles",
    responses=refusals("invalid_input", "unknown_market"),
    dependencies=[SHOWN_LAG],
)
async def list_candles(
    market: str,
    services: ServicesOf,
    interval: Interval = Interval.MINUTE,
    start: AwareDatetime | None = None,
    end: AwareDatetime | None = None,
    limit: CandleLimit = 500,
    cursor: CursorQuery = None,
) -> CandleList:
    """The newest, or with `start` the first from there on; each page is oldest first, for that is
    how charts take them. `cursor` goes on into the past, with `start` towards now. Intervals
    without trades are flat.
    """
    listed, place = services.catalog.market(market), read_cursor(cursor)
    start_ms = None if start is None else int(start.timestamp() * 1000)
    end_ms = int((time.time() if end is None else end.timestamp()) * 1000)
    if place is not None and start_ms is None:
        end_ms = min(end_ms, place - 1)
    elif place is not None and start_ms is not None:
        start_ms = max(start_ms, place)
    found = await services.trading.history.candles(
        listed.id, interval, start_ms=start_ms, end_ms=end_ms, limit=limit
    )
    return CandleList(
        market=listed.id,
        interval=interval,
        data=[CandleAnswer(**candle_fields(listed, candle)) for candle in found],
        next_cursor=_following(found, interval, limit, is_forward=start_ms is not None),
    )


def _following(
    found: Sequence[Candle], interval: Interval, limit: int, *, is_forward: bool
) -> str | None:
    if len(found) < limit:
        return None
    if is_forward:
        return cursor_at(next_open_at_ms(interval, found[-1].open_at_ms))
    return cursor_at(found[0].open_at_ms)


def ticker_fields(services: Services, market: Market) -> dict[str, Any]:
    figures = services.trading.history.day(market.id)
    book = services.trading.market_data.book(market.id)
    return ticker_of(market, figures, book)
