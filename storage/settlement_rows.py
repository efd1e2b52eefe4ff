"""The rows of a settlement: orders and holds as loaded, and everything that a run writes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import asyncpg
import msgspec

from domain.ids import CustomerId, OrderId
from domain.market import Market, MarketId
from ledger.entry import order_hold
from ledger.settlement import Moment, OrderEnd, OrderState, Settlement
from storage.pool import DriverConnection

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


async def load_orders(
    connection: DriverConnection, market: MarketId, order_ids: set[OrderId]
) -> tuple[dict[OrderId, OrderState], dict[OrderId, int]]:
    """The orders with the other legs of their pairs, and what remains of their holds."""
    rows = await connection.fetch(_LOAD_ORDERS, ",".join(map(str, order_ids)), market)
    orders = {OrderId(row["id"]): _order_state(row) for row in rows}
    holds = {order_hold(order.hold_order_id): order.hold_order_id for order in orders.values()}
    remaining = await connection.fetch(_LOAD_HOLDS, ",".join(holds))
    return orders, {holds[row["id"]]: int(row["remaining"]) for row in remaining}


def _order_state(row: asyncpg.Record) -> OrderState:
    return OrderState(
        id=OrderId(row["id"]),
        customer_id=CustomerId(row["customer_id"]),
        is_buy=row["side"] == "buy",
        price_ticks=row["price_ticks"],
        lots=row["lots"],
        has_budget=row["budget"] > 0,
        hold_order_id=OrderId(row["hold_order_id"]),
        maker_fee_ppm=row["maker_fee_ppm"],
        taker_fee_ppm=row["taker_fee_ppm"],
        is_known=row["status"] != "placed",
        end=OrderEnd(row["status"]) if row["closed_at"] else None,
        filled_lots=row["filled_lots"],
        filled_quote_units=int(row["filled_quote_units"]),
        fee_units=int(row["fee_units"]),
        reason=row["reason"],
    )


async def write_orders(connection: DriverConnection, settlement: Settlement) -> None:
    """As one JSON text: an array for each column costs us ten times as much to write."""
    rows = [
        {
            "id": order.id,
            "status": order.end or "open",
            "lots": order.lots,
            "filled_lots": order.filled_lots,
            "quote": str(order.filled_quote_units),
            "fee": str(order.fee_units),
            "reason": order.reason,
            "us": order.changed.time_us,
            "sequence": order.changed.sequence,
        }
        for order in settlement.changed.values()
    ]
    if rows:
        await connection.execute(_UPDATE_ORDERS, msgspec.json.encode(rows).decode())


async def write_trades(
    connection: DriverConnection, market: MarketId, settlement: Settlement
) -> None:
    rows = [
        (
            market,
            trade.id,
            trade.moment.sequence,
            trade.fill.price_ticks,
            trade.fill.lots,
            "buy" if trade.fill.taker_buys else "sell",
            trade.fill.maker.order_id,
            trade.fill.taker.order_id,
            trade.fill.maker.owner,
            trade.fill.taker.owner,
            trade.maker_fee_units,
            trade.taker_fee_units,
            _time(trade.moment),
        )
        for trade in settlement.trades
    ]
    if rows:
        await connection.copy_records_to_table("trades", columns=_TRADE_COLUMNS, records=rows)


def _time(moment: Moment) -> datetime:
    return _EPOCH + timedelta(microseconds=moment.time_us)


async def add_volumes(connection: DriverConnection, market: Market, settlement: Settlement) -> None:
    """Count what both sides traded: by day and market for their fee rates, by hour and value for
    the limits of their tiers.
    """
    volumes: dict[tuple[int, datetime], int] = {}
    for trade in settlement.trades:
        fill = trade.fill
        units = market.notional_units(fill.price_ticks, fill.lots)
        hour = _time(trade.moment).replace(minute=0, second=0, microsecond=0)
        for owner in (fill.maker.owner, fill.taker.owner):
            volumes[owner, hour] = volumes.get((owner, hour), 0) + units
    # In one order, so that two markets' settlements never wait for each other in a circle.
    rows = [(owner, hour, str(units)) for (owner, hour), units in sorted(volumes.items())]
    if rows:
        quote = market.quote
        await connection.execute(
            _ADD_VOLUMES,
            market.id,
            *zip(*rows, strict=True),
            quote.code,
            str(10**quote.scale),
        )


# With the other leg of each pair, as both stand under one hold.
_LOAD_ORDERS = """
SELECT id, customer_id, side, price_ticks, lots, budget, hold_order_id, maker_fee_ppm,
       taker_fee_ppm, status, closed_at, filled_lots, filled_quote_units::text, fee_units::text,
       reason
FROM orders WHERE id = ANY(ARRAY(
    SELECT id FROM unnest(string_to_array($1, ',')::bigint[]) AS asked (id)
    UNION SELECT hold_order_id FROM orders WHERE id = ANY(string_to_array($1, ',')::bigint[])
    UNION SELECT id FROM orders
    WHERE hold_order_id = ANY(string_to_array($1, ',')::bigint[]) AND hold_order_id <> id
)) AND market = $2
"""

_LOAD_HOLDS = """
SELECT id, remaining::text FROM holds WHERE id = ANY(string_to_array($1, ','))
"""

_UPDATE_ORDERS = """
UPDATE orders SET status = r.status, lots = r.lots, filled_lots = r.filled_lots,
    filled_quote_units = r.quote, fee_units = r.fee, reason = r.reason, updated_at = r.at,
    last_sequence = r.sequence, closed_at = CASE WHEN r.status = 'open' THEN NULL ELSE r.at END
FROM (
    SELECT *, 'epoch'::timestamptz + us * interval '1 microsecond' AS at
    FROM json_to_recordset($1::json) AS r (id bigint, status text, lots bigint, filled_lots bigint,
        quote numeric, fee numeric, reason smallint, us bigint, sequence bigint)
) AS r
WHERE orders.id = r.id
"""

# A quote asset without a reference price counts nothing: settlement must not stop for a limit.
_ADD_VOLUMES = """
WITH traded AS (
    SELECT owner, hour, units::numeric AS units
    FROM unnest($2::bigint[], $3::timestamptz[], $4::text[]) AS r (owner, hour, units)
), counted AS (
    INSERT INTO trading_volumes AS v (customer_id, market, day, quote_units)
    SELECT owner, $1, (hour AT TIME ZONE 'UTC')::date AS day, sum(units)
    FROM traded GROUP BY owner, day ORDER BY owner, day
    ON CONFLICT (customer_id, market, day)
        DO UPDATE SET quote_units = v.quote_units + excluded.quote_units
)
INSERT INTO traded_values AS v (customer_id, hour, value_units)
SELECT owner, hour, div(units * coalesce(
    (SELECT price_units FROM reference_prices WHERE asset = $5), 0
) + $6::text::numeric - 1, $6::text::numeric)
FROM traded ORDER BY owner, hour
ON CONFLICT (customer_id, hour) DO UPDATE SET value_units = v.value_units + excluded.value_units
"""

_TRADE_COLUMNS = (
    "market", "id", "sequence", "price_ticks", "lots", "taker_side", "maker_order_id",
    "taker_order_id", "maker_id", "taker_id", "maker_fee_units", "taker_fee_units", "traded_at",
)  # fmt: skip
