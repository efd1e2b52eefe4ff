"""Deposits before their first confirmation: customers see them coming, nothing is credited."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncEngine

from activities.listening import events
from activities.listening.bitcoin import BitcoinReader
from activities.listening.customers import customers_deposits
from activities.listening.ethereum import EthereumReader
from activities.listening.reader import Arrival, KnownAssets
from activities.listening.watchlist import Watchlist, known_assets
from chains.bitcoin.block import incoming_of, parse_transaction
from chains.bitcoin.node import BitcoinNode
from chains.block import Incoming
from chains.ethereum import scan
from chains.ethereum.node import EthereumNode
from chains.node import NodeRefusal
from domain.ids import TxId
from storage import blocks, deposits
from storage.engine import for_looking
from streams.chain_events import ChainEventKind, to_body

logger = logging.getLogger(__name__)

_TRANSACTIONS_A_LOOK = 2_000
"""The rest comes with the next look: the walk along the blocks must not wait for the mempool."""
FORGET_AFTER_SECONDS = 600.0
"""A node that was started anew may not have all back at once."""


class Mempool(Protocol):
    async def look(self) -> int:
        """Record deposits that are new in the node's mempool; returns how many."""


class BitcoinMempool:
    def __init__(
        self,
        engine: AsyncEngine,
        node: BitcoinNode,
        watchlist: Watchlist,
        forget_after_seconds: float = FORGET_AFTER_SECONDS,
    ) -> None:
        self._forget_after_seconds = forget_after_seconds
        self._engine = engine
        self._node = node
        self._reader = BitcoinReader(node)
        self._watchlist = watchlist
        self._looked_at: set[str] = set()

    async def look(self) -> int:
        waiting = set(await self._node.call("getrawmempool"))
        await _forget(
            self._engine, self._reader.chain, waiting, self._knows, self._forget_after_seconds
        )
        self._looked_at &= waiting
        fresh = sorted(waiting - self._looked_at)[:_TRANSACTIONS_A_LOOK]
        if not fresh:
            return 0
        found: list[Incoming] = []
        assets = await _refresh(self._engine, self._watchlist, self._reader.chain)
        for raw in await self._raw(fresh):
            transaction, _ = parse_transaction(raw)
            found += incoming_of(transaction, self._watchlist.watched)
        arrivals = self._reader.arrivals(found, assets)
        count = await _record(self._engine, self._reader.chain, arrivals)
        self._looked_at.update(fresh)
        return count

    async def _knows(self, txid: str) -> bool:
        return await self._node.raw_transaction(TxId(txid)) is not None

    async def _raw(self, txids: Sequence[str]) -> list[bytes]:
        """Bytes of those still in the mempool; one that left meanwhile was mined or replaced."""
        try:
            answers = await self._node.call_many("getrawtransaction", [[txid] for txid in txids])
        except NodeRefusal:
            return [raw for txid in txids if (raw := await self._raw_one(txid)) is not None]
        return [bytes.fromhex(answer) for answer in answers]

    async def _raw_one(self, txid: str) -> bytes | None:
        try:
            return bytes.fromhex(await self._node.call("getrawtransaction", txid))
        except NodeRefusal:
            return None


class EthereumMempool:
    """By the node's pending block. Ether that contracts will send shows only once it is mined."""

    def __init__(
        self,
        engine: AsyncEngine,
        node: EthereumNode,
        watchlist: Watchlist,
        forget_after_seconds: float = FORGET_AFTER_SECONDS,
    ) -> None:
        self._forget_after_seconds = forget_after_seconds
        self._engine = engine
        self._node = node
        self._reader = EthereumReader(node)
        self._watchlist = watchlist
        self._looked_at: set[str] = set()

    async def look(self) -> int:
        block = await self._node.call("eth_getBlockByNumber", "pending", True)
        pending: dict[str, Any] = {each["hash"]: each for each in (block or {})["transactions"]}
        await _forget(
            self._engine, self._reader.chain, set(pending), self._knows, self._forget_after_seconds
        )
        self._looked_at &= set(pending)
        fresh = [each for txid, each in pending.items() if txid not in self._looked_at]
        if not fresh:
            return 0
        assets = await _refresh(self._engine, self._watchlist, self._reader.chain)
        found: list[Incoming] = []
        for transaction in fresh:
            found += scan.announced(transaction, self._watchlist.watched)
        arrivals = [self._reader.arrival(each, assets) for each in found]
        count = await _record(self._engine, self._reader.chain, arrivals)
        self._looked_at.update(each["hash"] for each in fresh)
        return count

    async def _knows(self, txid: str) -> bool:
        return await self._node.transaction(TxId(txid)) is not None


Knows = Callable[[str], Awaitable[bool]]
"""Whether the node has the transaction, in its mempool or in a block."""


async def _forget(
    engine: AsyncEngine, chain: str, waiting: set[str], knows: Knows, after_seconds: float
) -> None:
    """Deposits whose transaction was replaced or dropped are not coming any more."""
    async with for_looking(engine).connect() as connection:
        gone = await deposits.unseen(connection, chain, waiting, older_than_seconds=after_seconds)
    for txid in gone:
        if await knows(txid):
            continue  # Mined: the walk will come to its block.
        async with engine.begin() as connection:
            ids = await deposits.drop_unmined(connection, chain, txid)
        logger.warning(
            "deposits left the mempool unmined",
            extra={"chain": chain, "txid": txid, "deposits": len(ids)},
        )


async def _refresh(engine: AsyncEngine, watchlist: Watchlist, chain: str) -> KnownAssets:
    async with engine.connect() as connection:
        await watchlist.refresh(connection)
        return await known_assets(connection, chain)


async def _record(engine: AsyncEngine, chain: str, arrivals: Sequence[Arrival]) -> int:
    if not arrivals:
        return 0
    async with engine.begin() as connection:
        seen = await customers_deposits(connection, chain, arrivals, None)
        new = set(await deposits.record_seen(connection, seen))
        told = [
            to_body(events.seen(ChainEventKind.DEPOSIT_SEEN, deposit))
            for deposit in seen
            if deposit.id in new
        ]
        await blocks.add_events(connection, chain, told)
    return len(new)
