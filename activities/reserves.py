"""Proof of reserves: counts our coins, takes what customers are owed, and publishes both together.

Each step may run twice: a bundle's tree is written once, counting again replaces the count.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import activity

from activities.chain_tie import ChainTie
from activities.refusals import refusals_end_it
from ledger.reserves import Leaf, build
from storage import reserves
from storage.audit import snapshot
from storage.reserves import Block, Holding, Published

_NONCE_BYTES = 32


class CountedBlock(BaseModel):
    chain: str
    height: int
    hash: str


class CountReserves(BaseModel):
    bundle: str
    chain: str
    at: CountedBlock | None = None
    """None: where node and listener agree now."""


class TakeLiabilities(BaseModel):
    bundle: str
    counted: list[CountedBlock]
    """The ledger must have taken in exactly these blocks."""


class Taken(BaseModel):
    has_moved: bool
    """A block came in between: nothing was written, count again."""
    blocks: list[CountedBlock]


class Coverage(BaseModel):
    """One asset of a bundle, in units as decimal text."""

    asset: str
    owed: str
    held: str
    unsigned: str
    """Held by keys that are offline and did not sign (yet): counts for nothing."""

    @property
    def is_covered(self) -> bool:
        return int(self.held) >= int(self.owed)


class PublishedReserves(BaseModel):
    is_published: bool
    """False: what is signed for does not cover what is owed."""
    coverage: list[Coverage]


class ReserveCounting:
    """On each chain's own queue, as only its worker talks to that chain's node."""

    def __init__(self, engine: AsyncEngine, tie: ChainTie) -> None:
        self._engine = engine
        self._tie = tie

    def all(self) -> Sequence[Callable[..., Any]]:
        return [self.count_reserves]

    @activity.defn
    async def count_reserves(self, asked: CountReserves) -> CountedBlock:
        """Write down what each address of ours holds. Raises MovedOn, TipKeepsMoving, NodeFault."""
        at = None if asked.at is None else Block(asked.at.height, asked.at.hash)
        found = await self._tie.by_address(asked.chain, at)
        counted = [
            Holding(asked.chain, address, asset, units)
            for (address, asset), units in found.units.items()
        ]
        async with self._engine.begin() as connection:
            await reserves.open_bundle(connection, asked.bundle)
            await reserves.write_holdings(connection, asked.bundle, asked.chain, counted)
        return CountedBlock(chain=asked.chain, height=found.height, hash=found.block_hash)


class ReserveActivities:
    """On task queue `ledger`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    def all(self) -> Sequence[Callable[..., Any]]:
        return [self.take_liabilities, self.publish_reserves]

    @activity.defn
    async def take_liabilities(self, asked: TakeLiabilities) -> Taken:
        """One snapshot of the ledger becomes the bundle's tree, if it knows the counted blocks."""
        async with self._engine.connect() as connection:
            if await reserves.is_taken(connection, asked.bundle):
                return _taken(await reserves.blocks_of(connection, asked.bundle))
        async with snapshot(self._engine) as connection:
            found = await reserves.read_liabilities(connection)
        if any(found.blocks.get(e.chain) != Block(e.height, e.hash) for e in asked.counted):
            return Taken(has_moved=True, blocks=[])
        leaves = [
            Leaf(customer_id, secrets.token_hex(_NONCE_BYTES), sums)
            for customer_id, sums in found.owed.items()
        ]
        tree = build(asked.bundle, leaves)
        async with self._engine.begin() as connection:
            await reserves.open_bundle(connection, asked.bundle)
            await reserves.write_tree(connection, asked.bundle, tree, found)
        return _taken(found.blocks)

    @activity.defn
    @refusals_end_it
    async def publish_reserves(self, bundle: str) -> PublishedReserves:
        """Let everybody read it, if what keys of ours signed for covers what is owed."""
        async with self._engine.begin() as connection:
            found = await reserves.read_bundle(connection, bundle, published_only=False)
            covered = coverage(found)
            is_published = all(each.is_covered for each in covered)
            if is_published:
                await reserves.publish(connection, bundle)
        return PublishedReserves(is_published=is_published, coverage=covered)


def coverage(bundle: Published) -> list[Coverage]:
    signed = {(each.chain, each.address) for each in bundle.signatures}
    held = dict.fromkeys(bundle.root.sums, 0)
    unsigned = dict.fromkeys(bundle.root.sums, 0)
    for each in bundle.holdings:
        sums = held if (each.chain, each.address) in signed else unsigned
        sums[each.asset] += each.units
    return [
        Coverage(asset=asset, owed=str(owed), held=str(held[asset]), unsigned=str(unsigned[asset]))
        for asset, owed in sorted(bundle.root.sums.items())
    ]


def _taken(blocks: Mapping[str, Block]) -> Taken:
    counted = [
        CountedBlock(chain=chain, height=block.height, hash=block.hash)
        for chain, block in sorted(blocks.items())
    ]
    return Taken(has_moved=False, blocks=counted)
