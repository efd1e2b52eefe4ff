"""Looking again at blocks that were followed before, or that lie below where we began.

Finds what an address, a wallet or a token listed later should have seen. Nothing is credited twice:
a deposit keeps its identity, and one that is known stays as it is. The cursor does not move.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from activities.listening import events
from activities.listening.customers import customers_deposits
from activities.listening.reader import ChainReader, Findings, block_row
from activities.listening.watchlist import Watchlist, known_assets
from chains.block import BlockRef
from domain.ids import DepositId
from storage import blocks, deposits
from streams.chain_events import ChainEventKind, to_body

Progress = Callable[[int], None]
"""Called with each height that is done."""


class RescanRefused(Exception):
    """The node's blocks are not the ones we followed: nothing was written for them."""


@dataclass(frozen=True, slots=True)
class Rescanned:
    blocks: int
    found: Sequence[DepositId]
    """Deposits that were missing."""


class Rescan:
    def __init__(self, engine: AsyncEngine, reader: ChainReader) -> None:
        self._engine = engine
        self._reader = reader
        self._watchlist = Watchlist(reader)

    async def run(self, first: int, last: int, progress: Progress | None = None) -> Rescanned:
        """Scan heights `first` to `last`, both included. Raises RescanRefused."""
        refs = await self._proven(first, last)
        async with self._engine.connect() as connection:
            await self._watchlist.refresh(connection)
            await self._watchlist.add_house_wallets(connection)
            assets = await known_assets(connection, self._reader.chain)
        found: list[DepositId] = []
        for ref in refs:
            block = await self._reader.fetch(ref)
            findings = await self._reader.examine(block, self._watchlist.watched, assets)
            found += await self._keep(ref, findings)
            if progress is not None:
                progress(ref.height)
        return Rescanned(len(refs), found)

    async def _proven(self, first: int, last: int) -> list[BlockRef]:
        """The blocks of the range, each the parent of the next, the last one tied to our chain."""
        async with self._engine.connect() as connection:
            cursor = await blocks.cursor(connection, self._reader.chain)
            lowest = await blocks.lowest_height(connection, self._reader.chain)
        if cursor is None or lowest is None or not 0 <= first <= last <= cursor.height:
            raise RescanRefused(f"heights {first} to {last} are not below what was scanned")
        # Below our first block nothing is known: follow the parents up to it.
        refs: list[BlockRef] = []
        for height in range(first, max(last, lowest) + 1):
            ref = await self._reader.ref_at(height)
            if ref is None or (refs and not ref.follows(refs[-1])):
                raise RescanRefused(f"the node's blocks do not follow each other at {height}")
            refs.append(ref)
        async with self._engine.connect() as connection:
            ours = await blocks.hash_at(connection, self._reader.chain, refs[-1].height)
        if ours != refs[-1].hash:
            raise RescanRefused(f"at {refs[-1].height} the node has another block than we followed")
        return [ref for ref in refs if ref.height <= last]

    async def _keep(self, ref: BlockRef, findings: Findings) -> list[DepositId]:
        chain = self._reader.chain
        async with self._engine.begin() as connection:
            # The walk cannot go back meanwhile: it would have to move the cursor.
            await blocks.hold_cursor(connection, chain)
            ours = await blocks.hash_at(connection, chain, ref.height)
            if ours is None:
                await blocks.remember(connection, block_row(chain, ref))
            elif ours != ref.hash:
                raise RescanRefused(f"block {ref.hash} left the chain during the scan")
            seen = await customers_deposits(connection, chain, findings.arrivals, ref)
            new = await deposits.record_seen(connection, seen)
            await self._reader.keep_outputs(connection, findings, block_row(chain, ref))
            told = [
                to_body(events.seen(ChainEventKind.DEPOSIT_MINED, deposit))
                for deposit in seen
                if deposit.id in new
            ]
            await blocks.add_events(connection, chain, told)
        return new
