"""The walk along a chain of blocks: one block at a time, each the child of the last.

A block is scanned once it is known to be the next one, and the cursor moves in the database
transaction that writes what it pays to us; so a crash anywhere repeats a block or nothing. Where
the node's chain no longer holds our last block, the walk goes back block by block until it does. It
stands still, and says why, when the node answers nonsense, lags behind us, or disagrees with a
second node.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from activities.listening import events
from activities.listening.customers import customers_deposits
from activities.listening.reader import ChainReader, Findings, block_row
from activities.listening.watchlist import Watchlist, known_assets
from chains.block import BlockRef, BrokenBlock
from storage import blocks, deposits
from storage.engine import for_looking
from streams.chain_events import ChainEventKind, to_body

logger = logging.getLogger(__name__)


_NEAR = 10
_FAR_BEHIND_EVERY = 200


class Step(StrEnum):
    SCANNED = "scanned"
    WENT_BACK = "went_back"
    WAITING = "waiting"
    """Nothing new on the node."""
    HALTED = "halted"
    """Something is wrong; the cursor's `halted_reason` says what."""


class SecondOpinion(Protocol):
    """Another node of the same chain."""

    async def ref_at(self, height: int) -> BlockRef | None: ...


@dataclass(frozen=True, slots=True)
class WalkPolicy:
    start_height: int | None = None
    """Where to begin on a chain never followed before; None: at its tip."""
    reorg_alarm_depth: int = 6
    """A reorg this deep stops withdrawals of the chain's assets until people look at it."""


class ChainWalk:
    """Follows one chain. One instance at a time moves a chain's cursor; a second one is refused."""

    def __init__(
        self,
        engine: AsyncEngine,
        reader: ChainReader,
        policy: WalkPolicy,
        second: SecondOpinion | None = None,
    ) -> None:
        self._engine = engine
        self._looking = for_looking(engine)
        self._reader = reader
        self._policy = policy
        self._second = second
        self.watchlist = Watchlist(reader)
        self.chain = reader.chain
        self.height = -1
        self.node_height = -1
        self._steps_back = 0

    @property
    def is_near_tip(self) -> bool:
        """Whether what the walk finds is news; far behind, it is passed on now and then."""
        return self.node_height - self.height < _NEAR or self.height % _FAR_BEHIND_EVERY == 0

    async def step(self) -> Step:
        """One block forward or back. Raises NodeFault when the node does not answer."""
        async with self._looking.connect() as connection:
            cursor = await blocks.cursor(connection, self.chain)
        if cursor is None:
            return await self._begin()
        self.height = cursor.height
        self.node_height, tip_hash = await self._reader.tip()
        if tip_hash == cursor.hash:
            return await self._wait(cursor)
        try:
            return await self._towards(cursor)
        except BrokenBlock as broken:
            return await self._halt(str(broken))

    async def _begin(self) -> Step:
        height = self._policy.start_height
        if height is None:
            height, _ = await self._reader.tip()
        ref = await self._reader.ref_at(height)
        if ref is None:
            return Step.WAITING
        async with self._engine.begin() as connection:
            await blocks.begin(connection, block_row(self.chain, ref))
        logger.info("following a chain", extra={"chain": self.chain, "height": ref.height})
        return Step.SCANNED

    async def _wait(self, cursor: blocks.Cursor) -> Step:
        if cursor.halted_reason is not None:
            await self._write_halt(None)
        self._steps_back = 0
        return Step.WAITING

    async def _towards(self, cursor: blocks.Cursor) -> Step:
        """The tip is another block than ours: before us, beside us, or behind us."""
        following = await self._reader.ref_at(cursor.height + 1)
        if following is not None and following.parent_hash == cursor.hash:
            return await self._scan(following, cursor)
        ours = min(cursor.height, self.node_height)
        on_node = await self._reader.ref_at(ours)
        async with self._engine.connect() as connection:
            known = await blocks.hash_at(connection, self.chain, ours)
        if on_node is not None and on_node.hash == known:
            if ours == cursor.height:
                return Step.WAITING  # The tip moved between two questions.
            # A node that lost its newest blocks gets them back: no credit is undone for that.
            return await self._halt(f"the node is at {ours}, behind us at {cursor.height}")
        if on_node is None:
            return Step.WAITING
        return await self._go_back(cursor)

    async def _scan(self, ref: BlockRef, cursor: blocks.Cursor) -> Step:
        if (doubt := await self._doubt(ref)) is not None:
            return await self._halt(doubt)
        block = await self._reader.fetch(ref)
        async with self._engine.connect() as connection:
            await self.watchlist.refresh(connection)
            await self.watchlist.add_house_wallets(connection)
            assets = await known_assets(connection, self.chain)
        findings = await self._reader.examine(block, self.watchlist.watched, assets)
        async with self._engine.begin() as connection:
            await blocks.advance(
                connection,
                block_row(self.chain, ref),
                cursor.hash,
                node_height=self.node_height,
            )
            await self._keep(connection, ref, findings)
        self.height = ref.height
        self._steps_back = 0
        return Step.SCANNED

    async def _doubt(self, ref: BlockRef) -> str | None:
        """What a second node has against the block; None when it agrees, or there is none."""
        if self._second is None:
            return None
        other = await self._second.ref_at(ref.height)
        if other is None:
            return f"the second node does not have height {ref.height} yet"
        if other.hash != ref.hash:
            return f"two nodes disagree at {ref.height}: {ref.hash} and {other.hash}"
        return None

    async def _keep(self, connection: AsyncConnection, ref: BlockRef, findings: Findings) -> None:
        seen = await customers_deposits(connection, self.chain, findings.arrivals, ref)
        await deposits.record_seen(connection, seen)
        await self._reader.keep_outputs(connection, findings, block_row(self.chain, ref))
        told = [events.seen(ChainEventKind.DEPOSIT_MINED, deposit) for deposit in seen]
        told += [events.refused(self.chain, ref, *each) for each in findings.refused]
        told.append(events.block(self.chain, ref))
        await blocks.add_events(connection, self.chain, [to_body(event) for event in told])
        for arrival, reason in findings.refused:
            logger.error(
                "token deposit refused",
                extra={"txid": arrival.incoming.txid, "asset": arrival.asset, "reason": reason},
            )

    async def _go_back(self, cursor: blocks.Cursor) -> Step:
        """Take our top block back, with what it paid; the next step looks one block lower."""
        self._steps_back += 1
        async with self._engine.begin() as connection:
            parent = await blocks.step_back(connection, self.chain, cursor)
            orphaned = await deposits.orphan_block(connection, self.chain, cursor.hash)
            await self._reader.orphan_outputs(connection, cursor.hash)
            told = events.orphaned(self.chain, cursor, orphaned)
            await blocks.add_events(connection, self.chain, [to_body(event) for event in told])
            if self._steps_back == self._policy.reorg_alarm_depth:
                reason = f"reorg of {self._steps_back} blocks on {self.chain}"
                await blocks.stop_withdrawals(connection, self.chain, reason)
        logger.warning(
            "block orphaned",
            extra={
                "chain": self.chain,
                "height": cursor.height,
                "hash": cursor.hash,
                "depth": self._steps_back,
                "deposits": len(orphaned),
            },
        )
        self.height = parent.height
        return Step.WENT_BACK

    async def _halt(self, reason: str) -> Step:
        await self._write_halt(reason)
        return Step.HALTED

    async def _write_halt(self, reason: str | None) -> None:
        async with self._engine.begin() as connection:
            await blocks.note_node_height(connection, self.chain, self.node_height)
            changed = await blocks.halt(connection, self.chain, reason)
        if changed:
            logger.error("walk halted", extra={"chain": self.chain, "reason": reason})
