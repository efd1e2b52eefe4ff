"""Tickers and candles."""

from __future__ import annotations

import time
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, Field

from api.dependencies import ServicesOf
from api.exchange.book import Book
from api.exchange.market_history import CANDLES_MAX, DayFigures
from api.fields import DecimalText, format_time_us
from api.services import Services
from api.v1.documented import refusals
from domain.market import Market
from domain.money import format_units
from projections.candle import Candle, Interval

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


@router.get("/tickers", summary="The last 24 hours of every market", responses=refusals())
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
)
async def read_ticker(market: str, services: ServicesOf) -> TickerAnswer:
    return TickerAnswer(**ticker_fields(services, services.catalog.market(market)))


@router.get(
    "/markets/{market}/candles",
    summary="Candles",
    responses=refusals("invalid_input", "unknown_market"),
)
async def list_candles(
    market: str,
    services: ServicesOf,
    interval: Interval = Interval.MINUTE,
    start: AwareDatetime | None = None,
    end: AwareDatetime | None = None,
    limit: CandleLimit = 500,
) -> CandleList:
    """The newest, or with `start` the first from there on. Intervals without trades are flat."""
    listed = services.catalog.market(market)
    found = await services.trading.history.candles(
        listed.id,
        interval,
        start_ms=None if start is None else int(start.timestamp() * 1000),
        end_ms=int(time.time() * 1000) if end is None else int(end.timestamp() * 1000),
        limit=limit,
    )
    return CandleList(
        market=listed.id,
        interval=interval,
        data=[CandleAnswer(**candle_fields(listed, candle)) for candle in found],
    )


def ticker_fields(services: Services, market: Market) -> dict[str, Any]:
    figures = services.trading.history.day(market.id)
    book = services.trading.market_data.book(market.id)
    return ticker_of(market, figures, book)


def ticker_of(market: Market, figures: DayFigures, book: Book) -> dict[str, Any]:
    traded = figures.trades > 0
    bid = next(iter(book.bids(1)), None)
    ask = next(iter(book.asks(1)), None)
    last = figures.last_ticks or book.last_price
    return {
        "market": market.id,
        "last": market.format_price(last) if last else None,
        "open": market.format_price(figures.open_ticks) if traded else None,
        "high": market.format_price(figures.high_ticks) if traded else None,
        "low": market.format_price(figures.low_ticks) if traded else None,
        "volume": market.format_size(figures.lots),
        "quote_volume": quote_amount(market, figures.notional),
        "trades": figures.trades,
        "bid": market.format_price(bid[0]) if bid else None,
        "bid_size": market.format_size(bid[1]) if bid else None,
        "ask": market.format_price(ask[0]) if ask else None,
        "ask_size": market.format_size(ask[1]) if ask else None,
        "time": format_time_us(figures.to_ms * 1000),
    }


def candle_fields(market: Market, candle: Candle) -> dict[str, Any]:
    return {
        "time": format_time_us(candle.open_at_ms * 1000),
        "open": market.format_price(candle.open_ticks),
        "high": market.format_price(candle.high_ticks),
        "low": market.format_price(candle.low_ticks),
        "close": market.format_price(candle.close_ticks),
        "volume": market.format_size(candle.lots),
        "quote_volume": quote_amount(market, candle.notional),
        "trades": candle.trade_count,
    }


def quote_amount(market: Market, notional: int) -> str:
    """Ticks x lots as a decimal of the quote asset."""
    return format_units(notional * market.quote_units_per_tick_lot, market.quote.scale)
