"""Books, trades and tickers."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.dependencies import SHOWN_LAG, ServicesOf
from api.exchange.book import Book, Level
from api.fields import DecimalText, format_time_us
from api.pages import CursorQuery, LimitQuery, cursor_at, read_cursor
from api.v1.documented import refusals
from api.v1.market_words import AGGRESSORS
from domain.market import Market
from projections.trade import Trade as StoredTrade
from streams.market_data import Trade

router = APIRouter(prefix="/v1", tags=["Market data"])

DepthQuery = Annotated[int, Query(ge=1, le=5000)]


class LevelAnswer(BaseModel):
    price: DecimalText
    size: DecimalText
    orders: int


class BookAnswer(BaseModel):
    market: str
    sequence: int = Field(description="Continues in the `sequence` of WebSocket deltas.")
    time: str
    bids: list[LevelAnswer] = Field(description="Best first.")
    asks: list[LevelAnswer] = Field(description="Best first.")


class TradeAnswer(BaseModel):
    id: str
    market: str
    price: DecimalText
    size: DecimalText
    taker_side: str | None = Field(description="`null` for recent trades of an auction.")
    time: str


class TradeList(BaseModel):
    data: list[TradeAnswer]
    next_cursor: str | None = Field(description="Null after the market's first trade.")


@router.get(
    "/markets/{market}/book",
    summary="The order book",
    responses=refusals("invalid_input", "unknown_market"),
)
async def read_book(market: str, services: ServicesOf, depth: DepthQuery = 50) -> BookAnswer:
    listed = services.catalog.market(market)
    return book_answer(listed, services.trading.market_data.current_book(listed.id), depth)


@router.get(
    "/markets/{market}/trades",
    summary="Trades, newest first",
    responses=refusals("invalid_input", "unknown_market"),
    dependencies=[SHOWN_LAG],
)
async def list_trades(
    market: str, services: ServicesOf, limit: LimitQuery = 100, cursor: CursorQuery = None
) -> TradeList:
    """Recent ones from memory, older ones from the store: a page may end where they meet."""
    listed, before = services.catalog.market(market), read_cursor(cursor)
    recent = list(reversed(services.trading.market_data.book(listed.id).trades))
    live = [each for each in recent if before is None or each.trade_id < before][:limit]
    found = [trade_answer(listed, each) for each in live]
    if recent and not found and before is not None:
        older = await services.trading.history.trades_before(listed.id, before, limit)
        found = [_stored_answer(listed, each) for each in older]
    last_id = int(found[-1].id) if found else 1
    return TradeList(data=found, next_cursor=cursor_at(last_id) if last_id > 1 else None)


def book_answer(market: Market, book: Book, depth: int) -> BookAnswer:
    return BookAnswer(
        market=market.id,
        sequence=book.sequence,
        time=format_time_us(book.time_us),
        bids=[_level(market, level) for level in book.bids(depth)],
        asks=[_level(market, level) for level in book.asks(depth)],
    )


def trade_answer(market: Market, trade: Trade) -> TradeAnswer:
    return TradeAnswer(
        id=str(trade.trade_id),
        market=market.id,
        price=market.format_price(trade.price),
        size=market.format_size(trade.lots),
        taker_side=AGGRESSORS[trade.aggressor],
        time=format_time_us(trade.time_us),
    )


def _stored_answer(market: Market, trade: StoredTrade) -> TradeAnswer:
    return TradeAnswer(
        id=str(trade.id),
        market=market.id,
        price=market.format_price(trade.price_ticks),
        size=market.format_size(trade.lots),
        taker_side=trade.taker_side.value,
        time=format_time_us(trade.traded_at_ms * 1000),
    )


def _level(market: Market, level: Level) -> LevelAnswer:
    price, lots, orders = level
    return LevelAnswer(
        price=market.format_price(price), size=market.format_size(lots), orders=orders
    )
