"""Builds a new generation of all projections beside the one that serves, and swaps them.

Market events are replayed from the engine's journal; chain and custody events come from their
outboxes in Postgres. From the first moment the running processors write what is new into both
generations, so nothing is missing when the new one takes over. Old and new are compared before.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from activities.projecting.comparing import Difference, compare
from activities.projecting.fills_relay import FillsRelay
from activities.projecting.projector import Projector
from activities.projecting.reading import StreamRecord
from projections.listings import Listings
from storage import dynamo_checkpoints as checkpoints
from storage.custody_outbox import Body, chain_events_after, changes_after
from storage.dynamo_checkpoints import Generations
from storage.generations import FRESH_SECONDS
from streams import chain_events, custody_events, market_events
from streams.kinesis import CHAIN_EVENTS, MARKET_EVENTS
from streams.market_events import MarketEvents
from workers.projection_parts import Parts
from workers.shipper_source import Shipment, Source

RUNS_AT_ONCE = 200
"""Runs of the journal applied together; some thousand events."""

IDLE_SECONDS = 0.5

Tell = Callable[[str], None]
_ReadPage = Callable[[AsyncConnection, int], Awaitable[list[tuple[int, Body]]]]


class RebuildRunning(Exception):
    """Another rebuild is under way, or one was broken off."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    generation: int
    events: int
    seconds: float
    """Of reading and applying, without waiting and comparing."""
    differences: tuple[Difference, ...]
    is_serving: bool


class Rebuild:
    def __init__(
        self, parts: Parts, engine: AsyncEngine, listings: Listings, journal: Path, tell: Tell
    ) -> None:
        self._parts = parts
        self._engine = engine
        self._listings = listings
        self._journal = journal
        self._tell = tell

    async def run(self, *, swap: bool = True, restart: bool = False) -> Rebuilt:
        """Rebuild everything; with `swap` the new generation serves afterwards.

        Raises RebuildRunning unless `restart` says to throw away what another one left.
        """
        before, generation = await asyncio.to_thread(self._begin, restart)
        # Every processor must know of the new generation before we read the sources' ends.
        await asyncio.sleep(2 * FRESH_SECONDS)
        began = time.monotonic()
        events = await self._fill(generation)
        seconds = time.monotonic() - began
        differences = await asyncio.to_thread(self._compare, before.serving, generation)
        kept, dropped = (generation, before.serving) if swap else (before.serving, generation)
        await asyncio.to_thread(self._end, kept)
        await asyncio.sleep(2 * FRESH_SECONDS)  # Readers and writers let go of the other one.
        await asyncio.to_thread(self._drop, dropped)
        return Rebuilt(generation, events, seconds, differences, is_serving=swap)

    def _begin(self, restart: bool) -> tuple[Generations, int]:
        before = checkpoints.read_generations(self._parts.dynamo)
        if before.building is not None:
            if not restart:
                raise RebuildRunning(f"generation {before.building} is being built")
            self._end(before.serving)
            self._drop(before.building)
        generation = max(before.serving, before.building or 0) + 1
        store = self._parts.stores.of(generation)
        store.dynamo.create_tables()
        store.search.prepare(serves=False)
        checkpoints.write_generations(
            self._parts.dynamo, Generations(before.serving, building=generation)
        )
        self._tell(f"building generation {generation} beside generation {before.serving}")
        return before, generation

    async def _fill(self, generation: int) -> int:
        store = self._parts.stores.of(generation)
        projector = Projector(lambda: [store], lambda: self._listings, self._parts.dead_letters)
        events = 0
        for name, batches in (
            ("chain", self._outbox(chain_events_after, _chain_record)),
            ("custody", self._outbox(changes_after, _custody_record)),
            ("market", self._journal_records()),
        ):
            count = 0
            async for records in batches:
                count += (await asyncio.to_thread(projector.apply, records)).events
            self._tell(f"{count} {name} events applied")
            events += count
        fills = await FillsRelay(self._engine, lambda: [store], self._listings.markets).relay()
        self._tell(f"{fills} fills copied")
        return events

    async def _outbox(
        self, read: _ReadPage, to_record: Callable[[int, Body], StreamRecord]
    ) -> AsyncIterator[list[StreamRecord]]:
        after = 0
        while True:
            async with self._engine.connect() as connection:
                page = await read(connection, after)
            if not page:
                return
            yield [to_record(number, body) for number, body in page]
            after = page[-1][0]

    async def _journal_records(self) -> AsyncIterator[list[StreamRecord]]:
        """Every market's events from the first on, up to the journal's durable end."""
        source = Source(self._journal, {})
        pending: list[StreamRecord] = []
        try:
            async for shipment in _until_durable_end(source):
                pending += _market_records(shipment)
                if len(pending) >= RUNS_AT_ONCE:
                    yield pending
                    pending = []
        finally:
            source.close()
        if pending:
            yield pending

    def _compare(self, old: int, new: int) -> tuple[Difference, ...]:
        """What is under way may differ for a moment: then once more."""
        stores = self._parts.stores
        differences = tuple(compare(stores.of(old).dynamo, stores.of(new).dynamo))
        if all(each.is_none for each in differences):
            return differences
        time.sleep(FRESH_SECONDS)
        return tuple(compare(stores.of(old).dynamo, stores.of(new).dynamo))

    def _end(self, serving: int) -> None:
        """One generation serves from now on and no other lives."""
        store = self._parts.stores.of(serving)
        while store.index_waiting()[0]:
            pass
        store.search.mark_filled()
        store.search.serve()
        checkpoints.write_generations(self._parts.dynamo, Generations(serving))
        self._tell(f"generation {serving} serves")

    def _drop(self, generation: int) -> None:
        store = self._parts.stores.of(generation)
        store.search.drop()
        store.dynamo.drop_tables()
        self._tell(f"generation {generation} is dropped")


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


def _chain_record(number: int, body: Body) -> StreamRecord:
    record = chain_events.to_record(chain_events.from_body(body))
    return _record(CHAIN_EVENTS, record.key, number, record.data)


def _custody_record(version: int, body: Body) -> StreamRecord:
    record = custody_events.to_record(custody_events.from_row(version, body))
    return _record(CHAIN_EVENTS, record.key, version, record.data)


def _record(stream: str, key: str, number: int, data: bytes) -> StreamRecord:
    return StreamRecord(stream, "rebuild", str(number), key, data, 0)
