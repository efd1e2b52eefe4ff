"""All events there ever were, as records: chain events from the nodes and the listener's outbox,
custody events from theirs in Postgres, market events from the engine's journal. For a rebuild, and
to apply a stretch of them again.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from activities.listening.reader import ChainReader
from activities.listening.rereading import Reread
from activities.projecting.reading import StreamRecord
from domain.progress import Watch, unwatched
from storage.custody_outbox import (
    Body,
    chain_events_after,
    changes_after,
    last_chain_event_before,
    last_change_before,
    newest_chain_event,
    newest_change,
)
from streams import chain_events, custody_events, market_events
from streams.chain_events import ChainEvent
from streams.journal import durable_number
from streams.kinesis import CHAIN_EVENTS, MARKET_EVENTS
from streams.market_events import MarketEvents
from workers.shipper_source import Shipment, Source

RUNS_AT_ONCE = 200
"""Runs of the journal applied together; some thousand events."""

IDLE_SECONDS = 0.5

Batches = AsyncIterator[list[StreamRecord]]
_ReadPage = Callable[[AsyncConnection, int], Awaitable[list[tuple[int, Body]]]]
_FindStart = Callable[[AsyncConnection, datetime], Awaitable[int]]
_FindEnd = Callable[[AsyncConnection], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class _Outbox:
    """A table that is read in the order of its numbers."""

    what: str
    read: _ReadPage
    start: _FindStart
    end: _FindEnd


_CHAIN: Final = _Outbox(
    "events of the chains", chain_events_after, last_chain_event_before, newest_chain_event
)
_CUSTODY: Final = _Outbox(
    "changes of deposits and withdrawals", changes_after, last_change_before, newest_change
)
_MARKET: Final = "records of the engine"


class Sources:
    """`since`: only what became known from then on; None is everything."""

    def __init__(
        self,
        engine: AsyncEngine,
        journal: Path,
        since: datetime | None = None,
        readers: Mapping[str, ChainReader] | None = None,
        watch: Watch = unwatched,
    ) -> None:
        """`readers`, by chain: whose blocks are read from the node again; of other chains all is
        as the outbox has it. `watch` is told how far each source is read, by its own numbers.
        """
        self._watch = watch
        self._engine = engine
        self._journal = journal
        self._since = since
        self.rereads = {chain: Reread(engine, reader) for chain, reader in (readers or {}).items()}

    async def chain(self) -> Batches:
        async for page in self._pages(_CHAIN):
            told: defaultdict[str, list[ChainEvent]] = defaultdict(list)
            for _, body in page:
                event = chain_events.from_body(body)
                told[event.chain].append(event)
            for chain, events in told.items():
                reread = self.rereads.get(chain)
                yield _chain_records(events if reread is None else await reread.page(events))
        for reread in self.rereads.values():
            yield _chain_records(await reread.rest())

    async def custody(self) -> Batches:
        async for page in self._pages(_CUSTODY):
            yield [_custody_record(version, body) for version, body in page]

    async def market(self) -> Batches:
        """Every market's events up to the journal's durable end."""
        source = Source(self._journal, {})
        since_us = 0 if self._since is None else int(self._since.timestamp()) * 1_000_000
        pending: list[StreamRecord] = []
        end = await asyncio.to_thread(durable_number, self._journal)
        try:
            async for shipment in _until_durable_end(source):
                number = source.replica.exchange.number
                self._watch(_MARKET, number, end := max(number, end))
                if shipment.written_us >= since_us:
                    pending += _market_records(shipment)
                if len(pending) >= RUNS_AT_ONCE:
                    yield pending
                    pending = []
            self._watch(_MARKET, end, end)  # The last records may have caused nothing.
        finally:
            source.close()
        if pending:
            yield pending

    async def _pages(self, outbox: _Outbox) -> AsyncIterator[list[tuple[int, Body]]]:
        after = 0
        async with self._engine.connect() as connection:
            if self._since is not None:
                after = await outbox.start(connection, self._since)
            end = await outbox.end(connection)
        while True:
            self._watch(outbox.what, after, max(after, end))
            async with self._engine.connect() as connection:
                page = await outbox.read(connection, after)
            if not page:
                return
            yield page
            after = page[-1][0]


async def _until_durable_end(source: Source) -> AsyncIterator[Shipment]:
    """What the source has; it would wait for more for ever."""
    shipments = source.shipments()
    while True:
        following = asyncio.ensure_future(anext(shipments))
        while not (await asyncio.wait({following}, timeout=IDLE_SECONDS))[0]:
            if source.lag_records() == 0:
                following.cancel()
                return
        yield following.result()


def _market_records(shipment: Shipment) -> list[StreamRecord]:
    records = []
    for run in shipment.runs:
        first, last = run.first_sequence, run.last_sequence
        events = MarketEvents(run.market, shipment.epoch, first, last, run.numbered())
        records.append(_record(MARKET_EVENTS, run.market, first, market_events.encode(events)))
    return records


def _chain_records(events: Sequence[ChainEvent]) -> list[StreamRecord]:
    records = [(event.sequence, chain_events.to_record(event)) for event in events]
    return [_record(CHAIN_EVENTS, each.key, number, each.data) for number, each in records]


def _custody_record(version: int, body: Body) -> StreamRecord:
    record = custody_events.to_record(custody_events.from_row(version, body))
    return _record(CHAIN_EVENTS, record.key, version, record.data)


def _record(stream: str, key: str, number: int, data: bytes) -> StreamRecord:
    return StreamRecord(stream, "rebuild", str(number), key, data, 0)
