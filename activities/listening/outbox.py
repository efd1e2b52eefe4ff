"""Passing on what the walk wrote: events to Kinesis, deposits to their workflows.

Both are at-least-once from rows that the walk committed: a crash in between says a thing twice, and
both listeners know repeats, by the event's identity and by the workflow's id.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from sqlalchemy.ext.asyncio import AsyncEngine

from storage import blocks, deposits
from storage.deposits import DueDeposit
from storage.engine import for_looking
from streams.chain_events import from_body, to_record
from streams.kinesis import CHAIN_EVENTS, KinesisProducer

StartDeposit = Callable[[DueDeposit], Awaitable[object]]
"""Starts the deposit's workflow, or tells the running one to look at its row."""

_PAGE = 500
_STARTS_AT_ONCE = 50
"""Their rows are locked until Temporal has answered for all: about 0.2 s."""


class ChainOutbox:
    def __init__(
        self, engine: AsyncEngine, chain: str, producer: KinesisProducer, start: StartDeposit
    ) -> None:
        self._engine = engine
        self._looking = for_looking(engine)
        self._chain = chain
        self._producer = producer
        self._start = start

    async def publish(self) -> int:
        """Put all waiting events on the stream, in order; returns how many."""
        count = 0
        while True:
            async with self._looking.connect() as connection:
                waiting = await blocks.unpublished_events(connection, self._chain, limit=_PAGE)
            if not waiting:
                return count
            records = [to_record(from_body(body)) for _, body in waiting]
            await self._producer.put(CHAIN_EVENTS, records)
            async with self._engine.begin() as connection:
                await blocks.mark_published(connection, [number for number, _ in waiting])
            count += len(waiting)

    async def nudge(self) -> int:
        """Start or tell the workflows of deposits that can move; returns how many."""
        count = 0
        while True:
            async with self._engine.begin() as connection:
                due = await deposits.claim_due(connection, self._chain, limit=_STARTS_AT_ONCE)
                # Inside the database transaction: a deposit not told of stays due.
                await asyncio.gather(*(self._start(deposit) for deposit in due))
            count += len(due)
            if len(due) < _STARTS_AT_ONCE:
                return count
