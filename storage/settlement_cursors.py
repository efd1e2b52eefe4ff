"""How far each market's trades are settled; read by the one who ships them."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.market import MarketId
from storage.tables_ledger import settlement_cursors as cursors


async def read_cursors(engine: AsyncEngine) -> dict[MarketId, int]:
    """The next sequence to settle, of every market."""
    async with engine.connect() as connection:
        rows = await connection.execute(select(cursors.c.market, cursors.c.next_sequence))
        return {MarketId(row.market): row.next_sequence for row in rows}
