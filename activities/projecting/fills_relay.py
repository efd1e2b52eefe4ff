"""Copies settled fills from Postgres to each customer's list in DynamoDB, with their fees.

Settlement is in order and trade numbers are gapless, so the last number copied says it all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

from sqlalchemy.ext.asyncio import AsyncEngine

from activities.projecting.store import Store
from domain.progress import Watch, unwatched
from storage.dynamo_checkpoints import read_fills_cursor, write_fills_cursor
from storage.dynamo_trades import put_fills
from storage.engine import for_looking
from storage.projection_sources import settled_sequences
from storage.settled_fills import fills_after


class FillsRelay:
    """At least once: a fill that is written again is the same."""

    def __init__(
        self,
        engine: AsyncEngine,
        stores: Callable[[], Sequence[Store]],
        markets: Iterable[str],
        watch: Watch = unwatched,
    ) -> None:
        self._watch = watch
        self._copied = 0
        self._engine = for_looking(engine)
        self._stores = stores
        self._markets = tuple(markets)
        self._cursors: dict[tuple[int, str], int] = {}
        self._settled: dict[tuple[int, str], int] = {}
        """Up to which event each market was settled when its fills were copied last."""

    async def relay(self) -> int:
        """Copy all that is settled into every living store; returns how many fills."""
        stores = await asyncio.to_thread(self._stores)
        async with self._engine.connect() as connection:
            settled = await settled_sequences(connection)
        count = 0
        for store in stores:
            for market in self._markets:
                place, sequence = (store.generation, market), settled.get(market, 0)
                if self._settled.get(place) != sequence:
                    count += await self._relay(store, market)
                    self._settled[place] = sequence
        return count

    async def _relay(self, store: Store, market: str) -> int:
        place = (store.generation, market)
        if place not in self._cursors:
            self._cursors[place] = await asyncio.to_thread(read_fills_cursor, store.dynamo, market)
        count = 0
        while True:
            async with self._engine.connect() as connection:
                fills = await fills_after(connection, market, self._cursors[place])
            if not fills:
                return count
            await asyncio.to_thread(put_fills, store.dynamo, fills)
            self._copied += len(fills)
            self._watch("fills", self._copied)
            self._cursors[place] = fills[-1].trade_id
            await asyncio.to_thread(write_fills_cursor, store.dynamo, market, self._cursors[place])
            count += len(fills)
