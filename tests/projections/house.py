"""A ledger that settles what it is told, and projections that are told the same."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass

from sqlalchemy import text

from activities.projecting.audit import run as audit
from activities.projecting.audit.check import Check
from activities.projecting.audit.run import Outcome
from activities.projecting.fills_relay import FillsRelay
from activities.projecting.reading import StreamRecord
from activities.projecting.store import Store
from domain.market import Side
from engine import events as e
from storage.custody_outbox import changes_after
from streams import chain_events, custody_events
from streams.chain_events import ChainEvent, ChainEventKind
from streams.kinesis import CHAIN_EVENTS
from tests.projections.histories import LISTINGS, market_record, record
from tests.storage.world import BTC_USDT, World
from workers.projection_parts import Parts

TXID = "cd" * 32
DEPOSIT = f"bitcoin:{TXID}:0"


@dataclass
class House:
    world: World
    parts: Parts

    @property
    def store(self) -> Store:
        return self.parts.stores()[0]

    async def trades(self, count: int) -> None:
        """So many trades, settled and told; each leaves its maker with a lot open."""
        for _ in range(count):
            await self.tell(*await self.trade())

    async def trade(self) -> tuple[tuple[int, ...], ...]:
        """One trade, settled; returns its numbered events."""
        world = self.world
        seller, buyer = await world.customer(BTC=10**9), await world.customer(USDT=10**12)
        maker = await world.resting(seller, Side.SELL, 500, 3)
        taker = await world.resting(buyer, Side.BUY, 500, 2)
        batch = await world.batch(
            (e.RESTED, maker, seller, 0, 500, 3),
            (e.ACCEPTED, taker, buyer, 1, 500, 2),
            await world.filled(maker, taker, 500, 2),
        )
        await world.settlements.settle(batch)
        return tuple(tuple(event) for event in json.loads(batch.events))

    async def tell(self, *events: tuple[int, ...]) -> None:
        """Have the projections take the events, and what is settled."""
        if events:
            record = market_record(0, list(events))
            await asyncio.to_thread(self.parts.projector().apply, [record])
        relay = FillsRelay(self.world.engine, self.parts.stores, [BTC_USDT.id])
        await relay.relay()

    async def deposit(self, *, is_seen: bool = True) -> None:
        """A deposit's row; `is_seen` also tells what a listener would, past its outbox."""
        async with self.world.engine.begin() as connection:
            await connection.execute(text(_DEPOSIT), {"txid": TXID, "id": DEPOSIT})
        await self.tell_custody(is_seen=is_seen)

    async def tell_custody(self, *, is_seen: bool) -> None:
        async with self.world.engine.connect() as connection:
            rows = await changes_after(connection, 0)
        mined = ChainEvent(
            kind=ChainEventKind.DEPOSIT_MINED, chain="bitcoin", sequence=1, at_ms=1, height=5,
            block_hash="bb", txid=TXID, index=0, asset="BTC", units="150000",
            address="bcrt1qexample",
        )  # fmt: skip
        block = ChainEvent(
            kind=ChainEventKind.BLOCK, chain="bitcoin", sequence=2, at_ms=1, height=5,
            block_hash="bb", parent_hash="aa",
        )  # fmt: skip
        told = [custody_events.to_record(custody_events.from_row(*row)) for row in rows]
        if is_seen:
            told += [chain_events.to_record(mined), chain_events.to_record(block)]
        records: list[StreamRecord] = [
            record(CHAIN_EVENTS, at, each.key, each.data) for at, each in enumerate(told)
        ]
        await asyncio.to_thread(self.parts.projector().apply, records)

    def checks(self) -> list[Check]:
        return audit.checks(self.world.engine, self.store, LISTINGS, search_trade_months=12)

    async def audit(self, *, wait_seconds: float = 0.0) -> Outcome:
        return await audit.run(self.checks, wait_seconds=wait_seconds)


_DEPOSIT = """
    INSERT INTO deposits (id, chain, txid, index, asset, units, address, customer_id, height,
        block_hash, status, credit_confirmations, withdrawable_confirmations)
    VALUES (:id, 'bitcoin', :txid, 0, 'BTC', 150000, 'bcrt1qexample', 7, 5, 'bb', 'confirming',
        1, 3)
"""
