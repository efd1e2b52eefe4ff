"""Builds a new generation of all projections beside the one that serves, and swaps them.

Market events are replayed from the engine's journal, custody events come from their outbox in
Postgres, and what the chains hold is read from the nodes again, block by block. From the first
moment the running processors write what is new into both generations, so nothing is missing when
the new one takes over. Before that, the new one is compared with the sources and with the old one:
it serves only if it agrees with both. The old one may be wrong, which is why one rebuilds: then
somebody must say so.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from activities.listening.reader import ChainReader
from activities.projecting.audit import run as audit
from activities.projecting.comparing import Difference, compare
from activities.projecting.fills_relay import FillsRelay
from activities.projecting.projector import Projector
from domain.progress import Watch, unwatched
from projections.listings import Listings
from storage import dynamo_checkpoints as checkpoints
from storage.audit import Finding
from storage.dynamo_checkpoints import Generations
from storage.dynamo_tables import PROJECTIONS
from storage.generations import FRESH_SECONDS
from workers.projection_parts import Parts
from workers.projection_sources import Sources

WAIT_SECONDS = 60.0

Tell = Callable[[str], None]


class RebuildRunning(Exception):
    """Another rebuild is under way, or one was broken off."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    generation: int
    events: int
    seconds: float
    """Of reading and applying, without waiting and comparing."""
    differences: tuple[Difference, ...]
    """Between old and new."""
    findings: tuple[Finding, ...]
    """Between the new one and its sources."""
    is_serving: bool

    @property
    def is_same(self) -> bool:
        """As the one that served before."""
        return all(each.is_none for each in self.differences)


class Rebuild:
    def __init__(
        self,
        parts: Parts,
        engine: AsyncEngine,
        listings: Listings,
        journal: Path,
        tell: Tell,
        *,
        readers: Mapping[str, ChainReader] | None = None,
        wait_seconds: float = WAIT_SECONDS,
        watch: Watch = unwatched,
    ) -> None:
        """`readers`, by chain, read the nodes again; a chain without one is taken as it was told.

        `wait_seconds` bounds how long a difference may stay before it counts as one. `tell` is
        told what was done, `watch` how far it is.
        """
        self._watch = watch
        self._parts = parts
        self._engine = engine
        self._listings = listings
        self._tell = tell
        self._sources = Sources(engine, journal, readers=readers, watch=watch)
        self._wait_seconds = wait_seconds

    async def run(
        self, *, swap: bool = True, replace_wrong: bool = False, restart: bool = False
    ) -> Rebuilt:
        """Rebuild everything; with `swap` the new generation serves afterwards, if it is good.

        Good is what agrees with the sources and with the old one; `replace_wrong` says that the
        old one is known to be wrong, so that it need not agree. Raises RebuildRunning unless
        `restart` says to throw away what another one left.
        """
        before, generation = await asyncio.to_thread(self._begin, restart)
        # Every processor must know of the new generation before we read the sources' ends.
        await asyncio.sleep(2 * FRESH_SECONDS)
        began = time.monotonic()
        events = await self._fill(generation)
        seconds = time.monotonic() - began
        findings = await self._audit(generation)
        differences = await asyncio.to_thread(self._compare, before.serving, generation)
        rebuilt = Rebuilt(generation, events, seconds, differences, findings, is_serving=False)
        is_good = not findings and (rebuilt.is_same or replace_wrong)
        serves = swap and is_good
        kept, dropped = (generation, before.serving) if serves else (before.serving, generation)
        await asyncio.to_thread(self._end, kept)
        await asyncio.sleep(2 * FRESH_SECONDS)  # Readers and writers let go of the other one.
        await asyncio.to_thread(self._drop, dropped)
        return replace(rebuilt, is_serving=serves)

    async def _audit(self, generation: int) -> tuple[Finding, ...]:
        store = self._parts.stores.of(generation)
        months = self._parts.settings.search_trade_months
        made = audit.checks(self._engine, store, self._listings, search_trade_months=months)
        outcome = await audit.run(lambda: made, wait_seconds=self._wait_seconds, watch=self._watch)
        rereads = self._sources.rereads.values()
        missing = [finding for each in rereads for finding in await each.findings()]
        return (*outcome.findings, *missing)

    def _begin(self, restart: bool) -> tuple[Generations, int]:
        before = checkpoints.read_generations(self._parts.dynamo)
        if before.building is not None:
            if not restart:
                raise RebuildRunning(f"generation {before.building} is being built")
            self._end(before.serving)
            self._drop(before.building)
        generation = before.newest + 1
        store = self._parts.stores.of(generation)
        store.dynamo.create_tables()
        store.search.prepare(serves=False)
        checkpoints.write_generations(
            self._parts.dynamo, Generations(before.serving, generation, newest=generation)
        )
        self._tell(f"building generation {generation} beside generation {before.serving}")
        return before, generation

    async def _fill(self, generation: int) -> int:
        store = self._parts.stores.of(generation)
        projector = Projector(lambda: [store], lambda: self._listings, self._parts.dead_letters)
        events = 0
        sources = self._sources
        for name, batches in (
            ("chain", sources.chain()),
            ("custody", sources.custody()),
            ("market", sources.market()),
        ):
            count = 0
            async for records in batches:
                count += (await asyncio.to_thread(projector.apply, records)).events
            self._tell(f"{count} {name} events applied")
            events += count
        for chain, each in sources.rereads.items():
            self._tell(
                f"{each.blocks} blocks of {chain} read again: {each.added} payments nobody told of,"
                f" {each.left_out} told of that are not there"
            )
        copying = FillsRelay(self._engine, lambda: [store], self._listings.markets, self._watch)
        fills = await copying.relay()
        self._tell(f"{fills} fills copied")
        return events

    def _compare(self, old: int, new: int) -> tuple[Difference, ...]:
        stores = self._parts.stores
        old_tables, new_tables = stores.of(old).dynamo, stores.of(new).dynamo
        found: list[Difference] = []
        for each in compare(old_tables, new_tables, wait_seconds=self._wait_seconds):
            found.append(each)
            self._watch("tables, new against old", len(found), len(PROJECTIONS))
        return tuple(found)

    def _end(self, serving: int) -> None:
        """One generation serves from now on and no other lives."""
        store = self._parts.stores.of(serving)
        while store.index_waiting()[0]:
            pass
        store.search.mark_filled()
        store.search.serve()
        newest = checkpoints.read_generations(self._parts.dynamo).newest
        checkpoints.write_generations(self._parts.dynamo, Generations(serving, newest=newest))
        self._tell(f"generation {serving} serves")

    def _drop(self, generation: int) -> None:
        store = self._parts.stores.of(generation)
        store.search.drop()
        store.dynamo.drop_tables()
        checkpoints.forget_generation(store.dynamo)
        self._tell(f"generation {generation} is dropped")
