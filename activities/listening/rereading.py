"""Taking a chain's events from the node again: what stands in its blocks, numbered as it was told.

Only the node knows what its blocks hold, only the outbox when we learned of it, in which order, and
what was never in a block or left the chain. So each block that stands is read again, and its events
are the node's, with the outbox's numbers. An arrival that only the outbox knows is left out, one
that only the node knows is added; a rebuild shows both as differences.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.listening import events
from activities.listening.customers import customers_deposits
from activities.listening.reader import Arrival, ChainReader, KnownAssets
from activities.listening.watchlist import Watchlist, known_assets
from storage.audit import Finding
from storage.blocks import standing
from streams.chain_events import ChainEvent, ChainEventKind

CHECK = "projections = nodes: blocks"
READS_AT_ONCE = 8
"""Blocks asked of the node side by side: it reads from its disk."""

_OF_BLOCKS = frozenset({ChainEventKind.DEPOSIT_MINED, ChainEventKind.DEPOSIT_REFUSED})

_Place = tuple[str, int]
"""Of an arrival in its block: txid and index."""


@dataclass(slots=True)
class _Held:
    """What the node says of one block."""

    block: ChainEvent
    present: dict[_Place, Arrival]
    """Everything that pays an address we watch."""
    news: dict[_Place, ChainEvent]
    """What we would say of it today."""


@dataclass(slots=True)
class Reread:
    """One chain's events, a page of the outbox after the other, in its order."""

    engine: AsyncEngine
    reader: ChainReader
    blocks: int = 0
    """Read from the node."""
    added: int = 0
    """Arrivals that nobody had told of."""
    left_out: int = 0
    """Arrivals that were told of and do not stand in their block."""
    _watchlist: Watchlist = field(init=False)
    _told: dict[str, list[ChainEvent]] = field(default_factory=dict)
    """By block: what comes before its block's own event, and after it what was found later."""
    _untold: dict[tuple[str, _Place], ChainEvent] = field(default_factory=dict)
    _missing: dict[str, int] = field(default_factory=dict)
    """Blocks that the node does not hold, with their heights."""

    def __post_init__(self) -> None:
        self._watchlist = Watchlist(self.reader)

    async def page(self, told: Sequence[ChainEvent]) -> list[ChainEvent]:
        """The events that stand for these; some wait for their block's own event."""
        refs = [each for each in told if each.kind is ChainEventKind.BLOCK]
        held = await self._read({_hash(each): _height(each) for each in refs})
        answer: list[ChainEvent] = []
        for event in told:
            if event.kind in _OF_BLOCKS:
                self._told.setdefault(_hash(event), []).append(event)
            elif event.kind is ChainEventKind.BLOCK:
                earlier = self._told.pop(_hash(event), [])
                answer += self._of_block(earlier, event, held.get(_hash(event)))
            else:
                answer.append(event)
        return answer

    async def rest(self) -> list[ChainEvent]:
        """After the last page: what was found in blocks later, and what nobody told of."""
        heights = {each: _height(told[0]) for each, told in self._told.items()}
        held = await self._read(heights)
        answer: list[ChainEvent] = []
        for block_hash, told in self._told.items():
            answer += self._confirmed(told, held.get(block_hash))
            for event in told:
                self._untold.pop((block_hash, _place(event)), None)
        self.added += len(self._untold)
        answer += self._untold.values()
        self._told.clear()
        self._untold.clear()
        return answer

    async def findings(self) -> list[Finding]:
        """Blocks that stand for us and are not on the node, now that the listener had its time."""
        async with self.engine.connect() as connection:
            stand = await standing(connection, self.reader.chain, sorted(self._missing))
        return [
            Finding(CHECK, f"{self.reader.chain} block {each}", f"not on the node at {height}")
            for each, height in self._missing.items()
            if each in stand
        ]

    def _of_block(
        self, told: list[ChainEvent], block: ChainEvent, held: _Held | None
    ) -> list[ChainEvent]:
        if held is None:  # It left the chain: only the outbox remembers it.
            return [*told, block]
        answer = self._confirmed(told, held)
        known = {_place(each) for each in told}
        for place, event in held.news.items():
            if place not in known:  # Unless it was found later: then that comes yet.
                self._untold[_hash(block), place] = _numbered(event, block)
        return [*answer, _numbered(held.block, block)]

    def _confirmed(self, told: list[ChainEvent], held: _Held | None) -> list[ChainEvent]:
        """What was told, in the node's words. Whether it is credited was judged when it came."""
        if held is None:
            return told
        answer = []
        for event in told:
            arrival = held.present.get(_place(event))
            if arrival is None:
                self.left_out += 1
                continue
            answer.append(
                replace(
                    event,
                    height=held.block.height,
                    asset=arrival.asset,
                    units=str(arrival.incoming.units),
                    address=arrival.address,
                )
            )
        return answer

    async def _read(self, heights: Mapping[str, int]) -> dict[str, _Held]:
        """Those of the blocks that stand, from the node."""
        async with self.engine.connect() as connection:
            stand = await standing(connection, self.reader.chain, sorted(heights))
            if not stand:
                return {}
            await self._watchlist.refresh(connection)
            await self._watchlist.add_house_wallets(connection)
            assets = await known_assets(connection, self.reader.chain)
        turns = asyncio.Semaphore(READS_AT_ONCE)

        async def read(block_hash: str) -> _Held | None:
            async with turns:
                return await self._read_one(block_hash, heights[block_hash], assets)

        found = await asyncio.gather(*(read(each) for each in sorted(stand)))
        return {_hash(each.block): each for each in found if each is not None}

    async def _read_one(self, block_hash: str, height: int, assets: KnownAssets) -> _Held | None:
        ref = await self.reader.ref_at(height)
        if ref is None or ref.hash != block_hash:
            self._missing[block_hash] = height
            return None
        block = await self.reader.fetch(ref)
        found = await self.reader.examine(block, self._watchlist.watched, assets)
        self.blocks += 1
        chain = self.reader.chain
        arrivals = [*found.arrivals, *(arrival for arrival, _ in found.refused)]
        present: dict[_Place, Arrival] = {
            (each.incoming.txid, each.incoming.index): each for each in arrivals
        }
        news = [events.refused(chain, ref, *each) for each in found.refused]
        if found.arrivals:
            async with self.engine.connect() as connection:
                seen = await customers_deposits(connection, chain, found.arrivals, ref)
            news += [events.seen(ChainEventKind.DEPOSIT_MINED, each) for each in seen]
        return _Held(events.block(chain, ref), present, {_place(each): each for each in news})


def _numbered(event: ChainEvent, like: ChainEvent) -> ChainEvent:
    return replace(event, sequence=like.sequence, at_ms=like.at_ms)


def _hash(event: ChainEvent) -> str:
    assert event.block_hash is not None, event
    return event.block_hash


def _height(event: ChainEvent) -> int:
    assert event.height is not None, event
    return event.height


def _place(event: ChainEvent) -> _Place:
    assert event.txid is not None, event
    assert event.index is not None, event
    return event.txid, event.index
