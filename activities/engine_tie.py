"""Ties the matching engine to the ledger: the same open orders, with the same open sizes.

Replaying a journal takes a while and a core: a process that has other work starts one of its own
for it (workers/engine_tie.py), and the activity only waits for what that finds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import activity

from engine.census import OpenOrder, open_orders
from engine.exchange import Exchange
from storage.audit import Finding, snapshot
from streams.journal import acknowledged
from streams.replica import restore

CHECK = "engine = ledger"

_CURSORS = text("SELECT market, next_sequence FROM settlement_cursors")
_OPEN = text("""
    SELECT id, customer_id, lots - filled_lots AS open_lots, status
    FROM orders WHERE closed_at IS NULL
""")

_HELD_ASSETS = text("""
    SELECT o.id, a.code AS asset, a.chain
    FROM orders o JOIN markets m ON m.id = o.market
    JOIN assets a ON a.code = CASE o.side WHEN 'buy' THEN m.quote ELSE m.base END
    WHERE o.id = ANY(:ids)
""")
_CHAINS = text("SELECT DISTINCT chain FROM assets")


class _Books(NamedTuple):
    """The ledger's side at one moment."""

    settled: dict[str, int]
    """Last settled sequence of each market."""
    orders: dict[int, OpenOrder]
    unseen: set[int]
    """Placed, and not yet answered by the engine: it may or may not have them."""


class EngineDifference(BaseModel):
    """An order that engine and ledger do not agree on, and the asset that it holds."""

    asset: str
    """`*` for an order that the ledger does not know at all."""
    chain: str
    what: str


Compare = Callable[[], Awaitable[list[EngineDifference]]]


class EngineTieActivities:
    """On queue `engine`, served beside the engine's journal."""

    def __init__(self, compare: Compare) -> None:
        self._compare = compare

    def all(self) -> Sequence[Callable[..., Any]]:
        return [self.tie_engine]

    @activity.defn
    async def tie_engine(self) -> list[EngineDifference]:
        """Reads only."""
        return await self._compare()


async def engine_differences(engine: AsyncEngine, journal: Path) -> list[EngineDifference]:
    """What `tie_engine` finds, with the asset whose withdrawals must stop for it."""
    findings = await tie_engine(engine, journal)
    ids = [int(each.subject.removeprefix("order ")) for each in findings if _is_order(each)]
    async with engine.connect() as connection:
        rows = (await connection.execute(_HELD_ASSETS, {"ids": ids})).all()
        chains = (await connection.execute(_CHAINS)).scalars().all()
    held = {f"order {row.id}": (row.asset, row.chain) for row in rows}
    nowhere = ("*", min(chains))
    return [
        EngineDifference(asset=asset, chain=chain, what=str(each))
        for each in findings
        for asset, chain in [held.get(each.subject, nowhere)]
    ]


def _is_order(finding: Finding) -> bool:
    return finding.subject.startswith("order ")


async def tie_engine(engine: AsyncEngine, journal: Path) -> list[Finding]:
    """What differs, at the point of its events up to which each market is settled.

    The journal is replayed to just there, so that trading may go on meanwhile.
    """
    books = await _read(engine)
    resting = await asyncio.to_thread(_resting, journal, books.settled)
    missing = sorted(market for market in books.settled if market not in resting)
    found = [Finding(CHECK, market, "the journal has no such moment") for market in missing]
    return found + _compare(resting, books)


def _resting(journal: Path, settled: Mapping[str, int]) -> dict[str, list[OpenOrder]]:
    """Each market's open orders right after the last event that is settled."""
    resting: dict[str, list[OpenOrder]] = {}

    def is_early_enough(exchange: Exchange) -> bool:
        books = exchange.books.items()
        return all(book.sequence <= settled.get(market, 0) for market, book in books)

    def look() -> None:
        for market, book in replica.exchange.books.items():
            if book.sequence == settled.get(market, 0):
                resting[market] = list(open_orders(book))

    replica = restore(journal, is_early_enough=is_early_enough)
    look()
    for found in acknowledged(journal, replica.exchange.number):
        if _is_past(replica.exchange, settled):
            break
        replica.apply(found)
        look()
    return resting


def _is_past(exchange: Exchange, settled: Mapping[str, int]) -> bool:
    books = exchange.books.items()
    return bool(books) and all(book.sequence > settled.get(market, 0) for market, book in books)


async def _read(engine: AsyncEngine) -> _Books:
    async with snapshot(engine) as connection:
        cursors = (await connection.execute(_CURSORS)).all()
        rows = (await connection.execute(_OPEN)).all()
    return _Books(
        settled={row.market: row.next_sequence - 1 for row in cursors},
        orders={row.id: OpenOrder(row.id, row.customer_id, row.open_lots) for row in rows},
        unseen={row.id for row in rows if row.status == "placed"},
    )


def _compare(resting: Mapping[str, list[OpenOrder]], books: _Books) -> list[Finding]:
    found = []
    engine = {order.order_id: order for orders in resting.values() for order in orders}
    for order_id in engine.keys() | books.orders.keys():
        ours, theirs = books.orders.get(order_id), engine.get(order_id)
        if ours == theirs or (theirs is None and order_id in books.unseen):
            continue
        detail = f"ledger says {_words(ours)}, engine says {_words(theirs)}"
        found.append(Finding(CHECK, f"order {order_id}", detail))
    return found


def _words(order: OpenOrder | None) -> str:
    return "closed" if order is None else f"{order.open_lots} lots of customer {order.owner}"
