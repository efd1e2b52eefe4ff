"""What the projections must show, read from where it is true: the ledger's and custody's tables.

Every call reads a few rows by key or a page of keys, so that the audit stays small beside traffic.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

KEYS_PER_PAGE = 5000


@dataclass(frozen=True, slots=True)
class LedgerOrder:
    """An order as settlement left it. Quote units are exact."""

    id: int
    customer_id: int
    market: str
    side: str
    status: str
    filled_lots: int
    filled_quote_units: int
    last_sequence: int
    """Of the newest event in this row; 0 before the engine answered."""


async def settled_sequences(connection: AsyncConnection) -> dict[str, int]:
    """Last settled event of each market."""
    rows = await connection.execute(
        text("SELECT market, next_sequence - 1 AS last FROM settlement_cursors")
    )
    return {row.market: row.last for row in rows}


async def orders_of(engine: AsyncEngine, ids: Sequence[int]) -> dict[int, LedgerOrder]:
    query = """
        SELECT id, customer_id, market, side, status, filled_lots, filled_quote_units,
               last_sequence
        FROM orders WHERE id = ANY(:ids)
    """
    return {row.id: _order(row) for row in await _rows(engine, query, ids=list(ids))}


def order_ids(engine: AsyncEngine) -> AsyncIterator[list[int]]:
    """Of the orders that the engine has answered."""
    query = """
        SELECT id FROM orders WHERE id > :after AND last_sequence > 0 ORDER BY id LIMIT :limit
    """
    return _keys(engine, query, 0)


async def custody_rows(
    engine: AsyncEngine, kind: str, ids: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """What is told of `deposit`s or `withdrawal`s, by id, in the outbox's words."""
    query = f"SELECT id, {kind}_body(each) AS body FROM {kind}s AS each WHERE id = ANY(:ids)"  # noqa: S608 - one of two words
    assert kind in {"deposit", "withdrawal"}
    return {row.id: row.body for row in await _rows(engine, query, ids=list(ids))}


def custody_ids(engine: AsyncEngine, kind: str) -> AsyncIterator[list[str]]:
    assert kind in {"deposit", "withdrawal"}
    query = f"SELECT id FROM {kind}s WHERE id > :after ORDER BY id LIMIT :limit"  # noqa: S608 - one of two words
    return _keys(engine, query, "")


async def _rows(engine: AsyncEngine, query: str, **values: object) -> Sequence[Row[Any]]:
    async with engine.connect() as connection:
        return (await connection.execute(text(query), values)).all()


async def _keys(engine: AsyncEngine, query: str, after: Any) -> AsyncIterator[list[Any]]:
    while True:
        rows = await _rows(engine, query, after=after, limit=KEYS_PER_PAGE)
        if not rows:
            return
        yield [row.id for row in rows]
        after = rows[-1].id


def _order(row: Row[Any]) -> LedgerOrder:
    return LedgerOrder(
        row.id,
        row.customer_id,
        row.market,
        row.side,
        row.status,
        row.filled_lots,
        int(row.filled_quote_units),
        row.last_sequence,
    )
