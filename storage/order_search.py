"""Looking through orders and trades by number or time, oldest first.

Without a start the newest are found, with one the first from there on; both ascend.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from domain.ids import CustomerId, OrderId, TradeId
from domain.market import MarketId
from storage.order_rows import (
    ORDER_COLUMNS,
    TRADE_COLUMNS,
    StoredOrder,
    StoredTrade,
    order_of,
    trade_of,
)

ROWS_MAX = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """From a number or a time on, up to a time; both ends belong to it."""

    first_id: int | None = None
    start: datetime | None = None
    end: datetime | None = None
    limit: int = 500

    @property
    def ascends(self) -> bool:
        return self.first_id is not None or self.start is not None


class OrderSearch:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def orders(
        self, customer_id: CustomerId, market: MarketId, within: Range
    ) -> list[StoredOrder]:
        """All orders of a customer on a market, by when they were placed."""
        query = _in_order(_ORDERS_WITHIN, within)
        rows = await self._pool.fetch(
            query, customer_id, market, within.first_id, within.start, within.end, _limit(within)
        )
        return _ascending([order_of(row) for row in rows], within)

    async def pair(self, customer_id: CustomerId, pair_id: int) -> list[StoredOrder]:
        """The two orders that were placed together under the hold of order `pair_id`."""
        rows = await self._pool.fetch(_PAIR, customer_id, pair_id)
        return [order_of(row) for row in rows]

    async def pair_by_name(self, customer_id: CustomerId, name: str) -> list[StoredOrder]:
        """The same, by the customer's own name for the pair."""
        rows = await self._pool.fetch(_PAIR_BY_NAME, customer_id, name)
        return [order_of(row) for row in rows]

    async def pairs(self, customer_id: CustomerId, within: Range) -> list[StoredOrder]:
        """The second orders of pairs; `first_id` is of the first order of one."""
        query = _in_order(_SECONDS, within)
        rows = await self._pool.fetch(
            query, customer_id, within.first_id, within.start, within.end, _limit(within)
        )
        return _ascending([order_of(row) for row in rows], within)

    async def my_trades(
        self,
        customer_id: CustomerId,
        market: MarketId,
        within: Range,
        *,
        order_id: OrderId | None = None,
    ) -> list[StoredTrade]:
        query = _in_order(_MY_TRADES, within)
        rows = await self._pool.fetch(
            query,
            customer_id,
            market,
            order_id,
            within.first_id,
            within.start,
            within.end,
            _limit(within),
        )
        return _ascending([trade_of(row) for row in rows], within)

    async def market_trades(
        self, market: MarketId, *, first_id: int | None, limit: int
    ) -> list[StoredTrade]:
        """Settled trades of a market: from a number on, or the newest."""
        within = Range(first_id=first_id, limit=limit)
        rows = await self._pool.fetch(
            _in_order(_TRADES, within), market, within.first_id, _limit(within)
        )
        return _ascending([trade_of(row) for row in rows], within)

    async def first_trade_since(self, market: MarketId, moment: datetime) -> TradeId | None:
        """Number of the first settled trade at or after `moment`; None when there is none.

        Numbers have no gaps and ascend with time, so a few looks at the primary key find it.
        """
        row = await self._pool.fetchrow(_LAST_TRADE, market)
        if row is None or row["traded_at"] < moment:
            return None
        low, high = 1, int(row["id"])
        while low < high:
            middle = (low + high) // 2
            if await self._pool.fetchval(_TRADED_AT, market, middle) < moment:
                low = middle + 1
            else:
                high = middle
        return TradeId(low)

    async def first_traded_at(self, market: MarketId) -> datetime | None:
        found: datetime | None = await self._pool.fetchval(_TRADED_AT, market, 1)
        return found


def _in_order(query: str, within: Range) -> str:
    return query.replace("{order}", "ASC" if within.ascends else "DESC")


def _ascending(found: list[Any], within: Range) -> list[Any]:
    return found if within.ascends else found[::-1]


def _limit(within: Range) -> int:
    return min(within.limit, ROWS_MAX)


# Only the names of our own columns are put in.
_ORDERS = "SELECT " + ", ".join(ORDER_COLUMNS) + " FROM orders"  # noqa: S608
_TRADES_OF = "SELECT " + ", ".join(TRADE_COLUMNS) + " FROM trades"  # noqa: S608

_ORDERS_WITHIN = f"""{_ORDERS}
WHERE customer_id = $1 AND market = $2 AND ($3::bigint IS NULL OR id >= $3)
  AND ($4::timestamptz IS NULL OR placed_at >= $4) AND ($5::timestamptz IS NULL OR placed_at <= $5)
ORDER BY id {{order}} LIMIT $6"""

_PAIR = f"{_ORDERS} WHERE customer_id = $1 AND (id = $2 OR hold_order_id = $2) ORDER BY id"

_PAIR_BY_NAME = f"""{_ORDERS}
WHERE hold_order_id = ANY(
    SELECT hold_order_id FROM orders
    WHERE customer_id = $1 AND hold_order_id <> id AND options->>'pair' = $2)
ORDER BY id"""  # noqa: S608

_SECONDS = f"""{_ORDERS}
WHERE customer_id = $1 AND hold_order_id <> id AND ($2::bigint IS NULL OR hold_order_id >= $2)
  AND ($3::timestamptz IS NULL OR placed_at >= $3) AND ($4::timestamptz IS NULL OR placed_at <= $4)
ORDER BY id {{order}} LIMIT $5"""

_MY_TRADES = """
SELECT * FROM (
    (SELECT * FROM trades WHERE maker_id = $1 AND market = $2
        AND ($3::bigint IS NULL OR maker_order_id = $3) AND ($4::bigint IS NULL OR id >= $4)
        AND ($5::timestamptz IS NULL OR traded_at >= $5)
        AND ($6::timestamptz IS NULL OR traded_at <= $6)
     ORDER BY id {order} LIMIT $7)
    UNION
    (SELECT * FROM trades WHERE taker_id = $1 AND market = $2
        AND ($3::bigint IS NULL OR taker_order_id = $3) AND ($4::bigint IS NULL OR id >= $4)
        AND ($5::timestamptz IS NULL OR traded_at >= $5)
        AND ($6::timestamptz IS NULL OR traded_at <= $6)
     ORDER BY id {order} LIMIT $7)
) AS mine ORDER BY id {order} LIMIT $7
"""

_TRADES = f"""{_TRADES_OF}
WHERE market = $1 AND ($2::bigint IS NULL OR id >= $2) ORDER BY id {{order}} LIMIT $3"""

_LAST_TRADE = "SELECT id, traded_at FROM trades WHERE market = $1 ORDER BY id DESC LIMIT 1"
_TRADED_AT = "SELECT traded_at FROM trades WHERE market = $1 AND id = $2"
