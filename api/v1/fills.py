"""The customer's own part of trades, as settled."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.dependencies import Reader, ServicesOf
from api.fields import DecimalText, Moment
from api.pages import CursorQuery, LimitQuery, next_cursor, read_cursor
from api.v1.documented import refusals
from domain.ids import CustomerId, OrderId, TradeId
from domain.market import Market, Side
from domain.money import format_units
from storage.order_rows import StoredTrade

router = APIRouter(prefix="/v1", tags=["Orders"])

OrderQuery = Annotated[int | None, Query(ge=1, le=2**63 - 1)]


class FillRow(BaseModel):
    trade_id: str
    order_id: str
    market: str = Field(examples=["BTC-USDT"])
    side: str = Field(examples=["buy"])
    role: str = Field(examples=["maker"])
    price: DecimalText
    size: DecimalText
    value: DecimalText = Field(description="Price times size, in the quote asset.")
    fee: DecimalText
    fee_asset: str
    time: Moment


class FillList(BaseModel):
    data: list[FillRow]
    next_cursor: str | None


@router.get(
    "/fills",
    summary="Your fills on a market, newest first",
    responses=refusals("invalid_input", "not_authenticated", "unknown_market"),
)
async def list_fills(
    caller: Reader,
    services: ServicesOf,
    market: Annotated[str, Query(max_length=40)],
    order_id: OrderQuery = None,
    limit: LimitQuery = 100,
    cursor: CursorQuery = None,
) -> FillList:
    """As settled in the ledger; the newest trades take a moment to get here."""
    listed = services.catalog.market(market)
    before = read_cursor(cursor)
    found = await services.trading.orders.trades(
        caller.customer_id,
        listed.id,
        order_id=None if order_id is None else OrderId(order_id),
        before=None if before is None else TradeId(before),
        limit=limit,
    )
    return FillList(
        data=[fill_row(listed, trade, caller.customer_id) for trade in found],
        next_cursor=next_cursor([trade.id for trade in found], limit),
    )


def fill_row(market: Market, trade: StoredTrade, customer_id: CustomerId) -> FillRow:
    is_maker = trade.maker_id == customer_id
    maker_side = Side.SELL if trade.taker_side is Side.BUY else Side.BUY
    side = maker_side if is_maker else trade.taker_side
    received = market.base if side is Side.BUY else market.quote
    fee_units = trade.maker_fee_units if is_maker else trade.taker_fee_units
    value_units = market.notional_units(trade.price_ticks, trade.lots)
    return FillRow(
        trade_id=str(trade.id),
        order_id=str(trade.maker_order_id if is_maker else trade.taker_order_id),
        market=market.id,
        side=side.value,
        role="maker" if is_maker else "taker",
        price=market.format_price(trade.price_ticks),
        size=market.format_size(trade.lots),
        value=format_units(value_units, market.quote.scale),
        fee=format_units(fee_units, received.scale),
        fee_asset=received.code,
        time=trade.traded_at,
    )
