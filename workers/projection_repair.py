"""Applies again what became known since a moment, to the tables that serve: after a part was lost.

Every write is one that a repeat does not change, so running processors are not in the way. What the
tables hold too much of, or wrongly, stays: that takes a rebuild.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from activities.listening.reader import ChainReader
from activities.projecting.projector import Projector
from domain.progress import Watch, unwatched
from projections.listings import Listings
from storage.dynamo_trades import put_fills
from storage.settled_fills import fills_after, last_trade_before
from workers.projection_parts import Parts
from workers.projection_sources import Sources


@dataclass(frozen=True, slots=True)
class Repaired:
    events: int
    fills: int


async def repair(
    parts: Parts,
    engine: AsyncEngine,
    listings: Listings,
    journal: Path,
    since: datetime,
    readers: Mapping[str, ChainReader] | None = None,
    watch: Watch = unwatched,
) -> Repaired:
    """Apply all of it once more; what cannot be applied goes to the dead letters.

    `readers`, by chain, read the nodes again; a chain without one is taken as it was told.
    """
    projector = Projector(parts.stores, lambda: listings, parts.dead_letters, again=True)
    sources = Sources(engine, journal, since, readers, watch)
    events = 0
    for batches in (sources.chain(), sources.custody(), sources.market()):
        async for records in batches:
            events += (await asyncio.to_thread(projector.apply, records)).events
    fills = 0
    for market in listings.markets:
        fills += await _copy_fills(parts, engine, market, since)
        watch("fills", fills)
    return Repaired(events, fills)


async def _copy_fills(parts: Parts, engine: AsyncEngine, market: str, since: datetime) -> int:
    count = 0
    async with engine.connect() as connection:
        after = await last_trade_before(connection, market, since)
    while True:
        async with engine.connect() as connection:
            fills = await fills_after(connection, market, after)
        if not fills:
            return count
        for store in parts.stores():
            await asyncio.to_thread(put_fills, store.dynamo, fills)
        after = fills[-1].trade_id
        count += len(fills)
