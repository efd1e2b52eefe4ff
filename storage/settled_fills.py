"""Fills of settled trades, with their fees, in the order in which they were settled."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.ids import CustomerId, OrderId, TradeId
from domain.market import MarketId, Side
from projections.trade import Fill
from storage.tables_ledger import trades as t


async def fills_after(
    connection: AsyncConnection, market: str, trade_id: int, *, limit: int = 500
) -> list[Fill]:
    """Both fills of each trade numbered above `trade_id`. Trades of a market settle in order."""
    rows = await connection.execute(
        select(t).where(t.c.market == market, t.c.id > trade_id).order_by(t.c.id).limit(limit)
    )
    fills: list[Fill] = []
    for row in rows:
        taker_side = Side(row.taker_side)
        maker_side = Side.SELL if taker_side is Side.BUY else Side.BUY
        at_ms = int(row.traded_at.timestamp() * 1000)
        for is_maker, customer, order, side, fee in (
            (True, row.maker_id, row.maker_order_id, maker_side, row.maker_fee_units),
            (False, row.taker_id, row.taker_order_id, taker_side, row.taker_fee_units),
        ):
            fills.append(
                Fill(
                    MarketId(row.market),
                    TradeId(row.id),
                    CustomerId(customer),
                    OrderId(order),
                    side,
                    is_maker,
                    row.price_ticks,
                    row.lots,
                    int(fee),
                    at_ms,
                )
            )
    return fills
