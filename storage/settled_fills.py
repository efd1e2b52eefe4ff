"""Fills of settled trades, with their fees, in the order in which they were settled."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Row, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.ids import CustomerId, OrderId, TradeId
from domain.market import MarketId, Side
from projections.trade import Fill, Trade
from storage.tables_ledger import trades as t

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


async def fills_after(
    connection: AsyncConnection, market: str, trade_id: int, *, limit: int = 500
) -> list[Fill]:
    """Both fills of each trade numbered above `trade_id`. Trades of a market settle in order."""
    rows = await connection.execute(
        select(t).where(t.c.market == market, t.c.id > trade_id).order_by(t.c.id).limit(limit)
    )
    return [fill for row in rows for fill in fills(_trade(row), _fees(row))]


async def trades_with(
    connection: AsyncConnection, keys: Collection[tuple[str, int]]
) -> list[SettledTrade]:
    """Those of the (market, number) that are settled."""
    rows = await connection.execute(select(t).where(tuple_(t.c.market, t.c.id).in_(keys)))
    return [SettledTrade(_trade(row), *_fees(row)) for row in rows]


async def trade_ids_after(
    connection: AsyncConnection, market: str, trade_id: int, *, limit: int
) -> list[int]:
    query = select(t.c.id).where(t.c.market == market, t.c.id > trade_id)
    return list(await connection.scalars(query.order_by(t.c.id).limit(limit)))


async def last_trade_before(connection: AsyncConnection, market: str, moment: datetime) -> int:
    """Number of the market's newest trade before that moment; 0 if there is none."""
    query = select(func.coalesce(func.max(t.c.id), 0))
    query = query.where(t.c.market == market, t.c.traded_at < moment)
    return int((await connection.execute(query)).scalar_one())


class SettledTrade(NamedTuple):
    trade: Trade
    """The ledger does not keep the epoch: it is 0."""
    maker_fee_units: int
    taker_fee_units: int

    def fills(self) -> tuple[Fill, Fill]:
        return fills(self.trade, (self.maker_fee_units, self.taker_fee_units))


def fills(trade: Trade, fees: tuple[int, int]) -> tuple[Fill, Fill]:
    """The maker's and the taker's part, with their fees."""
    taker_side = trade.taker_side
    maker_side = Side.SELL if taker_side is Side.BUY else Side.BUY

    def part(customer: CustomerId, order: OrderId, side: Side, fee: int, *, is_maker: bool) -> Fill:
        return Fill(
            trade.market,
            trade.id,
            customer,
            order,
            side,
            is_maker,
            trade.price_ticks,
            trade.lots,
            fee,
            trade.traded_at_ms,
        )

    return (
        part(trade.maker_id, trade.maker_order_id, maker_side, fees[0], is_maker=True),
        part(trade.taker_id, trade.taker_order_id, taker_side, fees[1], is_maker=False),
    )


def _fees(row: Row[Any]) -> tuple[int, int]:
    return int(row.maker_fee_units), int(row.taker_fee_units)


def _trade(row: Row[Any]) -> Trade:
    return Trade(
        MarketId(row.market),
        TradeId(row.id),
        0,
        row.sequence,
        row.price_ticks,
        row.lots,
        Side(row.taker_side),
        (row.traded_at - _EPOCH) // timedelta(milliseconds=1),
        OrderId(row.maker_order_id),
        OrderId(row.taker_order_id),
        CustomerId(row.maker_id),
        CustomerId(row.taker_id),
    )
