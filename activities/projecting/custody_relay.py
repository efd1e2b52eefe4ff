"""Tells the stream what changed of deposits and withdrawals: the outbox the database writes."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncEngine

from storage import custody_outbox
from storage.engine import for_looking
from streams.custody_events import from_row, to_record
from streams.kinesis import CHAIN_EVENTS, KinesisProducer


class CustodyRelay:
    """At least once: a crash between stream and database tells a change again."""

    def __init__(self, engine: AsyncEngine, producer: KinesisProducer) -> None:
        self._engine = engine
        self._looking = for_looking(engine)
        self._producer = producer

    async def relay(self) -> int:
        """Tell all that waits; returns how many changes that were."""
        count = 0
        while True:
            async with self._looking.connect() as connection:
                waiting = await custody_outbox.waiting(connection)
            if not waiting:
                return count
            records = [to_record(from_row(version, body)) for version, body in waiting]
            await self._producer.put(CHAIN_EVENTS, records)
            async with self._engine.begin() as connection:
                await custody_outbox.told(connection, [version for version, _ in waiting])
            count += len(waiting)
